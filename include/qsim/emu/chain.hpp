#pragma once
// Interprets an Arith row: two int8 vectors to one int32, on any host, in plain integers.

#include <array>
#include <cstddef>
#include <cstdint>

#include "qsim/num/fit.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::emu {

inline constexpr int max_block = 64;
inline constexpr int max_lanes = 16;

/// Accumulators of one output element while its K products arrive in order.
class Chain {
 public:
  explicit constexpr Chain(const Arith& arith) : arith_(arith) {}

  /// Adds one product, `times` times; a block's steps run when it is full.
  constexpr void push(std::int8_t lhs, std::int8_t rhs, std::int32_t times = 1) {
    push_product((std::int32_t{lhs} + arith_.lhs_offset) * std::int32_t{rhs} * times);
  }

  /// The int32 sum: partial block padded with zero products, lanes added with wrap.
  constexpr std::int32_t finish() {
    while (filled_ != 0) push_product(0);
    std::int64_t sum = 0;
    for (int lane = 0; lane < arith_.acc_lanes; ++lane)
      sum = num::wrap(sum + lane_[static_cast<std::size_t>(lane)], 32);
    return static_cast<std::int32_t>(sum);
  }

  /// Adds `value` to lane 0.
  constexpr void add(std::int64_t value) { accumulate(0, value); }

 private:
  constexpr void push_product(std::int32_t product) {
    value_[static_cast<std::size_t>(filled_)] = product;
    if (++filled_ == arith_.block) reduce();
  }

  constexpr void reduce() {
    int count = arith_.block;
    for (int s = 0; s < arith_.n_steps; ++s) {
      const Step& step = arith_.step[static_cast<std::size_t>(s)];
      const int run = step.fan_in * step.stride;
      const int sums = count / step.fan_in;
      std::array<std::int64_t, max_block> next{};
      for (int j = 0; j < sums; ++j) {
        const int first = j / step.stride * run + j % step.stride;
        std::int64_t sum = 0;
        for (int t = 0; t < step.fan_in; ++t)
          sum += value_[static_cast<std::size_t>(first + t * step.stride)];
        next[static_cast<std::size_t>(j)] = num::fit(sum, step.bits, step.overflow);
      }
      for (int j = 0; j < sums; ++j)
        value_[static_cast<std::size_t>(j)] = next[static_cast<std::size_t>(j)];
      count = sums;
    }
    for (int i = 0; i < count; ++i)
      accumulate(i % arith_.acc_lanes, value_[static_cast<std::size_t>(i)]);
    filled_ = 0;
  }

  constexpr void accumulate(int lane, std::int64_t value) {
    std::int64_t& sum = lane_[static_cast<std::size_t>(lane)];
    sum = num::fit(sum + value, arith_.acc_bits, arith_.acc_overflow);
  }

  Arith arith_;
  std::array<std::int64_t, max_block> value_{};
  std::array<std::int64_t, max_lanes> lane_{};
  int filled_ = 0;
};

/// Whether no left codes, and no right codes in [rhs_low, rhs_high], can make any word of the chain
/// overflow over k products, save the final int32 wrap: the result is then the plain sum.
constexpr bool is_plain_sum(const Arith& a, std::size_t k = ~std::size_t{0}, int rhs_low = -128,
                            int rhs_high = 127) {
  if (a.acc_bits != 32) return false;
  const std::int64_t left_low = std::int64_t{-128} + a.lhs_offset;
  const std::int64_t left_high = std::int64_t{127} + a.lhs_offset;
  std::int64_t high = 0;
  std::int64_t low = 0;
  for (const std::int64_t product : {left_low * rhs_low, left_low * rhs_high, left_high * rhs_low,
                                     left_high * rhs_high}) {
    high = product > high ? product : high;
    low = product < low ? product : low;
  }
  if (a.acc_overflow == Overflow::saturate) {
    const std::int64_t most = std::int64_t{2147483647} / (high - low + 1);
    if (k > static_cast<std::size_t>(most)) return false;
  }
  for (int s = 0; s < a.n_steps; ++s) {
    const Step& step = a.step[static_cast<std::size_t>(s)];
    high *= step.fan_in;
    low *= step.fan_in;
    if (num::fit(high, step.bits, step.overflow) != high) return false;
    if (num::fit(low, step.bits, step.overflow) != low) return false;
  }
  return true;
}

/// The plain sum of products, int32 wrapping, from `initial`.
constexpr std::int32_t plain_dot(std::int32_t lhs_offset, const std::int8_t* lhs,
                                 std::ptrdiff_t lhs_stride, const std::int8_t* rhs,
                                 std::ptrdiff_t rhs_stride, std::size_t k, std::int32_t initial) {
  std::uint32_t sum = static_cast<std::uint32_t>(initial);
  for (std::size_t i = 0; i < k; ++i) {
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(i);
    sum += static_cast<std::uint32_t>((std::int32_t{lhs[at * lhs_stride]} + lhs_offset) *
                                      std::int32_t{rhs[at * rhs_stride]});
  }
  return static_cast<std::int32_t>(sum);
}

/// sum_k lhs[k*lhs_stride] * rhs[k*rhs_stride] by the chain of `arith`, from `initial`. k may be 0.
constexpr std::int32_t dot(const Arith& arith, const std::int8_t* lhs, std::ptrdiff_t lhs_stride,
                           const std::int8_t* rhs, std::ptrdiff_t rhs_stride, std::size_t k,
                           std::int32_t initial = 0) {
  if (arith.acc_overflow == Overflow::wrap && is_plain_sum(arith, k))
    return plain_dot(arith.lhs_offset, lhs, lhs_stride, rhs, rhs_stride, k, initial);
  Chain chain(arith);
  const bool starts_there = arith.acc_bits == 32;  // a narrow lane cannot hold it: added last
  if (starts_there) chain.add(initial);
  for (std::size_t i = 0; i < k; ++i) {
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(i);
    chain.push(lhs[at * lhs_stride], rhs[at * rhs_stride]);
  }
  const std::int32_t sum = chain.finish();
  return starts_there ? sum : static_cast<std::int32_t>(num::wrap(std::int64_t{sum} + initial, 32));
}

}  // namespace qsim::emu
