#pragma once
// Sums and products of binary64 numbers on bit patterns, to nearest even. Operands are zero or
// normal, results too: the few formulas that need binary64 stay far from its limits.

#include <cstdint>

#include "qsim/num/f64.hpp"
#include "qsim/num/wide.hpp"

namespace qsim::num {

constexpr F64 add(F64 a, F64 b) {
  if (is_nan(a) || is_nan(b)) return {(is_nan(a) ? a.bits : b.bits) | 0x0008000000000000u};
  if (!is_finite(a)) return !is_finite(b) && a.bits != b.bits ? f64_nan : a;
  if (!is_finite(b)) return b;
  if (is_zero(a) || is_zero(b)) {
    if (is_zero(a) && is_zero(b)) return {a.bits & b.bits};
    return is_zero(a) ? b : a;
  }
  detail::Parts64 x = detail::unpack(a);
  detail::Parts64 y = detail::unpack(b);
  if (magnitude(a) < magnitude(b)) {
    const detail::Parts64 t = x;
    x = y;
    y = t;
  }
  // Ten bits below the larger operand's last place: only a smaller operand without influence on
  // the leading 53 bits loses bits there, and they are jammed.
  const std::uint64_t big = x.significand << 10;
  const std::uint64_t small = detail::shift_right_jam(y.significand << 10, x.exponent - y.exponent);
  const std::uint64_t sum = x.negative == y.negative ? big + small : big - small;
  if (sum == 0) return {};
  return detail::pack_f64(x.negative, sum, x.exponent - 10, false);
}
constexpr F64 sub(F64 a, F64 b) {
  return add(a, is_nan(b) ? b : F64{b.bits ^ std::uint64_t{1} << 63});
}

constexpr F64 mul(F64 a, F64 b) {
  if (is_nan(a) || is_nan(b)) return {(is_nan(a) ? a.bits : b.bits) | 0x0008000000000000u};
  const bool negative = sign(a) != sign(b);
  const std::uint64_t sign_bit = static_cast<std::uint64_t>(negative) << 63;
  if (!is_finite(a) || !is_finite(b))
    return is_zero(a) || is_zero(b) ? f64_nan : F64{f64_infinity.bits | sign_bit};
  if (is_zero(a) || is_zero(b)) return {sign_bit};
  const detail::Parts64 x = detail::unpack(a);
  const detail::Parts64 y = detail::unpack(b);
  const U128 whole = shift_left(product(x.significand, y.significand), 22);  // 127 or 128 bits
  return detail::pack_f64(negative, whole.high, x.exponent + y.exponent + 42, whole.low != 0);
}

/// An integer, exactly. |v| < 2^53.
constexpr F64 f64_from_int(std::int64_t v) {
  const std::uint64_t m = static_cast<std::uint64_t>(v < 0 ? -v : v);
  return detail::pack_f64(v < 0, m, 0, false);
}

static_assert(add(f64_from_int(1), f64_from_int(-3)) == f64_from_int(-2));
static_assert(mul(f64_from_int(-7), f64_from_int(6)) == f64_from_int(-42));
static_assert(add(f64_from_int(1), F64{0x3ca0000000000000u}).bits == 0x3ff0000000000000u);  // tie
static_assert(add(f64_from_int(1), F64{0x3ca0000000000001u}).bits == 0x3ff0000000000001u);

}  // namespace qsim::num
