#include "qsim/emu/add.hpp"

#include <gtest/gtest.h>

#include "num/host.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::emu {
namespace {

F32 f32(float x) { return test::as_f32(x); }

const Profile avx2 = find_profile("ort-1.30.x64.avx2");
const Profile sse = find_profile("ort-1.30.x64.sse");
const Profile arm = find_profile("ort-1.30.arm64.neon");
const Profile wasm = find_profile("ort-1.30.wasm.simd");
const Profile tflite = find_profile("tflite.ref.x64");
constexpr CodeRange bytes{0, 255, false, 0, 255};
constexpr CodeRange words{-32768, 32767, false, -32768, 32767};

struct Sum {
  float a = 1, b = 1, out = 1;
  int za = 0, zb = 0, zo = 0;
  bool subtracts = false;
  Lone lone = Lone::neither;
};
PreparedAdd prepared(const Profile& row, const Sum& s, const CodeRange& range = {}) {
  return prepare_add(row, {f32(s.a), s.za}, {f32(s.b), s.zb}, {f32(s.out), s.zo}, range,
                     s.subtracts, s.lone);
}
int code(const Profile& row, const Sum& s, int a, int b, const CodeRange& range = {}) {
  return code_of(prepared(row, s, range), a, b);
}

// (3 - 1)*0.5 + (5 + 4)*0.25 = 3.25 = 13 quarters, + 2.
TEST(EmuAdd, FourNumbersByHand) {
  const Sum s{.a = 0.5f, .b = 0.25f, .out = 0.25f, .za = 1, .zb = -4, .zo = 2};
  for (const Profile& row : catalogue()) {
    if (row.add.scheme == AddScheme::none) continue;
    EXPECT_EQ(code(row, s, 3, 5), 15) << row.name.view();
  }
}

TEST(EmuAdd, TiesGoToEvenOnX86AndAwayFromZeroOnArm) {
  const Sum s{.a = 0.5f, .b = 0.5f};
  for (const int a : {1, 5, -1, -3}) {
    const int away = a > 0 ? (a + 1) / 2 : (a - 1) / 2;
    const int even = a == 1 || a == -1 ? 0 : a == 5 ? 2 : -2;
    EXPECT_EQ(code(avx2, s, a, 0), even) << a;
    EXPECT_EQ(code(sse, s, a, 0), even) << a;
    EXPECT_EQ(code(wasm, s, a, 0), even) << a;
    EXPECT_EQ(code(arm, s, a, 0), away) << a;
    EXPECT_EQ(code(tflite, s, a, 0), away) << a;
  }
}

// The zero point joins before rounding: 1/2 + 1 goes to 2 as 3/2 does, not to 0 + 1.
TEST(EmuAdd, PlainSumsRoundWithTheZeroPoint) {
  EXPECT_EQ(code(wasm, {.a = 0.5f, .b = 0.5f, .zo = 1}, 1, 0), 2);
}

TEST(EmuAdd, ResultsSaturateAndObeyLimits) {
  for (const Profile& row : {avx2, arm, wasm, tflite}) {
    EXPECT_EQ(code(row, {}, 127, 127), 127) << row.name.view();
    EXPECT_EQ(code(row, {}, -128, -128), -128) << row.name.view();
    EXPECT_EQ(code(row, {}, 200, 200, bytes), 255) << row.name.view();
  }
  EXPECT_EQ(code(tflite, {}, 100, 20, {-10, 50}), 50);
  EXPECT_EQ(code(wasm, {}, -100, 20, {-10, 50}), -10);
}

/// Codes of all pairs of bytes that differ.
template <class F, class G>
int differences(F f, G g) {
  int n = 0;
  for (int a = -128; a < 128; ++a)
    for (int b = -128; b < 128; ++b) n += f(a, b) != g(a, b);
  return n;
}

TEST(EmuAdd, FusingAndTheOrderOfOperandsMoveTies) {
  const Sum s{.a = 0.1f, .b = 0.037f, .out = 0.11f, .za = 3, .zb = -7, .zo = 1};
  const auto all = [](const PreparedAdd& p) {
    return [p](int a, int b) { return code_of(p, a, b); };
  };
  EXPECT_GT(differences(all(prepared(avx2, s)), all(prepared(sse, s))), 0);
  Sum swapped = s;
  swapped.lone = Lone::a;
  int moved = 0;
  for (const float out : {0.11f, 0.12f, 0.13f, 0.27f, 0.5f}) {
    Sum x = s, y = swapped;
    x.out = y.out = out;
    moved += differences(all(prepared(avx2, x)), all(prepared(avx2, y)));
  }
  EXPECT_GT(moved, 0);
}

TEST(EmuAdd, ALoneOperandJoinsTheConstantFirst) {
  int moved = 0;
  for (const float out : {0.11f, 0.12f, 0.13f, 0.27f, 0.5f}) {
    Sum neither{.a = 0.1f, .b = 0.037f, .out = out, .za = 3, .zb = -7, .zo = 1};
    Sum lone = neither;
    lone.lone = Lone::b;
    const PreparedAdd p = prepared(sse, neither), q = prepared(sse, lone);
    moved += differences([&](int a, int b) { return code_of(p, a, b); },
                         [&](int a, int b) { return code_of(q, a, b); });
  }
  EXPECT_GT(moved, 0);
}

TEST(EmuAdd, ALoneFirstOperandExchangesTheRoles) {
  const Sum s{.a = 0.1f, .b = 0.037f, .out = 0.13f, .za = 3, .zb = -7, .zo = 1,
              .lone = Lone::a};
  const Sum exchanged{.a = 0.037f, .b = 0.1f, .out = 0.13f, .za = -7, .zb = 3, .zo = 1,
                      .lone = Lone::b};
  for (const Profile& row : {avx2, sse, arm, wasm, tflite}) {
    const PreparedAdd p = prepared(row, s), q = prepared(row, exchanged);
    EXPECT_EQ(differences([&](int a, int b) { return code_of(p, a, b); },
                          [&](int a, int b) { return code_of(q, b, a); }), 0)
        << row.name.view();
  }
}

TEST(EmuAdd, IntegerRatiosGiveUpOutsideTheirRange) {
  EXPECT_EQ(prepared(arm, {}).scheme, AddScheme::shifted);
  EXPECT_EQ(prepared(arm, {.a = 0x1p-14f}).scheme, AddScheme::shifted);
  for (const Sum& s : {Sum{.a = 0x1.fffffep-15f}, Sum{.a = 256.0f}, Sum{.b = -1.0f},
                       Sum{.a = 0x1p-11f, .b = 0x1p-12f},        // a shift of 32
                       Sum{.a = 0x1.fffffep0f, .b = 0.5f}})      // rounds up to 2^22
    EXPECT_EQ(prepared(arm, s).scheme, AddScheme::plain_f32) << s.a << " " << s.b;
  Profile stubborn = arm;
  stubborn.add.gives_up = false;
  EXPECT_THROW(prepared(stubborn, {.a = 256.0f}), BadArgument);
  EXPECT_EQ(prepared(stubborn, {.a = 0x1.fffffep0f, .b = 0.5f}).scheme, AddScheme::shifted);
}

TEST(EmuAdd, NaNScalesAnswerByTheRow) {
  const float nan = test::as_float(num::f32_nan);
  EXPECT_EQ(code(avx2, {.a = nan, .zo = 5}, 1, 1), -128);
  EXPECT_EQ(code(wasm, {.a = nan, .zo = 5}, 1, 1), 0);
  EXPECT_EQ(code(arm, {.a = nan, .zo = 5}, 1, 1), 0);    // gives up: plain, cast of NaN
  EXPECT_EQ(code(arm, {.b = nan, .zo = 5}, 1, 1), 6);    // does not: b counts 0 times
  EXPECT_THROW(code(tflite, {.a = nan}, 1, 1), BadArgument);
}

TEST(EmuAdd, DifferencesSubtractTheSecondOperand) {
  Sum s{.a = 0.5f, .b = 0.25f, .out = 0.25f, .subtracts = true};  // 6*0.5 - 5*0.25 = 7/4
  for (const Profile& row : catalogue()) {
    if (row.add.scheme == AddScheme::none) continue;
    for (const Lone lone : {Lone::neither, Lone::a, Lone::b}) {
      s.lone = lone;
      if (row.add.scheme == AddScheme::folded_f32)
        EXPECT_THROW(code(row, s, 6, 5), NotSupported);
      else
        EXPECT_EQ(code(row, s, 6, 5), 7) << row.name.view();
    }
  }
  s.a = 0x1p-15f;  // a ratio that gives up
  EXPECT_EQ(code(arm, s, 0, 5), -5);
}

TEST(EmuAdd, FixedFactorsNeedRoomAboveTheInputs) {
  EXPECT_THROW(code(tflite, {.out = 0x1p-19f}, 1, 1), BadArgument);
  EXPECT_EQ(code(tflite, {.out = 0x1p-18f}, 0, 0), 0);
  EXPECT_EQ(code(tflite, {.out = 0x1p-19f, .subtracts = true}, 1, 1), 0);
  for (const float bad : {0.0f, -1.0f, HUGE_VALF})
    EXPECT_THROW(code(tflite, {.b = bad}, 1, 1), BadArgument) << bad;
}

TEST(EmuAdd, SixteenBitCodesWhereTheRowHasThem) {
  EXPECT_EQ(code(tflite, {}, 30000, 2000, words), 32000);
  EXPECT_EQ(code(wasm, {}, 30000, 20000, words), 32767);
  for (const Profile& row : {avx2, arm, find_profile("mnn-2.9.0.arm64.neon")})
    EXPECT_THROW(code(row, {}, 1, 1, words), NotSupported) << row.name.view();
}

TEST(EmuAdd, FoldingTheExponentSkipsOneRounding) {
  const auto all = [](const PreparedAdd& p) {
    return [p](int a, int b) { return code_of(p, a, b); };
  };
  Profile folding = tflite, shallow = tflite, shallow_folding = tflite;
  folding.add.folds_exponent = shallow_folding.add.folds_exponent = true;
  shallow.add.left = shallow_folding.add.left = 4;  // few spare bits, so that it shows
  const Sum s{.a = 0.05f, .b = 1.0f, .out = 1.5f};
  EXPECT_GT(differences(all(prepared(shallow, s)), all(prepared(shallow_folding, s))), 0);
  EXPECT_EQ(differences(all(prepared(tflite, s)), all(prepared(folding, s))), 0);
}

TEST(EmuAdd, IntegerSumsHaveNoRealZeroPoint) {
  for (Profile row : {arm, tflite}) {
    row.add.narrow.zero = ZeroStage::real_integral;
    EXPECT_THROW(code(row, {}, 1, 1), BadArgument);
  }
}

TEST(EmuAdd, RowsWithoutARuleRefuse) {
  const Profile none{.name = {"nobody"}};
  EXPECT_THROW(code(none, {}, 1, 1), NotSupported);
}

}  // namespace
}  // namespace qsim::emu
