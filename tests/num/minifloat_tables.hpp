#pragma once
// Small floats by their definition in the host's binary64: values, and where rounding changes code.

#include <bit>
#include <cmath>
#include <cstdint>
#include <ostream>
#include <stdexcept>
#include <vector>

#include "qsim/num/minifloat.hpp"

namespace qsim::test {

struct NamedFormat {
  const char* name;
  Minifloat format;
  friend std::ostream& operator<<(std::ostream& out, const NamedFormat& f) { return out << f.name; }
};
inline constexpr NamedFormat formats[] = {
    {"fp16", num::fp16},
    {"bf16", num::bf16},
    {"e4m3fn", num::fp8_e4m3fn},
    {"e4m3fnuz", num::fp8_e4m3fnuz},
    {"e5m2", num::fp8_e5m2},
    {"e5m2fnuz", num::fp8_e5m2fnuz},
    {"e2m1", num::fp4_e2m1},
    {"e8m0", num::fp8_e8m0},
};
inline constexpr Rounding roundings[] = {Rounding::half_even, Rounding::half_away,
                                         Rounding::toward_zero, Rounding::away_from_zero};

/// What magnitude code m means if every code is a number: also beyond the largest, and, in a format
/// without zero, at -1.
inline double value_of(const Minifloat& f, std::int64_t m) {
  const double steps = std::ldexp(1.0, f.mantissa_bits);
  const double field = std::floor(static_cast<double>(m) / steps);
  const double fraction = static_cast<double>(m) / steps - field;
  const int exponent = static_cast<int>(field) - f.bias;
  if (f.has_zero && field == 0) return std::ldexp(fraction, exponent + 1);
  return std::ldexp(1 + fraction, exponent);
}

/// The binary32 pattern of a value that has one (2^128 is infinity).
inline std::uint32_t pattern_of(double value) {
  const float rounded = static_cast<float>(value);
  if (static_cast<double>(rounded) != value && value != std::ldexp(1.0, 128))
    throw std::logic_error("not a binary32 value");
  return std::bit_cast<std::uint32_t>(rounded);
}

/// Binary32 patterns first..last, both included, that have one code.
struct Piece {
  std::uint32_t first, last, code;
};

/// Of every magnitude code the first non-negative pattern that is rounded to it: one above the
/// middle of two adjacent values, or the middle itself if ties go up. The last entry is the first
/// pattern that is out of range; without zero the list starts at magnitude -1.
inline std::vector<std::uint32_t> thresholds(const Minifloat& f, Rounding rounding) {
  std::vector<std::uint32_t> first{0};
  const std::int64_t top = num::largest(f);
  for (std::int64_t m = f.has_zero ? 0 : -1; m <= top; ++m) {
    const double here = value_of(f, m);
    const double next = value_of(f, m + 1);
    const std::uint32_t middle = pattern_of((here + next) / 2);
    switch (rounding) {
      case Rounding::half_even: first.push_back(m % 2 == 0 ? middle + 1 : middle); break;
      case Rounding::half_away: first.push_back(middle); break;
      case Rounding::toward_zero: first.push_back(pattern_of(next)); break;
      case Rounding::away_from_zero: first.push_back(pattern_of(here) + 1); break;
    }
  }
  return first;
}

/// The code of a number that is rounded to magnitude m, by the tables of ONNX's operator Cast.
inline std::uint32_t code_of(const Minifloat& f, std::int64_t m, bool negative, bool saturate) {
  const std::uint32_t sign = negative ? num::sign_mask(f) : 0;
  const std::uint32_t top = num::largest(f);
  if (m < 0) return saturate ? 0 : f.nan;
  if (m == 0 && f.non_finite == NonFinite::negative_zero_nan) return 0;
  if (m <= top) return sign | static_cast<std::uint32_t>(m);
  if (saturate || f.non_finite == NonFinite::none) return sign | top;
  if (f.non_finite == NonFinite::negative_zero_nan) return f.nan;
  return sign | (top + 1);  // infinity, or the NaN of all ones
}

/// All 2^32 patterns in order, cut where the code changes.
inline std::vector<Piece> pieces(const Minifloat& f, bool saturate, Rounding rounding) {
  constexpr std::uint32_t infinity = 0x7f800000u;
  const std::vector<std::uint32_t> first = thresholds(f, rounding);
  std::vector<Piece> out;
  for (const std::uint32_t sign : {0u, 0x80000000u}) {
    const bool negative = sign != 0;
    for (std::size_t i = 0; i < first.size(); ++i) {
      const std::int64_t m = static_cast<std::int64_t>(i) - (f.has_zero ? 0 : 1);
      const std::uint32_t last = i + 1 < first.size() ? first[i + 1] - 1 : infinity;
      if (negative && !f.is_signed) break;
      out.push_back({sign | first[i], sign | last, code_of(f, m, negative, saturate)});
    }
    if (negative && !f.is_signed) {  // -0 is 0, the others are NaN
      out.push_back({sign, sign, out.front().code});
      out.push_back({sign | 1, sign | infinity, f.nan});
    }
    const bool signed_nan = f.is_signed && f.non_finite != NonFinite::negative_zero_nan &&
                            f.non_finite != NonFinite::none;
    const std::uint32_t nan = f.nan | (negative && signed_nan ? num::sign_mask(f) : 0);
    const int payloads = f.nan_payload ? 1 << f.mantissa_bits : 1;
    const std::uint32_t share = 0x00800000u / static_cast<std::uint32_t>(payloads);
    for (std::uint32_t k = 0; k < static_cast<std::uint32_t>(payloads); ++k) {
      const std::uint32_t begin = sign | (infinity + k * share);
      out.push_back({begin + (k == 0 ? 1 : 0), begin + (share - 1), nan | k});
    }
  }
  return out;
}

}  // namespace qsim::test
