#pragma once
// Between host floats and bit patterns, and questions about masks, over whole arrays.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "qsim/num/f32.hpp"

namespace qsim::graph::detail {

inline F32 bits(float v) { return {std::bit_cast<std::uint32_t>(v)}; }
inline float value(F32 v) { return std::bit_cast<float>(v.bits); }

inline std::vector<F32> bits(const std::vector<float>& x) {
  std::vector<F32> out(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) out[i] = bits(x[i]);
  return out;
}

/// Whether any element of a mask is set; a null or empty mask has none.
inline bool any(const std::vector<std::uint8_t>* mask) {
  return mask != nullptr &&
         std::any_of(mask->begin(), mask->end(), [](std::uint8_t m) { return m != 0; });
}

}  // namespace qsim::graph::detail
