#pragma once
// Softmax in integers: an exponential with 5 integer bits, a sum with 12, a Newton reciprocal.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "qsim/base/check.hpp"
#include "qsim/emu/fixed.hpp"
#include "qsim/num/f64.hpp"
#include "qsim/num/fit.hpp"
#include "qsim/num/round.hpp"

namespace qsim::emu {

namespace detail {

constexpr std::int32_t word(std::int64_t v) { return static_cast<std::int32_t>(num::wrap(v, 32)); }

/// round(a*b / 2^31), ties up; the one overflow saturates.
constexpr std::int32_t high_product(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(
      num::saturate(num::shift_right(std::int64_t{a} * b, 31, Ties::half_up), 32));
}
constexpr std::int32_t halves_away(std::int32_t v, int n) {
  return static_cast<std::int32_t>(num::shift_right(v, n, Ties::half_away));
}
constexpr std::int32_t lifted(std::int32_t v, int n) {
  return static_cast<std::int32_t>(num::saturate(std::int64_t{v} << n, 32));
}

/// e^a for a <= 0 with 26 fractional bits; the result has 31. The quarter nearest below -a is split
/// off bit by bit; on [-1/4, 0) a polynomial of degree 4 around -1/8.
constexpr std::int32_t exp_negative(std::int32_t a) {
  if (a == 0) return 2147483647;
  constexpr std::int32_t quarter = 1 << 24;
  const std::int32_t within = (a & (quarter - 1)) - quarter;
  const std::int32_t rest = word(std::int64_t{within} - a);
  const std::int32_t x = (within << 5) + (1 << 28);  // within + 1/8, 31 fractional bits
  const std::int32_t x2 = high_product(x, x), x3 = high_product(x2, x), x4 = high_product(x2, x2);
  std::int32_t t = high_product(word(std::int64_t{halves_away(x4, 2)} + x3), 715827883);  // 1/3
  t = halves_away(word(std::int64_t{t} + x2), 1);
  std::int32_t y = word(1895147668 + std::int64_t{high_product(1895147668, x + t)});  // e^(-1/8)
  constexpr struct {
    int bit;
    std::int32_t factor;  // round(2^31 * e^(-2^(bit - 26)))
  } steps[] = {{24, 1672461947}, {25, 1302514674}, {26, 790015084}, {27, 290630308},
               {28, 39332535},   {29, 720401},     {30, 242}};
  for (const auto& s : steps)
    if ((rest >> s.bit & 1) != 0) y = high_product(y, s.factor);
  return y;
}

/// 1/S as mantissa (31 fractional bits) and the power of two that is left.
struct Reciprocal31 {
  std::int32_t mantissa = 0;
  int bits_over_unit = 0;
};
/// S > 0 with 19 fractional bits. Newton's method on (1 + a)/2 with 2 integer bits.
constexpr Reciprocal31 reciprocal_of_sum(std::int32_t sum) {
  const int headroom = std::countl_zero(static_cast<std::uint32_t>(sum));
  const std::uint32_t normal = static_cast<std::uint32_t>(sum) << headroom;
  const std::int32_t a = static_cast<std::int32_t>(normal - 0x80000000u);
  const std::int32_t half = static_cast<std::int32_t>(
      num::shift_right(std::int64_t{a} + 2147483647, 1, Ties::half_away));
  // 48/17 - 32/17*h, 29 fractional bits
  std::int32_t x = word(1515870810 + std::int64_t{high_product(half, -1010580540)});
  for (int i = 0; i < 3; ++i) {
    const std::int32_t error = word((std::int64_t{1} << 29) - high_product(half, x));
    x = word(std::int64_t{x} + lifted(high_product(x, error), 2));
  }
  return {lifted(x, 1), 12 - headroom};
}

}  // namespace detail

/// Input factor of the integer softmax: beta*scale*2^26 as a multiplier, and the least difference
/// to the maximum that counts.
struct PreparedFixedSoftmax {
  Multiple factor{};
  std::int32_t least_difference = 0;
};

/// BadArgument unless beta*scale*2^26 is above 1.
inline PreparedFixedSoftmax prepare_fixed_softmax(F32 scale, F32 beta, const Fixed& fixed) {
  F64 factor = num::product(beta, scale);
  const bool usable = num::is_finite(factor) && !num::sign(factor) && !num::is_zero(factor);
  if (usable) factor.bits += std::uint64_t{26} << 52;
  if (!usable || factor.bits <= num::widen(num::f32_one).bits)
    fail<BadArgument>("in_scale, beta: expected beta*in_scale above 2^-26, got less or no number; "
                      "check the input's scale");
  // 2^31 - 1, or 2^30 - 1 in a build with one rounding.
  const F64 most{fixed.single_rounding ? 0x41cfffffff800000u : 0x41dfffffffc00000u};
  if (factor.bits > most.bits) factor = most;
  const Multiple m = multiple_of(factor, fixed);
  return {m, static_cast<std::int32_t>(-((std::int64_t{31} << 26) >> m.exponent))};
}

/// One row of codes, its maximum at `largest`, to codes 0..255 above the lowest: units of 1/256.
/// BadArgument for rows of more large codes than the reciprocal's last shift has room for.
inline void fixed_softmax_row(const PreparedFixedSoftmax& p, std::span<const std::int32_t> q,
                              std::int32_t largest, std::int32_t lowest_code,
                              std::span<std::int32_t> out) {
  const auto exponential = [&](std::int32_t d) {
    const std::int32_t lifted = detail::word(std::int64_t{d} << p.factor.exponent);
    return detail::exp_negative(detail::high_product(lifted, p.factor.multiplier));
  };
  std::int64_t sum = 0;
  for (const std::int32_t v : q)
    if (v - largest >= p.least_difference)
      sum += detail::halves_away(exponential(v - largest), 12);
  if (sum >= std::int64_t{1} << 28)  // else the last shift below is above 31
    fail<BadArgument>("x: expected rows whose exponentials sum to less than 512, got a sum of ",
                      sum >> 19);
  const detail::Reciprocal31 r = detail::reciprocal_of_sum(static_cast<std::int32_t>(sum));
  const int shift = r.bits_over_unit + 31 - 8;
  for (std::size_t i = 0; i < q.size(); ++i) {
    const std::int32_t d = q[i] - largest;
    out[i] = lowest_code;
    if (d < p.least_difference) continue;
    const std::int32_t v =
        detail::halves_away(detail::high_product(r.mantissa, exponential(d)), shift);
    out[i] = static_cast<std::int32_t>(
        num::clamp(std::int64_t{v} + lowest_code, lowest_code, std::int64_t{lowest_code} + 255));
  }
}

}  // namespace qsim::emu
