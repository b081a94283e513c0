#pragma once
// Shorthand for binary32 values in the tests of the quantizers.

#include <bit>
#include <cstdint>
#include <vector>

#include "qsim/num/f32.hpp"

namespace qsim::test {

constexpr F32 f(float x) { return {std::bit_cast<std::uint32_t>(x)}; }
constexpr float value(F32 x) { return std::bit_cast<float>(x); }

template <class... Values>
std::vector<F32> row(Values... x) {
  return {f(static_cast<float>(x))...};
}

/// A stream of 64-bit words by a fixed rule (splitmix64), the same on every host.
struct Words {
  std::uint64_t state;
  std::uint64_t operator()() {
    state += 0x9e3779b97f4a7c15u;
    std::uint64_t z = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
};

}  // namespace qsim::test
