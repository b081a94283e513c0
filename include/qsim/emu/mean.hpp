#pragma once
// Means of codes over axes of a tensor, by a row.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/emu/add.hpp"
#include "qsim/emu/fixed.hpp"
#include "qsim/emu/narrow.hpp"
#include "qsim/emu/quantizer.hpp"
#include "qsim/emu/rescale.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::emu {

/// Means of `count` codes each: [results, count], results in channel order over `channels`.
struct MeanOperands {
  std::size_t count = 1, channels = 1;
  std::span<const std::int32_t> input;
  Scaled in{}, out{};
  CodeRange range{};
  bool image = false;  ///< 8-bit codes [n, h, w, c], h and w reduced, their axes kept
};

namespace detail {

/// (m << s)/n * 2^(e - s), truncated: the factor with 1/n in it, s as large as it fits.
constexpr Multiple with_count(const Multiple& m, std::int64_t n) {
  int shift = num::detail::msb(static_cast<std::uint64_t>(n));
  if (shift > 32) shift = 32;
  if (shift > 31 + m.exponent) shift = 31 + m.exponent;
  const std::int64_t lifted = std::int64_t{m.multiplier} << shift;
  return {static_cast<std::int32_t>(lifted / n), m.exponent - shift};
}

/// Calls put(result, sum of raw codes) for every mean.
template <class Put>
void for_each_sum(const MeanOperands& a, Put put) {
  for (std::size_t r = 0; r * a.count < a.input.size(); ++r) {
    std::int64_t sum = 0;
    for (const std::int32_t q : a.input.subspan(r * a.count, a.count)) sum += q;
    put(r, sum);
  }
}

inline void fixed_means(const Mean& rule, const MeanOperands& a, std::span<std::int32_t> out) {
  const F64 factor = checked_factor(num::quotient(num::widen(a.in.scale), a.out.scale));
  const std::int64_t n = static_cast<std::int64_t>(a.count);
  const Multiple by = with_count(multiple_of(factor, rule.fixed), n);
  for_each_sum(a, [&](std::size_t r, std::int64_t sum) {
    const std::int64_t difference = num::wrap(sum - n * a.in.zero, 32);
    out[r] = narrow_int(rescale(difference, by, rule.fixed), a.out.zero, a.range, rule.narrow);
  });
}

/// trunc(fl(t +- 0.5)), t = fl(fl(zero*in) / out).
inline std::int32_t rounded_zero(const MeanOperands& a) {
  const F32 t = num::div(num::mul(num::from_int(a.in.zero), a.in.scale), a.out.scale);
  const F32 half = num::less(num::f32_zero, t) ? num::f32_half : num::negate(num::f32_half);
  const Convert truncate{NanRule::zero, RangeRule::saturate, RangeRule::saturate,
                         Ties::toward_zero};
  return num::to_int32(num::add(t, half), truncate);
}

inline void image_means(const Mean& rule, const MeanOperands& a, std::span<std::int32_t> out) {
  const F32 n = num::from_int(static_cast<std::int64_t>(a.count));
  const F64 factor =
      checked_factor(num::widen(num::div(a.in.scale, num::mul(n, a.out.scale))));
  const std::int64_t zero = num::wrap(std::int64_t{a.out.zero} - rounded_zero(a), 32);
  const std::size_t whole = a.channels / rule.group * rule.group;
  for_each_sum(a, [&](std::size_t r, std::int64_t sum) {
    const Fixed& fixed = r % a.channels < whole ? rule.image : rule.fixed;
    const std::int32_t v = rescale(num::wrap(sum, 32), multiple_of(factor, fixed), fixed);
    out[r] = narrow_int(v, static_cast<std::int32_t>(zero), a.range, rule.narrow);
  });
}

/// The zero points are a constant that joins before rounding.
inline void folded_means(const Mean& rule, const FloatMode& mode, const MeanOperands& a,
                         std::span<std::int32_t> out) {
  const std::int64_t n = static_cast<std::int64_t>(a.count);
  const F32 s = num::mul(num::div(a.in.scale, a.out.scale, mode),
                         num::div(num::f32_one, num::from_int(n), mode), mode);
  const F32 zeros = num::from_int(n * a.in.zero), zo = num::from_int(a.out.zero);
  const F32 constant = rule.fused ? num::fma(num::negate(zeros), s, zo, mode)
                                  : num::sub(zo, num::mul(zeros, s, mode), mode);
  for_each_sum(a, [&](std::size_t r, std::int64_t sum) {
    const F32 x = num::from_int(sum);
    const F32 t = rule.fused ? num::fma(x, s, constant, mode)
                             : num::add(num::mul(x, s, mode), constant, mode);
    out[r] = narrow_real(t, a.out.zero, a.range, rule.narrow, mode);
  });
}

}  // namespace detail

/// Means by the row: NotSupported where it has no rule.
inline std::vector<std::int32_t> mean(const Profile& profile, const MeanOperands& a) {
  const Mean& rule = profile.mean;
  if (rule.scheme == MeanScheme::none) refuse(profile, "mean", "mean.scheme");
  QSIM_ASSERT(a.count > 0 && a.input.size() % a.count == 0);
  detail::need_positive(a.in.scale, "in_scale");
  detail::need_positive(a.out.scale, "out_scale");
  std::vector<std::int32_t> out(a.input.size() / a.count);
  if (rule.scheme == MeanScheme::fixed) detail::need_integer_zero(rule.narrow, "mean");
  if (rule.scheme == MeanScheme::folded_f32)
    detail::folded_means(rule, profile.float_mode, a, out);
  else if (rule.image_sums && a.image)
    detail::image_means(rule, a, out);
  else
    detail::fixed_means(rule, a, out);
  return out;
}

}  // namespace qsim::emu
