#pragma once
// From an accumulator to a code by a Requant rule: one factor out of three scales, then narrowing.

#include <cstdint>

#include "qsim/base/check.hpp"
#include "qsim/emu/fixed.hpp"
#include "qsim/emu/narrow.hpp"
#include "qsim/num/f64.hpp"
#include "qsim/num/f64_arithmetic.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::emu {

/// Where a sum came from: a row may rescale each kind differently.
enum class SumKind : std::uint8_t {
  convolution,
  grouped,       ///< convolutions with groups that are not depthwise
  depthwise,
  product,       ///< matrix products
  row,           ///< matrix products with one row that pass the gate
  wide,          ///< int64 sums of convolutions
  wide_product,  ///< int64 sums of matrix products
};

/// The row's rule for one channel of `channels`. Its scheme may be `none`.
constexpr const Requant& requant_of(const Profile& p, SumKind kind, std::size_t channel = 0,
                                    std::size_t channels = 1) {
  const auto first = [](const Requant& r, const Requant& other) -> const Requant& {
    return r.scheme != Rescale::none ? r : other;
  };
  switch (kind) {
    case SumKind::convolution: return p.requant;
    case SumKind::grouped: return first(p.grouped, p.requant);
    case SumKind::product: return first(p.requant_product, p.requant);
    case SumKind::row: return first(p.requant_row, first(p.requant_product, p.requant));
    case SumKind::wide: return p.requant16;
    case SumKind::wide_product: return first(p.requant16_product, p.requant16);
    case SumKind::depthwise: break;
  }
  const Requant& body = first(p.channelwise, p.requant);
  const std::size_t whole = channels / p.channel_group * p.channel_group;
  return channel >= whole ? first(p.channelwise_rest, body) : body;
}

/// Scales of the left (activation) and right (weight) operand and of the result.
struct Scales {
  F32 lhs{}, rhs{}, out{};
  bool per_channel = false;  ///< the right operand has one scale per channel
};

/// A factor ready for use, in the form the rule wants, and the parts that a real bias needs.
struct PreparedFactor {
  F32 real{};           ///< fp32: the factor; real: 1/out (or out) of the last step
  Multiple multiple{};  ///< fixed
  F64 wide{};           ///< f64
  F32 unit{};           ///< fl(lhs*rhs), or fl(1/fl(lhs*rhs)) for codes per unit
  F32 lhs{}, rhs{};
};

namespace detail {
inline F64 checked_factor(F64 factor) {
  if (!num::is_finite(factor) || (num::sign(factor) && !num::is_zero(factor)))
    fail<BadArgument>("scale: expected lhs_scale*rhs_scale/out_scale to be finite and not "
                      "negative for a profile with integer multipliers; check the three scales");
  return factor;
}

/// lhs*rhs/out in binary64.
inline F64 factor_64(const Requant& rule, const Scales& s, const FloatMode& mode) {
  switch (rule.factor) {
    case Factor::f32: return num::widen(num::div(num::mul(s.lhs, s.rhs, mode), s.out, mode));
    case Factor::f32_reciprocal:
      return num::widen(num::mul(num::mul(s.lhs, s.rhs, mode),
                                 num::div(num::f32_one, s.out, mode), mode));
    case Factor::f32_product:
      if (!s.per_channel) return num::quotient(num::widen(num::mul(s.lhs, s.rhs, mode)), s.out);
      break;
    case Factor::f64:
    case Factor::in_turn: break;
  }
  return num::quotient(num::product(s.lhs, s.rhs), s.out);
}

/// fl(acc) in real units, plus a real bias: v of scheme `real`.
constexpr F32 real_value(const Requant& rule, std::int64_t acc, const PreparedFactor& by,
                         const FloatMode& mode, const F32* bias) {
  const bool in_turn = rule.factor == Factor::in_turn && !rule.codes_per_unit;
  const F32 sum = in_turn ? num::mul(num::from_int(acc), by.lhs, mode) : num::from_int(acc);
  const F32 scale = in_turn ? by.rhs : by.unit;
  if (bias == nullptr) return num::mul(sum, scale, mode);
  if (rule.fused) return num::fma(sum, scale, *bias, mode);
  return num::add(num::mul(sum, scale, mode), *bias, mode);
}
}  // namespace detail

/// lhs*rhs/out as the rule computes it. BadArgument for a factor that has no integer multiplier.
/// Equation (A.23).
inline PreparedFactor prepare(const Requant& rule, const Scales& s, const FloatMode& mode = {}) {
  PreparedFactor p;
  p.lhs = s.lhs, p.rhs = s.rhs;
  p.unit = num::mul(s.lhs, s.rhs, mode);
  if (rule.scheme == Rescale::real) {
    p.real = rule.codes_per_unit ? s.out : num::div(num::f32_one, s.out, mode);
    if (rule.codes_per_unit)
      p.unit = num::is_zero(num::read(s.rhs, mode)) ? num::f32_zero
                                                    : num::div(num::f32_one, p.unit, mode);
    return p;
  }
  p.wide = detail::factor_64(rule, s, mode);
  p.real = num::to_f32(p.wide);
  if (rule.scheme == Rescale::fixed)
    p.multiple = multiple_of(detail::checked_factor(p.wide), rule.fixed);
  return p;
}

/// The code of sum `acc`, which holds an integer bias already; `bias` (may be null) is in real
/// units. Schemes none and engine are the caller's. Equation (A.23).
constexpr std::int32_t requantize_sum(const Requant& rule, std::int64_t acc,
                                      const PreparedFactor& by, std::int32_t zero,
                                      const CodeRange& range, const FloatMode& mode = {},
                                      const F32* bias = nullptr) {
  if (rule.scheme == Rescale::fixed)
    return narrow_int(rescale(acc, by.multiple, rule.fixed), zero, range, rule.narrow);
  if (rule.scheme == Rescale::f64)
    return narrow_int(num::to_int32(num::mul(num::f64_from_int(acc), by.wide), rule.narrow.convert),
                      zero, range, rule.narrow);
  if (rule.scheme == Rescale::real) {
    const F32 v = detail::real_value(rule, acc, by, mode, bias);
    return narrow_real(num::mul(v, by.real, mode), zero, range, rule.narrow, mode);
  }
  F32 sum = num::from_int(acc);
  if (bias != nullptr) sum = num::add(sum, num::div(*bias, by.unit, mode), mode);
  return narrow_real(num::mul(sum, by.real, mode), zero, range, rule.narrow, mode);
}

/// fl(acc) * factor + bias as a real number, the bias by fma where the row says so; null: no bias.
constexpr F32 real_sum(const Profile& p, std::int64_t acc, F32 factor, const F32* bias) {
  const F32 sum = num::from_int(acc);
  if (bias == nullptr) return num::mul(sum, factor, p.float_mode);
  if (p.requant.fused) return num::fma(sum, factor, *bias, p.float_mode);
  return num::add(num::mul(sum, factor, p.float_mode), *bias, p.float_mode);
}

/// acc + bias in the accumulator's word: 32 bits that wrap, or 64.
constexpr std::int64_t add_bias(std::int64_t acc, std::int64_t bias, bool wide) {
  const std::uint64_t sum = static_cast<std::uint64_t>(acc) + static_cast<std::uint64_t>(bias);
  return num::wrap(static_cast<std::int64_t>(sum), wide ? 64 : 32);
}

}  // namespace qsim::emu
