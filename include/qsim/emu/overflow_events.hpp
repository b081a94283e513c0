#pragma once
// Which words of a chain could not hold their sum, one by one: the story behind a count.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "qsim/emu/chain.hpp"

namespace qsim::emu {

/// One sum that its word could not hold.
struct OverflowEvent {
  int step = 0;                        ///< 0..2; 3: the accumulator
  std::vector<std::size_t> positions;  ///< of the products that came in with the sum
  std::int64_t sum = 0;                ///< the exact sum
  std::int64_t kept = 0;               ///< what the word holds
};

namespace detail {

/// Positions in a block of the products behind value j after `steps` steps.
inline void positions_of(const Arith& arith, int steps, int j, std::size_t base,
                         std::vector<std::size_t>& out) {
  if (steps == 0) {
    out.push_back(base + static_cast<std::size_t>(j));
    return;
  }
  const Step& step = arith.step[static_cast<std::size_t>(steps - 1)];
  const int first = j / step.stride * (step.fan_in * step.stride) + j % step.stride;
  for (int t = 0; t < step.fan_in; ++t)
    positions_of(arith, steps - 1, first + t * step.stride, base, out);
}

}  // namespace detail

/// All overflows of the chain over `products` from `start`, in order. Equation (A.3).
inline std::vector<OverflowEvent> overflow_events(const Arith& arith,
                                                  std::span<const std::int64_t> products,
                                                  std::int64_t start) {
  std::vector<OverflowEvent> events;
  const auto note = [&](int step, std::size_t block, int j, std::int64_t sum, std::int64_t kept) {
    OverflowEvent event{step, {}, sum, kept};
    detail::positions_of(arith, step < 3 ? step + 1 : arith.n_steps, j, block * arith.block,
                         event.positions);
    std::erase_if(event.positions, [&](std::size_t k) { return k >= products.size(); });
    events.push_back(std::move(event));
  };
  Chain<decltype(note)> chain(arith, note);
  if (arith.acc_bits >= 32) chain.add(start);
  for (const std::int64_t product : products) chain.push_product(product);
  static_cast<void>(chain.finish());
  return events;
}

}  // namespace qsim::emu
