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

/// An operand that is one value where the other varies (the innermost broadcast axis). Engines make
/// it their second operand, which decides the order of binary32 sums. Two single values count as a.
enum class Lone : std::uint8_t { neither, a, b };

/// A sum or difference with its scales, zero points and limits, ready for many elements. `x` and
/// `y` are the operands in the engine's order: exchanged where the first one is lone.
struct PreparedAdd {
  const Profile* profile = nullptr;
  AddScheme scheme = AddScheme::none;  ///< after `gives_up`
  bool subtracts = false, swaps = false, lone_y = false;
  Scaled x{}, y{}, out{};  ///< scales of a subtracted operand are negative
  CodeRange range{};
  Narrow narrow{};
  F32 ratio_x{}, ratio_y{}, constant{};             ///< folded_f32
  std::int32_t multiplier_x = 0, multiplier_y = 0;  ///< shifted
  int shift = 0;
  Multiple factor_x{}, factor_y{}, factor_out{};    ///< fixed
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
                      num::is_nan(scale)   ? "NaN"
                      : num::is_inf(scale) ? "an infinity"
                                           : "zero or a negative number");
}

/// A rescaled integer has no binary32 stage left that a zero point could join.
inline void need_integer_zero(const Narrow& narrow, std::string_view field) {
  if (joins_real(narrow.zero))
    fail<BadArgument>("profile: expected ", field, ".narrow.zero to join as an integer, got a "
                      "stage in binary32; set it with Profile.replace_fields");
}

constexpr F32 power_of_two(int exponent) {
  return {static_cast<std::uint32_t>(exponent + 127) << 23};
}

/// constant = fl(zo - fl(fl(rx*zx) + fl(ry*zy))); fused: fl(zo - fma(rx, zx, fl(ry*zy))).
constexpr void fold(PreparedAdd& p, bool fused, const FloatMode& mode) {
  p.ratio_x = num::div(p.x.scale, p.out.scale, mode);
  p.ratio_y = num::div(p.y.scale, p.out.scale, mode);
  const F32 zx = num::from_int(p.x.zero);
  const F32 y = num::mul(p.ratio_y, num::from_int(p.y.zero), mode);
  const F32 zeros = fused ? num::fma(p.ratio_x, zx, y, mode)
                          : num::add(num::mul(p.ratio_x, zx, mode), y, mode);
  p.constant = num::sub(num::from_int(p.out.zero), zeros, mode);
}

constexpr std::int32_t integer_ratio(F32 ratio, int shift) {
  const Convert nearest{NanRule::zero, RangeRule::saturate, RangeRule::saturate, Ties::half_even};
  return num::to_int32(num::mul(ratio, power_of_two(shift)), nearest);
}

/// Integer ratios and their shift. False where a ratio is outside [2^-14, 2^8) (a NaN is not), the
/// shift outside 13..31, or where the row can give up and a ratio rounds up to a power of two.
constexpr bool find_ratios(PreparedAdd& p, const Add& rule, const FloatMode& mode) {
  const F32 x = num::div(p.x.scale, p.out.scale, mode);
  const F32 y = num::div(p.y.scale, p.out.scale, mode);
  const F32 least = power_of_two(-14), bound = power_of_two(8);
  for (const F32 r : {x, y})
    if (num::less(r, least) || num::equal(r, bound) || num::less(bound, r)) return false;
  const F32 larger = num::less(x, y) ? y : x;
  p.shift = rule.bits - (static_cast<int>(larger.bits >> 23) - 127);
  if (p.shift < 13 || p.shift > 31) return false;
  p.multiplier_x = integer_ratio(x, p.shift);
  p.multiplier_y = integer_ratio(y, p.shift);
  const std::int32_t limit = std::int32_t{1} << (rule.bits + 1);
  return !rule.gives_up || (p.multiplier_x < limit && p.multiplier_y < limit);
}

inline Multiple below_one(F64 factor, const Fixed& rule, bool may_exceed) {
  if (!may_exceed && factor.bits >= num::widen(num::f32_one).bits)
    fail<BadArgument>("out_scale: expected above 2*max(a_scale, b_scale)/2^left, so that the "
                      "output's factor is below 1, got a smaller one; use a larger out_scale");
  return multiple_of(factor, rule);
}

/// Factors s_i/t and t/(2^left*s_o) with t = 2*max(s_x, s_y): exact but for one division each.
inline void find_factors(PreparedAdd& p, const Add& rule) {
  p.left = is_wide(p.range) ? rule.left16 : rule.left;
  const F32 larger = num::less(p.x.scale, p.y.scale) ? p.y.scale : p.x.scale;
  const auto part = [&](F32 s) {
    return multiple_of(num::quotient(num::product(s, num::f32_half), larger), rule.fixed);
  };
  p.factor_x = part(p.x.scale);
  p.factor_y = part(p.y.scale);
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

constexpr F32 folded_sum(const PreparedAdd& p, bool fused, F32 x, F32 y) {
  const FloatMode& mode = p.profile->float_mode;
  if (fused) return num::fma(x, p.ratio_x, num::fma(y, p.ratio_y, p.constant, mode), mode);
  const F32 sx = num::mul(x, p.ratio_x, mode), sy = num::mul(y, p.ratio_y, mode);
  if (p.lone_y) return num::add(num::add(p.constant, sy, mode), sx, mode);
  return num::add(num::add(p.constant, sx, mode), sy, mode);
}

constexpr F32 plain_sum(const PreparedAdd& p, bool fused, F32 dx, F32 dy) {
  const FloatMode& mode = p.profile->float_mode;
  const F32 y = num::mul(p.y.scale, dy, mode);
  const F32 sum = fused ? num::fma(p.x.scale, dx, y, mode)
                        : num::add(num::mul(p.x.scale, dx, mode), y, mode);
  return num::div(sum, p.out.scale, mode);
}

/// The second operand of a difference counts negatively, wherever it stands.
constexpr void negate_subtracted(PreparedAdd& p) {
  if (!p.subtracts) return;
  Scaled& subtracted = p.swaps ? p.x : p.y;
  std::int32_t& multiplier = p.swaps ? p.multiplier_x : p.multiplier_y;
  subtracted.scale = num::negate(subtracted.scale);
  multiplier = -multiplier;
}

}  // namespace detail

/// Checks and constants of a + b (or a - b) for one set of scales, zero points and limits; the
/// profile must outlive it. NotSupported where the row has no rule, BadArgument for scales that its
/// integer multipliers cannot hold.
inline PreparedAdd prepare_add(const Profile& profile, const Scaled& a, const Scaled& b,
                               const Scaled& out, const CodeRange& range, bool subtracts = false,
                               Lone lone = Lone::neither) {
  const Add& rule = profile.add;
  const bool swaps = lone == Lone::a;
  PreparedAdd p{.profile = &profile, .scheme = rule.scheme, .subtracts = subtracts,
                .swaps = swaps, .lone_y = lone != Lone::neither, .x = swaps ? b : a,
                .y = swaps ? a : b, .out = out, .range = range, .narrow = rule.narrow};
  const std::string_view operation = subtracts ? "subtract" : "add";
  switch (rule.scheme) {
    case AddScheme::none: refuse(profile, operation, "add.scheme");
    case AddScheme::engine: detail::need_int8(profile, range, operation); return p;
    case AddScheme::folded_f32:
      detail::need_bytes(profile, range, operation);
      if (subtracts)
        fail<NotSupported>("profile: ", profile.name.view(), " adds with folded constants and has "
                           "no rule for subtract; choose another profile");
      detail::fold(p, rule.fused, profile.float_mode);
      break;
    case AddScheme::plain_f32: break;
    case AddScheme::shifted:
      detail::need_bytes(profile, range, operation);
      if (!detail::find_ratios(p, rule, profile.float_mode)) {
        if (!rule.gives_up)
          fail<BadArgument>("a_scale, b_scale: expected ratios to out_scale in [2^-14, 2^8), the "
                            "larger at least 2^-10, for profile ", profile.name.view(),
                            ", got others");
        p.scheme = AddScheme::plain_f32;
        p.narrow = rule.plain;
      } else {
        detail::need_integer_zero(rule.narrow, "add");
      }
      break;
    case AddScheme::fixed:
      detail::need_integer_zero(rule.narrow, "add");
      detail::need_positive(a.scale, "a_scale");
      detail::need_positive(b.scale, "b_scale");
      detail::need_positive(out.scale, "out_scale");
      detail::find_factors(p, rule);
      break;
  }
  detail::negate_subtracted(p);
  return p;
}

/// The code of qa + qb, or of qa - qb. Equation (A.26).
constexpr std::int32_t code_of(const PreparedAdd& p, std::int32_t qa, std::int32_t qb) {
  const Add& rule = p.profile->add;
  const FloatMode& mode = p.profile->float_mode;
  const std::int32_t qx = p.swaps ? qb : qa, qy = p.swaps ? qa : qb;
  const std::int64_t dx = std::int64_t{qx} - p.x.zero, dy = std::int64_t{qy} - p.y.zero;
  switch (p.scheme) {
    case AddScheme::none: break;
    case AddScheme::engine:
      return binary(*p.profile, p.subtracts ? Binary::sub : Binary::add,
                    static_cast<std::int8_t>(qa), static_cast<std::int8_t>(qb),
                    p.swaps ? p.y : p.x, p.swaps ? p.x : p.y,
                    eltwise_multiplier(*p.profile, p.out.scale), p.out.zero, p.range);
    case AddScheme::folded_f32: {
      const F32 t = detail::folded_sum(p, rule.fused, num::from_int(qx), num::from_int(qy));
      return narrow_real(t, p.out.zero, p.range, p.narrow, mode);
    }
    case AddScheme::plain_f32: {
      const F32 t = detail::plain_sum(p, rule.fused, num::from_int(dx), num::from_int(dy));
      return narrow_real(t, p.out.zero, p.range, p.narrow, mode);
    }
    case AddScheme::shifted: {
      const std::int64_t sum = num::wrap(dx * p.multiplier_x + dy * p.multiplier_y, 32);
      const std::int64_t v = num::shift_right(sum, p.shift, rule.shift);
      return narrow_int(static_cast<std::int32_t>(v), p.out.zero, p.range, p.narrow);
    }
    case AddScheme::fixed: {
      const std::int64_t x = detail::scaled_operand(qx, p.x.zero, p.left, p.factor_x, rule);
      const std::int64_t y = detail::scaled_operand(qy, p.y.zero, p.left, p.factor_y, rule);
      const std::int64_t sum = !p.subtracts ? x + y : p.swaps ? y - x : x - y;
      return narrow_int(rescale(num::wrap(sum, 32), p.factor_out, rule.fixed), p.out.zero, p.range,
                        p.narrow);
    }
  }
  QSIM_ASSERT(false);
  return 0;
}

}  // namespace qsim::emu
