#pragma once
// From a binary32 value to an int8 code: clamps, conversion and packing in a row's order.

#include <cstdint>

#include "qsim/num/f32.hpp"
#include "qsim/num/fit.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::emu {

/// The codes a result may take. `low` > `high` is legal: the row's clamp order decides.
struct CodeRange {
  std::int32_t low = -128;
  std::int32_t high = 127;
  bool skip = false;  ///< the tile's clamp is missing: only the word size limits
};

namespace detail {
constexpr std::int64_t clamp_ordered(std::int64_t v, std::int64_t low, std::int64_t high,
                                     ClampOrder order) {
  if (order == ClampOrder::high_first) {
    v = v < high ? v : high;
    return v > low ? v : low;
  }
  v = v > low ? v : low;
  return v < high ? v : high;
}

constexpr F32 clamp_real(F32 t, const CodeRange& range, const Narrow& n) {
  const F32 low = num::from_int(range.low);
  const F32 high = num::from_int(range.high);
  if (n.order == ClampOrder::high_first)
    return num::max(num::min(t, high, n.minmax), low, n.minmax);
  return num::min(num::max(t, low, n.minmax), high, n.minmax);
}
}  // namespace detail

/// The code of real value t (in units of codes, zero point included where the row adds it first).
/// Equation (A.6). NaN and overflow answers are the row's.
constexpr std::int8_t narrow(F32 t, const CodeRange& range, const Narrow& n) {
  const ClampStage stage = range.skip ? ClampStage::none : n.clamp;
  if (stage == ClampStage::real) t = detail::clamp_real(t, range, n);
  std::int64_t v = num::wrap(std::int64_t{num::to_int32(t, n.convert)} + n.offset, 32);
  if (n.through_int16) v = num::saturate(v, 16);
  if (stage == ClampStage::int16)
    v = detail::clamp_ordered(v, range.low + n.offset, range.high + n.offset, n.order);
  v = num::clamp(v, -128 + n.offset, 127 + n.offset) - n.offset;
  if (stage == ClampStage::int8) v = detail::clamp_ordered(v, range.low, range.high, n.order);
  return static_cast<std::int8_t>(v);
}

/// The code of an accumulator: fl(fl(acc) * scale), narrowed. acc already holds the bias.
constexpr std::int8_t requantize(const Epilogue& epilogue, std::int32_t acc, F32 scale,
                                 const CodeRange& range, const FloatMode& mode) {
  return narrow(num::mul(num::from_int(acc), scale, mode), range, epilogue.narrow);
}

}  // namespace qsim::emu
