#pragma once
// Element-wise arithmetic of two int8 codes by way of binary32, one element at a time.

#include <cstdint>

#include "qsim/emu/cast.hpp"
#include "qsim/num/f32.hpp"
#include "qsim/num/fit.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::emu {

/// Operations of two int8 tensors.
enum class Binary : std::uint8_t { add, sub, mul, squared_difference, minimum, maximum };

/// One operand or the result of an element-wise operation: its scale and integer zero point.
struct Scaled {
  F32 scale{};
  std::int32_t zero = 0;
};

namespace detail {

/// (q - zero) * trunc(scale * 2^16) in int32, the operand of minimum and maximum.
constexpr std::int64_t fixed_16(std::int8_t q, const Scaled& a, const FloatMode& mode) {
  const Convert trunc{NanRule::zero, RangeRule::saturate, RangeRule::saturate, Ties::toward_zero};
  const F32 scaled = num::mul(a.scale, F32{0x47800000u}, mode);  // 65536
  return num::wrap((std::int64_t{q} - a.zero) * num::to_int32(scaled, trunc), 32);
}

constexpr F32 real_result(const Profile& profile, Binary op, std::int8_t q0, std::int8_t q1,
                          const Scaled& a, const Scaled& b) {
  const FloatMode& mode = profile.float_mode;
  const F32 d0 = num::from_int(std::int64_t{q0} - a.zero);
  const F32 d1 = num::from_int(std::int64_t{q1} - b.zero);
  if (op == Binary::mul && profile.eltwise.products_first)
    return num::mul(num::mul(d0, d1, mode), num::mul(a.scale, b.scale, mode), mode);
  const F32 x = num::mul(d0, a.scale, mode);
  const F32 y = num::mul(d1, b.scale, mode);
  if (op == Binary::mul) return num::mul(x, y, mode);
  if (op == Binary::add) return num::add(x, y, mode);
  const F32 d = num::sub(x, y, mode);
  return op == Binary::sub ? d : num::mul(d, d, mode);
}

}  // namespace detail

/// The multiplier 1/s_o of an element-wise result; 0 where the row reads s_o as zero.
constexpr F32 eltwise_multiplier(const Profile& profile, F32 scale) {
  if (detail::acts_as_zero(scale, profile.eltwise.nan_scale, profile.float_mode))
    return num::f32_zero;
  return num::div(num::f32_one, scale, profile.float_mode);
}

/// The result code of q0 op q1. `multiplier` is eltwise_multiplier of the output's scale.
/// minimum and maximum answer in real units: they ignore the output's scale. Equation (A.10).
constexpr std::int8_t binary(const Profile& profile, Binary op, std::int8_t q0, std::int8_t q1,
                             const Scaled& a, const Scaled& b, F32 multiplier, std::int32_t zero,
                             const CodeRange& range) {
  const Eltwise& rule = profile.eltwise;
  std::int64_t v = 0;
  if (op == Binary::minimum || op == Binary::maximum) {
    const std::int64_t x = detail::fixed_16(q0, a, profile.float_mode);
    const std::int64_t y = detail::fixed_16(q1, b, profile.float_mode);
    v = num::shift_right((op == Binary::minimum) == (x < y) ? x : y, 16, rule.min_max_shift);
  } else {
    const F32 real = detail::real_result(profile, op, q0, q1, a, b);
    v = num::to_int32(num::mul(real, multiplier, profile.float_mode), rule.convert);
  }
  if (rule.zero_after_int16)
    v = num::wrap(num::saturate(v, 16) + zero, 16);
  else
    v += zero;
  v = num::saturate(v, 16);
  if (rule.zero_after_int16) v = num::saturate(v, 8);
  return static_cast<std::int8_t>(
      num::saturate(detail::clamp_ordered(v, range.low, range.high, ClampOrder::high_first), 8));
}

/// Number of leading elements of `count` that the engine writes.
constexpr std::size_t written_elements(const Eltwise& rule, std::size_t count) {
  return rule.whole_quads_only ? count / 4 * 4 : count;
}

}  // namespace qsim::emu
