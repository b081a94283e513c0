#pragma once
// Every tie rule, once: rounding of integer quotients by a power of two or by an integer.

#include <cstdint>

namespace qsim {
/// Which neighbour a value between two integers goes to. `half_*` differ only on exact ties.
/// `add_half` is trunc(fl(x +- 0.5)) in binary32: half_away except where the addition itself
/// rounds (0.49999997 becomes 1); on integers it equals half_away.
enum class Ties : std::uint8_t {
  half_even, half_away, half_up, half_down, toward_zero, floor, add_half
};
}  // namespace qsim

namespace qsim::num {

/// 1 if the quotient q (floor) with 0 <= rest < unit goes up to q + 1, else 0.
/// `rest` and `unit` are the fraction's numerator and denominator; q's sign is that of the value.
constexpr std::int64_t round_up(std::int64_t q, std::uint64_t rest, std::uint64_t unit, Ties ties) {
  if (rest == 0) return 0;
  const bool negative = q < 0;  // value < 0 iff floor < 0
  const std::uint64_t mirror = unit - rest;
  const bool above = rest > mirror;
  const bool tie = rest == mirror;
  switch (ties) {
    case Ties::half_even: return above || (tie && (q & 1) != 0);
    case Ties::half_away:
    case Ties::add_half: return above || (tie && !negative);
    case Ties::half_up: return above || tie;
    case Ties::half_down: return above;
    case Ties::toward_zero: return negative;
    case Ties::floor: return 0;
  }
  return 0;
}

/// v / 2^n rounded by `ties`. 0 <= n <= 62.
constexpr std::int64_t shift_right(std::int64_t v, int n, Ties ties) {
  if (n == 0) return v;
  const std::int64_t q = v >> n;
  const std::uint64_t unit = std::uint64_t{1} << n;
  const std::uint64_t rest = static_cast<std::uint64_t>(v) & (unit - 1);
  return q + round_up(q, rest, unit, ties);
}

/// v / d rounded by `ties`. d > 0.
constexpr std::int64_t divide(std::int64_t v, std::int64_t d, Ties ties) {
  std::int64_t q = v / d;
  std::int64_t rest = v % d;
  if (rest < 0) {
    rest += d;
    q -= 1;
  }
  return q + round_up(q, static_cast<std::uint64_t>(rest), static_cast<std::uint64_t>(d), ties);
}

static_assert(shift_right(-5, 1, Ties::half_away) == -3 && shift_right(-5, 1, Ties::half_up) == -2);
static_assert(shift_right(5, 1, Ties::half_even) == 2 && shift_right(5, 1, Ties::half_down) == 2);
static_assert(divide(-7, 2, Ties::toward_zero) == -3 && divide(-7, 2, Ties::floor) == -4);

}  // namespace qsim::num
