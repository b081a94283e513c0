#include "qsim/num/minifloat.hpp"

#include <gtest/gtest.h>

#include "num/host.hpp"

namespace qsim::num {
namespace {

/// A non-negative finite binary16 pattern as binary32, by its definition.
F32 widen(std::uint32_t half) {
  const std::uint32_t field = half >> 10;
  const std::uint32_t fraction = half & 0x3ffu;
  if (field == 0) return detail::round_pack(false, -24, fraction, {});
  return detail::round_pack(false, static_cast<int>(field) - 25, fraction | 0x400u, {});
}
constexpr std::uint32_t halves = 0x7c00u;  // finite patterns

TEST(ThroughF16, KeepsEveryBinary16Value) {
  for (std::uint32_t h = 0; h < halves; ++h) {
    const F32 x = widen(h);
    ASSERT_EQ(through_f16(x), x) << h;
    ASSERT_EQ(through_f16(negate(x)), negate(x)) << h;
  }
}

TEST(ThroughF16, EveryMidpointGoesToTheEvenNeighbour) {
  for (std::uint32_t h = 0; h + 1 < halves; ++h) {
    const F32 low = widen(h);
    const F32 high = widen(h + 1);
    const F32 middle = mul(add(low, high), f32_half);
    ASSERT_EQ(through_f16(middle), h % 2 == 0 ? low : high) << h;
    ASSERT_EQ(through_f16(F32{middle.bits - 1}), low) << h;
    ASSERT_EQ(through_f16(F32{middle.bits + 1}), high) << h;
  }
}

TEST(ThroughF16, BeyondTheLargestRoundsToInfinityFrom65520) {
  EXPECT_EQ(through_f16(F32{0x477fefffu}), F32{0x477fe000u});
  EXPECT_EQ(through_f16(F32{0x477ff000u}), f32_infinity);
  EXPECT_EQ(through_f16(F32{0x7f7fffffu}), f32_infinity);
  EXPECT_EQ(through_f16(F32{0xff7fffffu}), negate(f32_infinity));
}

TEST(ThroughF16, HalfTheSmallestIsATieToZeroThatKeepsItsSign) {
  EXPECT_EQ(through_f16(F32{0xb3000000u}), negate(f32_zero));
  EXPECT_EQ(through_f16(F32{0x33000001u}), F32{0x33800000u});
  EXPECT_EQ(through_f16(F32{0x00000001u}), f32_zero);
  EXPECT_EQ(through_f16(F32{0x807fffffu}), negate(f32_zero));
}

TEST(ThroughF16, PassesNanAndInfinity) {
  for (const std::uint32_t bits : {0x7f800000u, 0xff800000u, 0x7fc00000u})
    EXPECT_EQ(through_f16(F32{bits}), F32{bits});
}

TEST(ThroughF16, IsIdempotentAndMonotone) {
  test::Random random(12);
  for (int i = 0; i < 100000; ++i) {
    const F32 x{random.pattern().bits & 0x7fffffffu};
    const F32 y{random.pattern().bits & 0x7fffffffu};
    if (is_nan(x) || is_nan(y)) continue;
    const F32 once = through_f16(x);
    ASSERT_EQ(through_f16(once), once);
    ASSERT_EQ(less(once, through_f16(y)) && less(y, x), false);
  }
}

}  // namespace
}  // namespace qsim::num
