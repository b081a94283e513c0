#pragma once
// Sums and differences of two code tensors by a row, one element at a time.

#include <cstdint>
#include <string_view>

#include "qsim/base/check.hpp"
#include "qsim/emu/eltwise.hpp"
#include "qsim/emu/fixed.hpp"
#include "qsim/emu/narrow.hpp"
#include "qsim/emu/quantizer.hpp"
#include "qsim/num/f32.hpp"
#include "qsim/num/f64.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::emu {

/// An operand that is one value where the other varies (the innermost broadcast axis). Rows that
/// fold constants fold it too, so it joins first; two single values count as `a`.
enum class Lone : std::uint8_t { neither, a, b };

/// A sum or difference with its scales, zero points and limits, ready for many elements.
struct PreparedAdd {
  const Profile* profile = nullptr;
  AddScheme scheme = AddScheme::none;  ///< after `gives_up`
  bool subtracts = false;
  Scaled a{}, b{}, out{};
  CodeRange range{};
  Narrow narrow{};
  F32 ratio_a{}, ratio_b{}, constant{};           ///< folded_f32
  std::int32_t multiplier_a = 0, multiplier_b = 0;  ///< shifted
  int shift = 0;
  Multiple factor_a{}, factor_b{}, factor_out{};  ///< fixed
  int left = 0;
};

namespace detail {

constexpr bool is_wide(const CodeRange& r) { return r.type_high - r.type_low > 255; }

inline void need_bytes(const Profile& profile, const CodeRange& r, std::string_view operation) {
  if (is_wide(r))
    fail<NotSupported>("dtype: profile ", profile.name.view(), " has no rule for ", operation,
                       " of 16-bit codes; use 8-bit codes or another profile");
}
inline void need_int8(const Profile& profile, const CodeRange& r, std::string_view operation) {
  if (r.type_low != -128 || r.type_high != 127)
    fail<NotSupported>("dtype: profile ", profile.name.view(), " has a rule for ", operation,
                       " of int8 codes only; use int8 or another profile");
}
inline void need_positive(F32 scale, std::string_view argument) {
  if (!num::is_finite(scale) || !num::less(num::f32_zero, scale))
    fail<BadArgument>(argument, ": expected a positive finite scale for integer multipliers, got ",
                      num::is_nan(scale) ? "NaN" : num::is_inf(scale) ? "an infinity"
                                                 : "zero or a negative number");
}

constexpr F32 power_of_two(int exponent) {
  return {static_cast<std::uint32_t>(exponent + 127) << 23};
}

/// constant = fl(zo - fl(fl(ra*za) + fl(rb*zb))).
constexpr void fold(PreparedAdd& p, const FloatMode& mode) {
  p.ratio_a = num::div(p.a.scale, p.out.scale, mode);
  p.ratio_b = num::div(p.b.scale, p.out.scale, mode);
  const F32 zeros = num::add(num::mul(p.ratio_a, num::from_int(p.a.zero), mode),
                             num::mul(p.ratio_b, num::from_int(p.b.zero), mode), mode);
  p.constant = num::sub(num::from_int(p.out.zero), zeros, mode);
}

/// Integer ratios and their shift. False where a ratio is outside [2^-14, 2^8), or where the row
/// can give up and the larger one rounds up to a power of two.
constexpr bool find_ratios(PreparedAdd& p, const Add& rule, const FloatMode& mode) {
  const F32 a = num::div(p.a.scale, p.out.scale, mode);
  const F32 b = num::div(p.b.scale, p.out.scale, mode);
  const F32 least = power_of_two(-14), bound = power_of_two(8);
  for (const F32 r : {a, b})
    if (num::is_nan(r) || num::less(r, least) || !num::less(r, bound)) return false;
  const F32 larger = num::less(a, b) ? b : a;
  p.shift = rule.bits - (static_cast<int>(larger.bits >> 23) - 127);
  const F32 unit = power_of_two(p.shift);
  p.multiplier_a =
      static_cast<std::int32_t>(num::round_to_int(num::mul(a, unit), Ties::half_even));
  p.multiplier_b =
      static_cast<std::int32_t>(num::round_to_int(num::mul(b, unit), Ties::half_even));
  const std::int32_t limit = std::int32_t{1} << (rule.bits + 1);
  return p.shift >= 1 && !(rule.gives_up && (p.multiplier_a >= limit || p.multiplier_b >= limit));
}

inline Multiple below_one(F64 factor, const Fixed& rule, bool may_exceed) {
  if (!may_exceed && factor.bits >= num::widen(num::f32_one).bits)
    fail<BadArgument>("out_scale: expected above 2*max(a_scale, b_scale)/2^left, so that the "
                      "output's factor is below 1, got a smaller one; use a larger out_scale");
  return multiple_of(factor, rule);
}

/// Factors s_i/t and t/(2^left*s_o) with t = 2*max(s_a, s_b): exact but for one division each.
inline void find_factors(PreparedAdd& p, const Add& rule) {
  need_positive(p.a.scale, "a_scale");
  need_positive(p.b.scale, "b_scale");
  need_positive(p.out.scale, "out_scale");
  p.left = is_wide(p.range) ? rule.left16 : rule.left;
  const F32 larger = num::less(p.a.scale, p.b.scale) ? p.b.scale : p.a.scale;
  const auto part = [&](F32 s) {
    return multiple_of(num::quotient(num::product(s, num::f32_half), larger), rule.fixed);
  };
  p.factor_a = part(p.a.scale);
  p.factor_b = part(p.b.scale);
  const F64 whole = num::quotient(num::product(larger, power_of_two(1 - p.left)), p.out.scale);
  p.factor_out = below_one(whole, rule.fixed, p.subtracts);
}

/// (q - z)*2^left times its factor.
constexpr std::int64_t scaled_operand(std::int64_t q, std::int32_t zero, int left,
                                      const Multiple& by, const Add& rule) {
  const std::int64_t difference = q - zero;
  if (!rule.folds_exponent) return rescale(num::wrap(difference << left, 32), by, rule.fixed);
  const int lift = left + by.exponent;
  const std::int64_t lifted =
      lift >= 0 ? num::wrap(difference << lift, 32)
                : num::shift_right(difference, -lift > 62 ? 62 : -lift, Ties::floor);
  return rescale(lifted, {by.multiplier, 0}, rule.fixed);
}

constexpr F32 folded_sum(const PreparedAdd& p, const Add& rule, F32 a, F32 b, Lone lone) {
  const FloatMode& mode = p.profile->float_mode;
  const auto joined = [&](F32 sum, F32 q, F32 ratio) {
    return num::add(sum, num::mul(q, ratio, mode), mode);
  };
  if (!rule.fused) {
    if (lone == Lone::b) return joined(joined(p.constant, b, p.ratio_b), a, p.ratio_a);
    return joined(joined(p.constant, a, p.ratio_a), b, p.ratio_b);
  }
  if (lone == Lone::a) return num::fma(b, p.ratio_b, joined(p.constant, a, p.ratio_a), mode);
  const F32 first = lone == Lone::b ? joined(p.constant, b, p.ratio_b)
                                    : num::fma(b, p.ratio_b, p.constant, mode);
  return num::fma(a, p.ratio_a, first, mode);
}

constexpr F32 plain_sum(const PreparedAdd& p, const Add& rule, F32 a, F32 b, Lone lone) {
  const FloatMode& mode = p.profile->float_mode;
  const F32 sb = p.subtracts ? num::negate(p.b.scale) : p.b.scale;
  F32 sum{};
  if (!rule.fused)
    sum = num::add(num::mul(p.a.scale, a, mode), num::mul(sb, b, mode), mode);
  else if (lone == Lone::a)
    sum = num::fma(sb, b, num::mul(p.a.scale, a, mode), mode);
  else
    sum = num::fma(p.a.scale, a, num::mul(sb, b, mode), mode);
  return num::div(sum, p.out.scale, mode);
}

}  // namespace detail

/// Checks and constants of a + b (or a - b) for one set of scales, zero points and limits; the
/// profile must outlive it. NotSupported where the row has no rule, BadArgument for scales that its
/// integer multipliers cannot hold.
inline PreparedAdd prepare_add(const Profile& profile, const Scaled& a, const Scaled& b,
                               const Scaled& out, const CodeRange& range, bool subtracts = false) {
  const Add& rule = profile.add;
  PreparedAdd p{.profile = &profile, .scheme = rule.scheme, .subtracts = subtracts,
                .a = a, .b = b, .out = out, .range = range, .narrow = rule.narrow};
  const std::string_view operation = subtracts ? "subtract" : "add";
  switch (rule.scheme) {
    case AddScheme::none: refuse(profile, operation, "add.scheme");
    case AddScheme::engine: detail::need_int8(profile, range, operation); break;
    case AddScheme::folded_f32:
      detail::need_bytes(profile, range, operation);
      if (subtracts)
        fail<NotSupported>("profile: ", profile.name.view(), " adds with folded constants and has "
                           "no rule for subtract; choose another profile");
      detail::fold(p, profile.float_mode);
      break;
    case AddScheme::plain_f32: break;
    case AddScheme::shifted:
      detail::need_bytes(profile, range, operation);
      if (detail::find_ratios(p, rule, profile.float_mode)) {
        if (subtracts) p.multiplier_b = -p.multiplier_b;
      } else {
        if (!rule.gives_up)
          fail<BadArgument>("a_scale, b_scale: expected ratios to out_scale in [2^-14, 2^8) for "
                            "profile ", profile.name.view(), ", got one outside");
        p.scheme = AddScheme::plain_f32;
        p.narrow = rule.plain;
      }
      break;
    case AddScheme::fixed: detail::find_factors(p, rule); break;
  }
  return p;
}

/// The code of qa + qb, or of qa - qb.
constexpr std::int32_t sum_of(const PreparedAdd& p, std::int32_t qa, std::int32_t qb,
                              Lone lone = Lone::neither) {
  const Add& rule = p.profile->add;
  const FloatMode& mode = p.profile->float_mode;
  switch (p.scheme) {
    case AddScheme::none: break;
    case AddScheme::engine:
      return binary(*p.profile, p.subtracts ? Binary::sub : Binary::add,
                    static_cast<std::int8_t>(qa), static_cast<std::int8_t>(qb), p.a, p.b,
                    eltwise_multiplier(*p.profile, p.out.scale), p.out.zero, p.range);
    case AddScheme::folded_f32: {
      const F32 t = detail::folded_sum(p, rule, num::from_int(qa), num::from_int(qb), lone);
      return narrow_real(t, 0, p.range, p.narrow, mode);  // the zero point is in the constant
    }
    case AddScheme::plain_f32: {
      const F32 a = num::from_int(std::int64_t{qa} - p.a.zero);
      const F32 b = num::from_int(std::int64_t{qb} - p.b.zero);
      return narrow_real(detail::plain_sum(p, rule, a, b, lone), p.out.zero, p.range, p.narrow,
                         mode);
    }
    case AddScheme::shifted: {
      const std::int64_t acc = (std::int64_t{qa} - p.a.zero) * p.multiplier_a +
                               (std::int64_t{qb} - p.b.zero) * p.multiplier_b;
      const std::int64_t v = num::shift_right(acc, p.shift, rule.shift);
      return narrow_int(static_cast<std::int32_t>(v), p.out.zero, p.range, p.narrow);
    }
    case AddScheme::fixed: {
      const std::int64_t a = detail::scaled_operand(qa, p.a.zero, p.left, p.factor_a, rule);
      const std::int64_t b = detail::scaled_operand(qb, p.b.zero, p.left, p.factor_b, rule);
      const std::int64_t sum = num::wrap(p.subtracts ? a - b : a + b, 32);
      return narrow_int(rescale(sum, p.factor_out, rule.fixed), p.out.zero, p.range, p.narrow);
    }
  }
  QSIM_ASSERT(false);
  return 0;
}

}  // namespace qsim::emu
