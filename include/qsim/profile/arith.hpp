#pragma once
// The vocabulary of a dot product: from two code vectors to one accumulator.

#include <array>
#include <cstdint>

#include "qsim/num/fit.hpp"

namespace qsim {

/// One reduction inside a block: sums of `fan_in` neighbours at distance `stride`, each sum made to
/// fit `bits`. With stride s the values i, i+s, i+2s, ... of every run of fan_in*s are added.
struct Step {
  std::uint8_t fan_in = 1;
  std::uint8_t stride = 1;
  std::uint8_t bits = 32;
  Overflow overflow = Overflow::wrap;
  friend constexpr bool operator==(const Step&, const Step&) = default;
};

/// How zero points meet the products.
enum class ZeroPoints : std::uint8_t {
  corrected,   ///< raw codes are multiplied; the accumulator starts from
               ///< -zb*sum(a) - za*sum(b) + K*za*zb (wrapping), so overflow acts on raw products
  subtracted,  ///< (a - za)*(b - zb)
};

/// The chain from two code vectors to one accumulator: products, in-block steps, accumulator.
/// K is padded with zero products to a multiple of `block`. See docs/arithmetic.md, "Dot product".
struct Arith {
  bool lhs_unsigned = false;      ///< the multiplier sees the left side as uint8
  std::int16_t lhs_offset = 0;    ///< added to every left code before the product (x86: +128)
  std::int16_t rhs_offset = 0;    ///< added to every right code
  ZeroPoints zero_points = ZeroPoints::corrected;
  bool halves_rhs = false;        ///< right codes become half_even(w/2), the result counts twice
  std::uint8_t block = 1;         ///< products that enter the steps together
  std::uint8_t n_steps = 0;
  std::array<Step, 3> step{};
  std::uint8_t acc_bits = 32;     ///< 8..32 or 64; 0: there is no such product
  std::uint8_t acc_lanes = 1;     ///< result i of a block goes to accumulator i % acc_lanes
  Overflow acc_overflow = Overflow::wrap;
  std::uint16_t spill = 0;        ///< products after which lanes narrower than 32 bits are added to
                                  ///< an int32 and start anew; 0: only at the end
  friend constexpr bool operator==(const Arith&, const Arith&) = default;
};

/// A pair of operand types that an engine has no product for.
inline constexpr Arith no_product{.acc_bits = 0};

}  // namespace qsim
