#pragma once
// Chains of a known form, lifted to template arguments: the same integers as the interpreter, fast.
//
// A form is read off the row's fields and the operands' actual bounds, never off its name.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "qsim/num/fit.hpp"
#include "qsim/profile/arith.hpp"

namespace qsim::emu {

/// Operands as the multiplier sees them: [m, k] and [k, n].
struct LiftedOperands {
  std::size_t m = 0, n = 0, k = 0;
  std::span<const std::int32_t> lhs, rhs;
};

namespace detail {

/// Largest magnitudes: of the operands and of one product.
struct Reach {
  std::int64_t lhs = 0, rhs = 0;
  std::int64_t product() const { return lhs * rhs; }
};
inline std::int64_t largest(std::span<const std::int32_t> values) {
  std::int64_t most = 0;
  for (const std::int32_t v : values) most = std::max(most, v < 0 ? -std::int64_t{v} : v);
  return most;
}

/// Whether steps first.. of the chain never change a sum of values up to `reach`.
inline bool steps_are_exact(const Arith& a, int first, std::int64_t reach) {
  for (int s = first; s < a.n_steps; ++s) {
    const Step& step = a.step[static_cast<std::size_t>(s)];
    reach *= step.fan_in;
    if (reach > (std::int64_t{1} << 62) / 64) return false;
    if (step.bits < 64 && reach >= std::int64_t{1} << (step.bits - 1)) return false;
  }
  return true;
}

/// Whether the accumulators only ever wrap: order and lanes do not show.
inline bool accumulates_plainly(const Arith& a, std::size_t k, std::int64_t reach,
                                std::span<const std::int64_t> start) {
  if (a.acc_bits == 64) return true;
  if (a.acc_bits != 32) return false;
  if (a.acc_overflow == Overflow::wrap) return true;
  std::int64_t most = 0;
  for (const std::int64_t v : start) most = std::max(most, v < 0 ? -v : v);
  return reach == 0 || static_cast<std::int64_t>(k) <= (2147483647 - most) / reach;
}

template <class Word>
std::vector<Word> narrowed(std::span<const std::int32_t> values) {
  std::vector<Word> out(values.size());
  std::transform(values.begin(), values.end(), out.begin(),
                 [](std::int32_t v) { return static_cast<Word>(v); });
  return out;
}

/// Plain sums modulo 2^32 or 2^64, a row of results at a time.
template <class Word, class Sum>
void plain_gemm(const LiftedOperands& a, std::vector<std::int64_t>& acc) {
  const std::vector<Word> lhs = narrowed<Word>(a.lhs);
  const std::vector<Word> rhs = narrowed<Word>(a.rhs);
  std::vector<Sum> row(a.n);
  for (std::size_t i = 0; i < a.m; ++i) {
    for (std::size_t j = 0; j < a.n; ++j) row[j] = static_cast<Sum>(acc[i * a.n + j]);
    for (std::size_t k = 0; k < a.k; ++k) {
      const Word x = lhs[i * a.k + k];
      const Word* w = rhs.data() + k * a.n;
      if constexpr (sizeof(Sum) == 4) {  // products of 16-bit words fit int32
        for (std::size_t j = 0; j < a.n; ++j)
          row[j] += static_cast<Sum>(std::int32_t{x} * std::int32_t{w[j]});
      } else {
        for (std::size_t j = 0; j < a.n; ++j)
          row[j] += static_cast<Sum>(std::int64_t{x} * std::int64_t{w[j]});
      }
    }
    for (std::size_t j = 0; j < a.n; ++j)
      acc[i * a.n + j] = static_cast<std::make_signed_t<Sum>>(row[j]);
  }
}

template <Overflow overflow>
constexpr std::int32_t fit_int16(std::int32_t v) {
  if constexpr (overflow == Overflow::wrap) return static_cast<std::int16_t>(v);
  return std::clamp(v, -32768, 32767);
}

/// Products at distance `stride` meet in int16; all later sums wrap at 32 bits.
template <Overflow overflow>
void paired_gemm(const LiftedOperands& a, std::size_t stride, std::vector<std::int64_t>& acc) {
  const std::vector<std::int16_t> lhs = narrowed<std::int16_t>(a.lhs);
  const std::vector<std::int16_t> rhs = narrowed<std::int16_t>(a.rhs);
  const std::vector<std::int16_t> nothing(a.n, 0);
  std::vector<std::uint32_t> row(a.n);
  for (std::size_t i = 0; i < a.m; ++i) {
    for (std::size_t j = 0; j < a.n; ++j) row[j] = static_cast<std::uint32_t>(acc[i * a.n + j]);
    for (std::size_t base = 0; base < a.k; base += 2 * stride)
      for (std::size_t k = base; k < std::min(base + stride, a.k); ++k) {
        const bool both = k + stride < a.k;
        const std::int32_t x0 = lhs[i * a.k + k];
        const std::int32_t x1 = both ? lhs[i * a.k + k + stride] : 0;
        const std::int16_t* w0 = rhs.data() + k * a.n;
        const std::int16_t* w1 = both ? rhs.data() + (k + stride) * a.n : nothing.data();
        for (std::size_t j = 0; j < a.n; ++j)
          row[j] += static_cast<std::uint32_t>(
              fit_int16<overflow>(x0 * std::int32_t{w0[j]} + x1 * std::int32_t{w1[j]}));
      }
    for (std::size_t j = 0; j < a.n; ++j)
      acc[i * a.n + j] = static_cast<std::int32_t>(row[j]);
  }
}

/// Pairs and then one int16 accumulator saturate; it spills into int32 every `spill` products.
inline void running_int16_gemm(const LiftedOperands& a, std::size_t spill,
                               std::vector<std::int64_t>& acc) {
  const std::vector<std::int16_t> lhs = narrowed<std::int16_t>(a.lhs);
  const std::vector<std::int16_t> rhs = narrowed<std::int16_t>(a.rhs);
  const std::vector<std::int16_t> nothing(a.n, 0);
  std::vector<std::int16_t> lane(a.n);
  for (std::size_t i = 0; i < a.m; ++i) {
    std::fill(lane.begin(), lane.end(), std::int16_t{0});
    const auto empty_lanes = [&] {
      for (std::size_t j = 0; j < a.n; ++j) {
        acc[i * a.n + j] = num::wrap(acc[i * a.n + j] + lane[j], 32);
        lane[j] = 0;
      }
    };
    for (std::size_t k = 0; k < a.k; k += 2) {
      const bool both = k + 1 < a.k;
      const std::int32_t x0 = lhs[i * a.k + k];
      const std::int32_t x1 = both ? lhs[i * a.k + k + 1] : 0;
      const std::int16_t* w0 = rhs.data() + k * a.n;
      const std::int16_t* w1 = both ? rhs.data() + (k + 1) * a.n : nothing.data();
      for (std::size_t j = 0; j < a.n; ++j)
        lane[j] = static_cast<std::int16_t>(fit_int16<Overflow::saturate>(
            lane[j] + fit_int16<Overflow::saturate>(x0 * std::int32_t{w0[j]} +
                                                    x1 * std::int32_t{w1[j]})));
      if (spill != 0 && (k + 2) % spill == 0) empty_lanes();
    }
    empty_lanes();
  }
}

inline bool is_running_int16(const Arith& a) {
  return a.n_steps == 1 && a.step[0].stride == 1 && a.step[0].overflow == Overflow::saturate &&
         a.block == 2 && a.acc_bits == 16 && a.acc_lanes == 1 &&
         a.acc_overflow == Overflow::saturate;
}

}  // namespace detail

/// Adds the products to `acc` (the starts, [m, n]) if the chain has a known form; else false.
inline bool lift(const Arith& arith, const LiftedOperands& a, std::vector<std::int64_t>& acc) {
  const detail::Reach reach{detail::largest(a.lhs), detail::largest(a.rhs)};
  if (reach.product() >= std::int64_t{1} << 45) return false;
  const bool words = reach.lhs < 32768 && reach.rhs < 32768;
  if (detail::steps_are_exact(arith, 0, reach.product()) &&
      detail::accumulates_plainly(arith, a.k, reach.product(), acc)) {
    if (arith.acc_bits == 64) detail::plain_gemm<std::int32_t, std::uint64_t>(a, acc);
    else if (words) detail::plain_gemm<std::int16_t, std::uint32_t>(a, acc);
    else return false;
    return true;
  }
  const Step& first = arith.step[0];
  if (!words || arith.n_steps == 0 || first.fan_in != 2 || first.bits != 16) return false;
  if (detail::is_running_int16(arith)) {
    detail::running_int16_gemm(a, arith.spill, acc);
    return true;
  }
  if (arith.acc_bits != 32 || arith.acc_overflow == Overflow::saturate ||
      !detail::steps_are_exact(arith, 1, 32768))
    return false;
  if (first.overflow == Overflow::wrap)
    detail::paired_gemm<Overflow::wrap>(a, first.stride, acc);
  else
    detail::paired_gemm<Overflow::saturate>(a, first.stride, acc);
  return true;
}

}  // namespace qsim::emu
