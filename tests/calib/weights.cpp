#include "qsim/calib/weights.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "calib/values.hpp"

namespace qsim::calib {
namespace {

using test::f;
using test::row;
using Codes = std::vector<std::int8_t>;

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr WeightRule hosts[] = {weights::x64, weights::ieee};

TEST(MinMax, EqualsTheLibrarysAlgorithm) {
  const auto less = [](F32 a, F32 b) { return num::less(a, b); };
  test::Words words{5};
  for (int i = 0; i < 20000; ++i) {
    std::vector<F32> x(1 + words() % 9);
    for (F32& v : x) v = num::from_int(static_cast<std::int64_t>(words() % 7) - 3);
    const auto [low, high] = std::minmax_element(x.begin(), x.end(), less);
    const auto got = weights::detail::min_max(x);
    ASSERT_EQ(got.first, *low);
    ASSERT_EQ(got.second, *high);
  }
}

TEST(MinMax, ANanHidesTheNeighbourItIsPairedWith) {
  // The pair (NaN, -9) is "in order", so only the NaN is tried as a minimum.
  EXPECT_EQ(weights::detail::min_max(row(0, 1, nan, -9)).first, f(0));
}

TEST(MinMax, ANanThatFollowsAValueBecomesTheMaximum) {
  EXPECT_TRUE(num::is_nan(weights::detail::min_max(row(0, 1, 5, nan)).second));
}

TEST(WeightsByMaximum, TheScaleOfX64IsAProductWithARoundedReciprocal) {
  // Largest weight 3: 3 * fl(1/63) differs from fl(3/63) in the last bit.
  const std::vector<F32> w = row(3, 1);
  EXPECT_EQ(weights::by_maximum(weights::ieee, w, 1, 63).alpha[0], num::div(f(3), f(63)));
  EXPECT_EQ(weights::by_maximum(weights::x64, w, 1, 63).alpha[0],
            num::mul(f(3), num::div(f(1), f(63))));
}

TEST(WeightsByMaximum, AChannelOfZerosHasScaleZeroAndCodesZero) {
  for (const WeightRule& rule : hosts) {
    const WeightCodes made = weights::by_maximum(rule, row(0, 0, 1, -1), 2, 127);
    EXPECT_EQ(made.alpha[0], f(0));
    EXPECT_EQ(made.codes, (Codes{0, 0, 127, -127}));
  }
}

TEST(WeightsByMaximum, ANanWeightIsTheLowestCodeOnX64AndZeroOnArm) {
  const std::vector<F32> w = row(1, 0.5f, nan, 0.25f);
  EXPECT_EQ(weights::by_maximum(weights::x64, w, 1, 127).codes[2], -127);
  EXPECT_EQ(weights::by_maximum(weights::ieee, w, 1, 127).codes[2], 0);
}

TEST(WeightsByMaximum, TiesGoAwayFromZero) {
  for (const WeightRule& rule : hosts)
    EXPECT_EQ(weights::by_maximum(rule, row(127, 0.5f, -2.5f), 1, 127).codes, (Codes{127, 1, -3}));
}

TEST(WeightsByAdmm, CodesAndScaleReproduceWeightsOnAGrid) {
  for (const WeightRule& rule : hosts) {
    const WeightCodes made = weights::by_admm(rule, row(2, -4, 6, 0), 1, 3);
    EXPECT_EQ(made.codes, (Codes{1, -2, 3, 0}));
    EXPECT_EQ(made.alpha[0], f(2));
  }
}

TEST(WeightsByAdmm, StartsBelowTheScaleThatHoldsTheMaximum) {
  // From 10 / (3 * 1.25): codes 3, 0, 3, so 54 / 18. From 10 / 3 it would end at codes 3, 0, 2.
  for (const WeightRule& rule : hosts) {
    const WeightCodes made = weights::by_admm(rule, row(10, 0, 8), 1, 3);
    EXPECT_EQ(made.codes, (Codes{3, 0, 3}));
    EXPECT_EQ(made.alpha[0], f(3));
  }
}

TEST(WeightsByAdmm, AChannelOfZerosEndsAtZero) {
  for (const WeightRule& rule : hosts) {
    const WeightCodes made = weights::by_admm(rule, row(0, 0, 0), 1, 127);
    EXPECT_EQ(made.codes, (Codes{0, 0, 0}));
    EXPECT_TRUE(num::is_zero(made.alpha[0]));
  }
}

TEST(WeightsByAdmm, ANanWeightIsTheLowestCodeOnEveryHost) {
  for (const WeightRule& rule : hosts)
    EXPECT_EQ(weights::by_admm(rule, row(1, nan), 1, 127).codes[1], -127);
}

TEST(WeightsByAdmm, BlocksOfSixteenAreSummedInTheHostsOrder) {
  // Quads 2^24, 1, 1, -2^24 in lane 0. pairs: (2^24 + 1) + (1 - 2^24) = 2^24 - (2^24 - 1);
  // fused: ((2^24 + 1) + 1) - 2^24.
  std::vector<F32> a(16);
  a[0] = f(16777216);
  a[4] = f(1);
  a[8] = f(1);
  a[12] = f(-16777216);
  const std::vector<F32> ones(16, f(1));
  EXPECT_EQ(weights::detail::dot(weights::x64, a, ones), f(1));
  EXPECT_EQ(weights::detail::dot(weights::ieee, a, ones), f(0));
}

TEST(Weights, ChannelsAndLimitsAreChecked) {
  for (const WeightRule& rule : hosts) {
    EXPECT_THROW(static_cast<void>(weights::by_maximum(rule, row(1, 2, 3), 2, 127)), BadArgument);
    EXPECT_THROW(static_cast<void>(weights::by_admm(rule, row(1), 0, 127)), BadArgument);
    EXPECT_THROW(static_cast<void>(weights::by_maximum(rule, row(1), 1, 128)), BadArgument);
    EXPECT_THROW(static_cast<void>(weights::by_admm(rule, {}, 1, 127)), BadArgument);
  }
}

}  // namespace
}  // namespace qsim::calib
