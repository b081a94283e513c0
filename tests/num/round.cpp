#include "qsim/num/round.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace qsim::num {
namespace {

constexpr Ties all_ties[] = {Ties::half_even, Ties::half_away,   Ties::half_up, Ties::half_down,
                             Ties::toward_zero, Ties::floor, Ties::add_half};

/// The rule by the mathematical library. x is exact, or far from any tie.
std::int64_t naive(double x, Ties ties) {
  switch (ties) {
    case Ties::half_even: return static_cast<std::int64_t>(std::nearbyint(x));
    case Ties::half_away:
    case Ties::add_half: return static_cast<std::int64_t>(std::round(x));
    case Ties::half_up: return static_cast<std::int64_t>(std::floor(x + 0.5));
    case Ties::half_down: return static_cast<std::int64_t>(std::ceil(x - 0.5));
    case Ties::toward_zero: return static_cast<std::int64_t>(std::trunc(x));
    case Ties::floor: return static_cast<std::int64_t>(std::floor(x));
  }
  return 0;
}

TEST(RoundShift, EqualsTheRationalDefinitionForEveryRule) {
  for (const Ties ties : all_ties)
    for (int n = 0; n <= 9; ++n)
      for (std::int64_t v = -2100; v <= 2100; ++v)
        ASSERT_EQ(shift_right(v, n, ties), naive(std::ldexp(static_cast<double>(v), -n), ties))
            << v << " >> " << n << " rule " << static_cast<int>(ties);
}

TEST(RoundDivide, EqualsTheRationalDefinitionForEveryRule) {
  for (const Ties ties : all_ties)
    for (std::int64_t d = 1; d <= 48; ++d)
      for (std::int64_t v = -600; v <= 600; ++v)
        ASSERT_EQ(divide(v, d, ties), naive(static_cast<double>(v) / static_cast<double>(d), ties))
            << v << " / " << d << " rule " << static_cast<int>(ties);
}

TEST(RoundDivide, ByAPowerOfTwoEqualsTheShift) {
  for (const Ties ties : all_ties)
    for (int n = 0; n <= 20; ++n)
      for (std::int64_t v = -5000; v <= 5000; v += 7)
        ASSERT_EQ(divide(v, std::int64_t{1} << n, ties), shift_right(v, n, ties));
}

TEST(RoundShift, PositiveTiesByRule) {
  EXPECT_EQ(shift_right(5, 1, Ties::half_even), 2);
  EXPECT_EQ(shift_right(7, 1, Ties::half_even), 4);
  EXPECT_EQ(shift_right(5, 1, Ties::half_away), 3);
  EXPECT_EQ(shift_right(5, 1, Ties::half_up), 3);
  EXPECT_EQ(shift_right(5, 1, Ties::half_down), 2);
}

TEST(RoundShift, NegativeTiesGoAwayFromZero) {
  EXPECT_EQ(shift_right(-1, 1, Ties::half_away), -1);
  EXPECT_EQ(shift_right(-5, 1, Ties::half_away), -3);
  EXPECT_EQ(shift_right(-3 * 128, 8, Ties::half_away), -2);
}

TEST(RoundShift, NegativeTiesGoUpWithHalfUp) {
  EXPECT_EQ(shift_right(-1, 1, Ties::half_up), 0);
  EXPECT_EQ(shift_right(-5, 1, Ties::half_up), -2);
}

TEST(RoundShift, IsOddForTheSymmetricRules) {
  for (const Ties ties : {Ties::half_even, Ties::half_away, Ties::toward_zero, Ties::add_half})
    for (std::int64_t v = 0; v <= 4096; ++v)
      ASSERT_EQ(shift_right(-v, 5, ties), -shift_right(v, 5, ties));
}

TEST(RoundShift, WidestShiftSeesOnlySignAndHalf) {
  const std::int64_t half = std::int64_t{1} << 61;
  EXPECT_EQ(shift_right(half, 62, Ties::half_even), 0);
  EXPECT_EQ(shift_right(half, 62, Ties::half_up), 1);
  EXPECT_EQ(shift_right(half + 1, 62, Ties::half_down), 1);
  EXPECT_EQ(shift_right(-half, 62, Ties::half_away), -1);
  EXPECT_EQ(shift_right(-1, 62, Ties::floor), -1);
  EXPECT_EQ(shift_right(-1, 62, Ties::toward_zero), 0);
}

}  // namespace
}  // namespace qsim::num
