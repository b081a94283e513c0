#pragma once
// exp, log and tanh rounded once, to nearest even: the same on every host, whatever its
// C library. Computed in 128-bit fixed point; no value but the few exact ones lies near a tie.

#include <cstdint>

#include "qsim/base/check.hpp"
#include "qsim/num/f32.hpp"
#include "qsim/num/f64.hpp"
#include "qsim/num/wide.hpp"

namespace qsim::num {

namespace detail {

// Fixed point: a U128 u stands for u / 2^127, so it holds numbers below 2.
inline constexpr U128 one_q127{std::uint64_t{1} << 63, 0};
inline constexpr U128 ln2_q127{0x58b90bfbe8e7bcd5u, 0xe4f1d9cc01f97b57u};  // floor(2^127 ln 2)

constexpr U128 multiply_q127(U128 a, U128 b) { return shift_left(product_high(a, b), 1); }

/// mantissa / 2^127 * 2^exponent; the mantissa is less than 2^error off.
struct Approximate {
  U128 mantissa{};
  int exponent = 0;
  int error = 12;
};

/// The one number that both ends of the error interval round to. The mantissa is at least 2^126.
template <class Round>
constexpr auto rounded(const Approximate& a, Round round) {
  const U128 half = shift_right(a.mantissa, 1);  // room for the sum
  const U128 error = shift_left(U128{0, 1}, a.error);
  const auto above = round(add(half, error).high);  // 62 or 63 bits; the rest is never zero
  QSIM_ASSERT(above == round(sub(half, error).high));
  return above;
}
constexpr F32 to_f32(const Approximate& a, bool negative = false) {
  return rounded(a, [&](std::uint64_t top) {
    return round_pack(negative, a.exponent - 62, top | 1u, {});
  });
}
constexpr F64 to_f64(const Approximate& a) {
  return rounded(a, [&](std::uint64_t top) {
    return pack_f64(false, top, a.exponent - 62, true);
  });
}

/// e^x for 2^-60 <= |x| < 2^10, mantissa in [1, 2).
constexpr Approximate exp_q127(F64 x) {
  const Parts64 p = unpack(x);
  const bool negative = p.negative;
  // x modulo 2 in units of 2^-127, exactly: the last bit of x is worth at least 2^-112.
  U128 r = p.exponent + 127 >= 0
               ? shift_left(U128{0, p.significand}, p.exponent + 127)
               : shift_right(U128{0, p.significand}, -(p.exponent + 127));
  if (negative) r = sub(U128{}, r);
  // k = floor(x / ln 2) from 20 fractional bits, at most one off: 2^20 / ln 2 = 1512775.4.
  const int drop = -p.exponent - 20;
  const std::int64_t coarse = static_cast<std::int64_t>(
      drop >= 0 ? (drop > 63 ? 0 : p.significand >> drop) : p.significand << -drop);
  std::int64_t k = ((negative ? -coarse : coarse) * 1512775) >> 40;  // floor
  const U128 steps{0, static_cast<std::uint64_t>(k < 0 ? -k : k)};
  const U128 cut{steps.low * ln2_q127.high + product(steps.low, ln2_q127.low).high,
                 steps.low * ln2_q127.low};
  r = k < 0 ? add(r, cut) : sub(r, cut);
  while (r.high >> 63 != 0) {  // below 0, which is above 1 modulo 2
    r = add(r, ln2_q127);
    --k;
  }
  while (!less(r, ln2_q127)) {
    r = sub(r, ln2_q127);
    ++k;
  }
  U128 y = one_q127;
  for (std::uint32_t n = 33; n > 0; --n)  // (ln 2)^34 / 34! < 2^-145
    y = add(one_q127, quotient(multiply_q127(r, y), n));
  return {y, static_cast<int>(k)};
}

constexpr bool tiny(F64 x) { return magnitude(x) < 0x3c30000000000000u; }      // 2^-60
constexpr bool beyond_exp(F64 x) { return magnitude(x) >= 0x4090000000000000u; }  // 2^10

/// mantissa / 2^127 scaled so that it is at least 1. mantissa > 0.
constexpr Approximate normalized(Approximate a) {
  while (a.mantissa.high >> 63 == 0)
    a = {shift_left(a.mantissa, 1), a.exponent - 1, a.error + 1};
  return a;
}

}  // namespace detail

/// e^x. NaN stays NaN.
constexpr F32 exp_f32(F64 x) {
  if (is_nan(x)) return to_f32(x);
  if (detail::tiny(x)) return f32_one;
  if (detail::beyond_exp(x)) return sign(x) ? f32_zero : f32_infinity;
  return detail::to_f32(detail::exp_q127(x));
}
constexpr F32 exp_f32(F32 x) { return exp_f32(widen(x)); }

/// e^x in binary64; results below 2^-1000 are 0 and above 2^1000 infinite.
constexpr F64 exp_f64(F64 x) {
  if (is_nan(x)) return x;
  if (detail::tiny(x)) return widen(f32_one);
  if (detail::beyond_exp(x)) return sign(x) ? F64{} : f64_infinity;
  const detail::Approximate y = detail::exp_q127(x);
  if (y.exponent < -1000) return {};
  return y.exponent > 1000 ? f64_infinity : detail::to_f64(y);
}

/// ln x for finite x >= 1.
constexpr F32 log_f32(F32 x) {
  QSIM_ASSERT(!less(x, f32_one) && is_finite(x));
  const detail::Parts p = detail::unpack(x);
  const std::uint64_t m = p.significand;  // x = m/2^23 * 2^e
  const int e = p.exponent + 23;
  // ln(m/2^23) = 2 atanh(t), t = (m - 2^23)/(m + 2^23) below 1/3.
  const U128 t = quotient(U128{0, m - 0x800000u}, U128{0, m + 0x800000u}, 127);
  const U128 square = detail::multiply_q127(t, t);
  U128 sum{};
  for (std::uint32_t n = 81; n > 1; n -= 2)  // (1/3)^83 < 2^-131
    sum = detail::multiply_q127(square, add(quotient(detail::one_q127, n), sum));
  const U128 atanh = detail::multiply_q127(t, add(detail::one_q127, sum));
  // Eight integer bits for the whole: e ln 2 is below 89.
  U128 y = shift_right(atanh, 5);  // twice, in units of 2^-121
  const U128 ln2 = shift_right(detail::ln2_q127, 6);
  for (int i = 0; i < e; ++i) y = add(y, ln2);
  if (y == U128{}) return {};
  return detail::to_f32(detail::normalized({y, 6, 8}));
}

/// (1 - e^-2x) / (1 + e^-2x). NaN stays NaN.
constexpr F32 tanh_f32(F32 x) {
  if (is_nan(x)) return pass_nan(x, x);
  if (magnitude(x) < 0x39800000u) return x;  // |x| < 2^-12: x - x^3/3 rounds to x
  if (magnitude(x) >= 0x44000000u) return {f32_one.bits | (x.bits & 0x80000000u)};  // 2^9
  const detail::Approximate e =
      detail::exp_q127(product(F32{magnitude(x)}, F32{0xc0000000u}));
  const U128 small = shift_right(e.mantissa, -e.exponent);
  const U128 ratio = quotient(sub(detail::one_q127, small), add(detail::one_q127, small), 127);
  return detail::to_f32(detail::normalized({ratio, 0, 14}), sign(x));
}

static_assert(exp_f32(f32_one) == F32{0x402df854u});                     // 2.7182817
static_assert(exp_f64(widen(f32_one)).bits == 0x4005bf0a8b145769u);      // 2.718281828459045
static_assert(log_f32(F32{0x41200000u}) == F32{0x40135d8eu});            // 2.3025851
static_assert(tanh_f32(F32{0x3f000000u}) == F32{0x3eec9a9fu});           // 0.46211717

}  // namespace qsim::num
