#pragma once
// The vocabulary of narrowing: from an accumulator or a real number to a code.

#include <cstdint>

#include "qsim/num/f32.hpp"
#include "qsim/num/fit.hpp"
#include "qsim/num/round.hpp"

namespace qsim {

/// At which point of narrowing a result is limited to [low, high].
enum class ClampStage : std::uint8_t {
  none, real, int16, int8,
  int32,      ///< after the zero point, in 32 bits
  real_high,  ///< the upper limit in binary32, the lower one on the code
};
/// `high_first`: min(x, high), then max(x, low); `low_first`: the other way round.
enum class ClampOrder : std::uint8_t { high_first, low_first };

/// Where a zero point joins a value on its way to a code.
enum class ZeroStage : std::uint8_t {
  included,        ///< it is in the value already
  real,            ///< fl(t + zero), before any limit
  real_integral,   ///< t is rounded to an integral binary32 by `convert.ties`, then fl(t + zero)
  int32_wrap,      ///< added to the converted int32, wrapping
  int32_saturate,  ///< the same, saturating
  int16_saturate,  ///< saturate to int16, add, saturate to int16
};
/// An upper bound that min() applies to a real value before all else.
enum class RealCap : std::uint8_t {
  none,
  int16,        ///< 32767
  below_int32,  ///< 2147483520, the largest binary32 below 2^31
};

/// binary32 -> code: [cap] -> [+ zero, real] -> [clamp real] -> convert -> [+ zero, integer] ->
/// + offset (int32, wraps) -> [clamp int32] -> [saturate int16] -> [clamp int16] -> saturate to the
/// code's type around the offset -> [clamp int8]. Limits in `real` are relative to a zero point
/// that is added later. A fixed-point result enters at "+ zero, integer".
struct Narrow {
  ClampStage clamp = ClampStage::int8;
  ClampOrder order = ClampOrder::high_first;
  MinMaxNan minmax = MinMaxNan::propagate;  ///< NaN answer of a limit at stage `real`
  Convert convert{};
  ZeroStage zero = ZeroStage::included;
  RealCap cap = RealCap::none;
  std::int16_t offset = 0;    ///< codes are stored with this added (x86: 128, bytes unsigned)
  bool through_int16 = true;  ///< packs by way of int16 with saturation
  friend constexpr bool operator==(const Narrow&, const Narrow&) = default;
};

/// Where the integer multiplier of a fixed-point factor comes from.
enum class Multiplier : std::uint8_t {
  f64_half_away,  ///< 31 bits of the binary64 mantissa, ties away
  f64_half_down,  ///< the same, ties down (an emulated frexp)
  f32_exact,      ///< the 24 bits of the binary32 mantissa
};

/// x*m*2^(e-31) in integers: x*2^max(e,0), high product with m, shift right by max(-e,0).
struct Fixed {
  Multiplier multiplier = Multiplier::f64_half_away;
  std::uint8_t bits = 32;             ///< 16: m is cut to 15 bits, (m + 2^15) >> 16, at most 32767,
                                      ///< and there is one rounding whatever single_rounding says
  bool single_rounding = false;       ///< one rounding by `shift` of the whole product
  Ties multiply = Ties::half_up;      ///< of x*m / 2^31
  Ties shift = Ties::half_away;       ///< of the right shift
  Overflow product = Overflow::saturate;  ///< (-2^31)*(-2^31): 2^31 - 1, or -2^31 by wrapping
  Overflow left = Overflow::wrap;     ///< of x*2^max(e,0) in 32 bits
  friend constexpr bool operator==(const Fixed&, const Fixed&) = default;
};

}  // namespace qsim
