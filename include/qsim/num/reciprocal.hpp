#pragma once
// Reciprocal estimates and the Newton step that compilers wrap around them.

#include "qsim/num/f32.hpp"

namespace qsim {

/// The table behind a reciprocal-estimate instruction.
enum class Estimate : std::uint8_t {
  exact,     ///< correctly rounded 1/d: what an instruction emulator returns
  intel_11,  ///< x86 rcpps of Intel cores: decided by the 11 leading mantissa bits
};

/// How a quotient x/d is computed.
enum class Reciprocal : std::uint8_t {
  divide,           ///< IEEE division
  estimate_newton,  ///< x * ((r + r) - (d*r)*r) with r = estimate(d)
};

}  // namespace qsim

namespace qsim::num {

/// The estimate of 1/d. Zero (and a flushed subnormal) gives inf, inf and |d| >= 2^126 give 0.
constexpr F32 estimate(F32 d, Estimate table, const FloatMode& mode) {
  if (table == Estimate::exact) return div(f32_one, d, mode);
  if (is_nan(d)) return pass_nan(d, d);
  const std::uint32_t sign_bit = d.bits & 0x80000000u;
  if (magnitude(d) < 0x00800000u) return {sign_bit | 0x7f800000u};
  if (magnitude(d) >= 0x7e800000u) return {sign_bit};
  const std::uint32_t exponent = magnitude(d) >> 23;
  const std::uint64_t k = (d.bits >> 12) & 0x7ffu;  // d = 2^e * (1 + k/2048 + rest)
  // The reciprocal of the middle of k's interval, 4096/(4097 + 2k), to 13 fractional bits.
  const std::uint64_t middle = 4097 + 2 * k;
  const std::uint64_t rounded = ((std::uint64_t{1} << 26) / middle + 1) / 2;
  const std::uint32_t unit = detail::round_pack(false, -13, rounded, {}).bits;
  return {sign_bit | (unit - ((exponent - 127u) << 23))};
}

/// 1/d refined once: (r + r) - (d*r)*r.
constexpr F32 newton_reciprocal(F32 d, Estimate table, const FloatMode& mode) {
  const F32 r = estimate(d, table, mode);
  return sub(add(r, r, mode), mul(mul(d, r, mode), r, mode), mode);
}

/// x/d by `how`.
constexpr F32 quotient(F32 x, F32 d, Reciprocal how, Estimate table, const FloatMode& mode) {
  if (how == Reciprocal::divide) return div(x, d, mode);
  return mul(x, newton_reciprocal(d, table, mode), mode);
}

}  // namespace qsim::num
