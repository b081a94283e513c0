#include "qsim/calib/real.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "calib/values.hpp"

namespace qsim::calib {
namespace {

using test::f;

TEST(RoundAway, TiesGoAwayFromZero) {
  EXPECT_EQ(detail::round_away(f(0.5f)), f(1));
  EXPECT_EQ(detail::round_away(f(-2.5f)), f(-3));
}

TEST(RoundAway, TheValueBelowAHalfIsNotATie) {
  EXPECT_EQ(detail::round_away(F32{0x3effffffu}), f(0));
}

TEST(RoundAway, ASmallNegativeValueKeepsItsSign) {
  EXPECT_EQ(detail::round_away(f(-0.25f)), f(-0.0f));
}

TEST(RoundAway, IntegralAndNonfiniteValuesPass) {
  for (const F32 x : {f(8388609), f(-3e38f), num::f32_infinity, num::f32_nan})
    EXPECT_EQ(detail::round_away(x), x);
}

TEST(Clamp, LetsNanPass) { EXPECT_TRUE(num::is_nan(detail::clamp(num::f32_nan, f(-1), f(1)))); }

TEST(Wide, DivisionEqualsTheHostsBinary64) {
  test::Words words{1};
  for (int i = 0; i < 100000; ++i) {
    const std::uint64_t a = words() >> (11 + words() % 53);
    const std::uint64_t b = words() >> (11 + words() % 53);
    if (a == 0 || b == 0) continue;
    const detail::Wide q = detail::divide({a, 0}, {b, 0});
    const double want = static_cast<double>(a) / static_cast<double>(b);
    ASSERT_EQ(std::ldexp(static_cast<double>(q.significand), q.exponent), want) << a << " / " << b;
  }
}

TEST(Wide, ADetourByBinary64DoesNotChangeABinary32Quotient) {
  test::Words words{2};
  for (int i = 0; i < 100000; ++i) {
    const F32 a{0x3f800000u + static_cast<std::uint32_t>(words() >> 41)};
    const F32 b{0x3f800000u + static_cast<std::uint32_t>(words() >> 41)};
    const detail::Wide q = detail::divide(detail::widen(a), detail::widen(b));
    ASSERT_EQ(detail::narrow(q, {}), num::div(a, b)) << a.bits << " / " << b.bits;
  }
}

}  // namespace
}  // namespace qsim::calib
