#pragma once
// Two passes over a tensor's batches: the range of its values, then counts of their magnitudes.
//
// Both are streams: update() takes values in any portions, merge() joins portions in any order, the
// bits of the result do not depend on either. Source: MNN tag 2.9.0, TensorStatistic.cpp 51-136.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/calib/real.hpp"
#include "qsim/num/f32.hpp"

namespace qsim::calib {

/// Smallest and largest finite value so far. Values that are not finite are counted, not taken.
struct ValueRange {
  Range range{F32{0x47c35000u}, F32{0xc7c35000u}};  ///< starts at 100000 and -100000, as the engine
  std::uint64_t finite = 0;
  std::uint64_t nonfinite = 0;
  friend constexpr bool operator==(const ValueRange&, const ValueRange&) = default;
};

/// Counts of |x| in equal bins from 0 to the largest magnitude.
struct Histogram {
  F32 interval{};                     ///< bins per unit; 0: the range is too small to be valid
  std::vector<std::uint64_t> counts;  ///< exact zeros are not counted
  std::uint64_t nonfinite = 0;        ///< values that are not finite, which are not counted either
  friend bool operator==(const Histogram&, const Histogram&) = default;
};

/// The range widened by `x`. Subnormal values count as zero where the mode reads them so.
constexpr ValueRange update(ValueRange seen, std::span<const F32> x, const FloatMode& mode) {
  for (const F32 value : x) {
    if (!num::is_finite(value)) {
      ++seen.nonfinite;
      continue;
    }
    const F32 v = num::read(value, mode);
    ++seen.finite;
    // -0 < +0 here: with it the result is the same in any order.
    seen.range.low = num::min(seen.range.low, v, MinMaxNan::propagate);
    seen.range.high = num::max(seen.range.high, v, MinMaxNan::propagate);
  }
  return seen;
}

constexpr ValueRange merge(const ValueRange& a, const ValueRange& b) {
  return {{num::min(a.range.low, b.range.low, MinMaxNan::propagate),
           num::max(a.range.high, b.range.high, MinMaxNan::propagate)},
          a.finite + b.finite,
          a.nonfinite + b.nonfinite};
}

/// Largest magnitude of the range.
constexpr F32 largest(const Range& range) {
  return num::max(num::absolute(range.low), num::absolute(range.high), MinMaxNan::propagate);
}

/// An empty histogram for values in `range`: interval bins / max|.|, or 0 unless that maximum is
/// above 1e-5. BadArgument when bins is 0 or above 2^24.
inline Histogram make_histogram(const Range& range, std::size_t bins, const FloatMode& mode) {
  if (bins == 0 || bins > (std::size_t{1} << 24))
    fail<BadArgument>("bins: expected 1 to 2^24, got ", bins);
  constexpr F32 least{0x3727c5acu};  // fl(1e-5)
  Histogram h;
  h.counts.resize(bins);
  const F32 top = largest(range);
  if (num::less(least, top))
    h.interval = num::div(num::from_int(static_cast<std::int64_t>(bins)), top, mode);
  return h;
}

/// Counts `x`: bin min(int(fl(|x| * interval)), bins - 1); nothing while the interval is 0.
inline void update(Histogram& h, std::span<const F32> x, const FloatMode& mode) {
  const Convert trunc{NanRule::zero, RangeRule::saturate, RangeRule::saturate, Ties::toward_zero};
  const bool valid = !num::is_zero(h.interval);
  for (const F32 value : x) {
    if (!num::is_finite(value)) {
      ++h.nonfinite;
      continue;
    }
    const F32 v = num::absolute(num::read(value, mode));
    if (!valid || num::is_zero(v)) continue;
    const auto bin = static_cast<std::size_t>(num::to_int32(num::mul(v, h.interval, mode), trunc));
    ++h.counts[bin < h.counts.size() ? bin : h.counts.size() - 1];
  }
}

/// Adds the counts of `from`. BadArgument unless both have the same bins and interval.
inline void merge(Histogram& into, const Histogram& from) {
  if (into.interval != from.interval || into.counts.size() != from.counts.size())
    fail<BadArgument>("from: expected a histogram of the same range with ", into.counts.size(),
                      " bins, got ", from.counts.size(), " bins; make both from the merged range");
  for (std::size_t i = 0; i < into.counts.size(); ++i) into.counts[i] += from.counts[i];
  into.nonfinite += from.nonfinite;
}

}  // namespace qsim::calib
