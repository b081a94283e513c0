#include "qsim/emu/pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "qsim/profile/catalogue.hpp"

namespace qsim::emu {
namespace {

using Codes8 = std::vector<std::int8_t>;

const Pool x86 = find_profile("mnn-2.9.0.x64.avx2").pool;
const Pool arm = find_profile("mnn-2.9.0.arm64.neon").pool;

/// One window over the whole of a row.
PoolShape whole(const Codes8& codes) {
  PoolShape s;
  s.w = s.kw = static_cast<int>(codes.size());
  return s;
}
int largest(const Pool& rule, const Codes8& codes) {
  return max_pool(rule, whole(codes), codes)[0];
}
int mean(const Pool& rule, const Codes8& codes) {
  return average_pool(rule, whole(codes), codes)[0];
}

TEST(EmuMaxPool, MixedSignsAnswerTheLargestNegativeOnX86) {
  EXPECT_EQ(largest(x86, {-5, 5}), -5);
  EXPECT_EQ(largest(x86, {127, -100, -7, 3}), -7);
  EXPECT_EQ(largest(arm, {-5, 5}), 5);
}

TEST(EmuMaxPool, OneSignAnswersTheMaximumEverywhere) {
  for (const Pool& rule : {x86, arm}) {
    EXPECT_EQ(largest(rule, {0, 5, 127, 3}), 127);
    EXPECT_EQ(largest(rule, {-128, -5, -127}), -5);
  }
}

TEST(EmuMaxPool, OrderOfEveryPairByRow) {
  for (int a = -128; a <= 127; ++a)
    for (int b = -128; b <= 127; ++b) {
      const Codes8 codes{static_cast<std::int8_t>(a), static_cast<std::int8_t>(b)};
      ASSERT_EQ(largest(arm, codes), std::max(a, b));
      const bool mixed = (a < 0) != (b < 0);
      ASSERT_EQ(largest(x86, codes), mixed ? std::min(a, b) : std::max(a, b));
    }
}

TEST(EmuAveragePool, NineZerosAverageToMinusOneOnX86) {
  const Codes8 zeros(9, 0);
  EXPECT_EQ(mean(x86, zeros), -1);
  EXPECT_EQ(mean(arm, zeros), 0);
}

TEST(EmuAveragePool, NineThreesBelowZeroAverageToMinusFourOnX86) {
  const Codes8 codes(9, -3);
  EXPECT_EQ(mean(x86, codes), -4);
  EXPECT_EQ(mean(arm, codes), -3);
}

TEST(EmuAveragePool, NinePositiveEqualsAverageOneTooLowEverywhere) {
  for (int q = 1; q <= 127; ++q) {
    const Codes8 codes(9, static_cast<std::int8_t>(q));
    ASSERT_EQ(mean(x86, codes), q - 1);
    ASSERT_EQ(mean(arm, codes), q - 1);
  }
}

TEST(EmuAveragePool, PowersOfTwoAverageExactly) {
  for (const std::size_t n : {1u, 2u, 4u, 16u, 64u})
    for (int q = -128; q <= 127; ++q) {
      const Codes8 codes(n, static_cast<std::int8_t>(q));
      ASSERT_EQ(mean(x86, codes), q);
      ASSERT_EQ(mean(arm, codes), q);
    }
}

TEST(EmuAveragePool, FractionsRoundDown) {
  EXPECT_EQ(mean(arm, {0, 1}), 0);
  EXPECT_EQ(mean(arm, {0, -1}), -1);
}

TEST(EmuPool, OnlyPixelsInsideTheImageCount) {
  PoolShape s;
  s.h = s.w = 2;
  s.kh = s.kw = 2;
  s.pad_h = s.pad_w = 1;
  s.stride_h = s.stride_w = 2;
  s.out_h = s.out_w = 2;
  const Codes8 codes{-8, 4, 16, 32};
  EXPECT_EQ(average_pool(arm, s, codes), codes);  // each window holds one pixel
  EXPECT_EQ(max_pool(arm, s, codes), codes);
}

TEST(EmuPool, AnEmptyWindowAnswersTheLowestAndZero) {
  PoolShape s;
  s.stride_w = 3;
  s.out_w = 2;
  EXPECT_EQ(max_pool(arm, s, Codes8{9}), (Codes8{9, -128}));
  EXPECT_EQ(average_pool(x86, s, Codes8{9}), (Codes8{9, 0}));
}

TEST(EmuPool, ChannelsAndImagesAreSeparate) {
  PoolShape s;
  s.batch = 2;
  s.channels = 2;
  s.w = s.kw = 2;
  EXPECT_EQ(max_pool(arm, s, Codes8{1, 2, 3, 4, 5, 6, 7, 8}), (Codes8{2, 4, 6, 8}));
}

}  // namespace
}  // namespace qsim::emu
