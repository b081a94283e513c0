#include "qsim/emu/mul.hpp"

#include <gtest/gtest.h>

#include "num/host.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::emu {
namespace {

F32 f32(float x) { return test::as_f32(x); }

const Profile x86 = find_profile("ort-1.30.x64.avx2");
const Profile arm = find_profile("ort-1.30.arm64.neon");
const Profile wasm = find_profile("ort-1.30.wasm.simd");
const Profile tflite = find_profile("tflite.ref.x64");
constexpr CodeRange words{-32768, 32767, false, -32768, 32767};

struct Product {
  float a = 1, b = 1, out = 1;
  int za = 0, zb = 0, zo = 0;
};
PreparedMul prepared(const Profile& row, const Product& s, const CodeRange& range = {}) {
  return prepare_mul(row, {f32(s.a), s.za}, {f32(s.b), s.zb}, {f32(s.out), s.zo}, range);
}
int code(const Profile& row, const Product& s, int a, int b, const CodeRange& range = {}) {
  return code_of(prepared(row, s, range), a, b);
}
int differences(const PreparedMul& p, const PreparedMul& q) {
  int n = 0;
  for (int a = -128; a < 128; ++a)
    for (int b = -128; b < 128; ++b) n += code_of(p, a, b) != code_of(q, a, b);
  return n;
}

// (3 - 1)*0.5 * (5 + 4)*0.25 = 2.25 = 9 quarters, + 2.
TEST(EmuMul, FourNumbersByHand) {
  for (const Profile& row : catalogue()) {
    if (row.mul.scheme == MulScheme::none) continue;
    EXPECT_EQ(code(row, {0.5f, 0.25f, 0.25f, 1, -4, 2}, 3, 5), 11) << row.name.view();
  }
}

TEST(EmuMul, TiesFollowTheRow) {
  for (const int a : {1, 3, 5, -1, -3}) {
    const int even = a == 1 || a == -1 ? 0 : a > 0 ? 2 : -2;
    for (const Profile& row : {x86, arm, wasm}) EXPECT_EQ(code(row, {0.5f}, a, 1), even) << a;
    // One factor of exactly 1/2 has no right shift: its one rounding goes up.
    EXPECT_EQ(code(tflite, {0.5f}, a, 1), a > 0 ? (a + 1) / 2 : a / 2) << a;
    EXPECT_EQ(code(tflite, {0.25f}, 2 * a, 1), a > 0 ? (a + 1) / 2 : (a - 1) / 2) << a;
  }
}

// fl(10379 * 0.009779362) is 101.5, a little more than the product: - 74 it ties to 28, fused it is
// below 27.5.
TEST(EmuMul, FusingTheZeroPointMovesTies) {
  const Product s{test::as_float(F32{0x3c20399eu}), 1, 1, 0, 0, -74};
  EXPECT_EQ(code(x86, s, -107, -97), 28);
  EXPECT_EQ(code(arm, s, -107, -97), 27);
  EXPECT_EQ(code(x86, s, 107, 97), 28);
}

TEST(EmuMul, ScalesFirstIsNotProductFirst) {
  int n = 0;
  for (const float out : {0.011f, 0.02f, 0.03f, 0.05f})
    n += differences(prepared(x86, {0.1f, 0.037f, out}), prepared(wasm, {0.1f, 0.037f, out}));
  EXPECT_GT(n, 0);
}

TEST(EmuMul, TheFactorsTypeDecidesItsLastBits) {
  Profile narrow = tflite, wide = tflite;
  narrow.mul.factor = Factor::f32;
  wide.mul.factor = Factor::f64;
  const Product s{0.1f, 0.037f, 0.011f};
  EXPECT_NE(prepared(narrow, s).factor.multiple, prepared(wide, s).factor.multiple);
}

TEST(EmuMul, NaNScalesAnswerByTheRow) {
  const float nan = test::as_float(num::f32_nan);
  EXPECT_EQ(code(x86, {nan, 1, 1, 0, 0, 5}, 1, 1), -128);
  EXPECT_EQ(code(arm, {nan, 1, 1, 0, 0, 5}, 1, 1), 0);
  EXPECT_EQ(code(wasm, {nan, 1, 1, 0, 0, 5}, 1, 1), 0);
  EXPECT_THROW(code(tflite, {nan}, 1, 1), BadArgument);
}

TEST(EmuMul, LimitsAndWideCodes) {
  for (const Profile& row : {x86, arm, wasm, tflite}) {
    EXPECT_EQ(code(row, {}, 100, 100), 127) << row.name.view();
    EXPECT_EQ(code(row, {}, 100, -100), -128) << row.name.view();
  }
  EXPECT_EQ(code(tflite, {}, 5, 5, {-3, 20}), 20);
  EXPECT_EQ(code(tflite, {1, 1, 1000}, 20000, -300, words), -6000);
  EXPECT_THROW(code(tflite, {1, 1, 1, 32767, -32768}, 0, 0, words), BadArgument);
  EXPECT_THROW(code(x86, {}, 1, 1, words), NotSupported);
}

TEST(EmuMul, AnIntegerProductHasNoRealZeroPoint) {
  Profile row = tflite;
  row.mul.narrow.zero = ZeroStage::real;
  EXPECT_THROW(code(row, {}, 1, 1), BadArgument);
}

TEST(EmuMul, RowsWithoutARuleRefuse) {
  const Profile none{.name = {"nobody"}};
  EXPECT_THROW(code(none, {}, 1, 1), NotSupported);
}

}  // namespace
}  // namespace qsim::emu
