// Rules of binary32 that no host instruction can witness here: flushing, host independence.
#include "qsim/num/f32.hpp"

#include <gtest/gtest.h>

#include "num/host.hpp"

namespace qsim::num {
namespace {

constexpr F32 smallest{0x00800000u};  // 2^-126
constexpr F32 below{0x007fffffu};     // largest subnormal
constexpr FloatMode after{.flush_results = Flush::after_rounding};
constexpr FloatMode before{.flush_results = Flush::before_rounding};

TEST(F32Flush, SubnormalOperandsReadAsZeroOfTheirSign) {
  constexpr FloatMode daz{.flush_inputs = true};
  EXPECT_EQ(add(below, f32_zero, daz), f32_zero);
  EXPECT_EQ(mul(negate(below), f32_one, daz), negate(f32_zero));
  EXPECT_EQ(div(f32_one, negate(below), daz), negate(f32_infinity));
  EXPECT_TRUE(is_nan(div(below, below, daz)));
  EXPECT_EQ(add(below, f32_zero), below);
}

TEST(F32Flush, ASubnormalResultBecomesZeroOfItsSign) {
  for (const FloatMode& mode : {after, before}) {
    EXPECT_EQ(mul(smallest, f32_half, mode), f32_zero);
    EXPECT_EQ(mul(negate(smallest), f32_half, mode), negate(f32_zero));
    EXPECT_EQ(fma(smallest, f32_half, f32_zero, mode), f32_zero);
    EXPECT_EQ(fma(f32_zero, f32_one, {1u}, mode), f32_zero);
    EXPECT_EQ(div(smallest, F32{0x40000000u}, mode), f32_zero);
  }
  EXPECT_EQ(mul(smallest, f32_half), F32{0x00400000u});
}

TEST(F32Flush, AResultThatRoundsUpToTheSmallestNormalTellsTheTwoRulesApart) {
  // (1 + 2^-13)/2 * (1 - 2^-13) 2^-125 = (1 - 2^-26) 2^-126: 26 bits, so it rounds to 2^-126.
  const F32 a{0x3f000400u};
  const F32 b{0x00fff800u};
  EXPECT_EQ(mul(a, b), smallest);
  EXPECT_EQ(mul(a, b, after), smallest);
  EXPECT_EQ(mul(a, b, before), f32_zero);
}

TEST(F32Flush, TininessIsJudgedAtFullPrecisionNotAtTheSubnormalUnit) {
  // 2^-126 * (1 - 2^-24) needs 24 bits: exact when unbounded, so tiny after rounding too, although
  // rounding at the subnormal unit would give 2^-126.
  const F32 a{0x3f7fffffu};
  EXPECT_EQ(mul(a, smallest), smallest);
  EXPECT_EQ(mul(a, smallest, after), f32_zero);
  EXPECT_EQ(mul(a, smallest, before), f32_zero);
}

TEST(F32Flush, ExactZeroIsNotAnUnderflow) {
  for (const FloatMode& mode : {after, before}) {
    EXPECT_EQ(sub(smallest, smallest, mode), f32_zero);
    EXPECT_EQ(mul(negate(f32_zero), f32_one, mode), negate(f32_zero));
  }
}

TEST(F32, AnExactDifferenceOfEqualsIsPlusZero) {
  EXPECT_EQ(sub(f32_one, f32_one), f32_zero);
  EXPECT_EQ(fma(f32_one, negate(f32_one), f32_one), f32_zero);
  EXPECT_EQ(add(negate(f32_zero), negate(f32_zero)), negate(f32_zero));
  EXPECT_EQ(fma(negate(f32_one), f32_zero, negate(f32_zero)), negate(f32_zero));
}

TEST(F32, SubtractingANanKeepsItsSign) {
  EXPECT_EQ(sub(f32_one, F32{0x7fc00005u}), F32{0x7fc00005u});
  EXPECT_EQ(sub(F32{0xffc00001u}, F32{0x7fc00005u}), F32{0xffc00001u});
}

TEST(F32, ArithmeticNanHasTheModesSign) {
  EXPECT_EQ(sub(f32_infinity, f32_infinity, {.negative_nan = true}).bits, 0xffc00000u);
  EXPECT_EQ(sub(f32_infinity, f32_infinity).bits, 0x7fc00000u);
  EXPECT_EQ(fma(f32_infinity, f32_zero, f32_one, {.negative_nan = true}).bits, 0xffc00000u);
  // a NaN addend beside infinity times zero: x86 keeps it, Arm makes its own
  const F32 other{0x7fc12345u};
  EXPECT_EQ(fma(f32_infinity, f32_zero, other, {.negative_nan = true}), other);
  EXPECT_EQ(fma(f32_infinity, f32_zero, other).bits, 0x7fc00000u);
  EXPECT_EQ(mul(F32{0x7fc00000u}, f32_one, {.negative_nan = true}).bits, 0x7fc00000u);
}

TEST(F32, FmaRoundsOnceWhereMulAndAddRoundTwice) {
  const F32 a{0x3f800800u};  // (1 + 2^-12)^2 - 1 = 2^-11 + 2^-24
  EXPECT_EQ(fma(a, a, negate(f32_one)), F32{0x3a000400u});
  EXPECT_EQ(add(mul(a, a), negate(f32_one)), F32{0x3a000000u});
}

TEST(F32, MinMaxOfZerosByRule) {
  const F32 plus = f32_zero;
  const F32 minus = negate(f32_zero);
  EXPECT_EQ(min(plus, minus, MinMaxNan::second_operand), minus);
  EXPECT_EQ(min(minus, plus, MinMaxNan::second_operand), plus);
  EXPECT_EQ(min(plus, minus, MinMaxNan::first_operand), plus);
  EXPECT_EQ(min(plus, minus, MinMaxNan::propagate), minus);
  EXPECT_EQ(max(minus, plus, MinMaxNan::propagate), plus);
  EXPECT_EQ(max(minus, plus, MinMaxNan::number), plus);
}

TEST(F32, MinMaxOfNanByRule) {
  const F32 nan = f32_nan;
  EXPECT_EQ(min(f32_one, nan, MinMaxNan::second_operand), nan);
  EXPECT_EQ(min(nan, f32_one, MinMaxNan::second_operand), f32_one);
  EXPECT_EQ(max(nan, f32_one, MinMaxNan::first_operand), nan);
  EXPECT_EQ(max(f32_one, nan, MinMaxNan::first_operand), f32_one);
  EXPECT_EQ(max(nan, f32_one, MinMaxNan::propagate), nan);
  EXPECT_EQ(max(f32_one, nan, MinMaxNan::propagate), nan);
  EXPECT_EQ(max(nan, f32_one, MinMaxNan::number), f32_one);
  EXPECT_EQ(min(f32_one, nan, MinMaxNan::number), f32_one);
  EXPECT_EQ(min(nan, nan, MinMaxNan::number), nan);
}

/// Digest of every operation over one stream of operands.
std::uint64_t stream_digest() {
  test::Random random(99);
  std::uint64_t hash = 0xcbf29ce484222325u;
  const auto mix = [&](std::uint32_t word) { hash = (hash ^ word) * 0x100000001b3u; };
  const FloatMode modes[] = {{}, {true, Flush::after_rounding, true},
                             {true, Flush::before_rounding, false}};
  for (int i = 0; i < 20000; ++i) {
    const F32 a = random.pattern();
    F32 b = random.pattern();
    if (i % 2 == 0) b.bits = (b.bits & 0x807fffffu) | (a.bits & 0x7f800000u);
    const F32 c = random.pattern();
    for (const FloatMode& mode : modes) {
      mix(add(a, b, mode).bits), mix(sub(a, b, mode).bits), mix(mul(a, b, mode).bits);
      mix(div(a, b, mode).bits), mix(fma(a, b, c, mode).bits);
    }
    mix(from_int(static_cast<std::int64_t>(random.next()) >> 3).bits);
    mix(static_cast<std::uint32_t>(to_int32(a, {.ties = static_cast<Ties>(i % 7)})));
    mix(trunc_f32(a).bits);
  }
  return hash;
}

TEST(F32, ResultsDoNotDependOnTheHostsModeOrRounding) {
  const std::uint64_t want = stream_digest();
  for (const bool flush : {false, true})
    for (const int rounding : {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
      const test::HostMode host(flush, rounding);
      EXPECT_EQ(stream_digest(), want) << "flush " << flush << ", rounding " << rounding;
    }
}

}  // namespace
}  // namespace qsim::num
