#pragma once
// From an accumulator to a code by a Requant rule: one factor out of three scales, then narrowing.

#include <cstdint>

#include "qsim/base/check.hpp"
#include "qsim/emu/fixed.hpp"
#include "qsim/emu/narrow.hpp"
#include "qsim/num/f64.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::emu {

/// Where a sum came from: a row may rescale each kind differently.
enum class SumKind : std::uint8_t {
  product,    ///< matrix products and convolutions
  row,        ///< matrix products with one row
  wide,       ///< int16 activations
  depthwise,  ///< depthwise convolutions
};

/// The row's rule for one channel of `channels`. Its scheme may be `none`.
constexpr const Requant& requant_of(const Profile& p, SumKind kind, std::size_t channel = 0,
                                    std::size_t channels = 1) {
  const auto given = [](const Requant& r) { return r.scheme != Rescale::none; };
  switch (kind) {
    case SumKind::product: return p.requant;
    case SumKind::row: return given(p.requant_row) ? p.requant_row : p.requant;
    case SumKind::wide: return p.requant16;
    case SumKind::depthwise: break;
  }
  const std::size_t whole = channels / p.channel_group * p.channel_group;
  if (channel >= whole && given(p.channelwise_rest)) return p.channelwise_rest;
  return given(p.channelwise) ? p.channelwise : p.requant;
}

/// Scales of the left (activation) and right (weight) operand and of the result.
struct Scales {
  F32 lhs{}, rhs{}, out{};
};

/// A factor ready for use: binary32 or integer, as the rule wants it.
struct PreparedFactor {
  F32 real{};
  Multiple multiple{};
};

namespace detail {
inline F64 checked_factor(F64 factor) {
  if (num::is_nan(factor) || !num::is_finite(factor) ||
      (num::sign(factor) && !num::is_zero(factor)))
    fail<BadArgument>("scale: expected lhs_scale*rhs_scale/out_scale to be finite and not "
                      "negative for a profile with integer multipliers; check the three scales");
  return factor;
}
}  // namespace detail

/// lhs*rhs/out as the rule computes it. BadArgument for a factor that has no integer multiplier.
/// Equation (A.23).
inline PreparedFactor prepare(const Requant& rule, const Scales& s, const FloatMode& mode = {}) {
  PreparedFactor p;
  switch (rule.factor) {
    case Factor::f32:
      p.real = num::div(num::mul(s.lhs, s.rhs, mode), s.out, mode);
      if (rule.scheme == Rescale::fixed)
        p.multiple = multiple_of(detail::checked_factor(num::widen(p.real)), rule.fixed);
      break;
    case Factor::f64: {
      const F64 factor = num::quotient(num::product(s.lhs, s.rhs), s.out);
      p.real = num::to_f32(factor);
      if (rule.scheme == Rescale::fixed)
        p.multiple = multiple_of(detail::checked_factor(factor), rule.fixed);
      break;
    }
  }
  return p;
}

/// The code of sum `acc`, which holds the bias already. Schemes none and engine are the caller's.
constexpr std::int32_t requantize_sum(const Requant& rule, std::int64_t acc,
                                      const PreparedFactor& by, std::int32_t zero,
                                      const CodeRange& range, const FloatMode& mode = {}) {
  if (rule.scheme == Rescale::fixed)
    return narrow_int(rescale(acc, by.multiple, rule.fixed), zero, range, rule.narrow);
  return narrow_real(num::mul(num::from_int(acc), by.real, mode), zero, range, rule.narrow, mode);
}

/// acc + bias in the accumulator's word: 32 bits that wrap, or 64.
constexpr std::int64_t add_bias(std::int64_t acc, std::int64_t bias, bool wide) {
  const std::uint64_t sum = static_cast<std::uint64_t>(acc) + static_cast<std::uint64_t>(bias);
  return num::wrap(static_cast<std::int64_t>(sum), wide ? 64 : 32);
}

}  // namespace qsim::emu
