#pragma once
// The little of binary64 that factors need: exact products and rounded quotients of binary32
// numbers, on bit patterns. Results stay far from binary64's limits, so none is subnormal.

#include <bit>
#include <cstdint>

#include "qsim/num/f32.hpp"
#include "qsim/num/round.hpp"

namespace qsim {

/// A binary64 number as its bits.
struct F64 {
  std::uint64_t bits = 0;
  friend constexpr bool operator==(F64, F64) = default;
};

}  // namespace qsim

namespace qsim::num {

inline constexpr F64 f64_infinity{0x7ff0000000000000u};
inline constexpr F64 f64_nan{0x7ff8000000000000u};

constexpr std::uint64_t magnitude(F64 x) { return x.bits & 0x7fffffffffffffffu; }
constexpr bool sign(F64 x) { return (x.bits >> 63) != 0; }
constexpr bool is_nan(F64 x) { return magnitude(x) > f64_infinity.bits; }
constexpr bool is_finite(F64 x) { return magnitude(x) < f64_infinity.bits; }
constexpr bool is_zero(F64 x) { return magnitude(x) == 0; }

namespace detail {

/// (-1)^negative * v * 2^exponent, plus a nonzero rest below v's last bit if `rest`: to nearest
/// binary64, ties to even. The result must be a normal number.
constexpr F64 pack_f64(bool negative, std::uint64_t v, int exponent, bool rest) {
  const std::uint64_t sign_bit = negative ? std::uint64_t{1} << 63 : 0;
  if (v == 0) return {sign_bit};
  const int top = msb(v);
  std::uint64_t m = 0;  // 53 bits
  if (top <= 52) {
    m = v << (52 - top);  // exact: callers with a rest bring more than 53 bits
  } else {
    const int drop = top - 52;
    m = v >> drop;
    const std::uint64_t half = std::uint64_t{1} << (drop - 1);
    const std::uint64_t low = v & (2 * half - 1);
    if (low > half || (low == half && (rest || (m & 1) != 0))) ++m;
  }
  const int biased = exponent + top + 1023 + static_cast<int>(m >> 53);
  if ((m >> 53) != 0) m >>= 1;
  return {sign_bit | static_cast<std::uint64_t>(biased) << 52 | (m & 0xfffffffffffffu)};
}

struct Parts64 {
  bool negative;
  int exponent;  ///< value = significand * 2^exponent
  std::uint64_t significand;
};
constexpr Parts64 unpack(F64 x) {
  const int biased = static_cast<int>(magnitude(x) >> 52);
  const std::uint64_t fraction = x.bits & 0xfffffffffffffu;
  if (biased == 0) return {sign(x), 0, 0};  // only zero has this exponent here
  return {sign(x), biased - 1075, fraction | std::uint64_t{1} << 52};
}

}  // namespace detail

/// x as binary64, exactly.
constexpr F64 widen(F32 x) {
  const std::uint64_t sign_bit = static_cast<std::uint64_t>(sign(x)) << 63;
  if (is_nan(x)) return {f64_nan.bits | sign_bit};
  if (is_inf(x)) return {f64_infinity.bits | sign_bit};
  const detail::Parts p = detail::unpack(x);
  return detail::pack_f64(p.negative, p.significand, p.exponent, false);
}

/// a*b, exactly.
constexpr F64 product(F32 a, F32 b) {
  const bool negative = sign(a) != sign(b);
  const std::uint64_t sign_bit = static_cast<std::uint64_t>(negative) << 63;
  if (is_nan(a) || is_nan(b) || (is_inf(a) && is_zero(b)) || (is_zero(a) && is_inf(b)))
    return f64_nan;
  if (is_inf(a) || is_inf(b)) return {f64_infinity.bits | sign_bit};
  const detail::Parts p = detail::unpack(a);
  const detail::Parts q = detail::unpack(b);
  return detail::pack_f64(negative, std::uint64_t{p.significand} * q.significand,
                          p.exponent + q.exponent, false);
}

/// n/d rounded to binary64, ties to even.
constexpr F64 quotient(F64 n, F32 d) {
  const bool negative = sign(n) != sign(d);
  const std::uint64_t sign_bit = static_cast<std::uint64_t>(negative) << 63;
  const bool infinite = !is_finite(n);
  if (is_nan(n) || is_nan(d) || (infinite && is_inf(d)) || (is_zero(n) && is_zero(d)))
    return f64_nan;
  if (infinite || is_zero(d)) return {f64_infinity.bits | sign_bit};
  if (is_zero(n) || is_inf(d)) return {sign_bit};
  const detail::Parts64 p = detail::unpack(n);
  const detail::Parts q = detail::unpack(d);
  // Long division: 53 bits first, then 32 more; the quotient holds at least 60 bits.
  std::uint64_t divisor = q.significand;
  const int lift = 23 - detail::msb(divisor);  // subnormal divisors
  divisor <<= lift;
  const std::uint64_t high = p.significand / divisor;  // 29 or 30 bits
  std::uint64_t rest = p.significand % divisor;        // below 2^24
  rest <<= 32;
  const std::uint64_t low = rest / divisor;
  return detail::pack_f64(negative, high << 32 | low, p.exponent - q.exponent + lift - 32,
                          rest % divisor != 0);
}

/// x rounded to binary32, ties to even.
constexpr F32 to_f32(F64 x) {
  const std::uint32_t sign_bit = static_cast<std::uint32_t>(sign(x)) << 31;
  if (is_nan(x)) return {0x7fc00000u | sign_bit};
  if (!is_finite(x)) return {0x7f800000u | sign_bit};
  const detail::Parts64 p = detail::unpack(x);
  return detail::round_pack(p.negative, p.exponent, p.significand, {});
}

/// float -> int32 by the rules of `how`; add_half rounds as half_away here.
constexpr std::int32_t to_int32(F64 x, const Convert& how) {
  constexpr std::int64_t low = -2147483648LL;
  constexpr std::int64_t high = 2147483647LL;
  if (is_nan(x)) return to_int32(f32_nan, how);
  std::int64_t v = 0;
  if (magnitude(x) >= 0x41f0000000000000u) {  // |x| >= 2^32
    v = sign(x) ? low - 1 : high + 1;
  } else if (!is_zero(x)) {
    const detail::Parts64 p = detail::unpack(x);
    const std::int64_t m = static_cast<std::int64_t>(p.significand);
    const int shift = -p.exponent;  // 21 or more: |x| < 2^32
    v = shift > 62 ? shift_right(p.negative ? -1 : 1, 8, how.ties)
                   : shift_right(p.negative ? -m : m, shift, how.ties);
  }
  if (v > high)
    return static_cast<std::int32_t>(how.too_high == RangeRule::saturate ? high : low);
  return static_cast<std::int32_t>(v < low ? low : v);
}

static_assert(quotient(widen(f32_one), F32{0x40400000u}).bits == 0x3fd5555555555555u);
static_assert(product(F32{0x3dcccccdu}, F32{0x3dcccccdu}).bits == 0x3f847ae151eb8520u);
static_assert(to_f32(quotient(widen(f32_one), F32{0x40400000u})) == F32{0x3eaaaaabu});

}  // namespace qsim::num
