#include "qsim/calib/kl.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "calib/values.hpp"

namespace qsim::calib {
namespace {

using test::f;

constexpr FloatMode flush{.flush_inputs = true, .flush_results = Flush::after_rounding};

Histogram filled(std::size_t bins, F32 interval) {
  return {interval, std::vector<std::uint64_t>(bins, 1), 0};
}

TEST(Kl, LogarithmIsWithinTwoUnitsOfTheLibrarys) {
  test::Words words{3};
  for (int i = 0; i < 100000; ++i) {
    const double x = std::ldexp(1.0 + std::ldexp(static_cast<double>(words() >> 12), -52),
                                static_cast<int>(words() % 120) - 60);
    const double want = std::log(x);
    // A unit is at most 2^-52 of the value: two of them.
    ASSERT_NEAR(kl::detail::log(x), want, 0x2p-52 * std::abs(want)) << x;
  }
  EXPECT_EQ(kl::detail::log(1.0), 0.0);
}

TEST(Kl, ADistributionSumsToOneAndHasNoEmptyBin) {
  const std::vector<std::uint64_t> counts{0, 3, 1};
  const std::vector<double> p = kl::distribution(counts);
  EXPECT_NEAR(p[0] + p[1] + p[2], 1.0, 3 * 0x1p-53);
  EXPECT_GT(p[0], 0.0);
}

TEST(Kl, CountsStopAtTwoToThe24AsBinary32Does) {
  const std::vector<std::uint64_t> counts{std::uint64_t{1} << 24, std::uint64_t{1} << 30};
  const std::vector<double> p = kl::distribution(counts);
  EXPECT_EQ(p[0], p[1]);
}

TEST(Kl, LevelsCoverEveryBinOnce) {
  for (std::size_t bins = kl::levels; bins < 1000; ++bins) {
    std::vector<double> covered(bins + 1);
    for (std::size_t level = 0; level < kl::levels; ++level) {
      const kl::detail::Cover c = kl::detail::cover(level, bins);
      if (c.left != 0) covered[c.whole - 1] += c.left;
      for (std::size_t bin = c.whole; bin < c.end; ++bin) covered[bin] += 1;
      covered[c.end] += c.right;
    }
    ASSERT_EQ(covered.back(), 0.0);
    covered.pop_back();
    ASSERT_EQ(covered, std::vector<double>(bins, 1.0)) << bins;  // multiples of 1/128 are exact
  }
}

TEST(Kl, WithOneBinPerLevelNothingIsLost) {
  const std::vector<double> p(kl::levels, 1.0 / kl::levels);
  std::vector<double> squeezed(kl::levels);
  EXPECT_EQ(kl::detail::divergence(p, kl::levels, 0.0, squeezed), 0.0);
}

TEST(Kl, AnEmptyLevelUnderMassCostsOne) {
  std::vector<double> p(kl::levels, 0.0);
  p[0] = 0.5;
  std::vector<double> squeezed(kl::levels);
  EXPECT_EQ(kl::detail::divergence(p, kl::levels, 0.5, squeezed), 1.0);  // the tail's bin was empty
}

TEST(Kl, TheFirstOfEqualDivergencesWins) {
  // Flat up to bin 128, nothing above: every threshold past it loses as little as 128 does.
  std::vector<double> p(kl::levels + 2, 0.0);
  for (std::size_t i = 0; i < kl::levels; ++i) p[i] = 1.0 / kl::levels;
  EXPECT_EQ(kl::threshold(p), 128);
}

TEST(Kl, TheThresholdHasTheLeastDivergenceWithAllMassAboveItInItsLastBin) {
  std::vector<double> p(600);  // a slope up to bin 250, then a heavy tail
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i)
    sum += p[i] = i < 250 ? 1000.0 - static_cast<double>(i) : 20.0 / static_cast<double>(i - 249);
  for (double& v : p) v /= sum;
  std::vector<double> squeezed(p.size());
  double least = 10000;
  std::size_t best = 0;
  for (std::size_t bins = kl::levels; bins < p.size(); ++bins) {
    double tail = 0;
    for (std::size_t i = bins; i < p.size(); ++i) tail += p[i];
    const double d = kl::detail::divergence(p, bins, tail, squeezed);
    if (d < least) least = d, best = bins;
  }
  EXPECT_GT(best, kl::levels);
  EXPECT_EQ(kl::threshold(p), static_cast<std::int32_t>(best));
}

TEST(Kl, FewerBinsThanLevelsAreRefused) {
  EXPECT_THROW(static_cast<void>(kl::threshold(std::vector<double>(127, 0.1))), BadArgument);
}

TEST(Threshold, AnInvalidHistogramHasNoBinAndScaleZero) {
  const Threshold t = finalize(filled(2048, f(0)), ThresholdMethod::kl, 400, 127, flush);
  EXPECT_EQ(t, (Threshold{-1, f(0), 0}));
}

TEST(Threshold, TheMaximumMethodEndsInTheMiddleOfTheLastBin) {
  const Threshold t = finalize(filled(2048, f(1)), ThresholdMethod::maximum, 400, 127, flush);
  EXPECT_EQ(t.bin, 2047);
  EXPECT_EQ(t.scale, num::div(f(2047.5f), f(127)));
}

TEST(Threshold, SmallPlanesTakeTheMaximum) {
  Histogram h = filled(2048, f(1));
  for (std::size_t i = 0; i < 200; ++i) h.counts[i] = 1000;
  EXPECT_EQ(finalize(h, ThresholdMethod::kl, 99, 127, flush).bin, 2047);
  EXPECT_LT(finalize(h, ThresholdMethod::kl, 100, 127, flush).bin, 2047);
}

TEST(Threshold, TheScaleRoundsTwiceInBinary64ThenToBinary32) {
  test::Words words{4};
  for (int i = 0; i < 20000; ++i) {
    const F32 interval{0x43000000u + static_cast<std::uint32_t>(words() >> 40)};
    const auto bins = static_cast<std::size_t>(1 + words() % 2048);
    const auto limit = static_cast<std::int32_t>(1 + words() % 127);
    const Threshold t = finalize(filled(bins, interval), ThresholdMethod::maximum, 1, limit, {});
    const double want = (t.bin + 0.5) / static_cast<double>(test::value(interval)) / limit;
    ASSERT_EQ(t.scale, f(static_cast<float>(want)));
  }
}

TEST(Threshold, ALimitBelowOneIsRefused) {
  EXPECT_THROW(static_cast<void>(finalize(filled(4, f(1)), ThresholdMethod::maximum, 1, 0, flush)),
               BadArgument);
}

}  // namespace
}  // namespace qsim::calib
