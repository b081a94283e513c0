#pragma once
// How far two versions of one tensor are apart. Units are in the names.

#include <cstdint>
#include <span>

namespace qsim::metric {

/// One tensor as two runs saw it. Sums run in index order in binary64.
struct Metrics {
  std::uint64_t elements = 0;     ///< compared: neither side unspecified
  std::uint64_t unspecified = 0;  ///< left out
  std::uint64_t equal = 0;        ///< same bits, or both NaN
  std::uint64_t nonfinite_a = 0, nonfinite_b = 0;
  std::uint64_t finite_mismatch = 0;  ///< finite on one side only
  std::int32_t max_lsb = -1;      ///< largest code difference; -1: not int8 on both sides
  double max_abs = 0.0;           ///< largest difference over elements finite on both sides
  double cosine = 1.0;            ///< NaN as soon as a non-finite element takes part; 1 for 0 and 0
  double sqnr_db = 0.0;           ///< 10 log10(sum a^2 / sum (a-b)^2); inf when equal
  double exact_match() const {
    return elements == 0 ? 1.0 : static_cast<double>(equal) / static_cast<double>(elements);
  }
};

/// A tensor's side of a comparison. `codes` and `unspecified` may be empty.
struct Side {
  std::span<const float> real;
  std::span<const std::int8_t> codes;
  std::span<const std::uint8_t> unspecified;
};

/// Compares two sides of equal length; BadArgument otherwise.
Metrics compare(const Side& a, const Side& b);

}  // namespace qsim::metric
