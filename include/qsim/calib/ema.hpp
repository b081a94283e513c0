#pragma once
// The moving-average quantizer: batch ranges, fake quantization, running ranges and what is stored.
//
// A stream of batches folds into a running range with update(); the fold depends on the order of
// the batches by definition (0.99 old + 0.01 new), so it has no merge. Every function is pure,
// every arithmetic step is one binary32 operation of rule.mode. Source: MNN tag 2.9.0,
// tools/train/source/nn/NN.cpp 586-849 and 890-1022; tools/cpp/ConvertToFullQuant.hpp 57-168.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/calib/real.hpp"
#include "qsim/calib/weights.hpp"
#include "qsim/num/f32.hpp"
#include "qsim/quant/spec.hpp"

namespace qsim::calib {

/// How the minimum and maximum of a tensor of n values are found: x[0] starts v and four lanes,
/// whole blocks of 8 go to the lanes, the lanes and then the last n mod 8 values go to v.
///
///     block   x0 x1 x2 x3 x4 x5 x6 x7
///     x86_lanes  lane j takes x[2j], x[2j+1]: a NaN input is ignored, a NaN lane stays
///     arm_lanes  lane j takes x[j], x[4+j]:   a NaN stays in its lane; v ignores a NaN lane
///
/// So with a NaN in x[0] only the tail counts, with a NaN elsewhere the two orders differ.
enum class ReduceOrder : std::uint8_t { x86_lanes, arm_lanes };

/// How a new nominal limit joins the running one.
enum class RangeUpdate : std::uint8_t {
  moving_average,  ///< fl(fl(old * 0.99f) + fl(new * (1 - 0.99f)))
  maximum,         ///< max(old, new), for the lower limit too: a defect that shrinks minima
};

/// Everything in which hosts of the moving-average quantizer differ, and its options.
struct EmaRule {
  FloatMode mode{};
  MinMaxNan minmax = MinMaxNan::propagate;  ///< of min(0, .) and max(0, .), 0 first
  ReduceOrder reduce = ReduceOrder::arm_lanes;
  bool nan_restarts = false;             ///< a running NaN equals the mark -100 of "unset"
  bool stores_nan_scale_as_zero = false; ///< a NaN scaleIn or scaleOut is dropped by the writer
  bool guards_zero_range = false;        ///< see Grid::guarded; no engine does this
  RangeUpdate update = RangeUpdate::moving_average;
  int weight_bits = 8;                   ///< 2 to 8: weights in [-W, W], W = 2^(bits-1) - 1
  friend constexpr bool operator==(const EmaRule&, const EmaRule&) = default;
};

/// Why a batch cannot be quantized.
enum class Health : std::uint8_t {
  good,        ///< the scale is a positive normal number
  zero_range,  ///< max(0, high) - min(0, low) over 254 is zero (or subnormal): scale 0, zero 0/0
  nonfinite,   ///< the range, or its width, is infinite or NaN
};

/// Scale and zero point of a range, as binary32 (the zero point is integral or non-finite).
struct Grid {
  F32 scale{};
  F32 zero{};
  Health health = Health::good;
  /// A rule that guards answers every range that is not good with scale 1 and zero 0; such a batch
  /// must not touch a running range.
  bool guarded = false;
  friend constexpr bool operator==(const Grid&, const Grid&) = default;
};

/// What one batch of one tensor says.
struct Observation {
  Range raw;      ///< minimum and maximum of the batch
  Grid grid;
  Range nominal;  ///< the reals that the grid reaches, widened to hold 0
};

/// What the quantizer writes for one convolution.
struct Stored {
  QInfo in_describe;        ///< scale 1/(1/s), limits -127 and 127
  QInfo out_describe;       ///< scale s, limits -128 and 127: the cast's unset limits win
  F32 cast_in_multiplier;   ///< of the float to int8 cast: 1/s
  F32 cast_out_scale;       ///< of the int8 to float cast: s
  F32 scale_in, scale_out;  ///< the convolution's own copies
  bool fake_info = false;   ///< a copy is 0: weights stay unpacked (aMin -W, type 0, no buffer)
};

}  // namespace qsim::calib

namespace qsim::calib::ema {

/// GCC -O3 -ffast-math on x86-64. Minimum and maximum instructions answer with their second
/// operand, `a == b` compiles to a comparison that NaN passes.
inline constexpr EmaRule x64{
    .mode = {.flush_inputs = true, .flush_results = Flush::after_rounding, .negative_nan = true},
    .minmax = MinMaxNan::second_operand,
    .reduce = ReduceOrder::x86_lanes,
    .nan_restarts = true,
    .stores_nan_scale_as_zero = true};
/// arm64, same compiler flags: comparisons and minimum/maximum treat NaN as IEEE 754 says.
inline constexpr EmaRule ieee{
    .mode = {.flush_inputs = true, .flush_results = Flush::before_rounding}};

/// The same rule, with batches of zero or non-finite range answered by scale 1 and left out of the
/// running range.
constexpr EmaRule guarded(EmaRule rule) {
  rule.guards_zero_range = true;
  return rule;
}

namespace detail {

inline constexpr F32 limit = num::from_int(127);
inline constexpr F32 lowest = num::from_int(-127);
inline constexpr F32 unset = num::from_int(-100);
inline constexpr F32 keep{0x3f7d70a4u};        // fl(0.99)
inline constexpr F32 alpha_floor{0x358637bdu}; // fl(1e-6)

constexpr F32 extreme(const EmaRule& rule, std::span<const F32> x, bool maximum) {
  const auto pick = [&](F32 a, F32 b, MinMaxNan nan) {
    return maximum ? num::max(a, b, nan) : num::min(a, b, nan);
  };
  const bool x86 = rule.reduce == ReduceOrder::x86_lanes;
  const MinMaxNan join = x86 ? MinMaxNan::second_operand : MinMaxNan::number;
  const auto at = [&](std::size_t i) { return num::read(x[i], rule.mode); };
  F32 v = at(0);
  std::array<F32, 4> lane{v, v, v, v};
  const std::size_t tail = x.size() / 8 * 8;
  for (std::size_t i = 0; i < tail; i += 8) {
    for (std::size_t j = 0; j < 4; ++j) {
      if (x86) {
        lane[j] = pick(at(i + 2 * j), lane[j], MinMaxNan::second_operand);
        lane[j] = pick(at(i + 2 * j + 1), lane[j], MinMaxNan::second_operand);
      } else {
        const F32 pair = pick(at(i + j), at(i + 4 + j), MinMaxNan::propagate);
        lane[j] = pick(lane[j], pair, MinMaxNan::propagate);
      }
    }
  }
  for (const F32 l : lane) v = pick(v, l, join);
  for (std::size_t i = tail; i < x.size(); ++i) v = pick(v, at(i), join);
  return v;
}

}  // namespace detail

/// Minimum and maximum of a whole tensor in NCHW order. BadArgument when it is empty.
constexpr Range batch_range(const EmaRule& rule, std::span<const F32> x) {
  if (x.empty()) fail<BadArgument>("x: expected at least one value, got none");
  return {detail::extreme(rule, x, false), detail::extreme(rule, x, true)};
}

/// s = (max(0, high) - min(0, low)) / 254, z = roundf((0 - min(0, low)) / s - 127).
constexpr Grid grid(const EmaRule& rule, const Range& raw) {
  const FloatMode& mode = rule.mode;
  const F32 low = num::min(num::f32_zero, raw.low, rule.minmax);
  const F32 high = num::max(num::f32_zero, raw.high, rule.minmax);
  Grid g;
  g.scale = num::div(num::sub(high, low, mode), num::from_int(254), mode);
  const F32 steps = num::div(num::sub(num::f32_zero, low, mode), g.scale, mode);
  g.zero = calib::detail::round_away(num::sub(steps, detail::limit, mode));
  if (!num::is_finite(g.scale)) g.health = Health::nonfinite;
  else if (num::is_zero(g.scale) || num::is_subnormal(g.scale)) g.health = Health::zero_range;
  if (rule.guards_zero_range && g.health != Health::good)
    return {num::f32_one, num::f32_zero, g.health, true};
  return g;
}

/// [min(0, (-127 - z) * s), max(0, (127 - z) * s)].
constexpr Range nominal(const EmaRule& rule, const Grid& g) {
  const FloatMode& mode = rule.mode;
  const F32 low = num::mul(num::sub(detail::lowest, g.zero, mode), g.scale, mode);
  const F32 high = num::mul(num::sub(detail::limit, g.zero, mode), g.scale, mode);
  return {num::min(num::f32_zero, low, rule.minmax), num::max(num::f32_zero, high, rule.minmax)};
}

/// s * (clamp(roundf(x / s + z), -127, 127) - z), each step rounded. NaN stays NaN on every host.
constexpr F32 fake_quantize(const EmaRule& rule, F32 x, F32 scale, F32 zero) {
  const FloatMode& mode = rule.mode;
  const F32 t = num::add(num::div(x, scale, mode), zero, mode);
  const F32 q = calib::detail::clamp(calib::detail::round_away(t), detail::lowest, detail::limit);
  return num::mul(scale, num::sub(q, zero, mode), mode);
}

/// Range, grid and nominal range of one batch.
constexpr Observation observe(const EmaRule& rule, std::span<const F32> x) {
  Observation seen;
  seen.raw = batch_range(rule, x);
  seen.grid = grid(rule, seen.raw);
  seen.nominal = nominal(rule, seen.grid);
  return seen;
}

namespace detail {
constexpr F32 joined(const EmaRule& rule, F32 old, F32 fresh) {
  if (num::equal(old, unset) || (rule.nan_restarts && num::is_nan(old))) return fresh;
  if (rule.update == RangeUpdate::maximum) return num::max(old, fresh, rule.minmax);
  const F32 rest = num::sub(num::f32_one, keep, rule.mode);  // 0x3c23d700, not fl(0.01)
  return num::add(num::mul(old, keep, rule.mode), num::mul(fresh, rest, rule.mode), rule.mode);
}
}  // namespace detail

/// The running range after a batch. No range yet, or a limit that equals the mark -100, takes the
/// new value. `maximum` is read in the source only; no recorded case holds it.
constexpr Range update(const EmaRule& rule, const std::optional<Range>& running,
                       const Range& fresh) {
  if (!running) return fresh;
  return {detail::joined(rule, running->low, fresh.low),
          detail::joined(rule, running->high, fresh.high)};
}

/// The same with an observation; a guarded one changes nothing.
constexpr std::optional<Range> update(const EmaRule& rule, const std::optional<Range>& running,
                                      const Observation& seen) {
  if (seen.grid.guarded) return running;
  return update(rule, running, seen.nominal);
}

/// W = 2^(bits-1) - 1. BadArgument unless 2 <= weight_bits <= 8.
constexpr std::int32_t weight_limit(const EmaRule& rule) {
  if (rule.weight_bits < 2 || rule.weight_bits > 8)
    fail<BadArgument>("weight_bits: expected 2 to 8, got ", rule.weight_bits);
  return (1 << (rule.weight_bits - 1)) - 1;
}

/// alpha_k = fl(max(max|w_k|, 1e-6f) * fl(1/W)), q = clamp(roundf(fl(w * fl(1/alpha_k))), -W, W).
/// `weights` is [channels, ...], channel major. A NaN weight makes its channel's scale NaN and its
/// codes 0. BadArgument unless the channels divide the weights.
inline WeightCodes quantize_weights(const EmaRule& rule, std::span<const F32> weights,
                                    std::size_t channels) {
  const F32 top = num::from_int(weight_limit(rule));
  if (channels == 0 || weights.size() % channels != 0)
    fail<BadArgument>("channels: expected a divisor of ", weights.size(), " weights, got ",
                      channels);
  const std::size_t each = weights.size() / channels;
  WeightCodes out;
  out.codes.reserve(weights.size());
  for (std::size_t k = 0; k < channels; ++k) {
    const std::span<const F32> row = weights.subspan(k * each, each);
    F32 largest = detail::alpha_floor;
    for (const F32 w : row) largest = num::max(largest, num::absolute(w), MinMaxNan::propagate);
    const F32 unit = num::div(num::f32_one, top, rule.mode);
    const F32 alpha = num::mul(largest, unit, rule.mode);
    const F32 inverse = num::div(num::f32_one, alpha, rule.mode);
    for (const F32 w : row) {
      const F32 q = calib::detail::round_away(num::mul(w, inverse, rule.mode));
      out.codes.push_back(static_cast<std::int8_t>(
          calib::detail::to_int8(calib::detail::clamp(q, num::negate(top), top))));
    }
    out.alpha.push_back(alpha);
  }
  return out;
}

/// The reals that training multiplies with: fl(q * alpha_k).
inline std::vector<F32> fake_weights(const EmaRule& rule, const WeightCodes& w) {
  QSIM_ASSERT(!w.alpha.empty() && w.codes.size() % w.alpha.size() == 0);
  const std::size_t each = w.codes.size() / w.alpha.size();
  std::vector<F32> out;
  out.reserve(w.codes.size());
  for (std::size_t i = 0; i < w.codes.size(); ++i)
    out.push_back(num::mul(num::from_int(w.codes[i]), w.alpha[i / each], rule.mode));
  return out;
}

/// What is written for a convolution whose input and output ran in these ranges. A range that no
/// batch has set is scale 1, zero 0 by a rule that guards, BadArgument otherwise.
constexpr Stored stored(const EmaRule& rule, const std::optional<Range>& running_in,
                        const std::optional<Range>& running_out) {
  const auto grid_of = [&](const std::optional<Range>& running, const char* argument) {
    if (running) return grid(rule, *running);
    if (!rule.guards_zero_range)
      fail<BadArgument>(argument, ": expected the range of at least one batch, got none");
    return Grid{num::f32_one, num::f32_zero, Health::good, true};
  };
  const Grid in = grid_of(running_in, "running_in");
  const Grid out = grid_of(running_out, "running_out");
  Stored s{};
  s.cast_in_multiplier = num::div(num::f32_one, in.scale, rule.mode);
  s.cast_out_scale = out.scale;
  s.in_describe.scale = num::div(num::f32_one, s.cast_in_multiplier, rule.mode);  // 1 ulp off s
  s.in_describe.zero = num::from_int(calib::detail::to_int8(in.zero));
  s.out_describe.scale = out.scale;
  s.out_describe.zero = num::from_int(calib::detail::to_int8(out.zero));
  s.out_describe.low = num::from_int(-128);
  const auto copy = [&](F32 scale) {
    return rule.stores_nan_scale_as_zero && num::is_nan(scale) ? num::f32_zero : scale;
  };
  s.scale_in = copy(in.scale);
  s.scale_out = copy(out.scale);
  s.fake_info = num::is_zero(s.scale_in) || num::is_zero(s.scale_out);
  return s;
}

}  // namespace qsim::calib::ema
