#pragma once
// IEEE 754 binary32 on bit patterns, round to nearest even: the same answer under every
// compiler flag, host mode and ISA. Flush-to-zero and NaN defaults are an argument.

#include <bit>
#include <cstdint>

#include "qsim/num/fit.hpp"
#include "qsim/num/round.hpp"

namespace qsim {

/// A binary32 by its bit pattern. == compares patterns: -0 differs from +0, NaN equals itself.
struct F32 {
  std::uint32_t bits = 0;
  friend constexpr bool operator==(F32, F32) = default;
};

/// When a subnormal result becomes zero. x86 FTZ judges tininess after rounding, Arm FZ before.
enum class Flush : std::uint8_t { none, after_rounding, before_rounding };

/// The floating-point environment that a result depends on.
struct FloatMode {
  bool flush_inputs = false;         ///< subnormal operands read as zero (x86 DAZ, Arm FZ)
  Flush flush_results = Flush::none;
  bool negative_nan = false;         ///< sign of a NaN made by arithmetic (x86: set, Arm: clear)
  friend constexpr bool operator==(const FloatMode&, const FloatMode&) = default;
};

/// What min and max answer when an operand is NaN.
enum class MinMaxNan : std::uint8_t {
  second_operand,  ///< x86 minps/maxps: `a < b ? a : b`, so b whenever unordered (or equal)
  first_operand,   ///< C++ std::min/std::max: keeps a unless b compares smaller/larger
  propagate,       ///< Arm fmin/fmax
  number,          ///< Arm fminnm/fmaxnm
};

/// Answer of a float to integer conversion for NaN.
enum class NanRule : std::uint8_t { zero, lowest, highest };
/// Answer of a float to integer conversion for a value beyond the word.
enum class RangeRule : std::uint8_t { saturate, lowest };

/// float -> int32: cvttps2dq/cvtps2dq answer `lowest` to all three, fcvt* zero and `saturate`.
struct Convert {
  NanRule nan = NanRule::zero;
  RangeRule too_high = RangeRule::saturate;
  RangeRule too_low = RangeRule::saturate;
  Ties ties = Ties::half_even;
  friend constexpr bool operator==(const Convert&, const Convert&) = default;
};

}  // namespace qsim

namespace qsim::num {

inline constexpr F32 f32_zero{0x00000000u};
inline constexpr F32 f32_one{0x3f800000u};
inline constexpr F32 f32_half{0x3f000000u};
inline constexpr F32 f32_infinity{0x7f800000u};
inline constexpr F32 f32_nan{0x7fc00000u};

constexpr std::uint32_t magnitude(F32 x) { return x.bits & 0x7fffffffu; }
constexpr bool sign(F32 x) { return (x.bits >> 31) != 0; }
constexpr bool is_nan(F32 x) { return magnitude(x) > 0x7f800000u; }
constexpr bool is_inf(F32 x) { return magnitude(x) == 0x7f800000u; }
constexpr bool is_finite(F32 x) { return magnitude(x) < 0x7f800000u; }
constexpr bool is_zero(F32 x) { return magnitude(x) == 0; }
constexpr bool is_subnormal(F32 x) { return magnitude(x) != 0 && magnitude(x) < 0x00800000u; }
constexpr F32 negate(F32 x) { return {x.bits ^ 0x80000000u}; }
constexpr F32 absolute(F32 x) { return {magnitude(x)}; }

/// The operand as the mode reads it.
constexpr F32 read(F32 x, const FloatMode& mode) {
  return mode.flush_inputs && is_subnormal(x) ? F32{x.bits & 0x80000000u} : x;
}
constexpr F32 default_nan(const FloatMode& mode) {
  return {mode.negative_nan ? 0xffc00000u : 0x7fc00000u};
}
/// The NaN that answers an operation on a NaN operand: the first one, made quiet.
constexpr F32 pass_nan(F32 a, F32 b) { return {(is_nan(a) ? a.bits : b.bits) | 0x00400000u}; }

/// a < b; false when unordered.
constexpr bool less(F32 a, F32 b) {
  if (is_nan(a) || is_nan(b)) return false;
  if (is_zero(a) && is_zero(b)) return false;
  if (sign(a) != sign(b)) return sign(a);
  return sign(a) ? a.bits > b.bits : a.bits < b.bits;
}
/// a == b as numbers; false when unordered.
constexpr bool equal(F32 a, F32 b) {
  return !is_nan(a) && !is_nan(b) && (a == b || (is_zero(a) && is_zero(b)));
}

namespace detail {

struct Parts {
  bool negative;
  int exponent;               // value = significand * 2^exponent
  std::uint64_t significand;  // < 2^24
};

constexpr Parts unpack(F32 x) {
  const int field = static_cast<int>(magnitude(x) >> 23);
  const std::uint64_t fraction = x.bits & 0x007fffffu;
  if (field == 0) return {sign(x), -149, fraction};
  return {sign(x), field - 150, fraction | 0x00800000u};
}

constexpr int msb(std::uint64_t v) { return 63 - std::countl_zero(v); }

/// v >> n with every lost bit or-ed into the lowest one.
constexpr std::uint64_t shift_right_jam(std::uint64_t v, int n) {
  if (n <= 0) return v;
  if (n >= 64) return v != 0 ? 1 : 0;
  const std::uint64_t lost = v & ((std::uint64_t{1} << n) - 1);
  return (v >> n) | (lost != 0 ? 1u : 0u);
}

/// significand >> shift to nearest even. shift >= 1.
constexpr std::uint64_t round_even(std::uint64_t v, int shift) {
  if (shift > 63) return 0;  // v < 2^63, so it is below half a unit
  const std::uint64_t unit = std::uint64_t{1} << shift;
  const std::uint64_t q = v >> shift;
  const std::uint64_t rest = v & (unit - 1);
  const std::uint64_t half = unit >> 1;
  return q + ((rest > half || (rest == half && (q & 1) != 0)) ? 1u : 0u);
}

/// (-1)^negative * significand * 2^exponent to binary32. A jammed significand needs >= 26 bits.
constexpr F32 round_pack(bool negative, int exponent, std::uint64_t v, const FloatMode& mode) {
  const std::uint32_t sign_bit = negative ? 0x80000000u : 0u;
  if (v == 0) return {sign_bit};
  const int top = exponent + msb(v);  // 2^top <= value < 2^(top+1)
  if (top > 127) return {sign_bit | 0x7f800000u};
  if (top < -126 && mode.flush_results != Flush::none) {
    const bool reaches_normal = mode.flush_results == Flush::after_rounding && top == -127 &&
                                msb(v) >= 24 && round_even(v, msb(v) - 23) == 0x01000000u;
    return reaches_normal ? F32{sign_bit | 0x00800000u} : F32{sign_bit};
  }
  const int unit = top - 23 > -149 ? top - 23 : -149;  // exponent of the last place
  const int shift = unit - exponent;
  const std::uint64_t m = shift <= 0 ? v << -shift : round_even(v, shift);
  const std::uint64_t packed = (static_cast<std::uint64_t>(unit + 149) << 23) + m;
  return {sign_bit | (packed >= 0x7f800000u ? 0x7f800000u : static_cast<std::uint32_t>(packed))};
}

}  // namespace detail

constexpr F32 add(F32 a, F32 b, const FloatMode& mode = {}) {
  a = read(a, mode);
  b = read(b, mode);
  if (is_nan(a) || is_nan(b)) return pass_nan(a, b);
  if (is_inf(a)) return is_inf(b) && sign(a) != sign(b) ? default_nan(mode) : a;
  if (is_inf(b)) return b;
  detail::Parts x = detail::unpack(a);
  detail::Parts y = detail::unpack(b);
  if (x.exponent < y.exponent) {
    const detail::Parts t = x;
    x = y;
    y = t;
  }
  const std::uint64_t big = x.significand << 32;
  const std::uint64_t small =
      detail::shift_right_jam(y.significand << 32, x.exponent - y.exponent);
  if (x.negative == y.negative)
    return detail::round_pack(x.negative, x.exponent - 32, big + small, mode);
  if (big == small) return f32_zero;  // x - x is +0 to nearest
  const bool negative = big > small ? x.negative : y.negative;
  return detail::round_pack(negative, x.exponent - 32, big > small ? big - small : small - big,
                            mode);
}

constexpr F32 sub(F32 a, F32 b, const FloatMode& mode = {}) {
  if (is_nan(b)) return is_nan(a) ? pass_nan(a, b) : pass_nan(b, b);
  return add(a, negate(b), mode);
}

constexpr F32 mul(F32 a, F32 b, const FloatMode& mode = {}) {
  a = read(a, mode);
  b = read(b, mode);
  if (is_nan(a) || is_nan(b)) return pass_nan(a, b);
  const bool negative = sign(a) != sign(b);
  if (is_inf(a) || is_inf(b)) {
    if (is_zero(a) || is_zero(b)) return default_nan(mode);
    return {f32_infinity.bits | (negative ? 0x80000000u : 0u)};
  }
  const detail::Parts x = detail::unpack(a);
  const detail::Parts y = detail::unpack(b);
  return detail::round_pack(negative, x.exponent + y.exponent, x.significand * y.significand, mode);
}

constexpr F32 div(F32 a, F32 b, const FloatMode& mode = {}) {
  a = read(a, mode);
  b = read(b, mode);
  if (is_nan(a) || is_nan(b)) return pass_nan(a, b);
  const std::uint32_t sign_bit = sign(a) != sign(b) ? 0x80000000u : 0u;
  if (is_inf(a)) return is_inf(b) ? default_nan(mode) : F32{f32_infinity.bits | sign_bit};
  if (is_inf(b)) return {sign_bit};
  if (is_zero(b)) return is_zero(a) ? default_nan(mode) : F32{f32_infinity.bits | sign_bit};
  if (is_zero(a)) return {sign_bit};
  detail::Parts x = detail::unpack(a);
  const detail::Parts y = detail::unpack(b);
  const int lift = 62 - detail::msb(x.significand);  // quotient keeps >= 38 bits
  x.significand <<= lift;
  const std::uint64_t q = x.significand / y.significand;
  const std::uint64_t jam = x.significand % y.significand != 0 ? 1 : 0;
  return detail::round_pack(sign_bit != 0, x.exponent - lift - y.exponent, q | jam, mode);
}

/// a * b + c with one rounding.
constexpr F32 fma(F32 a, F32 b, F32 c, const FloatMode& mode = {}) {
  a = read(a, mode);
  b = read(b, mode);
  c = read(c, mode);
  if (is_nan(a) || is_nan(b)) return pass_nan(a, b);
  const bool negative = sign(a) != sign(b);
  if (is_inf(a) || is_inf(b)) {
    if (is_zero(a) || is_zero(b))  // x86 keeps a NaN addend, Arm makes its own
      return is_nan(c) && mode.negative_nan ? pass_nan(c, c) : default_nan(mode);
    if (is_nan(c)) return pass_nan(c, c);
    if (is_inf(c) && sign(c) != negative) return default_nan(mode);
    return {f32_infinity.bits | (negative ? 0x80000000u : 0u)};
  }
  if (!is_finite(c)) return is_nan(c) ? pass_nan(c, c) : c;
  const detail::Parts x = detail::unpack(a);
  const detail::Parts y = detail::unpack(b);
  const detail::Parts z = detail::unpack(c);
  const std::uint64_t product = x.significand * y.significand;
  if (product == 0) {
    if (z.significand != 0)
      return detail::round_pack(z.negative, z.exponent, z.significand, mode);
    return {negative && z.negative ? 0x80000000u : 0u};
  }
  if (z.significand == 0)
    return detail::round_pack(negative, x.exponent + y.exponent, product, mode);
  // Leading bits at 61 of a 64-bit word: the product keeps 14 spare bits below its 48, so bits are
  // lost (and jammed) only where the other operand is 2^13 times larger and nothing cancels.
  const int lift_p = 61 - detail::msb(product);
  const int lift_c = 61 - detail::msb(z.significand);
  const int exp_p = x.exponent + y.exponent - lift_p;
  const int exp_c = z.exponent - lift_c;
  const int exponent = exp_p > exp_c ? exp_p : exp_c;
  const std::uint64_t p = detail::shift_right_jam(product << lift_p, exponent - exp_p);
  const std::uint64_t s = detail::shift_right_jam(z.significand << lift_c, exponent - exp_c);
  if (negative == z.negative) return detail::round_pack(negative, exponent, p + s, mode);
  if (p == s) return f32_zero;
  return detail::round_pack(p > s ? negative : z.negative, exponent, p > s ? p - s : s - p, mode);
}

/// An integer to the nearest binary32, ties to even. |v| < 2^62.
constexpr F32 from_int(std::int64_t v) {
  const bool negative = v < 0;
  const std::uint64_t m = negative ? std::uint64_t{0} - static_cast<std::uint64_t>(v)
                                   : static_cast<std::uint64_t>(v);
  return detail::round_pack(negative, 0, m, {});
}

/// x rounded to an integral value; |x| must be finite and below 2^31 + 1.
constexpr std::int64_t round_to_int(F32 x, Ties ties) {
  if (ties == Ties::add_half) {
    x = add(x, sign(x) ? negate(f32_half) : f32_half);
    ties = Ties::toward_zero;
  }
  const detail::Parts p = detail::unpack(x);
  const std::int64_t m = static_cast<std::int64_t>(p.significand);
  if (p.exponent >= 0) return (p.negative ? -m : m) << p.exponent;
  if (p.exponent < -30) {  // |x| < 2^-6: only its sign matters
    const std::int64_t tiny = m == 0 ? 0 : (p.negative ? -1 : 1);
    return shift_right(tiny, 8, ties);
  }
  return shift_right(p.negative ? -m : m, -p.exponent, ties);
}

/// float -> int32 by the rules of `how`.
constexpr std::int32_t to_int32(F32 x, const Convert& how) {
  constexpr std::int64_t low = -2147483648LL;
  constexpr std::int64_t high = 2147483647LL;
  if (is_nan(x)) {
    if (how.nan == NanRule::zero) return 0;
    return static_cast<std::int32_t>(how.nan == NanRule::lowest ? low : high);
  }
  const bool huge = magnitude(x) >= 0x4f800000u;  // |x| >= 2^32
  const std::int64_t v = huge ? (sign(x) ? low - 1 : high + 1) : round_to_int(x, how.ties);
  if (v > high)
    return static_cast<std::int32_t>(how.too_high == RangeRule::saturate ? high : low);
  if (v < low) return static_cast<std::int32_t>(low);
  return static_cast<std::int32_t>(v);
}

/// x truncated to an integral binary32 (Arm frintz): no range limit, NaN and inf pass.
constexpr F32 trunc_f32(F32 x) {
  if (magnitude(x) >= 0x4b000000u) return x;  // |x| >= 2^23 is integral; inf and NaN stay
  const F32 t = from_int(round_to_int(x, Ties::toward_zero));
  return {t.bits | (x.bits & 0x80000000u)};
}

/// min(a, b) by `rule`.
constexpr F32 min(F32 a, F32 b, MinMaxNan rule) {
  switch (rule) {
    case MinMaxNan::second_operand: return less(a, b) ? a : b;
    case MinMaxNan::first_operand: return less(b, a) ? b : a;
    case MinMaxNan::propagate:
    case MinMaxNan::number: break;
  }
  if (is_nan(a) || is_nan(b)) {
    if (rule == MinMaxNan::number && !(is_nan(a) && is_nan(b))) return is_nan(a) ? b : a;
    return pass_nan(a, b);
  }
  if (is_zero(a) && is_zero(b)) return {a.bits | b.bits};
  return less(a, b) ? a : b;
}

/// max(a, b) by `rule`.
constexpr F32 max(F32 a, F32 b, MinMaxNan rule) {
  switch (rule) {
    case MinMaxNan::second_operand: return less(b, a) ? a : b;
    case MinMaxNan::first_operand: return less(a, b) ? b : a;
    case MinMaxNan::propagate:
    case MinMaxNan::number: break;
  }
  if (is_nan(a) || is_nan(b)) {
    if (rule == MinMaxNan::number && !(is_nan(a) && is_nan(b))) return is_nan(a) ? b : a;
    return pass_nan(a, b);
  }
  if (is_zero(a) && is_zero(b)) return {a.bits & b.bits};
  return less(a, b) ? b : a;
}

static_assert(add(f32_one, f32_half) == F32{0x3fc00000u});
static_assert(div(f32_one, F32{0x40400000u}) == F32{0x3eaaaaabu});
static_assert(fma(f32_one, f32_one, negate(f32_one)) == f32_zero);
static_assert(round_to_int(F32{0x3effffffu}, Ties::add_half) == 1);   // 0.49999997
static_assert(round_to_int(F32{0x3effffffu}, Ties::half_away) == 0);

}  // namespace qsim::num
