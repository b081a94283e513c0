#pragma once
// Scale and zero point from the values themselves, and the codes by them.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/emu/quantizer.hpp"
#include "qsim/num/f32.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::emu {

/// The smallest and the largest value, as an engine found them.
struct Extremes {
  F32 low{0x7f7fffffu};   ///< FLT_MAX before any value
  F32 high{0xff7fffffu};  ///< -FLT_MAX
};

namespace detail {

constexpr Extremes merged(const Extremes& kept, const Extremes& other, MinMaxNan rule) {
  return {num::min(kept.low, other.low, rule), num::max(kept.high, other.high, rule)};
}

}  // namespace detail

/// Minimum and maximum of x in the row's order: `unroll` vectors of `lanes` at a time into as many
/// accumulators, merged in pairs; then single vectors; then halves of the vector; then the rest.
/// A NaN answers by `minmax` within vectors and by `tail` after them. Equation (A.25).
inline Extremes extremes(const Dynamic& rule, std::span<const F32> x) {
  const std::size_t lanes = rule.lanes, step = lanes * rule.unroll;
  std::vector<Extremes> kept(step);
  std::size_t i = 0;
  for (; x.size() - i >= step; i += step)
    for (std::size_t k = 0; k < step; ++k)
      kept[k] = detail::merged(kept[k], {x[i + k], x[i + k]}, rule.minmax);
  const auto merge = [&](std::size_t into, std::size_t from) {
    kept[into] = detail::merged(kept[into], kept[from], rule.minmax);
  };
  for (std::size_t apart = 1; apart < rule.unroll; apart *= 2)
    for (std::size_t v = 0; v + apart < rule.unroll; v += 2 * apart)
      for (std::size_t k = 0; k < lanes; ++k) merge(v * lanes + k, (v + apart) * lanes + k);
  for (; x.size() - i >= lanes; i += lanes)
    for (std::size_t k = 0; k < lanes; ++k)
      kept[k] = detail::merged(kept[k], {x[i + k], x[i + k]}, rule.minmax);
  for (std::size_t n = lanes; n > 1; n = (n + 1) / 2)
    for (std::size_t k = 0, half = (n + 1) / 2; k + half < n; ++k) merge(k, k + half);
  Extremes all = kept[0];
  for (; i < x.size(); ++i) all = detail::merged(all, {x[i], x[i]}, rule.tail);
  return all;
}

/// What a row derives from the extremes.
struct DynamicParameters {
  F32 scale{};
  std::int32_t zero = 0;
  F32 multiplier{};  ///< signed_255: codes are x * multiplier, and `scale` is fl(1 / multiplier)
};

namespace detail {

constexpr std::int32_t nearest(F32 z) {
  return static_cast<std::int32_t>(num::round_to_int(z, Ties::half_even));
}

constexpr DynamicParameters unsigned_255(const Extremes& e, const FloatMode& mode) {
  const F32 low = num::min(e.low, num::f32_zero, MinMaxNan::first_operand);
  const F32 high = num::max(e.high, num::f32_zero, MinMaxNan::first_operand);
  const F32 top = num::from_int(255);
  const F32 scale = num::equal(low, high) ? num::f32_one
                                          : num::div(num::sub(high, low, mode), top, mode);
  const F32 z = num::sub(num::f32_zero, num::div(low, scale, mode), mode);
  const F32 capped = num::min(top, z, MinMaxNan::first_operand);  // NaN becomes 255
  return {scale, nearest(num::max(num::f32_zero, capped, MinMaxNan::first_operand)), {}};
}

constexpr DynamicParameters signed_255(const Extremes& e, const FloatMode& mode) {
  const F32 low = num::min(e.low, num::f32_zero, MinMaxNan::first_operand);
  const F32 high = num::max(e.high, num::f32_zero, MinMaxNan::first_operand);
  const F32 m = num::equal(low, high)
                    ? num::f32_one
                    : num::div(num::from_int(255), num::sub(high, low, mode), mode);
  const F32 bottom = num::from_int(-128), top = num::from_int(127);
  const F32 code_low = num::mul(low, m, mode), code_high = num::mul(high, m, mode);
  const F32 balance = num::add(num::add(bottom, code_low, mode), num::add(top, code_high, mode),
                               mode);
  const F32 z = num::less(num::f32_zero, balance) ? num::sub(bottom, code_low, mode)
                                                  : num::sub(top, code_high, mode);
  const F32 raised = num::max(z, bottom, MinMaxNan::second_operand);  // NaN becomes -128
  return {num::div(num::f32_one, m, mode),
          nearest(num::min(raised, top, MinMaxNan::second_operand)), m};
}

}  // namespace detail

/// Scale and zero point by the row; NotSupported if it has no such rule.
inline DynamicParameters dynamic_parameters(const Profile& profile, const Extremes& e) {
  switch (profile.dynamic.scheme) {
    case DynamicScheme::none: break;
    case DynamicScheme::unsigned_255: return detail::unsigned_255(e, profile.float_mode);
    case DynamicScheme::signed_255: return detail::signed_255(e, profile.float_mode);
  }
  refuse(profile, "dynamic_quantize", "dynamic.scheme");
}

/// Codes that dynamic quantization makes.
constexpr CodeRange dynamic_range(const Dynamic& rule) {
  if (rule.scheme == DynamicScheme::signed_255) return {-128, 127, false, -128, 127};
  return {0, 255, false, 0, 255};
}

namespace detail {
/// A quantizer by found parameters: signed_255 multiplies by its own multiplier, not fl(1/scale).
inline PreparedQuantizer dynamic_quantizer(const Profile& profile, Quantizer rule,
                                           const DynamicParameters& p) {
  const bool multiplies = profile.dynamic.scheme == DynamicScheme::signed_255;
  if (multiplies && rule.scaling != Scaling::none) {
    rule.scaling = Scaling::reciprocal;
    rule.fused = false;
  }
  PreparedQuantizer q =
      prepare_quantizer(profile, rule, p.scale, p.zero, dynamic_range(profile.dynamic));
  if (multiplies) q.factor = p.multiplier;
  return q;
}
}  // namespace detail

/// Codes of x into `out` and the parameters behind them: whole groups by `quantize.vector`, what is
/// left by `rest`. With signed_255 their narrowing of fl(x * multiplier). Equation (A.25).
template <class Code>
DynamicParameters dynamic_quantize(const Profile& profile, std::span<const F32> x,
                                   std::span<Code> out) {
  QSIM_ASSERT(out.size() == x.size());
  const Quantize& rule = profile.quantize;
  const DynamicParameters p = dynamic_parameters(profile, extremes(profile.dynamic, x));
  const bool has_rest = rule.rest.scaling != Scaling::none;
  const PreparedQuantizer body = detail::dynamic_quantizer(profile, rule.vector, p);
  const PreparedQuantizer rest =
      detail::dynamic_quantizer(profile, has_rest ? rule.rest : rule.vector, p);
  const std::size_t grouped = x.size() / rule.group * rule.group;
  for (std::size_t i = 0; i < x.size(); ++i)
    out[i] = static_cast<Code>(code_of(i < grouped ? body : rest, x[i]));
  return p;
}

}  // namespace qsim::emu
