#pragma once
// Feature scale by alternating minimisation: round to codes, fit the scale to them, 300 times over.
//
// Needs the whole tensor at once: a sum in binary32 depends on its order. Source: MNN tag 2.9.0,
// TensorStatistic.cpp 258-299.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/calib/real.hpp"
#include "qsim/num/f32.hpp"

namespace qsim::calib {

/// How sum(a*b) is formed in binary32.
enum class SumOrder : std::uint8_t {
  sequential,        ///< one sum, multiply and add
  four_lanes_fused,  ///< value k joins lane k % 4 by fma, (L0+L1)+(L2+L3), the rest by fma
};

/// Everything in which hosts of this quantizer differ.
struct AdmmRule {
  FloatMode mode{};
  SumOrder sum = SumOrder::sequential;
  friend constexpr bool operator==(const AdmmRule&, const AdmmRule&) = default;
};

namespace admm {

/// GCC -O3 -ffast-math on x86-64.
inline constexpr AdmmRule x64{
    {.flush_inputs = true, .flush_results = Flush::after_rounding, .negative_nan = true},
    SumOrder::sequential};
/// The same compiler flags on arm64. Recorded cases tell the fused lanes from a fused sequence, but
/// not (L0+L1)+(L2+L3) from (L0+L2)+(L1+L3).
inline constexpr AdmmRule ieee{
    {.flush_inputs = true, .flush_results = Flush::before_rounding}, SumOrder::four_lanes_fused};

namespace detail {

constexpr F32 dot(const AdmmRule& rule, std::span<const F32> a, std::span<const F32> b) {
  const FloatMode& mode = rule.mode;
  F32 sum{};
  if (rule.sum == SumOrder::sequential) {
    for (std::size_t k = 0; k < a.size(); ++k)
      sum = num::add(sum, num::mul(a[k], b[k], mode), mode);
    return sum;
  }
  std::array<F32, 4> lane{};
  const std::size_t whole = a.size() / 4 * 4;
  for (std::size_t k = 0; k < whole; ++k) lane[k % 4] = num::fma(a[k], b[k], lane[k % 4], mode);
  sum = num::add(num::add(lane[0], lane[1], mode), num::add(lane[2], lane[3], mode), mode);
  for (std::size_t k = whole; k < a.size(); ++k) sum = num::fma(a[k], b[k], sum, mode);
  return sum;
}

/// max / (limit * steps). The product is exact, so the engine's detour by binary64 changes nothing.
constexpr F32 first_scale(F32 max, std::int32_t limit, F32 steps, const FloatMode& mode) {
  return num::div(max, num::mul(num::from_int(limit), steps, mode), mode);
}

}  // namespace detail

/// Scale of a feature map: starts at max|x| / (2.5 limit); 300 times q = clamp(roundf(x * (1/s)),
/// -limit, limit) with NaN as -limit, s = sum(q x) / sum(q q). The zero point is 0. An all-zero
/// tensor ends at scale 0; one whose values all round to 0 has scale 0/0 for a moment and goes on.
/// BadArgument when `x` is empty or limit is outside 1 to 127.
inline F32 scale(const AdmmRule& rule, std::span<const F32> x, std::int32_t limit) {
  if (x.empty()) fail<BadArgument>("x: expected at least one value, got none");
  if (limit < 1 || limit > 127)
    fail<BadArgument>("limit: expected a code of 1 to 127, got ", limit);
  const FloatMode& mode = rule.mode;
  const F32 high = num::from_int(limit);
  F32 max{};
  for (const F32 v : x)
    max = num::max(max, num::absolute(num::read(v, mode)), MinMaxNan::propagate);
  F32 s = detail::first_scale(max, limit, F32{0x40200000u}, mode);
  std::vector<F32> q(x.size());
  for (int step = 0; step < 300; ++step) {
    const F32 inverse = num::div(num::f32_one, s, mode);
    for (std::size_t k = 0; k < x.size(); ++k) {
      const F32 code = calib::detail::round_away(num::mul(x[k], inverse, mode));
      q[k] = num::min(num::max(num::negate(high), code, MinMaxNan::number), high,
                      MinMaxNan::number);
    }
    const F32 next = num::div(detail::dot(rule, q, x), detail::dot(rule, q, q), mode);
    if (next == s) break;  // a fixed point: further steps repeat it
    s = next;
  }
  return s;
}

}  // namespace admm

}  // namespace qsim::calib
