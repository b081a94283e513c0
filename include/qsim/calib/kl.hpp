#pragma once
// The threshold that loses least information when magnitudes are squeezed into 128 levels.
//
// Source: MNN tag 2.9.0, TensorStatistic.cpp 89-256. The divergences are compared in binary64 with
// basic operations only: computed sequentially in binary32 instead, all recorded thresholds come
// out the same (tests/python/test_vectors_mnn_calib.py holds them). Everything that is stored, the
// interval and the scale, is defined on bit patterns.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/calib/histogram.hpp"

namespace qsim::calib {

/// How the threshold is chosen.
enum class ThresholdMethod : std::uint8_t {
  kl,       ///< least Kullback-Leibler divergence; `maximum` for planes of fewer than 100 values
  maximum,  ///< the last bin
};

/// Symmetric parameters of a feature map. The zero point is always 0.
struct Threshold {
  std::int32_t bin = -1;  ///< -1: the tensor's range is too small to be valid
  F32 scale{};            ///< 0 when not valid
  std::int32_t zero = 0;
  friend constexpr bool operator==(const Threshold&, const Threshold&) = default;
};

namespace kl {

inline constexpr std::size_t levels = 128;  ///< of the squeezed distribution; also the first bin

namespace detail {

/// Natural logarithm of a positive normal number by basic operations, so that no library's log
/// decides a threshold. ln x = e ln 2 + 2 artanh((m-1)/(m+1)), sqrt(1/2) <= m < sqrt(2).
constexpr double log(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const std::uint64_t shifted = bits - 0x3fe6a09e667f3bcdu + (std::uint64_t{1023} << 52);
  const auto e = static_cast<std::int64_t>(shifted >> 52) - 1023;
  const double m = std::bit_cast<double>(bits - (static_cast<std::uint64_t>(e) << 52));
  const double z = (m - 1) / (m + 1);
  const double zz = z * z;  // <= 0.0295: eleven terms leave less than 2^-56
  double sum = 0;
  for (int k = 10; k >= 0; --k) sum = sum * zz + 1.0 / (2 * k + 1);
  return static_cast<double>(e) * 0.69314718055994530942 + 2 * z * sum;
}

/// The part of each bin that a level covers: bins [whole, end) fully, its neighbours by fractions.
struct Cover {
  std::size_t whole, end;  ///< ceil(j*i/128), floor((j+1)*i/128)
  double left, right;      ///< of bin whole-1 and of bin end
};
constexpr Cover cover(std::size_t level, std::size_t bins) {
  const std::size_t begin = level * bins;
  const std::size_t end = begin + bins;
  return {(begin + levels - 1) / levels, end / levels,
          static_cast<double>((levels - begin % levels) % levels) / levels,
          static_cast<double>(end % levels) / levels};
}

/// The first `bins` bins merged to 128 levels and spread again over those that are not empty.
inline void squeeze(std::span<const double> p, std::size_t bins, std::span<double> out) {
  std::fill(out.begin(), out.end(), 0.0);
  for (std::size_t level = 0; level < levels; ++level) {
    const Cover c = cover(level, bins);
    double mass = 0;
    double filled = 0;
    const auto take = [&](std::size_t bin, double part) {
      if (part == 0) return;
      mass += part * p[bin];
      if (p[bin] != 0) filled += part;
    };
    take(c.whole - 1, c.left);
    take(c.end, c.right);
    for (std::size_t bin = c.whole; bin < c.end; ++bin) take(bin, 1);
    if (filled == 0) continue;
    const double each = mass / filled;
    const auto give = [&](std::size_t bin, double part) {
      if (part != 0 && p[bin] != 0) out[bin] += each * part;
    };
    give(c.whole - 1, c.left);
    if (c.end < bins) give(c.end, c.right);
    for (std::size_t bin = c.whole; bin < c.end; ++bin) give(bin, 1);
  }
}

/// Divergence of the first `bins` bins, `tail` added to the last of them, from their squeezed form.
inline double divergence(std::span<const double> p, std::size_t bins, double tail,
                         std::span<double> squeezed) {
  squeeze(p, bins, squeezed.first(bins));
  double sum = 0;
  for (std::size_t k = 0; k < bins; ++k) {
    const double mass = k + 1 == bins ? p[k] + tail : p[k];
    if (mass == 0) continue;
    sum += squeezed[k] == 0 ? 1.0 : mass * log(mass / squeezed[k]);
  }
  return sum;
}

}  // namespace detail

/// The counts as the engine's distribution: every bin starts at 1e-7f and counts by ones in
/// binary32 (which stops at 2^24), then all are divided by their sum.
inline std::vector<double> distribution(std::span<const std::uint64_t> counts) {
  constexpr F32 start{0x33d6bf95u};  // fl(1e-7)
  std::vector<double> p;
  p.reserve(counts.size());
  double sum = 0;
  for (const std::uint64_t n : counts) {
    const auto capped = static_cast<std::int64_t>(std::min<std::uint64_t>(n, 1u << 24));
    const F32 weight = num::add(start, num::from_int(capped));
    p.push_back(static_cast<double>(std::bit_cast<float>(weight)));
    sum += p.back();
  }
  for (double& v : p) v /= sum;
  return p;
}

/// The first bin in [128, n) with the least divergence; 128 when there is none. `p` sums to 1.
/// BadArgument unless p has at least 128 bins.
inline std::int32_t threshold(std::span<const double> p) {
  if (p.size() < levels)
    fail<BadArgument>("p: expected at least ", levels, " bins, got ", p.size());
  std::vector<double> squeezed(p.size());
  double tail = 0;
  for (const double v : p.subspan(levels)) tail += v;
  double least = 10000;
  std::size_t best = levels;
  for (std::size_t bins = levels; bins < p.size(); ++bins) {
    const double d = detail::divergence(p, bins, tail, squeezed);
    tail -= p[bins];
    if (d < least) {
      least = d;
      best = bins;
    }
  }
  return static_cast<std::int32_t>(best);
}

}  // namespace kl

/// Threshold and scale of a finished histogram: scale = float((bin + 0.5) / interval / limit) with
/// both divisions in binary64. `plane` is width * height of the tensor; `limit` its largest code.
/// BadArgument unless limit >= 1.
inline Threshold finalize(const Histogram& h, ThresholdMethod method, std::int64_t plane,
                          std::int32_t limit, const FloatMode& mode) {
  if (limit < 1) fail<BadArgument>("limit: expected a code of at least 1, got ", limit);
  if (num::is_zero(h.interval)) return {};
  Threshold t;
  t.bin = static_cast<std::int32_t>(h.counts.size()) - 1;
  if (method == ThresholdMethod::kl && plane >= 100)
    t.bin = kl::threshold(kl::distribution(h.counts));
  const detail::Wide middle{static_cast<std::uint64_t>(t.bin) * 2 + 1, -1};
  const detail::Wide ratio = detail::divide(middle, detail::widen(h.interval));
  t.scale = detail::narrow(detail::divide(ratio, {static_cast<std::uint64_t>(limit), 0}), mode);
  return t;
}

}  // namespace qsim::calib
