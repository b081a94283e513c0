#include "qsim/num/wide.hpp"

#include <gtest/gtest.h>

#include "num/host.hpp"

namespace qsim::num {
namespace {

__extension__ using Native = unsigned __int128;

Native native(U128 a) { return static_cast<Native>(a.high) << 64 | a.low; }
U128 wide(Native a) {
  return {static_cast<std::uint64_t>(a >> 64), static_cast<std::uint64_t>(a)};
}

/// Patterns with runs of ones and zeros, where carries travel far.
U128 pattern(test::Random& random) {
  const auto word = [&] {
    const std::uint64_t w = random.next();
    switch (random.below(4)) {
      case 0: return w;
      case 1: return ~std::uint64_t{0} << (w & 63);
      case 2: return ~std::uint64_t{0} >> (w & 63);
    }
    return std::uint64_t{0};
  };
  return {word(), word()};
}

TEST(NumWide, AgreesWithTheCompilersOwn128Bits) {
  test::Random random(1);
  for (int i = 0; i < 200000; ++i) {
    const U128 a = pattern(random), b = pattern(random);
    EXPECT_EQ(native(add(a, b)), native(a) + native(b));
    EXPECT_EQ(native(sub(a, b)), native(a) - native(b));
    EXPECT_EQ(less(a, b), native(a) < native(b));
    const int n = static_cast<int>(random.below(128));
    EXPECT_EQ(native(shift_left(a, n)), native(a) << n);
    EXPECT_EQ(native(shift_right(a, n)), native(a) >> n);
    EXPECT_EQ(native(product(a.low, b.low)), static_cast<Native>(a.low) * b.low);
    const std::uint32_t d = static_cast<std::uint32_t>(b.low) | 1u;
    EXPECT_EQ(native(quotient(a, d)), native(a) / d);
  }
}

TEST(NumWide, ShiftsByTheWholeWidthLeaveNothing) {
  const U128 all{~std::uint64_t{0}, ~std::uint64_t{0}};
  for (const int n : {128, 200}) {
    EXPECT_EQ(shift_left(all, n), U128{});
    EXPECT_EQ(shift_right(all, n), U128{});
  }
}

/// The upper half of a 256-bit product by halves of the operands.
TEST(NumWide, ProductHighIsTheUpperHalf) {
  test::Random random(2);
  for (int i = 0; i < 100000; ++i) {
    const U128 a = pattern(random), b = pattern(random);
    const Native low = static_cast<Native>(a.low) * b.low;
    const Native x = static_cast<Native>(a.high) * b.low;
    const Native y = static_cast<Native>(a.low) * b.high;
    const Native middle = (low >> 64) + wide(x).low + wide(y).low;
    const Native upper = static_cast<Native>(a.high) * b.high;
    EXPECT_EQ(native(product_high(a, b)), upper + (x >> 64) + (y >> 64) + (middle >> 64));
  }
}

/// 2^127 * a / b for a < 2*b: the dividend has up to 255 bits.
TEST(NumWide, QuotientLeavesARestBelowTheDivisor) {
  test::Random random(3);
  for (int i = 0; i < 3000; ++i) {
    const U128 b = add(wide(native(pattern(random)) >> 1), U128{0, 1});
    const U128 a = wide(native(pattern(random)) % native(b));
    const U128 q = quotient(a, b, 127);
    const Native low = native(shift_left(a, 127)) - native(q) * native(b);
    const Native borrow = native(shift_left(a, 127)) < native(q) * native(b) ? 1 : 0;
    const Native high = native(shift_right(a, 1)) - native(product_high(q, b)) - borrow;
    EXPECT_TRUE(high == 0 && low < native(b)) << i;
  }
}

}  // namespace
}  // namespace qsim::num
