#include "qsim/emu/log2.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "num/host.hpp"

namespace qsim::emu {
namespace {

using Big = std::vector<std::uint32_t>;  // base 2^32, lowest first

Big times(const Big& a, std::uint64_t b) {
  const Big words{static_cast<std::uint32_t>(b), static_cast<std::uint32_t>(b >> 32)};
  Big out(a.size() + 2);
  for (std::size_t j = 0; j < 2; ++j) {
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      carry += std::uint64_t{a[i]} * words[j] + out[i + j];
      out[i + j] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    out[a.size() + j] = static_cast<std::uint32_t>(carry);
  }
  return out;
}
Big power(std::uint64_t base, int n) {
  Big out{1};
  for (int i = 0; i < n; ++i) out = times(out, base);
  while (out.size() > 1 && out.back() == 0) out.pop_back();
  return out;
}
int bits(const Big& a) {
  return static_cast<int>(a.size()) * 32 - std::countl_zero(a.back());
}
bool is_power_of_two(const Big& a) {
  int ones = 0;
  for (const std::uint32_t w : a) ones += std::popcount(w);
  return ones == 1;
}
/// a >= 2^n
bool reaches(const Big& a, int n) { return bits(a) > n; }

TEST(EmuLog2, MantissasAreTheLeastThatReachTheirPowerOfTwo) {
  for (int j = 0; j < 32; ++j) {
    const std::uint64_t m = detail::log2_mantissa[static_cast<std::size_t>(j)];
    EXPECT_TRUE(reaches(power(m, 32), 23 * 32 + j)) << j;
    EXPECT_FALSE(reaches(power(m - 1, 32), 23 * 32 + j)) << j;
    EXPECT_EQ(is_power_of_two(power(m, 32)), j == 0);
  }
}

TEST(EmuLog2, ValuesAreTheLargestWordsBelowTheirPowerOfTwo) {
  for (int j = 0; j < 16; ++j) {
    const std::uint64_t v = detail::exp2_mantissa[static_cast<std::size_t>(j)];
    const bool exact = j == 0;
    EXPECT_EQ(reaches(power(v, 16), 63 * 16 + j), exact) << j;
    EXPECT_TRUE(reaches(power(v + 1, 16), 63 * 16 + j)) << j;
  }
}

TEST(EmuLog2, EveryByteComesBack) {
  for (const std::int32_t origin : {-127, -60, 0, 33})
    for (std::int32_t byte = 0; byte < 256; ++byte)
      EXPECT_EQ(log2_encode(log2_decode(byte, origin), origin), byte) << byte << " at " << origin;
}

// z = -127: the largest code is 1, and 1/2^(1/16) is the next.
TEST(EmuLog2, RoundsSixteenthsOfAnOctaveToTheNearest) {
  EXPECT_EQ(log2_encode(test::as_f32(1.0f), -127), 127);
  EXPECT_EQ(log2_encode(test::as_f32(0.9785721f), -127), 127);  // just above 2^(-1/32)
  EXPECT_EQ(log2_encode(test::as_f32(0.9785720f), -127), 126);  // just below
  EXPECT_EQ(log2_encode(test::as_f32(-1.0f), -127), 255);
  EXPECT_EQ(log2_encode(test::as_f32(100.0f), -127), 127);
}

// z = 0: P = 2^-1 is not in the band around zero, -N = -2^(-15/16) is.
TEST(EmuLog2, TheBandAroundZeroIsHalfOpen) {
  const float n = 0.52213687f;  // nearest to 2^(-15/16), below it
  EXPECT_EQ(log2_encode(test::as_f32(0.5f), 0), 0);
  EXPECT_EQ(log2_encode(test::as_f32(0.49999997f), 0), log2_zero);
  EXPECT_EQ(log2_encode(test::as_f32(-n), 0), log2_zero);
  EXPECT_EQ(log2_encode(test::as_f32(-0.5221369f), 0), 0x81);
  EXPECT_EQ(log2_encode(test::as_f32(-0.5f), -1), log2_zero);  // -N itself: exact at z = -1
  EXPECT_EQ(log2_encode(test::as_f32(-0.50000006f), -1), 0x81);
}

TEST(EmuLog2, NumbersThatHaveNoLogarithm) {
  for (const F32 x : {num::f32_zero, F32{0x80000000u}, num::f32_nan, F32{0xffc00001u}})
    EXPECT_EQ(log2_encode(x, 0), log2_zero);
  EXPECT_EQ(log2_encode(num::f32_infinity, 0), 127);
  EXPECT_EQ(log2_encode(num::negate(num::f32_infinity), 0), 255);
  EXPECT_EQ(log2_encode(F32{1}, -149 * 16), 0);  // the least subnormal
  EXPECT_EQ(log2_decode(log2_zero, 5), num::f32_zero);
}

TEST(EmuLog2, AnOriginIsAnInteger) {
  EXPECT_EQ(log2_origin(test::as_f32(-127.0f)), -127);
  EXPECT_EQ(log2_origin(test::as_f32(0.0f)), 0);
  for (const float bad : {0.5f, 5000.0f, -1e30f})
    EXPECT_THROW(log2_origin(test::as_f32(bad)), BadArgument) << bad;
  EXPECT_THROW(log2_origin(num::f32_nan), BadArgument);
}

}  // namespace
}  // namespace qsim::emu
