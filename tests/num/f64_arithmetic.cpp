#include "qsim/num/f64_arithmetic.hpp"

#include <gtest/gtest.h>

#include <bit>

#include "num/host.hpp"

namespace qsim::num {
namespace {

double host(F64 x) { return std::bit_cast<double>(x.bits); }
F64 f64(double x) { return {std::bit_cast<std::uint64_t>(x)}; }

/// Normal numbers around 1, often with few significant bits, so that sums tie and cancel.
F64 pattern(test::Random& random) {
  std::uint64_t fraction = random.next() >> 12;
  if (random.below(3) == 0) fraction &= ~std::uint64_t{0} << random.below(53) & 0xfffffffffffffu;
  const std::uint64_t field = 1023 - 70 + random.below(140);
  return {random.next() >> 63 << 63 | field << 52 | fraction};
}

TEST(NumF64Arithmetic, EqualsTheHostsBinary64) {
  test::Random random(1);
  for (int i = 0; i < 1000000; ++i) {
    const F64 a = pattern(random);
    F64 b = pattern(random);
    if (random.below(8) == 0) b.bits = a.bits ^ (random.next() & 0x8000000000000007u);
    EXPECT_EQ(add(a, b), f64(host(a) + host(b))) << a.bits << " " << b.bits;
    EXPECT_EQ(sub(a, b), f64(host(a) - host(b))) << a.bits << " " << b.bits;
    EXPECT_EQ(mul(a, b), f64(host(a) * host(b))) << a.bits << " " << b.bits;
  }
}

TEST(NumF64Arithmetic, ZerosInfinitiesAndNaN) {
  const F64 zero{}, minus_zero{std::uint64_t{1} << 63}, one = f64(1.0);
  const F64 minus_infinity{f64_infinity.bits | minus_zero.bits};
  EXPECT_EQ(add(zero, one), one);
  EXPECT_EQ(add(minus_zero, minus_zero), minus_zero);
  EXPECT_EQ(add(zero, minus_zero), zero);
  EXPECT_EQ(sub(one, one), zero);
  EXPECT_EQ(mul(minus_zero, one), minus_zero);
  EXPECT_EQ(add(f64_infinity, one), f64_infinity);
  EXPECT_EQ(add(one, minus_infinity), minus_infinity);
  EXPECT_TRUE(is_nan(sub(f64_infinity, f64_infinity)));
  EXPECT_TRUE(is_nan(mul(f64_infinity, zero)));
  EXPECT_EQ(mul(f64_infinity, f64(-2.0)), minus_infinity);
  for (const F64 x : {zero, one, f64_infinity}) {
    EXPECT_TRUE(is_nan(add(x, f64_nan)));
    EXPECT_TRUE(is_nan(sub(f64_nan, x)));
    EXPECT_TRUE(is_nan(mul(x, f64_nan)));
  }
}

TEST(NumF64Arithmetic, IntegersAreExact) {
  for (const std::int64_t v : {0LL, 1LL, -1LL, 255LL, -256LL, (1LL << 53) - 1, 1 - (1LL << 53)})
    EXPECT_EQ(f64_from_int(v), f64(static_cast<double>(v)));
}

}  // namespace
}  // namespace qsim::num
