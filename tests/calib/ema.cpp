#include "qsim/calib/ema.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "calib/values.hpp"

namespace qsim::calib {
namespace {

using test::f;
using test::row;

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float inf = std::numeric_limits<float>::infinity();

/// Both hosts, for statements that hold on each.
constexpr EmaRule hosts[] = {ema::x64, ema::ieee};

bool all_nan(const Range& r) { return num::is_nan(r.low) && num::is_nan(r.high); }

// ------------------------------------------------------------------------------------ reduction

TEST(BatchRange, IsTheMinimumAndMaximumOfEveryElement) {
  for (std::size_t n = 1; n < 20; ++n)
    for (std::size_t at = 0; at < n; ++at)
      for (const EmaRule& rule : hosts) {
        std::vector<F32> x(n, f(1));
        x[at] = f(5);
        EXPECT_EQ(ema::batch_range(rule, x), (Range{f(n == 1 ? 5 : 1), f(5)})) << n << " " << at;
        x[at] = f(-5);
        EXPECT_EQ(ema::batch_range(rule, x), (Range{f(-5), f(n == 1 ? -5 : 1)})) << n << " " << at;
      }
}

TEST(BatchRange, ANanInABlockIsIgnoredByX64AndStopsItsLaneOnArm) {
  std::vector<F32> x(8, f(1));
  x[1] = f(nan);
  x[5] = f(9);  // Arm: lane 1 takes x[1] and x[5]
  EXPECT_EQ(ema::batch_range(ema::x64, x).high, f(9));
  EXPECT_EQ(ema::batch_range(ema::ieee, x).high, f(1));
}

TEST(BatchRange, ANanInFrontLeavesOnlyTheTail) {
  std::vector<F32> x(9, f(7));
  x[0] = f(nan);
  x[8] = f(2);
  for (const EmaRule& rule : hosts) EXPECT_EQ(ema::batch_range(rule, x), (Range{f(2), f(2)}));
}

TEST(BatchRange, ANanInTheTailReplacesTheResultOfX64Only) {
  const std::vector<F32> x = row(1, 2, nan);
  EXPECT_TRUE(all_nan(ema::batch_range(ema::x64, x)));
  EXPECT_EQ(ema::batch_range(ema::ieee, x), (Range{f(1), f(2)}));
}

TEST(BatchRange, SubnormalValuesReadAsZero) {
  const std::vector<F32> x = row(1e-40f, -1e-40f);
  for (const EmaRule& rule : hosts)
    EXPECT_EQ(ema::grid(rule, ema::batch_range(rule, x)).health, Health::zero_range);
}

TEST(BatchRange, AnEmptyTensorIsRefused) {
  EXPECT_THROW(static_cast<void>(ema::batch_range(ema::x64, {})), BadArgument);
}

// ----------------------------------------------------------------------------------------- grid

TEST(Grid, HasTwoHundredAndFiftyFourSteps) {
  const Grid g = ema::grid(ema::ieee, {f(-127), f(127)});
  EXPECT_EQ(g, (Grid{f(1), f(0), Health::good, false}));
}

TEST(Grid, AlwaysHoldsZero) {
  EXPECT_EQ(ema::grid(ema::ieee, {f(100), f(254)}), (Grid{f(1), f(-127)}));
  EXPECT_EQ(ema::grid(ema::ieee, {f(-254), f(-100)}), (Grid{f(1), f(127)}));
}

TEST(Grid, AZeroPointHalfwayGoesAwayFromZero) {
  EXPECT_EQ(ema::grid(ema::ieee, {f(-126.5f), f(127.5f)}).zero, f(-1));
}

TEST(Grid, AZeroRangeHasScaleZeroAndNoZeroPoint) {
  for (const EmaRule& rule : hosts) {
    const Grid g = ema::grid(rule, {f(0), f(0)});
    EXPECT_EQ(g.scale, f(0));
    EXPECT_TRUE(num::is_nan(g.zero));
    EXPECT_EQ(g.health, Health::zero_range);
    EXPECT_TRUE(all_nan(ema::nominal(rule, g)));
  }
}

TEST(Grid, ANanLimitIsNotDroppedByTheMinimumWithZero) {
  for (const EmaRule& rule : hosts) {
    EXPECT_TRUE(num::is_nan(ema::grid(rule, {f(nan), f(1)}).scale));
    EXPECT_EQ(ema::grid(rule, {f(-1), f(inf)}).health, Health::nonfinite);
  }
}

TEST(Nominal, ReachesFromTheFirstCodeToTheLast) {
  EXPECT_EQ(ema::nominal(ema::ieee, {f(2), f(27)}), (Range{f(-308), f(200)}));
}

// -------------------------------------------------------------------------------- fake quantize

TEST(FakeQuantize, RoundsTiesAwayFromZeroAndClampsAt127) {
  const auto fake = [](float x) { return ema::fake_quantize(ema::ieee, f(x), f(2), f(3)); };
  EXPECT_EQ(fake(1), f(2));      // 0.5 + 3 -> 4
  EXPECT_EQ(fake(-9), f(-10));   // -4.5 + 3 -> -2
  EXPECT_EQ(fake(1000), f(248));  // code 127
  EXPECT_EQ(fake(-1000), f(-260));
}

TEST(FakeQuantize, ANanElementStaysNanOnEveryHost) {
  for (const EmaRule& rule : hosts)
    EXPECT_TRUE(num::is_nan(ema::fake_quantize(rule, f(nan), f(1), f(0))));
}

// --------------------------------------------------------------------------------------- update

TEST(Update, TheFirstBatchSetsTheRange) {
  EXPECT_EQ(ema::update(ema::ieee, std::nullopt, Range{f(-1), f(2)}), (Range{f(-1), f(2)}));
}

TEST(Update, TheNewShareIsOneMinusTheOldInBinary32) {
  // 1 - 0.99f = 0x3c23d700, one hundredth is 0x3c23d70a.
  const Range r = ema::update(ema::ieee, Range{f(0), f(0)}, Range{f(1), f(1)});
  EXPECT_EQ(r.low, F32{0x3c23d700u});
}

TEST(Update, ALimitOfMinusOneHundredIsTakenForUnset) {
  const Range r = ema::update(ema::ieee, Range{f(-100), f(100)}, Range{f(-1), f(100)});
  EXPECT_EQ(r.low, f(-1));
  EXPECT_EQ(r.high, f(100));
}

TEST(Update, ARunningNanRestartsOnX64AndStaysOnIeeeHosts) {
  const Range spoilt{f(nan), f(nan)};
  const Range fresh{f(-1), f(2)};
  EXPECT_EQ(ema::update(ema::x64, spoilt, fresh), fresh);
  EXPECT_TRUE(all_nan(ema::update(ema::ieee, spoilt, fresh)));
}

TEST(Update, ARunningInfinityStaysOnEveryHost) {
  for (const EmaRule& rule : hosts)
    EXPECT_EQ(ema::update(rule, Range{f(-inf), f(1)}, Range{f(-1), f(1)}).low, f(-inf));
}

TEST(Update, TheMaximumRuleShrinksMinima) {
  EmaRule rule = ema::ieee;
  rule.update = RangeUpdate::maximum;
  EXPECT_EQ(ema::update(rule, Range{f(-5), f(1)}, Range{f(-1), f(2)}), (Range{f(-1), f(2)}));
}

// ---------------------------------------------------------------------------------------- guard

TEST(Guarded, ARangeThatIsNotGoodHasScaleOneAndChangesNothing) {
  const Range running{f(-1), f(2)};
  for (const EmaRule& host : hosts)
    for (const float x : {0.0f, 1e-40f, inf, nan}) {
      const EmaRule rule = ema::guarded(host);
      const Observation seen = ema::observe(rule, row(x));
      EXPECT_EQ(seen.grid.scale, f(1)) << x;
      EXPECT_EQ(seen.grid.zero, f(0)) << x;
      EXPECT_TRUE(seen.grid.guarded) << x;
      EXPECT_EQ(ema::update(rule, std::optional(running), seen), running) << x;
      EXPECT_EQ(ema::update(rule, std::nullopt, seen), std::nullopt) << x;
    }
}

TEST(Guarded, AZeroBatchStaysZeroWhenItIsQuantized) {
  const EmaRule rule = ema::guarded(ema::x64);
  const Grid g = ema::observe(rule, row(0, 0)).grid;
  EXPECT_EQ(ema::fake_quantize(rule, f(0), g.scale, g.zero), f(0));
}

TEST(Guarded, GoodRangesAreUntouched) {
  const std::vector<F32> x = row(-1, 0.5f, 3);
  for (const EmaRule& rule : hosts)
    EXPECT_EQ(ema::observe(ema::guarded(rule), x).grid, ema::observe(rule, x).grid);
}

TEST(Guarded, AnUnsetRangeIsStoredAsScaleOneAndRefusedOtherwise) {
  const Stored s = ema::stored(ema::guarded(ema::ieee), std::nullopt, Range{f(-1), f(1)});
  EXPECT_EQ(s.in_describe, (QInfo{f(1), f(0), f(-127), f(127)}));
  EXPECT_THROW(static_cast<void>(ema::stored(ema::ieee, std::nullopt, std::nullopt)), BadArgument);
}

// -------------------------------------------------------------------------------------- weights

TEST(EmaWeights, EveryChannelReachesItsLimit) {
  const WeightCodes w = ema::quantize_weights(ema::ieee, row(1, -2, 0.25f, 0.5f), 2);
  EXPECT_EQ(w.codes, (std::vector<std::int8_t>{64, -127, 64, 127}));  // 63.5 goes away from zero
}

TEST(EmaWeights, CodesAreProductsWithTheReciprocalOfTheStoredScale) {
  // 5.5 * (127 / 11) is exactly 63.5; by way of the rounded scale it falls short.
  EXPECT_EQ(ema::quantize_weights(ema::ieee, row(11, 5.5f), 1).codes[1], 63);
}

TEST(EmaWeights, AChannelOfZerosHasTheFloorAsScale) {
  const WeightCodes w = ema::quantize_weights(ema::ieee, row(0, 0), 1);
  EXPECT_EQ(w.alpha[0], num::mul(f(1e-6f), num::div(f(1), f(127))));
  EXPECT_EQ(w.codes, (std::vector<std::int8_t>{0, 0}));
}

TEST(EmaWeights, FewerBitsMeanFewerCodes) {
  EmaRule rule = ema::ieee;
  rule.weight_bits = 4;
  EXPECT_EQ(ema::quantize_weights(rule, row(1, -1), 1).codes, (std::vector<std::int8_t>{7, -7}));
  rule.weight_bits = 9;
  EXPECT_THROW(static_cast<void>(ema::quantize_weights(rule, row(1), 1)), BadArgument);
}

TEST(EmaWeights, FakeWeightsAreCodesTimesScale) {
  const WeightCodes w{{2, -3, 4, 5}, row(0.5f, 2)};
  EXPECT_EQ(ema::fake_weights(ema::ieee, w), row(1, -1.5f, 8, 10));
}

TEST(EmaWeights, ChannelsThatDoNotDivideTheWeightsAreRefused) {
  EXPECT_THROW(static_cast<void>(ema::quantize_weights(ema::ieee, row(1, 2, 3), 2)), BadArgument);
  EXPECT_THROW(static_cast<void>(ema::quantize_weights(ema::ieee, row(1), 0)), BadArgument);
}

// --------------------------------------------------------------------------------------- stored

TEST(Stored, TheInputScaleIsInvertedTwice) {
  const Stored s = ema::stored(ema::ieee, Range{f(0), f(13)}, Range{f(-1), f(1)});
  EXPECT_NE(s.in_describe.scale, s.scale_in);  // 13/254 does not come back
  EXPECT_EQ(s.cast_in_multiplier, num::div(f(1), s.scale_in));
  EXPECT_EQ(s.in_describe.scale, num::div(f(1), s.cast_in_multiplier));
  EXPECT_EQ(s.out_describe.scale, s.scale_out);
  EXPECT_FALSE(s.fake_info);
}

TEST(Stored, TheInputIsLimitedTo127AndTheOutputToMinus128) {
  const Stored s = ema::stored(ema::ieee, Range{f(-1), f(1)}, Range{f(-1), f(1)});
  EXPECT_EQ(s.in_describe.low, f(-127));
  EXPECT_EQ(s.out_describe.low, f(-128));
}

TEST(Stored, ANanScaleIsWrittenAsZeroByX64Only) {
  const Range spoilt{f(nan), f(nan)};
  const Range good{f(-1), f(1)};
  const Stored x64 = ema::stored(ema::x64, good, spoilt);
  EXPECT_EQ(x64.scale_out, f(0));
  EXPECT_TRUE(x64.fake_info);
  EXPECT_TRUE(num::is_nan(x64.out_describe.scale));
  const Stored ieee = ema::stored(ema::ieee, good, spoilt);
  EXPECT_TRUE(num::is_nan(ieee.scale_out));
  EXPECT_FALSE(ieee.fake_info);
}

TEST(Stored, ANanZeroPointIsZero) {
  const Stored s = ema::stored(ema::ieee, Range{f(nan), f(nan)}, Range{f(-1), f(1)});
  EXPECT_EQ(s.in_describe.zero, f(0));
}

TEST(Stored, AZeroInputRangeHasAnInfiniteMultiplier) {
  const Stored s = ema::stored(ema::ieee, Range{f(0), f(0)}, Range{f(-1), f(1)});
  EXPECT_EQ(s.cast_in_multiplier, f(inf));
  EXPECT_EQ(s.in_describe.scale, f(0));
  EXPECT_TRUE(s.fake_info);
}

}  // namespace
}  // namespace qsim::calib
