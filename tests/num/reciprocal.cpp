#include "qsim/num/reciprocal.hpp"

#include <gtest/gtest.h>

#include "num/host.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace qsim::num {
namespace {

constexpr FloatMode mode{true, Flush::after_rounding, true};

/// 12 significant bits of the reciprocal of an interval's middle, 1 + (k + 1/2)/2048.
std::uint64_t twelve_bits(std::uint64_t k) {
  const std::int64_t d = static_cast<std::int64_t>(4097 + 2 * k);
  return static_cast<std::uint64_t>(divide(std::int64_t{1} << 25, d, Ties::half_even));
}

TEST(Reciprocal, TableIsTheRoundedReciprocalOfEachIntervalsMiddle) {
  for (std::uint32_t k = 0; k < 2048; ++k) {
    const F32 got = estimate({0x3f800000u | k << 12}, Estimate::intel_11, mode);
    const F32 want = detail::round_pack(false, -13, twelve_bits(k), {});
    ASSERT_EQ(got, want) << k;
  }
}

TEST(Reciprocal, EstimateIgnoresTheLowTwelveBits) {
  test::Random random(3);
  for (int i = 0; i < 20000; ++i) {
    const F32 d = random.pattern();
    if (is_nan(d) || magnitude(d) < 0x00800000u || is_inf(d)) continue;
    const F32 cut{d.bits & 0xfffff000u};
    ASSERT_EQ(estimate(d, Estimate::intel_11, mode), estimate(cut, Estimate::intel_11, mode));
  }
}

TEST(Reciprocal, EstimateScalesByPowersOfTwo) {
  const F32 at_one = estimate({0x3fa12000u}, Estimate::intel_11, mode);
  for (std::uint32_t field = 1; field <= 252; ++field) {
    const F32 got = estimate({field << 23 | 0x212000u}, Estimate::intel_11, mode);
    ASSERT_EQ(got.bits, at_one.bits - ((field - 127u) << 23)) << field;
  }
}

TEST(Reciprocal, EstimateOfSpecialValues) {
  const auto of = [](std::uint32_t bits) {
    return estimate({bits}, Estimate::intel_11, mode).bits;
  };
  EXPECT_EQ(of(0x00000000u), 0x7f800000u);
  EXPECT_EQ(of(0x80000000u), 0xff800000u);
  EXPECT_EQ(of(0x007fffffu), 0x7f800000u);  // a subnormal reads as zero
  EXPECT_EQ(of(0x7e800000u), 0x00000000u);  // 2^126: the result would be subnormal
  EXPECT_NE(of(0x7e7fffffu), 0x00000000u);
  EXPECT_EQ(of(0xff800000u), 0x80000000u);
  EXPECT_EQ(of(0x7f800001u), 0x7fc00001u);
}

TEST(Reciprocal, ExactEstimateIsTheDivision) {
  test::Random random(4);
  for (int i = 0; i < 20000; ++i) {
    const F32 d = random.pattern();
    ASSERT_EQ(estimate(d, Estimate::exact, mode), div(f32_one, d, mode));
  }
}

TEST(Reciprocal, NewtonOfAPowerOfTwoFallsOneUnitShort) {
  for (std::uint32_t field = 60; field < 200; ++field) {
    const F32 d{field << 23};
    const F32 exact = div(f32_one, d, mode);
    ASSERT_EQ(newton_reciprocal(d, Estimate::intel_11, mode).bits, exact.bits - 1) << field;
  }
}

TEST(Reciprocal, NewtonOfZeroIsNan) {
  EXPECT_TRUE(is_nan(newton_reciprocal(f32_zero, Estimate::intel_11, mode)));
}

TEST(Reciprocal, QuotientByDivisionIgnoresTheTable) {
  const F32 x{0x40a00000u};
  const F32 d{0x40400000u};
  EXPECT_EQ(quotient(x, d, Reciprocal::divide, Estimate::intel_11, mode), div(x, d, mode));
}

TEST(Reciprocal, EstimateEqualsRcpssOnIntelCores) {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  __get_cpuid(0, &a, &b, &c, &d);
  if (b != 0x756e6547u) GTEST_SKIP() << "rcpss: not an Intel core";
  test::Random random(8);
  for (int i = 0; i < 100000; ++i) {
    const F32 x = random.pattern();
    const F32 want = test::as_f32(_mm_cvtss_f32(_mm_rcp_ss(_mm_set_ss(test::as_float(x)))));
    ASSERT_EQ(estimate(x, Estimate::intel_11, mode), want) << std::hex << x.bits;
  }
#else
  GTEST_SKIP() << "rcpss: not an x86 host";
#endif
}

}  // namespace
}  // namespace qsim::num
