#pragma once
// From a real number or a rescaled integer to a code: zero point, limits, conversion and packing in
// a row's order.

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
  std::int32_t type_low = -128;  ///< the word's own limits
  std::int32_t type_high = 127;
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

constexpr F32 clamp_real(F32 t, std::int64_t low_code, std::int64_t high_code, const Narrow& n) {
  const F32 low = num::from_int(low_code);
  const F32 high = num::from_int(high_code);
  if (n.clamp == ClampStage::real_high) return num::min(t, high, n.minmax);
  if (n.order == ClampOrder::high_first)
    return num::max(num::min(t, high, n.minmax), low, n.minmax);
  return num::min(num::max(t, low, n.minmax), high, n.minmax);
}

constexpr bool joins_real(ZeroStage zero) {
  return zero == ZeroStage::real || zero == ZeroStage::real_integral;
}

/// t rounded to an integral binary32; what is integral already stays, NaN and infinity too.
constexpr F32 integral(F32 t, Ties ties) {
  if (num::magnitude(t) >= 0x4b000000u) return t;
  const F32 r = num::from_int(num::round_to_int(t, ties));
  return {r.bits | (t.bits & 0x80000000u)};
}

/// The integer half of narrowing: zero point, packing, limits.
constexpr std::int32_t pack(std::int64_t v, std::int32_t zero, const CodeRange& range,
                            const Narrow& n, ClampStage stage) {
  switch (n.zero) {
    case ZeroStage::included:
    case ZeroStage::real:
    case ZeroStage::real_integral: break;
    case ZeroStage::int32_wrap: v = num::wrap(v + zero, 32); break;
    case ZeroStage::int32_saturate: v = num::saturate(v + zero, 32); break;
    case ZeroStage::int16_saturate: v = num::saturate(num::saturate(v, 16) + zero, 16); break;
  }
  v = num::wrap(v + n.offset, 32);
  if (stage == ClampStage::int32)
    v = clamp_ordered(v, range.low + n.offset, range.high + n.offset, n.order);
  if (n.through_int16) v = num::saturate(v, 16);
  if (stage == ClampStage::int16)
    v = clamp_ordered(v, range.low + n.offset, range.high + n.offset, n.order);
  v = num::clamp(v, range.type_low + n.offset, range.type_high + n.offset) - n.offset;
  if (stage == ClampStage::int8) v = clamp_ordered(v, range.low, range.high, n.order);
  if (stage == ClampStage::real_high) v = v > range.low ? v : range.low;
  return static_cast<std::int32_t>(v);
}
}  // namespace detail

/// The code of real value t, in units of codes; `zero` joins where the row says, or is in t.
/// Equations (A.6), (A.23). NaN and overflow answers are the row's.
constexpr std::int32_t narrow_real(F32 t, std::int32_t zero, const CodeRange& range,
                                   const Narrow& n, const FloatMode& mode = {}) {
  const ClampStage stage = range.skip ? ClampStage::none : n.clamp;
  if (n.cap == RealCap::int16) t = num::min(t, F32{0x46fffe00u}, n.minmax);        // 32767
  if (n.cap == RealCap::below_int32) t = num::min(t, F32{0x4effffffu}, n.minmax);  // 2147483520
  if (n.zero == ZeroStage::real_integral) t = detail::integral(t, n.convert.ties);
  if (detail::joins_real(n.zero)) t = num::add(t, num::from_int(zero), mode);
  const std::int64_t later =
      n.zero == ZeroStage::included || detail::joins_real(n.zero) ? 0 : zero;
  if (stage == ClampStage::real || stage == ClampStage::real_high)
    t = detail::clamp_real(t, range.low - later, range.high - later, n);
  return detail::pack(num::to_int32(t, n.convert), zero, range, n, stage);
}

/// The code of a rescaled integer: no real stage is left. Equation (A.23).
constexpr std::int32_t narrow_int(std::int32_t v, std::int32_t zero, const CodeRange& range,
                                  const Narrow& n) {
  return detail::pack(v, zero, range, n, range.skip ? ClampStage::none : n.clamp);
}

/// The int8 code of real value t that holds the zero point already. Equation (A.6).
constexpr std::int8_t narrow(F32 t, const CodeRange& range, const Narrow& n) {
  return static_cast<std::int8_t>(narrow_real(t, 0, range, n));
}

/// The code of an accumulator: fl(fl(acc) * scale), narrowed. acc already holds the bias.
constexpr std::int8_t requantize(const Epilogue& epilogue, std::int32_t acc, F32 scale,
                                 const CodeRange& range, const FloatMode& mode) {
  return narrow(num::mul(num::from_int(acc), scale, mode), range, epilogue.narrow);
}

}  // namespace qsim::emu
