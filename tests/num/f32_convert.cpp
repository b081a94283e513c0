// Between binary32 and integers.
#include <gtest/gtest.h>

#include <cmath>

#include "num/host.hpp"
#include "qsim/num/f32.hpp"

namespace qsim::num {
namespace {

using test::as_float;
using test::Random;

constexpr Ties all_ties[] = {Ties::half_even, Ties::half_away,   Ties::half_up, Ties::half_down,
                             Ties::toward_zero, Ties::floor, Ties::add_half};

/// x to an integer in binary64, where x, x + 0.5 and x - 0.5 are exact or far from a tie.
double naive(F32 pattern, Ties ties) {
  const float narrow = as_float(pattern);
  const double x = narrow;
  switch (ties) {
    case Ties::half_even: return std::nearbyint(x);
    case Ties::half_away: return std::round(x);
    case Ties::half_up: return std::floor(x + 0.5);
    case Ties::half_down: return std::ceil(x - 0.5);
    case Ties::toward_zero: return std::trunc(x);
    case Ties::floor: return std::floor(x);
    case Ties::add_half: {
      volatile float moved = narrow + (std::signbit(narrow) ? -0.5f : 0.5f);
      return std::trunc(static_cast<double>(moved));
    }
  }
  return 0;
}

/// Calls visit for every sign and exponent field with telling and random fractions.
template <class Visit>
void every_exponent(Visit visit) {
  Random random(31);
  for (std::uint32_t field = 0; field < 255; ++field)
    for (int i = 0; i < 72; ++i) {
      std::uint32_t fraction = random.below(1u << 23);
      if (i < 24) fraction = 1u << i & 0x7fffffu;        // one bit, or none
      else if (i < 47) fraction = 0x7fffffu << (i - 24) & 0x7fffffu;  // leading ones
      else if (i < 60) fraction &= 0x7fffffu << (i - 46 + 9);         // short: halves and quarters
      visit(F32{field << 23 | fraction});
      visit(F32{0x80000000u | field << 23 | fraction});
    }
}

TEST(RoundToInt, EqualsTheDefinitionForEveryRuleAndExponent) {
  every_exponent([](F32 x) {
    if (magnitude(x) > 0x4f000000u) return;
    for (const Ties ties : all_ties)
      ASSERT_EQ(round_to_int(x, ties), static_cast<std::int64_t>(naive(x, ties)))
          << std::hex << x.bits << " rule " << static_cast<int>(ties);
  });
}

TEST(RoundToInt, EveryHalfUpTo600ByEveryRule) {
  for (int halves = -1200; halves <= 1200; ++halves)
    for (const Ties ties : all_ties) {
      const F32 x = test::as_f32(static_cast<float>(halves) / 2.0f);
      for (const F32 near : {x, F32{x.bits + 1}, F32{x.bits - (halves != 0 ? 1u : 0u)}})
        ASSERT_EQ(round_to_int(near, ties), static_cast<std::int64_t>(naive(near, ties)));
    }
}

TEST(RoundToInt, AddHalfDiffersFromHalfAwayOnlyAt049999997) {
  int differ = 0;
  for (std::uint32_t bits = 0x3e800000u; bits < 0x43000000u; bits += 1)
    if (round_to_int({bits}, Ties::add_half) != round_to_int({bits}, Ties::half_away)) ++differ;
  EXPECT_EQ(differ, 1);
  EXPECT_EQ(round_to_int({0x3effffffu}, Ties::add_half), 1);
  EXPECT_EQ(round_to_int({0xbeffffffu}, Ties::add_half), -1);
  EXPECT_EQ(round_to_int({0xbeffffffu}, Ties::half_away), 0);
}

TEST(ToInt32, EqualsTheDefinitionForEveryRuleAndExponent) {
  const Convert saturating{};
  const Convert lowest{NanRule::lowest, RangeRule::lowest, RangeRule::lowest};
  every_exponent([&](F32 x) {
    for (Convert how : {saturating, lowest})
      for (const Ties ties : all_ties) {
        how.ties = ties;
        const double v = naive(x, ties);
        double want = v < -2147483648.0 ? -2147483648.0 : v;
        if (v > 2147483647.0)
          want = how.too_high == RangeRule::saturate ? 2147483647.0 : -2147483648.0;
        ASSERT_EQ(to_int32(x, how), static_cast<std::int32_t>(want))
            << std::hex << x.bits << " rule " << static_cast<int>(ties);
      }
  });
}

TEST(ToInt32, NanAnswersByRule) {
  for (const std::uint32_t nan : {0x7fc00000u, 0xffc00000u, 0x7f800001u}) {
    EXPECT_EQ(to_int32({nan}, {.nan = NanRule::zero}), 0);
    EXPECT_EQ(to_int32({nan}, {.nan = NanRule::lowest}), -2147483647 - 1);
    EXPECT_EQ(to_int32({nan}, {.nan = NanRule::highest}), 2147483647);
  }
}

TEST(ToInt32, InfinitiesAnswerByRange) {
  EXPECT_EQ(to_int32(f32_infinity, {}), 2147483647);
  EXPECT_EQ(to_int32(f32_infinity, {.too_high = RangeRule::lowest}), -2147483647 - 1);
  EXPECT_EQ(to_int32(negate(f32_infinity), {}), -2147483647 - 1);
}

#if defined(__x86_64__)
TEST(ToInt32, EqualsCvttss2siAndCvtss2si) {
  Convert x86{NanRule::lowest, RangeRule::lowest, RangeRule::saturate, Ties::toward_zero};
  const auto check = [&](F32 x) {
    x86.ties = Ties::toward_zero;
    ASSERT_EQ(to_int32(x, x86), _mm_cvttss_si32(_mm_set_ss(as_float(x)))) << std::hex << x.bits;
    x86.ties = Ties::half_even;
    ASSERT_EQ(to_int32(x, x86), _mm_cvtss_si32(_mm_set_ss(as_float(x)))) << std::hex << x.bits;
  };
  every_exponent(check);
  for (const F32 x : {f32_infinity, negate(f32_infinity), f32_nan, F32{0x7f800001u}}) check(x);
}
#elif defined(__aarch64__)
std::int32_t fcvt(const char which, F32 x) {
  std::int32_t out = 0;
  if (which == 'a') asm volatile("fcvtas %w0, %s1" : "=r"(out) : "w"(as_float(x)));
  if (which == 'n') asm volatile("fcvtns %w0, %s1" : "=r"(out) : "w"(as_float(x)));
  if (which == 'z') asm volatile("fcvtzs %w0, %s1" : "=r"(out) : "w"(as_float(x)));
  if (which == 'm') asm volatile("fcvtms %w0, %s1" : "=r"(out) : "w"(as_float(x)));
  return out;
}

TEST(ToInt32, EqualsFcvtasFcvtnsFcvtzsAndFcvtms) {
  const auto check = [&](F32 x) {
    ASSERT_EQ(to_int32(x, {.ties = Ties::half_away}), fcvt('a', x)) << std::hex << x.bits;
    ASSERT_EQ(to_int32(x, {.ties = Ties::half_even}), fcvt('n', x)) << std::hex << x.bits;
    ASSERT_EQ(to_int32(x, {.ties = Ties::toward_zero}), fcvt('z', x)) << std::hex << x.bits;
    ASSERT_EQ(to_int32(x, {.ties = Ties::floor}), fcvt('m', x)) << std::hex << x.bits;
  };
  every_exponent(check);
  for (const F32 x : {f32_infinity, negate(f32_infinity), f32_nan, F32{0x7f800001u}}) check(x);
}
#endif

TEST(FromInt, EqualsTheHostsConversion) {
  Random random(5);
  for (int i = 0; i < 200000; ++i) {
    const std::int64_t v = static_cast<std::int64_t>(random.next()) >> (2 + random.below(62));
    ASSERT_EQ(from_int(v), test::as_f32(static_cast<float>(v))) << v;
  }
}

TEST(FromInt, TiesGoToEvenAroundEveryPowerOfTwo) {
  for (int bit = 0; bit < 61; ++bit)
    for (std::int64_t near = -300; near <= 300; ++near) {
      const std::int64_t v = (std::int64_t{1} << bit) + near;
      ASSERT_EQ(from_int(v), test::as_f32(static_cast<float>(v))) << v;
      ASSERT_EQ(from_int(-v), test::as_f32(static_cast<float>(-v))) << -v;
    }
}

TEST(TruncF32, EqualsTheLibraryForEveryExponentAndKeepsTheSignOfZero) {
  every_exponent([](F32 x) {
    ASSERT_EQ(trunc_f32(x), test::as_f32(std::trunc(as_float(x)))) << std::hex << x.bits;
  });
  EXPECT_EQ(trunc_f32({0xbf7fffffu}), negate(f32_zero));
}

TEST(TruncF32, PassesNanAndInfinity) {
  for (const std::uint32_t bits : {0x7f800000u, 0xff800000u, 0x7fc00001u})
    EXPECT_EQ(trunc_f32({bits}), F32{bits});
}

}  // namespace
}  // namespace qsim::num
