#include "qsim/emu/cast.hpp"

#include <gtest/gtest.h>

#include "num/host.hpp"
#include "profile/graph_rows.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::emu {
namespace {

F32 f32(float x) { return test::as_f32(x); }

TEST(EmuCast, PaddingZerosAreTruncatedThenCutToAByte) {
  EXPECT_EQ(byte_zero(f32(3.9f)), 3);
  EXPECT_EQ(byte_zero(f32(-3.9f)), -3);
  EXPECT_EQ(byte_zero(f32(200.0f)), -56);
  EXPECT_EQ(byte_zero(num::f32_nan), 0);
  EXPECT_EQ(byte_zero(f32(-129.0f)), 127);
}

TEST(EmuCast, CastZerosAreTruncatedAndKeptWhole) {
  EXPECT_EQ(int_zero({0x43480000u}), 200);   // 200 does not wrap to -56
  EXPECT_EQ(int_zero({0xc0700000u}), -3);    // -3.75
  EXPECT_EQ(int_zero(num::f32_nan), 0);
}

TEST(EmuCast, AZeroScaleHasMultiplierZero) {
  EXPECT_EQ(cast_multiplier(num::f32_zero, {}), num::f32_zero);
  EXPECT_EQ(cast_multiplier(num::negate(num::f32_zero), {}), num::f32_zero);
  EXPECT_EQ(cast_multiplier(f32(0.25f), {}), f32(4.0f));
}

TEST(EmuCast, ASubnormalScaleIsZeroWhereInputsAreFlushed) {
  const F32 subnormal{0x00400000u};
  EXPECT_EQ(cast_multiplier(subnormal, {.flush_inputs = true}), num::f32_zero);
  EXPECT_EQ(cast_multiplier(subnormal, {}), f32(1.7014118e38f));
}

TEST(EmuCast, InfiniteAndNanScales) {
  EXPECT_EQ(cast_multiplier(num::f32_infinity, {}), num::f32_zero);
  EXPECT_TRUE(num::is_nan(cast_multiplier(num::f32_nan, {})));
}

TEST(EmuCast, OneRoundingOrTwoShowsAtATie) {
  Profile two = find_profile("mnn-2.9.0.x64.avx2");
  Profile one = find_profile("mnn-2.9.0.x64.avx512");
  int differ = 0;
  test::Random random(6);
  for (int i = 0; i < 20000; ++i) {
    const int code = static_cast<int>(random.below(200)) - 100;
    const F32 scale{0x3c800000u + random.below(1u << 24)};
    const F32 x = num::mul(num::add(num::from_int(code), num::f32_half), scale);
    const F32 m = cast_multiplier(scale, {});
    if (quantize(two, x, m, 3, {}) != quantize(one, x, m, 3, {})) ++differ;
  }
  EXPECT_GT(differ, 0);
}

TEST(EmuCast, TheZeroPointIsAddedBeforeRounding) {
  const Profile row = find_profile("mnn-2.9.0.arm64.sdot");
  EXPECT_EQ(quantize(row, f32(-0.5f), num::f32_one, 1, {}), 1);  // 0.5 goes up, -0.5 would go down
}

TEST(EmuCast, SubnormalInputsQuantizeToTheZeroPoint) {
  for (const Profile& row : test::graph_rows())
    EXPECT_EQ(quantize(row, {0x00000001u}, f32(1.0f), -7, {}), -7) << row.name.view();
}

TEST(EmuCast, DequantizeIsExactForPowersOfTwo) {
  const Profile row = find_profile("mnn-2.9.0.x64.sse");
  for (int q = -128; q <= 127; ++q)
    EXPECT_EQ(dequantize(row, static_cast<std::int8_t>(q), f32(0.25f), 3),
              f32(static_cast<float>(q - 3) / 4.0f));
}

TEST(EmuCast, DequantizeHasNoGuardForAnInfiniteScale) {
  for (const Profile& row : test::graph_rows()) {
    EXPECT_TRUE(num::is_nan(dequantize(row, 5, num::f32_infinity, 5))) << row.name.view();
    EXPECT_EQ(dequantize(row, 6, num::f32_infinity, 5), num::f32_infinity);
  }
}

TEST(EmuCast, ANanMadeByDequantizeHasTheRowsSign) {
  const F32 x86 = dequantize(find_profile("mnn-2.9.0.x64.avx2"), 0, num::f32_infinity, 0);
  const F32 arm = dequantize(find_profile("mnn-2.9.0.arm64.neon"), 0, num::f32_infinity, 0);
  EXPECT_EQ(x86.bits, 0xffc00000u);
  EXPECT_EQ(arm.bits, 0x7fc00000u);
}

TEST(EmuCast, DequantizeFlushesSubnormalResultsByTheRow) {
  const F32 tiny{0x00800000u};
  EXPECT_EQ(dequantize(find_profile("ieee.fp32"), 1, {0x00400000u}, 0), F32{0x00400000u});
  EXPECT_EQ(dequantize(find_profile("mnn-2.9.0.arm64.neon"), 1, {0x00400000u}, 0), num::f32_zero);
  EXPECT_EQ(dequantize(find_profile("mnn-2.9.0.arm64.neon"), 1, tiny, 0), tiny);
}

}  // namespace
}  // namespace qsim::emu
