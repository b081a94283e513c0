#pragma once
// Overflow-checked arithmetic on sizes: a shape from a file may claim anything.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "qsim/base/check.hpp"

namespace qsim {

/// a * b, or BadArgument when it does not fit std::size_t.
inline std::size_t checked_mul(std::size_t a, std::size_t b) {
  if (a != 0 && b > std::numeric_limits<std::size_t>::max() / a)
    fail<BadArgument>("size: expected a product that fits ", sizeof(std::size_t) * 8,
                      " bits, got ", a, " * ", b);
  return a * b;
}

/// Number of elements of `shape`; BadArgument on a negative extent or an overflow.
inline std::size_t element_count(std::span<const std::int64_t> shape) {
  std::size_t n = 1;
  for (const std::int64_t extent : shape) {
    if (extent < 0) fail<BadArgument>("shape: expected extents >= 0, got ", extent);
    n = checked_mul(n, static_cast<std::size_t>(extent));
  }
  return n;
}

/// A value as the narrower integer type To; BadArgument when it does not fit.
template <class To, class From>
constexpr To checked_cast(From value, const char* argument) {
  const To narrow = static_cast<To>(value);
  if (static_cast<From>(narrow) != value || ((narrow < To{}) != (value < From{})))
    fail<BadArgument>(argument, ": value ", value, " does not fit the integer type it is used as");
  return narrow;
}

}  // namespace qsim
