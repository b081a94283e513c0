#pragma once
// Codes of one scale as codes of another, leaky relu on codes, and means over axes.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/emu/add.hpp"
#include "qsim/emu/fixed.hpp"
#include "qsim/emu/narrow.hpp"
#include "qsim/emu/quantizer.hpp"
#include "qsim/emu/rescale.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::emu {

/// One factor for codes at or above the zero point and one for those below, ready for use.
struct PreparedRecode {
  Recode rule{};
  Scaled in{}, out{};
  CodeRange range{};
  Multiple upper{}, lower{};                 ///< fixed
  std::int32_t upper_256 = 0, lower_256 = 0;  ///< fraction_8: 256 * factor
  bool negates_lower = false;                ///< fixed: the factor below is negative
};

namespace detail {

inline std::int32_t in_256ths(F32 factor, std::string_view argument) {
  const F32 least = power_of_two(-8), bound = power_of_two(7);
  const F32 size = num::absolute(factor);
  if (num::is_nan(factor) || num::less(size, least) || num::less(bound, size))
    fail<BadArgument>(argument, ": expected a factor between 2^-8 and 2^7, which 8 fractional bits "
                      "hold, got another one; check the scales");
  return static_cast<std::int32_t>(
      num::round_to_int(num::mul(factor, power_of_two(8)), Ties::half_even));
}

/// in/out, or in*slope/out, by the rule.
inline F64 recode_factor(const Recode& rule, const Scaled& in, F32 slope, F32 out) {
  if (rule.factor == Factor::f64) return num::quotient(num::product(in.scale, slope), out);
  return num::widen(num::div(num::mul(in.scale, slope), out));
}

/// As a Factor of Recode, in and out scale alone: fl(in/out) needs no product by 1.
inline PreparedRecode prepare_recode(const Recode& rule, const Scaled& in, const Scaled& out,
                                     F32 slope, const CodeRange& range) {
  need_positive(in.scale, "in_scale");
  need_positive(out.scale, "out_scale");
  PreparedRecode p{.rule = rule, .in = in, .out = out, .range = range};
  if (rule.scheme == Recoding::fraction_8) {
    const F32 ratio = num::div(in.scale, out.scale);
    p.upper_256 = in_256ths(ratio, "in_scale, out_scale");
    p.lower_256 = slope == num::f32_one ? p.upper_256
                                        : in_256ths(num::mul(ratio, slope), "alpha");
    return p;
  }
  p.negates_lower = num::sign(slope) && !num::is_zero(slope);
  p.upper = multiple_of(checked_factor(recode_factor(rule, in, num::f32_one, out.scale)),
                        rule.fixed);
  p.lower = multiple_of(checked_factor(recode_factor(rule, in, num::absolute(slope), out.scale)),
                        rule.fixed);
  return p;
}

}  // namespace detail

/// The code of code q in the other scale. Equal factors above and below unless it is a leaky relu;
/// a negative factor below negates the rounded result.
constexpr std::int32_t code_of(const PreparedRecode& p, std::int32_t q) {
  const std::int64_t d = std::int64_t{q} - p.in.zero;
  if (p.rule.scheme == Recoding::fraction_8) {
    const std::int64_t v =
        num::shift_right(d * (d >= 0 ? p.upper_256 : p.lower_256), 8, Ties::half_up);
    return narrow_int(static_cast<std::int32_t>(v), p.out.zero, p.range, p.rule.narrow);
  }
  std::int32_t v = rescale(d, d >= 0 ? p.upper : p.lower, p.rule.fixed);
  if (d < 0 && p.negates_lower) v = static_cast<std::int32_t>(num::wrap(-std::int64_t{v}, 32));
  return narrow_int(v, p.out.zero, p.range, p.rule.narrow);
}

/// Codes to codes by `requantize`. The rule is not `none`.
inline PreparedRecode prepare_requantize(const Profile& profile, const Scaled& in,
                                         const Scaled& out, const CodeRange& range) {
  return detail::prepare_recode(profile.requantize, in, out, num::f32_one, range);
}

/// x for x >= 0, slope * x below, by `leaky_relu`. The rule is not `none`.
inline PreparedRecode prepare_leaky_relu(const Profile& profile, const Scaled& in,
                                         const Scaled& out, F32 slope, const CodeRange& range) {
  if (!num::is_finite(slope))
    fail<BadArgument>("alpha: expected a finite slope, got ", num::is_nan(slope) ? "NaN"
                                                                                : "an infinity");
  return detail::prepare_recode(profile.leaky_relu, in, out, slope, range);
}

/// Means of `count` codes each: [results, count], results in channel order over `channels`.
struct MeanOperands {
  std::size_t count = 1, channels = 1;
  std::span<const std::int32_t> input;
  Scaled in{}, out{};
  CodeRange range{};
};

namespace detail {
/// (m << s)/n * 2^(e - s): the factor with 1/n in its multiplier, s as large as it fits.
constexpr Multiple with_count(const Multiple& m, std::int64_t n) {
  int shift = num::detail::msb(static_cast<std::uint64_t>(n));
  if (shift > 32) shift = 32;
  if (shift > 31 + m.exponent) shift = 31 + m.exponent;
  const std::int64_t lifted = std::int64_t{m.multiplier} << shift;
  return {static_cast<std::int32_t>(lifted / n), m.exponent - shift};
}
}  // namespace detail

/// Means by the row: NotSupported where it has no rule.
inline std::vector<std::int32_t> mean(const Profile& profile, const MeanOperands& a) {
  const Mean& rule = profile.mean;
  if (rule.scheme == MeanScheme::none) refuse(profile, "mean", "mean.scheme");
  QSIM_ASSERT(a.count > 0 && a.input.size() % a.count == 0);
  detail::need_positive(a.in.scale, "in_scale");
  detail::need_positive(a.out.scale, "out_scale");
  const F64 factor = num::quotient(num::widen(a.in.scale), a.out.scale);
  const std::int64_t n = static_cast<std::int64_t>(a.count);
  const Multiple by =
      detail::with_count(multiple_of(detail::checked_factor(factor), rule.fixed), n);
  const std::size_t whole = a.channels / rule.group * rule.group;
  std::vector<std::int32_t> out(a.input.size() / a.count);
  for (std::size_t r = 0; r < out.size(); ++r) {
    std::int64_t sum = -n * a.in.zero;
    for (const std::int32_t q : a.input.subspan(r * a.count, a.count)) sum += q;
    const Fixed& fixed = r % a.channels < whole ? rule.fixed : rule.rest;
    out[r] = narrow_int(rescale(num::wrap(sum, 32), by, fixed), a.out.zero, a.range, rule.narrow);
  }
  return out;
}

}  // namespace qsim::emu
