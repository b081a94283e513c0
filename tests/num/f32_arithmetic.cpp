// binary32 on bit patterns against the host's own instructions.
#include "num/host.hpp"

#if defined(__x86_64__) || defined(__aarch64__)

#include <gtest/gtest.h>

#include <vector>

namespace qsim::num {
namespace {

using test::HostMode;
using test::Random;

/// Every sign, telling exponents (subnormal, smallest, around 1, integers, largest, inf/NaN) and
/// telling fractions (empty, last bit, halves, full).
std::vector<F32> structured() {
  std::vector<F32> all;
  for (const std::uint32_t exponent : {0u, 1u, 2u, 12u, 23u, 24u, 25u, 63u, 64u, 102u, 103u, 125u,
                                       126u, 127u, 128u, 150u, 151u, 190u, 191u, 253u, 254u})
    for (const std::uint32_t fraction : {0u, 1u, 2u, 3u, 0x3fffffu, 0x400000u, 0x400001u, 0x555555u,
                                         0x7ffffeu, 0x7fffffu})
      for (const std::uint32_t sign : {0u, 0x80000000u})
        all.push_back({sign | exponent << 23 | fraction});
  for (const std::uint32_t bits : {0x7f800000u, 0xff800000u, 0x7fc00000u, 0xffc00000u})
    all.push_back({bits});
  return all;
}

/// NaN equals NaN: which NaN is another test's subject.
bool same(F32 a, F32 b) { return a == b || (is_nan(a) && is_nan(b)); }

struct Operation {
  const char* name;
  F32 (*ours)(F32, F32, const FloatMode&);
  F32 (*host)(F32, F32);
};
constexpr Operation operations[] = {{"add", add, test::host_add},
                                    {"sub", sub, test::host_sub},
                                    {"mul", mul, test::host_mul},
                                    {"div", div, test::host_div}};

/// Operands whose results cluster around the smallest normal number, where flushing decides.
void tiny_pair(Random& random, const char* name, F32& a, F32& b) {
  a = random.pattern();
  b = random.pattern();
  const std::uint32_t field = 1 + random.below(253);
  a.bits = (a.bits & 0x807fffffu) | field << 23;
  std::uint32_t other = random.below(4);  // add, sub: both tiny
  if (name[0] == 'm') other = field < 128 ? 126 - field + random.below(4) : 0;
  if (name[0] == 'd') other = field < 127 ? field + 125 + random.below(4) : 254;
  if (name[0] == 'a' || name[0] == 's') a.bits = (a.bits & 0x807fffffu) | random.below(4) << 23;
  b.bits = (b.bits & 0x807fffffu) | (other > 254 ? 254 : other) << 23;
  if (random.below(4) == 0) b.bits &= 0xff800007u;  // few bits: exact and halfway results
}

void compare_all(const FloatMode& mode, bool flush) {
  const std::vector<F32> values = structured();
  for (const Operation& op : operations) {
    for (const F32 a : values)
      for (const F32 b : values) {
        const F32 got = op.ours(a, b, mode);
        F32 want{};
        {
          const HostMode host(flush);
          want = op.host(a, b);
        }
        ASSERT_TRUE(same(got, want)) << std::hex << op.name << ' ' << a.bits << ' ' << b.bits
                                     << ": " << got.bits << ", host " << want.bits;
      }
    Random random(20240 + op.name[0]);
    for (int i = 0; i < 200000; ++i) {
      F32 a = random.pattern();
      F32 b = random.pattern();
      if (i % 2 != 0) tiny_pair(random, op.name, a, b);
      else if (i % 4 == 0)  // exponents that meet
        b.bits = (a.bits + (random.below(1u << 26) - (1u << 25))) ^ (b.bits & 1u << 31);
      const F32 got = op.ours(a, b, mode);
      const HostMode host(flush);
      const F32 want = op.host(a, b);
      ASSERT_TRUE(same(got, want)) << std::hex << op.name << ' ' << a.bits << ' ' << b.bits << ": "
                                   << got.bits << ", host " << want.bits;
    }
  }
}

TEST(F32, AddSubMulDivEqualTheHost) { compare_all(test::host_mode, false); }

TEST(F32, AddSubMulDivEqualTheHostWhileItFlushesSubnormals) {
  compare_all(test::host_flush_mode, true);
}

void compare_fma(F32 a, F32 b, F32 c, const FloatMode& mode, bool flush) {
  const F32 got = fma(a, b, c, mode);
  F32 want{};
  {
    const HostMode host(flush);
    want = test::host_fma(a, b, c);
  }
  ASSERT_TRUE(same(got, want)) << std::hex << "fma " << a.bits << ' ' << b.bits << ' ' << c.bits
                               << ": " << got.bits << ", host " << want.bits;
}

void compare_fma_all(const FloatMode& mode, bool flush) {
  std::vector<F32> values;
  const std::vector<F32> all = structured();
  for (std::size_t i = 0; i < all.size(); i += 5) values.push_back(all[i]);
  values.insert(values.end(), all.end() - 4, all.end());
  for (const F32 a : values)
    for (const F32 b : values)
      for (const F32 c : values) compare_fma(a, b, c, mode, flush);
  Random random(7);
  for (int i = 0; i < 400000; ++i) {
    F32 a = random.pattern();
    F32 b = random.pattern();
    F32 c = random.pattern();
    if (i % 2 == 0) {  // exponents that meet, so that the addend and the product interact
      const std::uint32_t fa = 40 + random.below(170);
      const std::uint32_t fb = 40 + random.below(170);
      const std::uint32_t sum = fa + fb + random.below(60);
      const std::uint32_t fc = sum > 157 ? (sum - 157 > 254 ? 254 : sum - 157) : 0;
      a.bits = (a.bits & 0x807fffffu) | fa << 23;
      b.bits = (b.bits & 0x807fffffu) | fb << 23;
      c.bits = (c.bits & 0x807fffffu) | fc << 23;
    }
    if (i % 8 == 1) {  // deep cancellation: the addend is the rounded product or its neighbour
      c = negate(mul(a, b));
      c.bits += random.below(3) - 1;
      if (is_nan(c)) c = f32_zero;
    }
    compare_fma(a, b, c, mode, flush);
  }
}

TEST(F32, FmaEqualsTheHost) {
  if (!test::host_has_fma()) GTEST_SKIP() << "fma: this processor has none";
  compare_fma_all(test::host_mode, false);
}

/// Products halfway between two numbers, and an addend far below their last place.
TEST(F32, FmaBreaksATieByATinyAddend) {
  for (const std::uint32_t m : {0x3f800800u, 0x3f801800u, 0x3f802800u})  // squares end in a tie
    for (const std::uint32_t addend : {0x20000000u, 0x2c000000u, 0x00000001u})
      for (const bool down : {false, true}) {
        const F32 c{addend | (down ? 0x80000000u : 0u)};
        compare_fma({m}, {m}, c, test::host_mode, false);
        const F32 towards = fma({m}, {m}, c), back = fma({m}, {m}, negate(c));
        EXPECT_EQ(towards.bits + (down ? 1u : 0u), back.bits + (down ? 0u : 1u));
      }
}

TEST(F32, FmaEqualsTheHostWhileItFlushesSubnormals) {
  if (!test::host_has_fma()) GTEST_SKIP() << "fma: this processor has none";
  compare_fma_all(test::host_flush_mode, true);
}

TEST(F32, ANanMadeByArithmeticHasTheHostsSign) {
  const F32 inf = f32_infinity;
  EXPECT_EQ(sub(inf, inf, test::host_mode), test::host_sub(inf, inf));
  EXPECT_EQ(mul(f32_zero, inf, test::host_mode), test::host_mul(f32_zero, inf));
  EXPECT_EQ(div(f32_zero, f32_zero, test::host_mode), test::host_div(f32_zero, f32_zero));
  EXPECT_EQ(div(inf, inf, test::host_mode), test::host_div(inf, inf));
}

TEST(F32, AQuietNanOperandPassesWithSignAndPayload) {
  for (const std::uint32_t bits : {0x7fc00000u, 0xffc00000u, 0x7fc12345u, 0xfff00001u}) {
    const F32 nan{bits};
    EXPECT_EQ(add(nan, f32_one), test::host_add(nan, f32_one));
    EXPECT_EQ(add(f32_one, nan), test::host_add(f32_one, nan));
    EXPECT_EQ(sub(f32_one, nan), test::host_sub(f32_one, nan));
    EXPECT_EQ(mul(nan, f32_zero), test::host_mul(nan, f32_zero));
    EXPECT_EQ(div(f32_infinity, nan), test::host_div(f32_infinity, nan));
  }
}

TEST(F32, ASignallingNanOperandIsMadeQuiet) {
  const F32 nan{0x7f800001u};
  EXPECT_EQ(add(nan, f32_one), test::host_add(nan, f32_one));
  EXPECT_EQ(mul(f32_one, nan), test::host_mul(f32_one, nan));
  EXPECT_EQ(add(nan, f32_one).bits, 0x7fc00001u);
}

TEST(F32, OfTwoQuietNansTheFirstPasses) {
  const F32 a{0x7fc00011u};
  const F32 b{0xffc00022u};
  EXPECT_EQ(add(a, b), test::host_add(a, b));
  EXPECT_EQ(sub(b, a), test::host_sub(b, a));
  EXPECT_EQ(mul(b, a), test::host_mul(b, a));
}

#if defined(__x86_64__)
TEST(F32, MinMaxSecondOperandEqualsMinpsAndMaxps) {
  for (const F32 a : structured())
    for (const F32 b : structured()) {
      ASSERT_EQ(min(a, b, MinMaxNan::second_operand), test::host_min(a, b));
      ASSERT_EQ(max(a, b, MinMaxNan::second_operand), test::host_max(a, b));
    }
}
#else
TEST(F32, MinMaxPropagateEqualsFminAndFmax) {
  for (const F32 a : structured())
    for (const F32 b : structured()) {
      ASSERT_EQ(min(a, b, MinMaxNan::propagate), test::host_min(a, b));
      ASSERT_EQ(max(a, b, MinMaxNan::propagate), test::host_max(a, b));
    }
}

TEST(F32, MinMaxNumberEqualsFminnmAndFmaxnm) {
  for (const F32 a : structured())
    for (const F32 b : structured()) {
      ASSERT_EQ(min(a, b, MinMaxNan::number), test::host_min_number(a, b));
      ASSERT_EQ(max(a, b, MinMaxNan::number), test::host_max_number(a, b));
    }
}
#endif

TEST(F32, MinMaxFirstOperandEqualsTheStandardLibrary) {
  for (const F32 a : structured())
    for (const F32 b : structured()) {
      const float x = test::as_float(a);
      const float y = test::as_float(b);
      ASSERT_EQ(min(a, b, MinMaxNan::first_operand), y < x ? b : a);
      ASSERT_EQ(max(a, b, MinMaxNan::first_operand), x < y ? b : a);
    }
}

TEST(F32, ComparisonsEqualTheHost) {
  for (const F32 a : structured())
    for (const F32 b : structured()) {
      ASSERT_EQ(less(a, b), test::as_float(a) < test::as_float(b));
      ASSERT_EQ(equal(a, b), test::as_float(a) == test::as_float(b));
    }
}

}  // namespace
}  // namespace qsim::num

#endif
