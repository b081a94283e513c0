#include "qsim/calib/admm.hpp"

#include <gtest/gtest.h>

#include "calib/values.hpp"

namespace qsim::calib {
namespace {

using test::f;
using test::row;

TEST(AdmmDot, TheSequentialSumRoundsEveryProduct) {
  const F32 a{0x3f800001u};  // 1 + 2^-23: its square needs 47 bits
  const std::vector<F32> x{a, f(-1)};
  const std::vector<F32> y{a, num::mul(a, a)};
  EXPECT_EQ(admm::detail::dot(admm::x64, x, y), f(0));
}

TEST(AdmmDot, FusedLanesTakeEveryFourthValueAndTheRestComesLast) {
  // L0 = 2^24, L1 = 1, L2 = -2^24: (L0+L1)+(L2+L3) loses the 1 to a tie, then adds the rest.
  const std::vector<F32> x = row(16777216, 1, -16777216, 0, 3);
  EXPECT_EQ(admm::detail::dot(admm::ieee, x, row(1, 1, 1, 1, 1)), f(3));
  EXPECT_EQ(admm::detail::dot(admm::x64, x, row(1, 1, 1, 1, 1)), f(3));
  const std::vector<F32> y = row(16777216, 0, 1, 0, -16777216);
  EXPECT_EQ(admm::detail::dot(admm::ieee, y, row(1, 1, 1, 1, 1)), f(0));
}

TEST(AdmmDot, TheTwoOrdersDiffer) {
  // In turn 1 is lost to 2^24; in lanes 2^24 and -2^24 meet first.
  const std::vector<F32> x = row(1, 0, 16777216, -16777216);
  EXPECT_EQ(admm::detail::dot(admm::x64, x, row(1, 1, 1, 1)), f(0));
  EXPECT_EQ(admm::detail::dot(admm::ieee, x, row(1, 1, 1, 1)), f(1));
}

TEST(AdmmScale, StartsTwoAndAHalfTimesTooFineAndMovesToTheBestScaleOfItsCodes) {
  // 10 / (2 * 2.5) = 2, where 10 is cut to code 2; then 60 / 12 = 5 stays.
  for (const AdmmRule& rule : {admm::x64, admm::ieee})
    EXPECT_EQ(admm::scale(rule, row(10, -10, 10), 2), f(5));
}

TEST(AdmmScale, EndsWhereItsCodesNoLongerChange) {
  // 2, then 42 / 13, then codes 1, -2, 2, 1 give 38 / 10, which keeps these codes.
  for (const AdmmRule& rule : {admm::x64, admm::ieee})
    EXPECT_EQ(admm::scale(rule, row(4, -10, 6, 2), 2), f(3.8f));
}

TEST(AdmmScale, StartsBelowTheScaleThatHoldsTheMaximum) {
  // From 10 / (7 * 2.5): codes 7, 6, 5, 5, so 180 / 135. From 10 / 7 it would end at 1.4478.
  for (const AdmmRule& rule : {admm::x64, admm::ieee})
    EXPECT_EQ(admm::scale(rule, row(10, 7.5f, 7, 6), 7), num::div(f(180), f(135)));
}

TEST(AdmmScale, AnAllZeroTensorEndsAtZero) {
  for (const AdmmRule& rule : {admm::x64, admm::ieee})
    EXPECT_TRUE(num::is_zero(admm::scale(rule, row(0, 0, 0, 0, 0), 127)));
}

TEST(AdmmScale, EmptyTensorsAndWideLimitsAreRefused) {
  EXPECT_THROW(static_cast<void>(admm::scale(admm::x64, {}, 127)), BadArgument);
  EXPECT_THROW(static_cast<void>(admm::scale(admm::x64, row(1), 128)), BadArgument);
  EXPECT_THROW(static_cast<void>(admm::scale(admm::x64, row(1), 0)), BadArgument);
}

}  // namespace
}  // namespace qsim::calib
