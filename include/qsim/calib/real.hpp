#pragma once
// Steps on reals that the quantizers share: rounding, clamping, and quotients in binary64.

#include <cstdint>

#include "qsim/num/f32.hpp"

namespace qsim::calib {

/// Lower and upper end of real values.
struct Range {
  F32 low{};
  F32 high{};
  friend constexpr bool operator==(const Range&, const Range&) = default;
};

}  // namespace qsim::calib

namespace qsim::calib::detail {

/// roundf: half away from zero, sign kept, NaN and inf pass.
constexpr F32 round_away(F32 x) {
  if (num::magnitude(x) >= 0x4b000000u) return x;  // |x| >= 2^23 is integral
  const F32 r = num::from_int(num::round_to_int(x, Ties::half_away));
  return {num::magnitude(r) | (x.bits & 0x80000000u)};
}

/// Clamp to [low, high] that lets NaN pass.
constexpr F32 clamp(F32 x, F32 low, F32 high) {
  return num::max(num::min(x, high, MinMaxNan::propagate), low, MinMaxNan::propagate);
}

/// An integral binary32 as int8: converted to int32 and cut; non-finite values are 0.
constexpr std::int32_t to_int8(F32 x) {
  const Convert trunc{NanRule::zero, RangeRule::lowest, RangeRule::saturate, Ties::toward_zero};
  return static_cast<std::int32_t>(num::wrap(num::to_int32(x, trunc), 8));
}

/// A positive binary64: significand * 2^exponent, significand < 2^53. Exponents do not overflow.
struct Wide {
  std::uint64_t significand = 0;
  int exponent = 0;
};

constexpr Wide widen(F32 x) {
  const num::detail::Parts p = num::detail::unpack(num::absolute(x));
  return {p.significand, p.exponent};
}

/// a / b rounded to 53 bits, to nearest even. a > 0, b > 0.
constexpr Wide divide(Wide a, Wide b) {
  const int lift_a = 52 - num::detail::msb(a.significand);
  const int lift_b = 52 - num::detail::msb(b.significand);
  std::uint64_t rest = a.significand << lift_a;
  const std::uint64_t divisor = b.significand << lift_b;
  std::uint64_t q = 0;  // 2^55 * quotient, which lies in (1/2, 2): two bits more than are kept
  for (int bit = 0; bit < 56; ++bit) {
    const bool fits = rest >= divisor;
    if (fits) rest -= divisor;
    q = (q << 1) | (fits ? 1u : 0u);
    rest <<= 1;
  }
  const std::uint64_t jammed = (q << 1) | (rest != 0 ? 1u : 0u);
  const int shift = num::detail::msb(jammed) - 52;
  return {num::detail::round_even(jammed, shift),
          (a.exponent - lift_a) - (b.exponent - lift_b) - 56 + shift};
}

/// The binary32 next to a.
constexpr F32 narrow(Wide a, const FloatMode& mode) {
  return num::detail::round_pack(false, a.exponent, a.significand, mode);
}

static_assert(round_away(F32{0xbf000000u}) == F32{0xbf800000u});  // -0.5
static_assert(narrow(divide({1, 0}, {3, 0}), {}) == F32{0x3eaaaaabu});
static_assert(divide({1, 0}, {3, 0}).significand == 0x15555555555555u);

}  // namespace qsim::calib::detail
