#pragma once
// binary32 functions by a profile: dot products, exp, sigmoid, tanh, relu and their NaN answers.

#include <cstddef>
#include <cstdint>

#include "qsim/num/f32.hpp"
#include "qsim/num/reciprocal.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::emu {

namespace detail {

inline constexpr F32 ln2{0x3f317218u};          // fl(ln 2)
inline constexpr F32 inverse_ln2{0x3fb8aa3bu};  // fl(1 / fl(ln 2))
inline constexpr F32 exp_limit{0x42ae0000u};    // 87
inline constexpr F32 flt_max{0x7f7fffffu};
/// Horner coefficients from the highest: fl(1/120), fl(1/24), fl(1/6), 1/2, 1, 1.
inline constexpr F32 exp_poly[6] = {{0x3c088889u}, {0x3d2aaaabu}, {0x3e2aaaabu},
                                    {0x3f000000u}, {0x3f800000u}, {0x3f800000u}};

constexpr F32 multiply_add(F32 a, F32 b, F32 c, bool fused, const FloatMode& mode) {
  return fused ? num::fma(a, b, c, mode) : num::add(num::mul(a, b, mode), c, mode);
}

}  // namespace detail

/// max(x, low) then min(x, high), or the other way round, with the row's NaN answer.
constexpr F32 clamp_f32(const FloatMath& math, F32 x, F32 low, F32 high, ClampOrder order) {
  if (order == ClampOrder::high_first)
    return num::max(num::min(x, high, math.minmax), low, math.minmax);
  return num::min(num::max(x, low, math.minmax), high, math.minmax);
}

/// exp(x) as the row computes it. Equation (A.14).
constexpr F32 exp(const Profile& profile, F32 x) {
  const FloatMath& math = profile.float_math;
  const FloatMode& mode = profile.float_mode;
  x = clamp_f32(math, x, num::negate(detail::exp_limit), detail::exp_limit, math.exp_clamp);
  const F32 steps = num::mul(x, detail::inverse_ln2, mode);
  const Convert to_int{NanRule::zero, RangeRule::saturate, RangeRule::saturate, math.exp_range};
  const std::int32_t n = num::to_int32(steps, to_int);
  const F32 t = detail::multiply_add(num::negate(num::from_int(n)), detail::ln2, x,
                                     math.exp_reduce_fused, mode);
  F32 p = detail::exp_poly[0];
  for (int i = 1; i < 6; ++i)
    p = detail::multiply_add(p, t, detail::exp_poly[i], math.exp_poly_fused, mode);
  const std::uint32_t shift = static_cast<std::uint32_t>(n) << 23;
  if (math.exp_power == PowerOfTwo::add_exponent) return {p.bits + shift};
  return num::mul(F32{0x3f800000u + shift}, p, mode);
}

namespace detail {
/// a/d for element i of n: the estimate serves whole groups, the rest divide.
constexpr F32 grouped_quotient(const Profile& profile, F32 a, F32 d, std::size_t i, std::size_t n) {
  const FloatMath& math = profile.float_math;
  const bool grouped = i < n / math.group * math.group;
  return num::quotient(a, d, grouped ? math.reciprocal : Reciprocal::divide, math.estimate,
                       profile.float_mode);
}
}  // namespace detail

/// 1 / (1 + exp(-x)) for element i of a tensor of n. Equation (A.15).
constexpr F32 sigmoid(const Profile& profile, F32 x, std::size_t i, std::size_t n) {
  const FloatMode& mode = profile.float_mode;
  const F32 e = exp(profile, num::mul(x, F32{0xbf800000u}, mode));
  return detail::grouped_quotient(profile, num::f32_one, num::add(num::f32_one, e, mode), i, n);
}

/// (1 - exp(-2x)) / (1 + exp(-2x)) for element i of a tensor of n. Equation (A.16).
constexpr F32 tanh(const Profile& profile, F32 x, std::size_t i, std::size_t n) {
  const FloatMode& mode = profile.float_mode;
  const F32 e = exp(profile, num::mul(x, F32{0xc0000000u}, mode));
  return detail::grouped_quotient(profile, num::sub(num::f32_one, e, mode),
                                  num::add(num::f32_one, e, mode), i, n);
}

/// max(x, 0) with the row's NaN answer.
constexpr F32 relu(const Profile& profile, F32 x) {
  return num::max(num::read(x, profile.float_mode), num::f32_zero, profile.float_math.minmax);
}

/// The limits after a float convolution: x86 rows turn NaN into -FLT_MAX here.
constexpr F32 finish_convolution(const Profile& profile, F32 y) {
  if (!profile.float_math.clamps_convolutions) return y;
  return clamp_f32(profile.float_math, y, num::negate(detail::flt_max), detail::flt_max,
                   ClampOrder::low_first);
}

namespace detail {
constexpr F32 join_lanes(const F32 (&lane)[8], const FloatDot& dot, const FloatMode& mode) {
  const auto sum = [&](int i, int j) { return num::add(lane[i], lane[j], mode); };
  switch (dot.tree) {
    case Tree::halves: return num::add(sum(0, 2), sum(1, 3), mode);
    case Tree::from_one: return num::add(num::add(sum(1, 2), lane[0], mode), lane[3], mode);
    case Tree::pairs: break;
  }
  const F32 low = num::add(sum(0, 1), sum(2, 3), mode);
  return dot.lanes == 4 ? low : num::add(low, num::add(sum(4, 5), sum(6, 7), mode), mode);
}
}  // namespace detail

/// sum_k a[k*a_stride] * b[k*b_stride] in binary32, by partial sums that start at +0. A single
/// lane starts with its first product. Equation (A.17).
constexpr F32 float_dot(const FloatDot& dot, const F32* a, std::ptrdiff_t a_stride, const F32* b,
                        std::ptrdiff_t b_stride, std::size_t n, const FloatMode& mode) {
  F32 lane[8] = {};
  for (std::size_t k = 0; k < n; ++k) {
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(k);
    F32& sum = lane[k % dot.lanes];
    const F32 x = a[at * a_stride];
    const F32 y = b[at * b_stride];
    sum = k == 0 && dot.lanes == 1 ? num::mul(x, y, mode)
                                   : detail::multiply_add(x, y, sum, dot.fused, mode);
  }
  return dot.lanes == 1 ? lane[0] : detail::join_lanes(lane, dot, mode);
}

}  // namespace qsim::emu
