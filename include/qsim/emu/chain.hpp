#pragma once
// Interprets an Arith row: two code vectors to one sum, on any host, in plain integers.

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "qsim/num/fit.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::emu {

inline constexpr int max_block = 64;
inline constexpr int max_lanes = 16;

/// Times a word of a chain could not hold its sum, by the place where it happened.
struct Overflows {
  std::array<std::uint32_t, 3> step{};
  std::uint32_t accumulator = 0;
  constexpr std::uint32_t total() const { return step[0] + step[1] + step[2] + accumulator; }
};

/// Counts overflows: the observer of a chain that wants no more.
struct CountOverflows {
  Overflows counts{};
  constexpr void operator()(int step, std::size_t, int, std::int64_t, std::int64_t) {
    ++(step < 3 ? counts.step[static_cast<std::size_t>(step)] : counts.accumulator);
  }
};

/// Accumulators of one output element while its K products arrive in order. Wherever a word cannot
/// hold its sum, observe(step 0..2 or 3 for the accumulator, block, value in the block, sum, kept)
/// is called.
template <class Observe = CountOverflows>
class Chain {
 public:
  explicit constexpr Chain(const Arith& arith, Observe observe = {})
      : arith_(arith), observe_(std::move(observe)) {}

  /// Adds one product, `times` times; a block's steps run when it is full.
  constexpr void push(std::int32_t lhs, std::int32_t rhs, std::int32_t times = 1) {
    push_product((std::int64_t{lhs} + arith_.lhs_offset) *
                 (std::int64_t{rhs} + arith_.rhs_offset) * times);
  }
  /// Adds a product that is made already.
  constexpr void push_product(std::int64_t product) {
    value_[static_cast<std::size_t>(filled_)] = product;
    if (++filled_ == arith_.block) reduce();
  }

  /// The sum: partial block padded with zero products, lanes added with wrap to 32 bits, or 64.
  constexpr std::int64_t finish() {
    while (filled_ != 0) push_product(0);
    std::int64_t sum = spilled_;
    for (int lane = 0; lane < arith_.acc_lanes; ++lane)
      sum = wrap_sum(sum, lane_[static_cast<std::size_t>(lane)]);
    return sum;
  }

  /// Adds `value` to lane 0.
  constexpr void add(std::int64_t value) { accumulate(0, value, 0); }

  constexpr const Observe& observer() const { return observe_; }

 private:
  constexpr std::int64_t wrap_sum(std::int64_t a, std::int64_t b) const {
    const std::uint64_t sum = static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b);
    return num::wrap(static_cast<std::int64_t>(sum), arith_.acc_bits == 64 ? 64 : 32);
  }

  constexpr void reduce() {
    int count = arith_.block;
    for (int s = 0; s < arith_.n_steps; ++s) {
      const Step& step = arith_.step[static_cast<std::size_t>(s)];
      const int sums = count / step.fan_in;
      for (int j = 0; j < sums; ++j) {
        const int first = j / step.stride * (step.fan_in * step.stride) + j % step.stride;
        std::int64_t sum = 0;
        for (int t = 0; t < step.fan_in; ++t)
          sum += value_[static_cast<std::size_t>(first + t * step.stride)];
        const std::int64_t fits = num::fit(sum, step.bits, step.overflow);
        if (fits != sum) observe_(s, block_, j, sum, fits);
        next_[static_cast<std::size_t>(j)] = fits;
      }
      for (int j = 0; j < sums; ++j)
        value_[static_cast<std::size_t>(j)] = next_[static_cast<std::size_t>(j)];
      count = sums;
    }
    for (int i = 0, lane = 0; i < count; ++i) {
      accumulate(lane, value_[static_cast<std::size_t>(i)], i);
      if (++lane == arith_.acc_lanes) lane = 0;
    }
    filled_ = 0;
    ++block_;
    if (arith_.spill == 0) return;
    since_ += arith_.block;
    if (since_ == arith_.spill) spill();
  }

  constexpr void spill() {
    for (std::int64_t& lane : lane_) {
      spilled_ = wrap_sum(spilled_, lane);
      lane = 0;
    }
    since_ = 0;
  }

  constexpr void accumulate(int lane, std::int64_t value, int place) {
    std::int64_t& sum = lane_[static_cast<std::size_t>(lane)];
    if (arith_.acc_bits == 64) {
      sum = wrap_sum(sum, value);
      return;
    }
    const std::int64_t fits = num::fit(sum + value, arith_.acc_bits, arith_.acc_overflow);
    if (fits != sum + value) observe_(3, block_, place, sum + value, fits);
    sum = fits;
  }

  Arith arith_;
  std::array<std::int64_t, max_block> value_{};
  std::array<std::int64_t, max_block> next_{};
  std::array<std::int64_t, max_lanes> lane_{};
  std::int64_t spilled_ = 0;
  int filled_ = 0;
  int since_ = 0;
  std::size_t block_ = 0;
  Observe observe_;
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
  const std::int64_t sum = chain.finish();
  return static_cast<std::int32_t>(starts_there ? sum : num::wrap(sum + initial, 32));
}

}  // namespace qsim::emu
