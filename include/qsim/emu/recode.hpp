#pragma once
// Codes of one scale as codes of another, and leaky relu on codes, by integer factors.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "qsim/base/check.hpp"
#include "qsim/emu/add.hpp"
#include "qsim/emu/fixed.hpp"
#include "qsim/emu/narrow.hpp"
#include "qsim/emu/rescale.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::emu {

/// One factor for codes at or above the zero point and one for those below, ready for use.
struct PreparedRecode {
  Recode rule{};
  Scaled in{}, out{};
  CodeRange range{};
  F64 upper{}, lower{};                       ///< fixed
  std::int32_t upper_256 = 0, lower_256 = 0;  ///< fraction_8: 256 * factor
  bool negates_lower = false;                 ///< fixed: the factor below is negative
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

/// in*slope/out by the rule.
inline F64 recode_factor(const Recode& rule, F32 in, F32 slope, F32 out) {
  return checked_factor(factor_64(Requant{.factor = rule.factor}, {in, slope, out}, {}));
}

inline PreparedRecode prepare_recode(const Recode& rule, const Scaled& in, const Scaled& out,
                                     F32 slope, const CodeRange& range) {
  need_integer_zero(rule.narrow, "requantize, leaky_relu");
  need_positive(in.scale, "in_scale");
  need_positive(out.scale, "out_scale");
  PreparedRecode p{.rule = rule, .in = in, .out = out, .range = range};
  if (rule.scheme == Recoding::fraction_8) {
    const F32 ratio = num::div(in.scale, out.scale);
    p.upper_256 = in_256ths(ratio, "in_scale, out_scale");
    p.lower_256 = in_256ths(num::mul(ratio, slope), "alpha");
    return p;
  }
  p.negates_lower = num::sign(slope) && !num::is_zero(slope);
  p.upper = recode_factor(rule, in.scale, num::f32_one, out.scale);
  p.lower = recode_factor(rule, in.scale, num::absolute(slope), out.scale);
  return p;
}

constexpr std::int32_t recoded_256(const PreparedRecode& p, std::int64_t d) {
  const std::int64_t v = num::shift_right(d * (d >= 0 ? p.upper_256 : p.lower_256), 8,
                                          Ties::half_up);
  return narrow_int(static_cast<std::int32_t>(v), p.out.zero, p.range, p.rule.narrow);
}

}  // namespace detail

/// Codes to codes by `requantize`. The rule is not `none`.
inline PreparedRecode prepare_requantize(const Profile& profile, const Scaled& in,
                                         const Scaled& out, const CodeRange& range) {
  return detail::prepare_recode(profile.requantize, in, out, num::f32_one, range);
}

/// x for x >= 0, slope * x below, by `leaky_relu`. The rule is not `none`.
inline PreparedRecode prepare_leaky_relu(const Profile& profile, const Scaled& in,
                                         const Scaled& out, F32 slope, const CodeRange& range) {
  if (!num::is_finite(slope))
    fail<BadArgument>("alpha: expected a finite slope, got ",
                      num::is_nan(slope) ? "NaN" : "an infinity");
  return detail::prepare_recode(profile.leaky_relu, in, out, slope, range);
}

/// Codes `q` in the other scale. A negative factor below the zero point negates the rounded result.
/// `bytes`: codes of both types have 8 bits, so that whole groups follow `body`.
template <class Code>
void recode(const PreparedRecode& p, std::span<const Code> q, bool bytes,
            std::span<std::int32_t> out) {
  QSIM_ASSERT(q.size() == out.size());
  const Recode& rule = p.rule;
  const bool grouped = rule.group > 1 && bytes;
  const std::size_t whole = grouped ? q.size() / rule.group * rule.group : 0;
  const auto put = [&](const Fixed& fixed, std::size_t begin, std::size_t end) {
    const Multiple upper = multiple_of(p.upper, fixed), lower = multiple_of(p.lower, fixed);
    for (std::size_t i = begin; i < end; ++i) {
      const std::int64_t d = std::int64_t{q[i]} - p.in.zero;
      std::int64_t v = rescale(d, d >= 0 ? upper : lower, fixed);
      if (d < 0 && p.negates_lower) v = num::wrap(-v, 32);
      out[i] = narrow_int(static_cast<std::int32_t>(v), p.out.zero, p.range, rule.narrow);
    }
  };
  if (rule.scheme == Recoding::fraction_8) {
    for (std::size_t i = 0; i < q.size(); ++i)
      out[i] = detail::recoded_256(p, std::int64_t{q[i]} - p.in.zero);
    return;
  }
  put(rule.body, 0, whole);
  put(rule.fixed, whole, q.size());
}

}  // namespace qsim::emu
