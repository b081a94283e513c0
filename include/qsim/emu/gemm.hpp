#pragma once
// Matrix products of codes by a chain: [m, k] times [k, n] to [m, n] accumulators.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/emu/chain.hpp"
#include "qsim/emu/lifted.hpp"

namespace qsim::emu {

/// Operands of a matrix product, codes widened to int32 (uint8 0..255). Zero points per row of the
/// left and per column of the right operand. `initial`: empty, one per column, or one per result.
struct GemmOperands {
  std::size_t m = 0, n = 0, k = 0;
  std::span<const std::int32_t> lhs, rhs;            ///< [m, k], [k, n], row-major
  std::span<const std::int32_t> lhs_zero, rhs_zero;  ///< m, n
  std::span<const std::int64_t> initial;
};

namespace detail {

struct Bounds {
  std::int64_t low = 0, high = 0;
};
inline Bounds bounds_of(std::span<const std::int32_t> values) {
  if (values.empty()) return {};
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return {*low, *high};
}

/// What the multiplier sees: offsets added, or zero points taken off, right codes halved.
struct Multiplied {
  std::vector<std::int32_t> lhs, rhs;
  std::vector<std::int64_t> start;  ///< of each accumulator, [m, n]
};

inline std::int64_t wrap_acc(const Arith& arith, std::uint64_t v) {
  return num::wrap(static_cast<std::int64_t>(v), arith.acc_bits == 64 ? 64 : 32);
}

inline std::int32_t halved(const Arith& arith, std::int32_t w) {
  return arith.halves_rhs ? static_cast<std::int32_t>(num::shift_right(w, 1, Ties::half_even)) : w;
}

/// The right code whose products are zero.
constexpr std::int32_t neutral_rhs(const Arith& arith) {
  return arith.halves_rhs ? -2 * arith.rhs_offset : -arith.rhs_offset;
}

inline Multiplied multiplied(const Arith& arith, const GemmOperands& a) {
  const bool subtracts = arith.zero_points == ZeroPoints::subtracted;
  Multiplied out{{a.lhs.begin(), a.lhs.end()}, {a.rhs.begin(), a.rhs.end()}, {}};
  for (std::size_t i = 0; i < a.m; ++i)
    for (std::size_t k = 0; k < a.k; ++k)
      out.lhs[i * a.k + k] += subtracts ? -a.lhs_zero[i] : arith.lhs_offset;
  for (std::size_t k = 0; k < a.k; ++k)
    for (std::size_t j = 0; j < a.n; ++j) {
      std::int32_t& w = out.rhs[k * a.n + j];
      w = halved(arith, w) + (subtracts ? -halved(arith, a.rhs_zero[j]) : arith.rhs_offset);
    }
  std::vector<std::uint64_t> row_sum(a.m), column_sum(a.n);
  for (std::size_t i = 0; i < a.m; ++i)
    for (std::size_t k = 0; k < a.k; ++k)
      row_sum[i] += static_cast<std::uint64_t>(std::int64_t{out.lhs[i * a.k + k]});
  for (std::size_t k = 0; k < a.k; ++k)
    for (std::size_t j = 0; j < a.n; ++j)
      column_sum[j] += static_cast<std::uint64_t>(std::int64_t{out.rhs[k * a.n + j]});
  out.start.resize(a.m * a.n);
  for (std::size_t i = 0; i < a.m; ++i)
    for (std::size_t j = 0; j < a.n; ++j) {
      std::uint64_t v = 0;
      if (!a.initial.empty())
        v = static_cast<std::uint64_t>(a.initial[a.initial.size() == a.n ? j : i * a.n + j]);
      if (!subtracts) {
        const std::uint64_t za = static_cast<std::uint64_t>(
            std::int64_t{a.lhs_zero[i]} + arith.lhs_offset);
        const std::uint64_t zb = static_cast<std::uint64_t>(
            std::int64_t{halved(arith, a.rhs_zero[j])} + arith.rhs_offset);
        v += std::uint64_t{a.k} * za * zb - zb * row_sum[i] - za * column_sum[j];
      }
      out.start[i * a.n + j] = wrap_acc(arith, v);
    }
  return out;
}

}  // namespace detail

/// The [m, n] accumulators by the chain `arith`; int32 values, or int64 for a 64-bit row. Where
/// `overflows` is given it receives one count per result. Equation (A.21).
inline std::vector<std::int64_t> gemm(const Arith& arith, const GemmOperands& a,
                                      std::vector<Overflows>* overflows = nullptr) {
  QSIM_ASSERT(arith.acc_bits != 0);
  QSIM_ASSERT(a.lhs.size() == a.m * a.k && a.rhs.size() == a.k * a.n);
  QSIM_ASSERT(a.lhs_zero.size() == a.m && a.rhs_zero.size() == a.n);
  QSIM_ASSERT(a.initial.empty() || a.initial.size() == a.n || a.initial.size() == a.m * a.n);
  detail::Multiplied x = detail::multiplied(arith, a);
  std::vector<std::int64_t>& acc = x.start;
  const LiftedOperands lifted{a.m, a.n, a.k, x.lhs, x.rhs};
  if (overflows == nullptr && lift(arith, lifted, acc)) {
    // done
  } else {
    const bool starts_there = arith.acc_bits >= 32;  // a narrow lane cannot hold it: added last
    Arith lanes = arith;
    if (starts_there) lanes.spill = 0;  // only narrow lanes spill
    if (overflows != nullptr) overflows->assign(acc.size(), {});
    for (std::size_t i = 0; i < a.m; ++i)
      for (std::size_t j = 0; j < a.n; ++j) {
        Chain chain(lanes);
        std::int64_t& result = acc[i * a.n + j];
        if (starts_there) chain.add(result);
        for (std::size_t k = 0; k < a.k; ++k)
          chain.push_product(std::int64_t{x.lhs[i * a.k + k]} * x.rhs[k * a.n + j]);
        const std::int64_t sum = chain.finish();
        result = starts_there ? sum : num::wrap(sum + result, 32);
        if (overflows != nullptr) (*overflows)[i * a.n + j] = chain.observer().counts;
      }
  }
  if (arith.halves_rhs)
    for (std::int64_t& v : acc) v = detail::wrap_acc(arith, 2 * static_cast<std::uint64_t>(v));
  return acc;
}

}  // namespace qsim::emu
