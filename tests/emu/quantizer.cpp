#include "qsim/emu/quantizer.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "num/host.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::emu {
namespace {

F32 f32(float x) { return test::as_f32(x); }

const Profile x86 = find_profile("ort-1.30.x64.avx2");
const Profile arm = find_profile("ort-1.30.arm64.neon");
const Profile wasm = find_profile("ort-1.30.wasm.simd");
const Profile tflite = find_profile("tflite.ref.x64");
const Profile ruy = find_profile("tflite.ruy.arm64");
constexpr CodeRange bytes{0, 255, false, 0, 255};

int code(const Profile& row, const Quantizer& rule, F32 x, float scale, int zero,
         const CodeRange& range = {}) {
  return quantize_value(row, rule, x, f32(scale), zero, range);
}
int code(const Profile& row, float x, float scale = 1.0f, int zero = 0) {
  return code(row, row.quantize.vector, f32(x), scale, zero);
}

TEST(EmuDivisor, EqualsDivisionOnEveryKindOfOperand) {
  test::Random random(1);
  for (int i = 0; i < 400000; ++i) {
    F32 d = random.pattern(), x = random.pattern();
    if (i % 2 == 0) {  // near 1, often with few bits: quotients that tie
      d.bits = (d.bits & 0x807fffffu) | (120 + random.below(16)) << 23;
      x.bits = (x.bits & 0x807fffffu) | (110 + random.below(30)) << 23;
      d.bits &= ~0u << random.below(24);
      x.bits &= ~0u << random.below(24);
    }
    const detail::Divisor divisor(d);
    for (const FloatMode& mode :
         {FloatMode{}, FloatMode{true, Flush::after_rounding, true},
          FloatMode{true, Flush::before_rounding, false}})
      EXPECT_EQ(divisor.quotient(x, mode), num::div(x, d, mode)) << x.bits << " / " << d.bits;
  }
}

/// Every distinct quantizer of the catalogue.
std::vector<std::pair<const Profile*, Quantizer>> all_quantizers(const std::vector<Profile>& rows) {
  std::vector<std::pair<const Profile*, Quantizer>> out;
  for (const Profile& p : rows)
    for (const Quantizer& q :
         {p.quantize.vector, p.quantize.rest, p.quantize.single, p.quantize.half}) {
      if (q.scaling != Scaling::divide && q.scaling != Scaling::reciprocal) continue;
      bool known = false;
      for (const auto& [row, seen] : out)
        known = known || (seen == q && row->float_mode == p.float_mode);
      if (!known) out.emplace_back(&p, q);
    }
  return out;
}

TEST(EmuQuantizer, TheDirectPathChangesNoCode) {
  const std::vector<Profile> rows = catalogue();
  const CodeRange ranges[] = {{}, bytes, {-7, 100}, {-32768, 32767, false, -32768, 32767},
                              {-8, 7, false, -8, 7}, {5, 5}};
  for (const auto& [row, rule] : all_quantizers(rows))
    for (const CodeRange& range : ranges)
      for (const std::int32_t zero : {0, 3, -128, 127, -9000}) {
        const F32 scale = f32(0.0625f);  // ties occur; t is the value in sixteenths
        const F32 inverse = f32(16.0f);
        Narrow narrow = rule.narrow;
        if (rule.fused) narrow.zero = ZeroStage::included;
        const PreparedQuantizer q = prepare_quantizer(*row, rule, scale, zero, range);
        const auto check = [&](F32 x) {
          const F32 t = rule.fused ? num::fma(x, inverse, num::from_int(zero), row->float_mode)
                                   : num::div(x, scale, row->float_mode);
          EXPECT_EQ(code_of(q, x), narrow_real(t, zero, range, narrow, row->float_mode))
              << row->name.view() << " " << x.bits << " zero " << zero << " to " << range.high;
        };
        for (std::uint32_t bits = 0; bits < 0x7f900000u; bits += 786433)
          for (const std::uint32_t sign : {0u, 0x80000000u}) check({bits | sign});
        for (int i = -300; i <= 300; ++i) check(num::mul(num::from_int(i), f32(0.03125f)));
        for (const float edge : {1023.96875f, 1024.0f, 1024.0625f, 2048.0f, 1e10f}) {  // 2^14
          check(f32(edge));
          check(f32(-edge));
        }
      }
}

TEST(EmuQuantizer, TiesGoWhereTheRowSays) {
  const float x[] = {0.5f, 1.5f, 2.5f, -0.5f, -2.5f};
  const int even[] = {0, 2, 2, 0, -2}, away[] = {1, 2, 3, -1, -3};
  for (int i = 0; i < 5; ++i) {
    for (const Profile& row : {x86, arm, wasm, ruy}) EXPECT_EQ(code(row, x[i]), even[i]) << x[i];
    EXPECT_EQ(code(tflite, x[i]), away[i]) << x[i];
    EXPECT_EQ(code(ruy, ruy.quantize.rest, f32(x[i]), 1.0f, 0), away[i]) << x[i];
  }
}

// fl(1.55/0.1) is below 15.5, fl(1.55 * fl(1/0.1)) is 15.5.
TEST(EmuQuantizer, MultiplyingByTheReciprocalIsNotDividing) {
  Quantizer divides = ruy.quantize.vector;
  divides.scaling = Scaling::divide;
  EXPECT_EQ(code(ruy, divides, f32(1.55f), 0.1f, 0), 15);
  EXPECT_EQ(code(ruy, ruy.quantize.vector, f32(1.55f), 0.1f, 0), 16);
}

// 1.5 + 3 = 4.5 goes to 4; rounded before the zero point joins it is 2 + 3. And one rounding less:
// fl(1.55 * fl(1/0.1)) is 15.5, the product itself below it.
TEST(EmuQuantizer, AFusedZeroPointJoinsBeforeRounding) {
  Quantizer fused = ruy.quantize.vector;
  fused.narrow.zero = ZeroStage::real;
  const Quantizer apart = fused;
  fused.fused = true;
  EXPECT_EQ(code(ruy, ruy.quantize.vector, f32(1.5f), 1.0f, 3), 5);
  EXPECT_EQ(code(ruy, fused, f32(1.5f), 1.0f, 3), 4);
  EXPECT_EQ(code(ruy, apart, f32(1.55f), 0.1f, -14), 2);
  EXPECT_EQ(code(ruy, fused, f32(1.55f), 0.1f, -14), 1);
}

// The float 0.1 is above 1/10, so 0.25/0.1 is below 2.5: by less than binary32 can hold.
TEST(EmuQuantizer, DividingInBinary64KeepsWhatBinary32Rounds) {
  Quantizer divides = ruy.quantize.rest;
  divides.scaling = Scaling::divide;
  EXPECT_EQ(code(ruy, divides, f32(0.25f), 0.1f, 0), 3);
  EXPECT_EQ(code(ruy, ruy.quantize.rest, f32(0.25f), 0.1f, 0), 2);
}

TEST(EmuQuantizer, NaNAnswersDiffer) {
  const F32 nan = num::f32_nan;
  EXPECT_EQ(code(x86, x86.quantize.vector, nan, 1.0f, 3), -128);
  EXPECT_EQ(code(arm, arm.quantize.vector, nan, 1.0f, 3), -128);
  EXPECT_EQ(code(wasm, wasm.quantize.vector, nan, 1.0f, 3), 0);
  EXPECT_EQ(code(ruy, ruy.quantize.vector, nan, 1.0f, 3), 3);
  EXPECT_EQ(code(tflite, tflite.quantize.vector, nan, 1.0f, 3), -128);
  EXPECT_EQ(code(tflite, tflite.quantize.vector, nan, 1.0f, -3), 127);  // INT_MIN - 3 wraps
}

TEST(EmuQuantizer, SingleElementsWrapWhereVectorsSaturate) {
  const F32 inf = num::f32_infinity, minus = num::negate(num::f32_infinity);
  const auto single = [&](const Profile& p, F32 x, int z) {
    return code(p, p.quantize.single, x, 1.0f, z);
  };
  EXPECT_EQ(code(x86, x86.quantize.vector, minus, 1.0f, -5), -128);
  EXPECT_EQ(single(x86, minus, -5), 127);
  EXPECT_EQ(single(x86, inf, 5), -128);
  EXPECT_EQ(single(arm, inf, 5), -128);  // INT_MAX + 5 wraps
  EXPECT_EQ(single(arm, inf, -5), 127);
  EXPECT_EQ(single(arm, minus, -5), 127);
  EXPECT_EQ(code(arm, arm.quantize.half, num::f32_nan, 1.0f, 7), 7);
}

TEST(EmuQuantizer, EngineRowsCastAsBefore) {
  for (const Profile& row : catalogue()) {
    if (row.quantize.vector.scaling != Scaling::engine) continue;
    for (const float scale : {0.1f, 0.0f, 3.0f})
      for (const float x : {-20.0f, -0.25f, 0.15f, 1.0f, 12.75f}) {
        const F32 m = cast_multiplier(f32(scale), row.float_mode);
        EXPECT_EQ(code(row, row.quantize.vector, f32(x), scale, 5),
                  quantize(row, f32(x), m, 5, {}))
            << row.name.view() << " " << x << " / " << scale;
      }
    EXPECT_THROW(code(row, row.quantize.vector, f32(1), 1.0f, 0, bytes), NotSupported);
  }
}

TEST(EmuQuantizer, RowsWithoutARuleRefuseByName) {
  const Profile none{.name = {"nobody"}};
  try {
    static_cast<void>(code(none, 1.0f));
    FAIL() << "expected NotSupported";
  } catch (const NotSupported& e) {
    EXPECT_NE(std::string(e.what()).find("nobody"), std::string::npos);
    EXPECT_NE(std::string(e.what()).find("quantize.vector.scaling"), std::string::npos);
  }
}

TEST(EmuQuantizer, Binary64RowsNarrowAsIntegers) {
  Quantizer rule = ruy.quantize.rest;
  rule.narrow.zero = ZeroStage::real;
  EXPECT_THROW(quantize_value(ruy, rule, f32(1), f32(1), 0, {}), BadArgument);
}

TEST(EmuQuantizer, LogarithmicCodesAreBytes) {
  const Quantizer rule{.scaling = Scaling::log2_16};
  const Profile row{.quantize = {.vector = rule}};
  EXPECT_EQ(code(row, rule, f32(-1.0f), -127.0f, 0, bytes), 255);
  EXPECT_EQ(code(row, rule, f32(-1.0f), -127.0f, 0), -1);
  EXPECT_EQ(code(row, rule, f32(0.0f), -127.0f, 0), -128);
  for (const std::int32_t q : {-128, -1, 0, 127})
    EXPECT_EQ(real_of(row, q, f32(-127.0f), 0), log2_decode(q & 0xff, -127));
  EXPECT_THROW(code(row, rule, f32(1), -127.0f, 3, bytes), BadArgument);
  EXPECT_THROW(code(row, rule, f32(1), -126.5f, 0, bytes), BadArgument);
  EXPECT_THROW(code(row, rule, f32(1), 0.0f, 0, {0, 15, false, 0, 15}), NotSupported);
}

TEST(EmuQuantizer, RealValuesAreDifferencesTimesScale) {
  EXPECT_EQ(real_of(x86, -128, f32(0.5f), 1), f32(-64.5f));
  EXPECT_EQ(real_of(x86, 2147483647, f32(1.0f), -1), f32(-2147483648.0f));  // wraps in 32 bits
  EXPECT_EQ(real_of(x86, 7, num::f32_infinity, 7).bits, 0xffc00000u);
  EXPECT_EQ(real_of(arm, 7, num::f32_infinity, 7).bits, 0x7fc00000u);
}

}  // namespace
}  // namespace qsim::emu
