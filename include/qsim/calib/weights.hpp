#pragma once
// Weight quantizers per output channel: by the largest magnitude, and by alternating minimisation.
//
// Source: MNN tag 2.9.0, tools/quantization/quantizeWeight.cpp 16-133.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/calib/real.hpp"
#include "qsim/num/f32.hpp"

namespace qsim::calib {

/// How a quotient by the constant W is formed.
enum class Division : std::uint8_t {
  divide,      ///< fl(a / W)
  reciprocal,  ///< fl(a * fl(1 / W))
};

/// How sum(w*q) of a channel is formed; p0..p3 are the four quads of a block of 16.
enum class QuadSum : std::uint8_t {
  pairs,  ///< L += (p0 + p1) + (p2 + p3), products rounded; (L0+L2)+(L1+L3); rest multiply, add
  fused,  ///< L = fma(w, q, L) quad by quad;                (L0+L1)+(L2+L3); rest by fma
};

/// Everything in which hosts of these quantizers differ.
struct WeightRule {
  FloatMode mode{};
  Division scale = Division::divide;  ///< of the largest magnitude by W
  QuadSum sum = QuadSum::fused;
  NanRule nan = NanRule::zero;        ///< code of a NaN weight, largest magnitude: 0 or a limit
  friend constexpr bool operator==(const WeightRule&, const WeightRule&) = default;
};

/// Codes [channels, per channel] in [-W, W] and one scale per channel.
struct WeightCodes {
  std::vector<std::int8_t> codes;
  std::vector<F32> alpha;
};

namespace weights {

/// GCC -O3 -ffast-math on x86-64.
inline constexpr WeightRule x64{
    {.flush_inputs = true, .flush_results = Flush::after_rounding, .negative_nan = true},
    Division::reciprocal,
    QuadSum::pairs,  // with more than one block of 16 the association is not recorded
    NanRule::lowest};
/// The same compiler flags on arm64.
inline constexpr WeightRule ieee{{.flush_inputs = true, .flush_results = Flush::before_rounding},
                                 Division::divide,
                                 QuadSum::fused,
                                 NanRule::zero};

namespace detail {

using calib::detail::round_away;

/// Rows of [channels, ...]. BadArgument unless the channels divide the weights into non-empty rows
/// and 1 <= limit <= 127.
inline std::size_t row_length(std::size_t n, std::size_t channels, std::int32_t limit) {
  if (channels == 0 || n == 0 || n % channels != 0)
    fail<BadArgument>("channels: expected a divisor of ", n, " weights, got ", channels);
  if (limit < 1 || limit > 127)
    fail<BadArgument>("limit: expected a code of 1 to 127, got ", limit);
  return n / channels;
}

/// Smallest and largest value as libstdc++'s std::minmax_element finds them: it compares neighbours
/// first, so a NaN hides its neighbour from one of the two tests.
constexpr std::pair<F32, F32> min_max(std::span<const F32> row) {
  if (row.size() == 1) return {row[0], row[0]};
  F32 low = row[0];
  F32 high = row[1];
  if (num::less(row[1], row[0])) std::swap(low, high);
  std::size_t i = 2;
  for (; i + 1 < row.size(); i += 2) {
    const bool down = num::less(row[i + 1], row[i]);
    const F32 small = row[down ? i + 1 : i];
    const F32 large = row[down ? i : i + 1];
    if (num::less(small, low)) low = small;
    if (!num::less(large, high)) high = large;
  }
  if (i < row.size()) {
    if (num::less(row[i], low)) low = row[i];
    else if (!num::less(row[i], high)) high = row[i];
  }
  return {low, high};
}

constexpr F32 dot(const WeightRule& rule, std::span<const F32> a, std::span<const F32> b) {
  const FloatMode& mode = rule.mode;
  const bool fused = rule.sum == QuadSum::fused;
  const auto add = [&](F32 x, F32 y) { return num::add(x, y, mode); };
  const auto product = [&](std::size_t k) { return num::mul(a[k], b[k], mode); };
  std::array<F32, 4> lane{};
  const std::size_t whole = a.size() / 16 * 16;
  for (std::size_t k = 0; k < whole; k += 16) {
    for (std::size_t j = 0; j < 4; ++j) {
      const std::size_t at = k + j;
      if (fused)
        for (std::size_t quad = 0; quad < 16; quad += 4)
          lane[j] = num::fma(a[at + quad], b[at + quad], lane[j], mode);
      else
        lane[j] = add(lane[j], add(add(product(at), product(at + 4)),
                                   add(product(at + 8), product(at + 12))));
    }
  }
  F32 sum = fused ? add(add(lane[0], lane[1]), add(lane[2], lane[3]))
                  : add(add(lane[0], lane[2]), add(lane[1], lane[3]));
  for (std::size_t k = whole; k < a.size(); ++k)
    sum = fused ? num::fma(a[k], b[k], sum, mode) : add(sum, product(k));
  return sum;
}

}  // namespace detail

/// scale = max|w| / W, q = clamp(int(roundf(fl(w * fl(W / max|w|)))), -W, W). A channel of zeros
/// has scale 0 and codes 0. `weights` is [channels, ...], W = limit. BadArgument unless the
/// channels divide the weights and 1 <= limit <= 127.
inline WeightCodes by_maximum(const WeightRule& rule, std::span<const F32> weights,
                              std::size_t channels, std::int32_t limit) {
  const std::size_t each = detail::row_length(weights.size(), channels, limit);
  const FloatMode& mode = rule.mode;
  const F32 top = num::from_int(limit);
  const Convert to_int{rule.nan, RangeRule::saturate, RangeRule::saturate, Ties::toward_zero};
  WeightCodes out;
  out.codes.reserve(weights.size());
  std::vector<F32> row(each);
  for (std::size_t k = 0; k < channels; ++k) {
    for (std::size_t i = 0; i < each; ++i) row[i] = num::read(weights[k * each + i], mode);
    const auto [low, high] = detail::min_max(row);
    const F32 max = num::max(num::absolute(low), num::absolute(high), MinMaxNan::number);
    F32 scale{};
    F32 multiplier = num::f32_one;
    if (!num::is_zero(max)) {
      scale = rule.scale == Division::divide
                  ? num::div(max, top, mode)
                  : num::mul(max, num::div(num::f32_one, top, mode), mode);
      multiplier = num::div(top, max, mode);
    }
    out.alpha.push_back(scale);
    for (const F32 w : row) {
      const std::int32_t q =
          num::to_int32(detail::round_away(num::mul(w, multiplier, mode)), to_int);
      out.codes.push_back(static_cast<std::int8_t>(num::clamp(q, -limit, limit)));
    }
  }
  return out;
}

/// Starts at max|w| / (1.25 W) (NaN skipped); 1000 times q = clamp(roundf(w / (s + 1e-9f)), -W, W)
/// with NaN as -W, s = sum(w q) / (sum(q q) + 1e-9f). Shapes and errors as by_maximum.
inline WeightCodes by_admm(const WeightRule& rule, std::span<const F32> weights,
                           std::size_t channels, std::int32_t limit) {
  const std::size_t each = detail::row_length(weights.size(), channels, limit);
  const FloatMode& mode = rule.mode;
  const F32 top = num::from_int(limit);
  constexpr F32 epsilon{0x3089705fu};  // fl(1e-9)
  // limit * 1.25 is exact, so dividing in binary64 first, as the engine does, changes nothing.
  const F32 span = num::mul(top, F32{0x3fa00000u});
  WeightCodes out;
  out.codes.reserve(weights.size());
  std::vector<F32> row(each);
  std::vector<F32> q(each);
  for (std::size_t k = 0; k < channels; ++k) {
    F32 max{};
    for (std::size_t i = 0; i < each; ++i) {
      row[i] = num::read(weights[k * each + i], mode);
      if (num::less(max, num::absolute(row[i]))) max = num::absolute(row[i]);
    }
    F32 s = num::div(max, span, mode);
    for (int step = 0; step < 1000; ++step) {
      const F32 unit = num::add(s, epsilon, mode);
      std::int64_t squares = 0;
      for (std::size_t i = 0; i < each; ++i) {
        const F32 code = detail::round_away(num::div(row[i], unit, mode));
        q[i] = num::min(num::max(code, num::negate(top), MinMaxNan::second_operand), top,
                        MinMaxNan::second_operand);
        const std::int64_t c = num::round_to_int(q[i], Ties::toward_zero);
        squares += c * c;
      }
      const F32 denominator = num::add(num::from_int(squares), epsilon, mode);
      const F32 next = num::div(detail::dot(rule, row, q), denominator, mode);
      if (next == s) break;  // a fixed point: further steps repeat it
      s = next;
    }
    out.alpha.push_back(s);
    for (const F32 code : q)
      out.codes.push_back(static_cast<std::int8_t>(num::round_to_int(code, Ties::toward_zero)));
  }
  return out;
}

}  // namespace weights

}  // namespace qsim::calib
