#include "qsim/calib/histogram.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "calib/values.hpp"

namespace qsim::calib {
namespace {

using test::f;
using test::row;

constexpr FloatMode flush{.flush_inputs = true, .flush_results = Flush::after_rounding};
constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float inf = std::numeric_limits<float>::infinity();

std::vector<F32> sample(std::uint64_t seed, std::size_t n) {
  test::Words words{seed};
  std::vector<F32> x;
  for (std::size_t i = 0; i < n; ++i)
    x.push_back(num::div(num::from_int(static_cast<std::int64_t>(words() % 20001) - 10000),
                         f(1000)));
  return x;
}

TEST(ValueRange, IgnoresAndCountsWhatIsNotFinite) {
  const ValueRange seen = update(ValueRange{}, row(1, nan, -2, inf), flush);
  EXPECT_EQ(seen.range, (Range{f(-2), f(1)}));
  EXPECT_EQ(seen.finite, 2u);
  EXPECT_EQ(seen.nonfinite, 2u);
}

TEST(ValueRange, StartsAtOneHundredThousandAsTheEngineDoes) {
  EXPECT_EQ(update(ValueRange{}, row(2e5f), flush).range, (Range{f(1e5f), f(2e5f)}));
}

TEST(ValueRange, MergesInAnyOrderToTheSameBits) {
  const std::vector<F32> a = row(0.0f, 3);
  const std::vector<F32> b = row(-0.0f, -0.0f);
  const ValueRange x = update(ValueRange{}, a, flush);
  const ValueRange y = update(ValueRange{}, b, flush);
  EXPECT_EQ(merge(x, y), merge(y, x));
  EXPECT_EQ(merge(x, y), update(x, b, flush));
  EXPECT_EQ(merge(x, ValueRange{}), x);
}

TEST(Histogram, CountsMagnitudesAndSkipsExactZeros) {
  Histogram h = make_histogram({f(-4), f(2)}, 4, flush);
  EXPECT_EQ(h.interval, f(1));
  update(h, row(0, -0.0f, 0.5f, -1.5f, 1.5f, 3.99f), flush);
  EXPECT_EQ(h.counts, (std::vector<std::uint64_t>{1, 2, 0, 1}));
}

TEST(Histogram, TheLargestMagnitudeFallsIntoTheLastBin) {
  Histogram h = make_histogram({f(-4), f(2)}, 4, flush);
  update(h, row(-4), flush);
  EXPECT_EQ(h.counts[3], 1u);
}

TEST(Histogram, SubnormalValuesAreZerosWhereTheModeReadsThemSo) {
  Histogram h = make_histogram({f(-4), f(2)}, 4, flush);
  update(h, row(1e-40f), flush);
  EXPECT_EQ(h.counts[0], 0u);
  update(h, row(1e-40f), {});
  EXPECT_EQ(h.counts[0], 1u);
}

TEST(Histogram, ARangeUpToOneHundredThousandthIsNotValid) {
  Histogram h = make_histogram({f(-1e-5f), f(0)}, 4, flush);
  EXPECT_EQ(h.interval, f(0));
  update(h, row(-1e-5f), flush);
  EXPECT_EQ(h.counts, std::vector<std::uint64_t>(4));
  EXPECT_NE(make_histogram({f(-1.001e-5f), f(0)}, 4, flush).interval, f(0));
}

TEST(Histogram, AnyPartitionAndMergeOrderGivesTheSameBits) {
  const std::vector<F32> x = sample(7, 999);
  const Histogram empty = make_histogram(update(ValueRange{}, x, flush).range, 64, flush);
  Histogram whole = empty;
  update(whole, x, flush);
  for (const std::size_t cut : {0u, 1u, 500u, 998u}) {
    const std::span<const F32> all = x;
    Histogram front = empty;
    Histogram back = empty;
    update(front, all.first(cut), flush);
    update(back, all.subspan(cut), flush);
    Histogram swapped = back;
    merge(swapped, front);
    merge(front, back);
    EXPECT_EQ(front, whole);
    EXPECT_EQ(swapped, whole);
  }
}

TEST(Histogram, PartsOfDifferentRangesDoNotMerge) {
  Histogram a = make_histogram({f(-4), f(2)}, 4, flush);
  EXPECT_THROW(merge(a, make_histogram({f(-5), f(2)}, 4, flush)), BadArgument);
  EXPECT_THROW(merge(a, make_histogram({f(-4), f(2)}, 5, flush)), BadArgument);
}

TEST(Histogram, NonfiniteValuesAreCountedApart) {
  Histogram h = make_histogram({f(-4), f(2)}, 4, flush);
  update(h, row(nan, inf, 1), flush);
  EXPECT_EQ(h.nonfinite, 2u);
  EXPECT_EQ(h.counts[1], 1u);
}

TEST(Histogram, NeedsABin) {
  EXPECT_THROW(static_cast<void>(make_histogram({f(0), f(1)}, 0, flush)), BadArgument);
}

}  // namespace
}  // namespace qsim::calib
