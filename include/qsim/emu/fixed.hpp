#pragma once
// Fixed-point factors: an integer multiplier and an exponent, and what they do to an accumulator.

#include <cstdint>

#include "qsim/base/check.hpp"
#include "qsim/num/f64.hpp"
#include "qsim/num/fit.hpp"
#include "qsim/num/round.hpp"
#include "qsim/profile/narrow.hpp"

namespace qsim::emu {

/// The factor m * 2^(exponent - 31), m in [2^30, 2^31) or 0.
struct Multiple {
  std::int32_t multiplier = 0;
  std::int32_t exponent = 0;
  friend constexpr bool operator==(const Multiple&, const Multiple&) = default;
};

/// `factor` (positive or zero, finite) as an integer multiplier. Equation (A.23).
constexpr Multiple multiple_of(F64 factor, const Fixed& rule) {
  if (num::is_zero(factor)) return {};
  const num::detail::Parts64 p = num::detail::unpack(factor);  // 53 bits
  std::int32_t exponent = p.exponent + 53;
  const std::int64_t whole = static_cast<std::int64_t>(p.significand);
  std::int64_t m = 0;
  switch (rule.multiplier) {
    case Multiplier::f64_half_away: m = num::shift_right(whole, 22, Ties::half_away); break;
    case Multiplier::f64_half_down: m = num::shift_right(whole, 22, Ties::half_down); break;
    case Multiplier::f32_exact: m = num::shift_right(whole, 29, Ties::half_even) << 7; break;
  }
  if (m == std::int64_t{1} << 31) {
    m /= 2;
    ++exponent;
  }
  if (exponent < -31) return {};
  if (rule.single_rounding && exponent > 30) return {2147483647, 30};
  return {static_cast<std::int32_t>(m), exponent};
}

namespace detail {
constexpr std::int32_t low_word(std::uint64_t v) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(v));
}
/// x*m*2^-shift in one rounding. A product beyond 64 bits wraps, as the engines' does.
constexpr std::int32_t scale_once(std::int64_t x, std::int64_t m, int shift, Ties ties) {
  const std::uint64_t bits = static_cast<std::uint64_t>(x) * static_cast<std::uint64_t>(m);
  if (shift <= -32) return 0;
  if (shift <= 0) return low_word(bits << -shift);
  std::int64_t product = static_cast<std::int64_t>(bits);
  for (; shift > 62; --shift) product = product >> 1 | (product & 1);  // what is lost stays seen
  return low_word(static_cast<std::uint64_t>(num::shift_right(product, shift, ties)));
}
/// x*2^left in 32 bits.
constexpr std::int64_t lift(std::int64_t x, int left, Overflow rule) {
  if (left < 32) return num::fit(x << left, 32, rule);
  if (rule == Overflow::wrap || x == 0) return 0;
  return num::saturate(x < 0 ? INT64_MIN : INT64_MAX, 32);
}
}  // namespace detail

/// x scaled by m, rounded as the rule says, modulo 2^32 where it does not fit. With bits = 16 x may
/// have 48 bits, else it is an int32. Equation (A.23).
constexpr std::int32_t rescale(std::int64_t x, const Multiple& by, const Fixed& rule) {
  std::int64_t m = by.multiplier;
  if (rule.bits == 16) {
    m = m >= 0x7fff0000 ? 32767 : (m + 32768) >> 16;
    return detail::scale_once(x, m, 15 - by.exponent, rule.shift);
  }
  const int left = by.exponent > 0 ? by.exponent : 0;
  if (rule.single_rounding) return detail::scale_once(x, m, 31 - by.exponent, rule.shift);
  const std::int64_t lifted = detail::lift(x, left, rule.left);
  std::int64_t high = num::shift_right(lifted * m, 31, rule.multiply);
  high = num::fit(high, 32, rule.product);
  const int right = by.exponent < 0 ? -by.exponent : 0;
  return static_cast<std::int32_t>(num::shift_right(high, right, rule.shift));
}

}  // namespace qsim::emu
