#pragma once
// The fixed-point formulas of engines in plain integers, as their C sources have them.

#include <cmath>
#include <cstdint>

#include "qsim/profile/narrow.hpp"

namespace qsim::sweep {

inline constexpr std::int64_t int32_low = -2147483648LL, int32_high = 2147483647LL;

// ------------------------------------------------------------------ factors of integer rules

/// q*2^e with q = m / 2^31.
struct Factor31 {
  std::int64_t m = 0;
  int e = 0;
};

/// A binary64 factor taken apart by the C library, as quantization_util.cc does.
inline Factor31 factor31(double factor, const Fixed& rule) {
  if (factor == 0.0) return {};
  Factor31 f;
  double q = 0.0;
  switch (rule.multiplier) {
    case Multiplier::f64_half_away:
      q = std::frexp(factor, &f.e);
      f.m = static_cast<std::int64_t>(std::round(q * 0x1p31));
      break;
    case Multiplier::f64_half_down:
      q = std::frexp(factor, &f.e);
      f.m = static_cast<std::int64_t>(std::ceil(q * 0x1p31 - 0.5));
      break;
    case Multiplier::f32_exact:
      q = static_cast<double>(std::frexp(static_cast<float>(factor), &f.e));
      f.m = static_cast<std::int64_t>(q * 0x1p24) * 128;
      break;
  }
  if (f.m == std::int64_t{1} << 31) f.m /= 2, ++f.e;
  if (f.e < -31) return {};
  if (rule.single_rounding && f.e > 30) return {int32_high, 30};
  return f;
}

// ------------------------------------------------------------- the formulas, in plain integers

inline std::int32_t wrap32(std::int64_t v) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::uint64_t>(v)));
}

/// v / 2^n by the rule, from quotient and remainder.
inline std::int64_t divided(std::int64_t v, int n, Ties ties) {
  if (n == 0) return v;
  const std::int64_t unit = std::int64_t{1} << n;
  std::int64_t q = v / unit, rest = v % unit;  // towards zero
  const std::int64_t sign = v < 0 ? -1 : 1;
  if (rest < 0) rest = -rest;
  if (rest == 0) return q;
  const bool above = rest > unit - rest, tie = rest == unit - rest;
  switch (ties) {
    case Ties::half_even: return q + (above || (tie && q % 2 != 0) ? sign : 0);
    case Ties::half_away:
    case Ties::add_half: return q + (above || tie ? sign : 0);
    case Ties::half_up: return q + (above || (tie && v > 0) ? sign : 0);
    case Ties::half_down: return q + (above || (tie && v < 0) ? sign : 0);
    case Ties::toward_zero: return q;
    case Ties::floor: return v < 0 ? q - 1 : q;
  }
  return 0;
}

/// gemmlowp's SaturatingRoundingDoublingHighMul; its SSE4 form keeps -2^31.
inline std::int64_t doubling_high_mul(std::int32_t a, std::int32_t b, Overflow overflow) {
  if (a == int32_low && b == int32_low)
    return overflow == Overflow::saturate ? int32_high : int32_low;
  const std::int64_t product = std::int64_t{a} * b;
  const std::int64_t nudge = product >= 0 ? 1 << 30 : 1 - (1 << 30);
  return (product + nudge) / (std::int64_t{1} << 31);
}
/// gemmlowp's RoundingDivideByPOT.
inline std::int64_t divide_by_pot(std::int64_t x, int exponent) {
  const std::int64_t mask = (std::int64_t{1} << exponent) - 1;
  const std::int64_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + ((x & mask) > threshold ? 1 : 0);
}
/// srshl by a negative count.
inline std::int64_t rounding_shift(std::int64_t x, int right) {
  return right == 0 ? x : (x + (std::int64_t{1} << (right - 1))) >> right;
}

/// MultiplyByQuantizedMultiplier in its forms.
inline std::int32_t fixed_sum(std::int64_t x, const Factor31& f, const Fixed& rule) {
  if (rule.bits == 16) {  // int64 sums: the multiplier cut to 15 bits
    const std::int64_t m = f.m >= 0x7fff0000 ? 0x7fff : (f.m + (1 << 15)) >> 16;
    return wrap32(divided(x * m, 15 - f.e, rule.shift));
  }
  const std::int32_t m = static_cast<std::int32_t>(f.m);
  if (rule.single_rounding) {
    const int right = 31 - f.e;
    if (rule.shift == Ties::half_up) return wrap32(rounding_shift(x * m, right));
    return wrap32(divided(x * m, right, rule.shift));
  }
  const int left = f.e > 0 ? f.e : 0, right = f.e > 0 ? 0 : -f.e;
  const std::int64_t lifted = x * (std::int64_t{1} << left);
  const std::int32_t word =
      rule.left == Overflow::wrap
          ? wrap32(lifted)
          : static_cast<std::int32_t>(lifted < int32_low    ? int32_low
                                      : lifted > int32_high ? int32_high
                                                            : lifted);
  const std::int64_t high = rule.multiply == Ties::half_up
                                ? doubling_high_mul(word, m, rule.product)
                                : divided(std::int64_t{word} * m, 31, rule.multiply);
  switch (rule.shift) {
    case Ties::half_away: return static_cast<std::int32_t>(divide_by_pot(high, right));
    case Ties::half_up: return static_cast<std::int32_t>(rounding_shift(high, right));
    case Ties::half_even:
    case Ties::half_down:
    case Ties::toward_zero:
    case Ties::floor:
    case Ties::add_half: break;
  }
  return static_cast<std::int32_t>(divided(high, right, rule.shift));
}

}  // namespace qsim::sweep
