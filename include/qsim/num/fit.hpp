#pragma once
// What happens to an integer that is wider than its word: the two overflow rules.

#include <cstdint>

namespace qsim {
/// Rule for a value that does not fit its word.
enum class Overflow : std::uint8_t { wrap, saturate };
}  // namespace qsim

namespace qsim::num {

/// v modulo 2^bits as a signed word. 1 <= bits <= 64.
constexpr std::int64_t wrap(std::int64_t v, int bits) {
  const int drop = 64 - bits;
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(v) << drop) >> drop;
}

constexpr std::int64_t clamp(std::int64_t v, std::int64_t low, std::int64_t high) {
  return v < low ? low : (v > high ? high : v);
}

/// v clamped to the signed range of `bits`. 1 <= bits <= 63.
constexpr std::int64_t saturate(std::int64_t v, int bits) {
  const std::int64_t top = std::int64_t{1} << (bits - 1);
  return clamp(v, -top, top - 1);
}

/// v made to fit a signed word of `bits` by `rule`.
constexpr std::int64_t fit(std::int64_t v, int bits, Overflow rule) {
  return rule == Overflow::wrap ? wrap(v, bits) : saturate(v, bits);
}

static_assert(wrap(32768, 16) == -32768 && wrap(-32769, 16) == 32767);
static_assert(saturate(32768, 16) == 32767 && saturate(-40000, 16) == -32768);

}  // namespace qsim::num
