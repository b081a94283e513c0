#include "qsim/emu/fixed.hpp"

#include <gtest/gtest.h>

#include "qsim/num/f64_arithmetic.hpp"

namespace qsim::emu {
namespace {

using num::f64_from_int;
using num::quotient;
using num::widen;

constexpr F32 two_to(int exponent) { return {static_cast<std::uint32_t>(127 + exponent) << 23}; }

/// (2^40 + n) / 2^40.
constexpr F64 near_one(std::int64_t n) {
  return quotient(f64_from_int((std::int64_t{1} << 40) + n), two_to(40));
}

TEST(EmuFixed, AMultiplierThatRoundsUpTo2To31MovesTheExponent) {
  for (const Multiplier how : {Multiplier::f64_half_away, Multiplier::f32_exact})
    EXPECT_EQ(multiple_of(near_one(-1), {.multiplier = how}), (Multiple{1 << 30, 1}));
  EXPECT_EQ(multiple_of(near_one(-1024), {}), (Multiple{2147483646, 0}));
}

TEST(EmuFixed, MultipliersOfATieGoAwayOrDown) {
  const F64 tie = near_one(512);  // 2^30 + 1/2
  EXPECT_EQ(multiple_of(tie, {}), (Multiple{(1 << 30) + 1, 1}));
  EXPECT_EQ(multiple_of(tie, {.multiplier = Multiplier::f64_half_down}), (Multiple{1 << 30, 1}));
}

TEST(EmuFixed, AFactorOfBinary32Keeps24Bits) {
  const Fixed rule{.multiplier = Multiplier::f32_exact};
  EXPECT_EQ(multiple_of(near_one(1 << 16), rule), (Multiple{1 << 30, 1}));  // a tie, to even
  EXPECT_EQ(multiple_of(near_one(3 << 16), rule), (Multiple{(1 << 30) + 256, 1}));
  EXPECT_EQ(multiple_of(near_one(1 << 17), rule), (Multiple{(1 << 30) + 128, 1}));
  EXPECT_EQ(multiple_of(near_one(1 << 16), {}), (Multiple{(1 << 30) + 64, 1}));
}

TEST(EmuFixed, ALeftShiftWrapsOrSaturates) {
  const Multiple four{1 << 30, 3};
  EXPECT_EQ(rescale(1 << 28, four, {}), -(1 << 30));  // 2^31 wraps to -2^31, half of it is left
  EXPECT_EQ(rescale(1 << 28, four, {.left = Overflow::saturate}), 1 << 30);
  EXPECT_EQ(rescale(-(1 << 30), four, {.left = Overflow::saturate}), -(1 << 30));
}

}  // namespace
}  // namespace qsim::emu
