#include "qsim/num/fit.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace qsim::num {
namespace {

/// The word of `bits` congruent to v, found by walking: the definition.
std::int64_t naive_wrap(std::int64_t v, int bits) {
  const std::int64_t size = std::int64_t{1} << bits;
  while (v >= size / 2) v -= size;
  while (v < -size / 2) v += size;
  return v;
}

TEST(Fit, WrapIsTheCongruentWordForEveryWidthUpToTen) {
  for (int bits = 1; bits <= 10; ++bits)
    for (std::int64_t v = -3000; v <= 3000; ++v)
      ASSERT_EQ(wrap(v, bits), naive_wrap(v, bits)) << v << " in " << bits;
}

TEST(Fit, SaturateIsTheNearestValueOfTheWordForEveryWidthUpToTen) {
  for (int bits = 1; bits <= 10; ++bits) {
    const std::int64_t half = std::int64_t{1} << (bits - 1);
    for (std::int64_t v = -3000; v <= 3000; ++v) {
      const std::int64_t want = v >= half ? half - 1 : (v < -half ? -half : v);
      ASSERT_EQ(saturate(v, bits), want) << v << " in " << bits;
    }
  }
}

TEST(Fit, BothRulesKeepEveryValueThatFits) {
  for (const int bits : {8, 16, 32})
    for (const Overflow rule : {Overflow::wrap, Overflow::saturate}) {
      const std::int64_t half = std::int64_t{1} << (bits - 1);
      for (std::int64_t step = 0; step < 300; ++step) {
        EXPECT_EQ(fit(half - 1 - step % half, bits, rule), half - 1 - step % half);
        EXPECT_EQ(fit(-half + step % half, bits, rule), -half + step % half);
      }
    }
}

TEST(Fit, RulesDifferOneBeyondTheWord) {
  for (const int bits : {8, 16, 32}) {
    const std::int64_t half = std::int64_t{1} << (bits - 1);
    EXPECT_EQ(fit(half, bits, Overflow::wrap), -half);
    EXPECT_EQ(fit(half, bits, Overflow::saturate), half - 1);
    EXPECT_EQ(fit(-half - 1, bits, Overflow::wrap), half - 1);
    EXPECT_EQ(fit(-half - 1, bits, Overflow::saturate), -half);
  }
}

TEST(Fit, WrapAtFullWidthIsTheIdentity) {
  for (const std::int64_t v : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1},
                               std::int64_t{0}, std::numeric_limits<std::int64_t>::max()})
    EXPECT_EQ(wrap(v, 64), v);
}

TEST(Fit, ClampWithCrossedLimitsAnswersTheLowOneBelowIt) {
  EXPECT_EQ(clamp(0, 5, -5), 5);
  EXPECT_EQ(clamp(9, 5, -5), -5);
}

}  // namespace
}  // namespace qsim::num
