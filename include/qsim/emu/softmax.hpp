#pragma once
// Softmax of rows of 8-bit codes, by a row's scheme.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "qsim/base/check.hpp"
#include "qsim/emu/add.hpp"
#include "qsim/emu/eltwise.hpp"
#include "qsim/emu/quantizer.hpp"
#include "qsim/emu/rescale.hpp"
#include "qsim/emu/softmax_fixed.hpp"
#include "qsim/num/elementary.hpp"
#include "qsim/num/f32.hpp"
#include "qsim/num/f64_arithmetic.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::emu {

/// Rows of `depth` codes each, one after another.
struct SoftmaxOperands {
  std::size_t depth = 1;
  std::span<const std::int32_t> input;
  Scaled in{}, out{};
  F32 beta = num::f32_one;
  CodeRange range{};
};

namespace detail {

using Exponentials = std::array<F32, 256>;  // by 255 + code - largest code

/// exp((i - 255 + b) * scale), b = max(0, fl(ln(fl(FLT_MAX / depth))) - 5) / scale: logarithm in
/// binary32, the rest in binary64, the result rounded to binary32. Sums of `depth` stay finite.
inline Exponentials lifted_exponentials(F32 scale, std::size_t depth) {
  const F32 room = num::div(F32{0x7f7fffffu}, num::from_int(static_cast<std::int64_t>(depth)));
  F64 b = num::sub(num::widen(num::log_f32(room)), num::f64_from_int(5));
  b = num::quotient(num::sign(b) ? F64{} : b, scale);
  Exponentials t;
  for (std::size_t i = 0; i < t.size(); ++i) {
    const F64 steps = num::add(num::f64_from_int(static_cast<std::int64_t>(i) - 255), b);
    t[i] = num::to_f32(num::exp_f64(num::mul(steps, num::widen(scale))));
  }
  return t;
}

/// exp(fl(fl(-scale*beta) * (255 - i))).
inline Exponentials exponentials(F32 scale, F32 beta, const FloatMode& mode) {
  const F32 step = num::mul(num::negate(scale), beta, mode);
  Exponentials t;
  for (std::size_t i = 0; i < t.size(); ++i)
    t[i] = num::exp_f32(num::mul(step, num::from_int(255 - static_cast<std::int64_t>(i)), mode));
  return t;
}

struct SoftmaxRow {
  std::span<const std::int32_t> q;
  std::span<std::int32_t> out;
  std::size_t index(std::size_t i, std::int32_t largest) const {
    return static_cast<std::size_t>(255 + q[i] - largest);
  }
};

inline F32 sum_of(const Exponentials& t, const SoftmaxRow& r, std::int32_t largest,
                  const FloatMode& mode) {
  F32 sum = num::f32_zero;
  for (std::size_t i = 0; i < r.q.size(); ++i) sum = num::add(sum, t[r.index(i, largest)], mode);
  return sum;
}

/// A C cast to uint32 of an integral y >= 0: beyond the word it saturates, or is 0 (x86); NaN is 0.
constexpr std::int64_t to_uint32(F32 y, const Convert& how) {
  if (num::magnitude(y) < 0x4f800000u)  // 2^32
    return num::round_to_int(y, Ties::half_even);
  return how.too_high == RangeRule::saturate && !num::is_nan(y) ? 0xffffffff : 0;
}

/// round(fl(fl(T * floor(1/scale)) / S)) + zero, at most the highest code. Infinite quotients and
/// huge ones pass the C cast that averages take too, and the sum wraps in 32 bits.
inline void f32_table_row(const SoftmaxOperands& a, const Exponentials& t, const SoftmaxRow& r,
                          std::int32_t largest, const FloatMode& mode, Convert cast) {
  const F32 units = detail::integral(num::div(num::f32_one, a.out.scale, mode), Ties::floor);
  const F32 sum = sum_of(t, r, largest, mode);
  cast.ties = Ties::half_even;
  for (std::size_t i = 0; i < r.q.size(); ++i) {
    const F32 y = num::div(num::mul(t[r.index(i, largest)], units, mode), sum, mode);
    if (a.range.type_low == 0) {
      const std::int64_t v = (to_uint32(y, cast) + a.out.zero) & 0xffffffff;
      r.out[i] = static_cast<std::int32_t>(v < a.range.high ? v : a.range.high);
    } else {
      const std::int64_t v = num::wrap(std::int64_t{num::to_int32(y, cast)} + a.out.zero, 32);
      r.out[i] = static_cast<std::int32_t>(num::clamp(v, a.range.low, a.range.high));
    }
  }
}

/// half_away(fl(T * fl(1 / fl(S * scale)))) + zero; uint8 rounds by trunc(fl(y + 0.5)).
inline void exp_f32_row(const SoftmaxOperands& a, const Exponentials& t, const SoftmaxRow& r,
                        std::int32_t largest, const FloatMode& mode) {
  const F32 sum = sum_of(t, r, largest, mode);
  const F32 inverse = num::div(num::f32_one, num::mul(sum, a.out.scale, mode), mode);
  const Convert how{NanRule::zero, RangeRule::saturate, RangeRule::saturate,
                    a.range.type_low == 0 ? Ties::add_half : Ties::half_away};
  for (std::size_t i = 0; i < r.q.size(); ++i) {
    const F32 y = num::mul(t[r.index(i, largest)], inverse, mode);
    const std::int64_t v = std::int64_t{num::to_int32(y, how)} + a.out.zero;
    r.out[i] = static_cast<std::int32_t>(num::clamp(v, a.range.low, a.range.high));
  }
}

/// Exponentials as uint16, an exact sum, and 1/(S*scale) as a fixed-point factor.
inline void exp_u16_row(const SoftmaxOperands& a, const Exponentials& t, const SoftmaxRow& r,
                        std::int32_t largest, const FloatMode& mode) {
  const Convert truncate{NanRule::zero, RangeRule::saturate, RangeRule::saturate,
                         Ties::toward_zero};
  const auto entry = [&](std::size_t i) {
    const F32 y = num::mul(t[r.index(i, largest)], num::from_int(65535), mode);
    const F64 up = num::add(num::widen(y), num::widen(num::f32_half));
    return std::min(num::to_int32(up, truncate), 65535);
  };
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < r.q.size(); ++i) sum += entry(i);
  const F32 whole = num::mul(num::from_int(num::wrap(sum, 32)), a.out.scale, mode);
  const Fixed fixed{};
  const F64 factor = num::widen(num::div(num::f32_one, whole, mode));
  const Multiple by = multiple_of(checked_factor(factor), fixed);
  for (std::size_t i = 0; i < r.q.size(); ++i) {
    const std::int64_t v = std::int64_t{rescale(entry(i), by, fixed)} + a.out.zero;
    r.out[i] = static_cast<std::int32_t>(num::clamp(v, a.range.low, a.range.high));
  }
}

inline void check_softmax(const Profile& profile, const SoftmaxOperands& a) {
  if (profile.softmax.scheme == SoftmaxScheme::none) refuse(profile, "softmax", "softmax.scheme");
  need_bytes(profile, a.range, "softmax");
  need_positive(a.in.scale, "in_scale");
  need_positive(a.beta, "beta");
  need_positive(a.out.scale, "out_scale");
  if (profile.softmax.scheme == SoftmaxScheme::f32_table && !(a.beta == num::f32_one))
    fail<NotSupported>("beta: profile ", profile.name.view(), " has no softmax with a beta other "
                       "than 1; scale the input instead");
  if (profile.softmax.scheme == SoftmaxScheme::fixed &&
      (!(a.out.scale == power_of_two(-8)) || a.out.zero != a.range.type_low))
    fail<BadArgument>("out_scale, out_zero: expected 1/256 and ", a.range.type_low, " for profile ",
                      profile.name.view(), ", whose softmax has no others, got zero point ",
                      a.out.zero);
}

}  // namespace detail

/// Softmax of every row into `out`. Equation (A.30). NotSupported where the row has no rule.
inline void softmax(const Profile& profile, const SoftmaxOperands& a,
                    std::span<std::int32_t> out) {
  detail::check_softmax(profile, a);
  QSIM_ASSERT(a.depth > 0 && a.input.size() % a.depth == 0 && out.size() == a.input.size());
  const FloatMode& mode = profile.float_mode;
  const SoftmaxScheme scheme = profile.softmax.scheme;
  const bool fixed = scheme == SoftmaxScheme::fixed;
  const PreparedFixedSoftmax integers =
      fixed ? prepare_fixed_softmax(a.in.scale, a.beta, profile.requant.fixed)
            : PreparedFixedSoftmax{};
  const detail::Exponentials t =
      fixed ? detail::Exponentials{}
      : scheme == SoftmaxScheme::f32_table ? detail::lifted_exponentials(a.in.scale, a.depth)
                                           : detail::exponentials(a.in.scale, a.beta, mode);
  for (std::size_t begin = 0; begin < a.input.size(); begin += a.depth) {
    const detail::SoftmaxRow row{a.input.subspan(begin, a.depth), out.subspan(begin, a.depth)};
    const std::int32_t largest = *std::max_element(row.q.begin(), row.q.end());
    switch (scheme) {
      case SoftmaxScheme::none: break;
      case SoftmaxScheme::f32_table:
        detail::f32_table_row(a, t, row, largest, mode, profile.average.narrow.convert);
        break;
      case SoftmaxScheme::fixed:
        fixed_softmax_row(integers, row.q, largest, a.range.type_low, row.out);
        break;
      case SoftmaxScheme::exp_f32: detail::exp_f32_row(a, t, row, largest, mode); break;
      case SoftmaxScheme::exp_u16: detail::exp_u16_row(a, t, row, largest, mode); break;
    }
  }
}

}  // namespace qsim::emu
