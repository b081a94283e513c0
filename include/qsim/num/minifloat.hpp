#pragma once
// Small float formats by their bit patterns: binary16.

#include <cstdint>

#include "qsim/num/f32.hpp"

namespace qsim::num {

/// x rounded to binary16 (nearest even) and widened back. Beyond 65519.99 the answer is inf.
constexpr F32 through_f16(F32 x) {
  if (!is_finite(x) || is_zero(x)) return x;
  const detail::Parts p = detail::unpack(x);
  const int top = p.exponent + detail::msb(p.significand);
  const int unit = top - 10 > -24 ? top - 10 : -24;  // exponent of binary16's last place
  const int shift = unit - p.exponent;
  const std::uint32_t sign_bit = x.bits & 0x80000000u;
  if (shift <= 0) return top > 15 ? F32{sign_bit | 0x7f800000u} : x;
  const std::uint64_t m = detail::round_even(p.significand, shift);
  const F32 y = detail::round_pack(p.negative, unit, m, {});
  return magnitude(y) >= 0x47800000u ? F32{sign_bit | 0x7f800000u} : y;  // 65536
}

static_assert(through_f16(F32{0x477fe000u}) == F32{0x477fe000u});  // 65504
static_assert(through_f16(F32{0x477ff000u}) == F32{0x7f800000u});  // 65520 ties to 65536
static_assert(through_f16(F32{0x33000000u}) == F32{0x00000000u});  // 2^-25 ties to 0

}  // namespace qsim::num
