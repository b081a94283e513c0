#pragma once
// Between binary32 and int8 codes: the casts a runtime inserts around its integer operations.

#include <cstdint>

#include "qsim/emu/fuse.hpp"
#include "qsim/emu/narrow.hpp"

namespace qsim::emu {

/// A stored zero point as the integer that casts and element-wise ops use: truncated; NaN is 0.
constexpr std::int32_t int_zero(F32 zero) {
  const Convert trunc{NanRule::zero, RangeRule::saturate, RangeRule::saturate, Ties::toward_zero};
  return num::to_int32(zero, trunc);
}

/// The same cut to int8: what padding, a fused relu and limits use.
constexpr std::int32_t byte_zero(F32 zero) {
  return static_cast<std::int32_t>(num::wrap(int_zero(zero), 8));
}

/// A stored limit as an integer code.
constexpr std::int32_t int_limit(F32 limit) { return byte_zero(limit); }

/// The multiplier of a cast to int8: 1/scale, or 0 for a zero (or flushed subnormal) scale.
constexpr F32 cast_multiplier(F32 scale, const FloatMode& mode) {
  if (num::is_zero(num::read(scale, mode))) return num::f32_zero;
  return num::div(num::f32_one, scale, mode);
}

/// The code of x: narrow(x*m + zero). Equation (A.7).
constexpr std::int8_t quantize(const Profile& profile, F32 x, F32 multiplier, std::int32_t zero,
                               const CodeRange& range) {
  const FloatMode& mode = profile.float_mode;
  const F32 z = num::from_int(zero);
  const F32 t = profile.cast.fused_multiply_add
                    ? num::fma(x, multiplier, z, mode)
                    : num::add(num::mul(x, multiplier, mode), z, mode);
  return narrow(t, range, profile.cast.narrow);
}

/// The real value of code q: fl((q - zero) * scale). No guard: (0)*inf is NaN. Equation (A.8).
constexpr F32 dequantize(const Profile& profile, std::int8_t q, F32 scale, std::int32_t zero) {
  return num::mul(num::from_int(std::int64_t{q} - zero), scale, profile.float_mode);
}

}  // namespace qsim::emu
