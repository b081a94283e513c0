#include "qsim/emu/chain.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "num/host.hpp"
#include "qsim/profile/catalogue.hpp"
#include "qsim/profile/catalogue/arith.hpp"

namespace qsim::emu {
namespace {

using Codes8 = std::vector<std::int8_t>;

std::int32_t dot(const Arith& arith, const Codes8& a, const Codes8& b, std::int32_t initial = 0) {
  return emu::dot(arith, a.data(), 1, b.data(), 1, a.size(), initial);
}
Codes8 repeat(int code, std::size_t n) { return Codes8(n, static_cast<std::int8_t>(code)); }

/// The chain without the plain-sum shortcut.
std::int32_t interpreted(const Arith& arith, const Codes8& a, const Codes8& b,
                         std::int32_t initial) {
  Chain chain(arith);
  if (arith.acc_bits == 32) chain.add(initial);
  for (std::size_t k = 0; k < a.size(); ++k) chain.push(a[k], b[k]);
  const std::int64_t sum = chain.finish();
  return static_cast<std::int32_t>(arith.acc_bits == 32 ? sum : num::wrap(sum + initial, 32));
}

TEST(EmuChain, ShortcutEqualsTheInterpreterOnEveryRow) {
  test::Random random(1);
  for (const Profile& row : catalogue())
    for (const Arith& arith : {row.conv, row.conv_fast})
      for (std::size_t k = 0; k < 70; ++k)
        for (int kind = 0; kind < 3; ++kind) {
          Codes8 a, b;
          for (std::size_t i = 0; i < k; ++i) {
            const bool rail = kind == 1 || (kind == 2 && random.below(2) == 0);
            a.push_back(static_cast<std::int8_t>(rail ? -128 : random.below(256)));
            b.push_back(static_cast<std::int8_t>(rail ? -128 : random.below(256)));
          }
          const auto initial = static_cast<std::int32_t>(random.next());
          ASSERT_EQ(dot(arith, a, b, initial), interpreted(arith, a, b, initial))
              << row.name.view() << " K " << k;
        }
}

TEST(EmuChain, APlainSumIsJudgedByTheWidestOperands) {
  EXPECT_TRUE(is_plain_sum(arith::exact_i32));
  EXPECT_TRUE(is_plain_sum(arith::x86_madd));
  EXPECT_TRUE(is_plain_sum(arith::neon_sdot));
  EXPECT_FALSE(is_plain_sum(arith::x86_maddubs));      // 2*255*128 > 2^15
  EXPECT_FALSE(is_plain_sum(arith::x86_vpdpbusds));    // saturates at 2^31
  EXPECT_FALSE(is_plain_sum(arith::neon_smlal));       // 2*128*128 = 2^15
  EXPECT_FALSE(is_plain_sum(arith::neon_smlal_deep));  // 16-bit lanes
  EXPECT_TRUE(is_plain_sum({.block = 2, .n_steps = 1, .step = {Step{1, 1, 16}}}));
}

TEST(EmuChain, SumsOf64BitsDoNotWrapAt32) {
  Chain chain(Arith{.acc_bits = 64, .acc_overflow = Overflow::wrap});
  chain.add(std::int64_t{1} << 40);
  for (int k = 0; k < 4; ++k) chain.push_product(std::int64_t{32767} * 32767 * 4);
  EXPECT_EQ(chain.finish(), (std::int64_t{1} << 40) + std::int64_t{32767} * 32767 * 16);
}

TEST(EmuChain, AnEmptyDepthAnswersTheInitialValue) {
  for (const Profile& row : catalogue()) EXPECT_EQ(dot(row.conv_fast, {}, {}, -77), -77);
}

TEST(EmuChain, StridesSkipElements) {
  const Codes8 a{1, 99, 2, 99, 3};
  const Codes8 b{4, 99, 99, 5, 99, 99, 6};
  EXPECT_EQ(emu::dot(arith::exact_i32, a.data(), 2, b.data(), 3, 3), 4 + 10 + 18);
}

// engines.md section 1: 255*127*2 = 64770 -> 32767 and 255*(-128)*2 = -65280 -> -32768.
TEST(EmuChain, MaddubsSaturatesAPositivePair) {
  EXPECT_EQ(dot(arith::x86_maddubs, repeat(127, 2), repeat(127, 2)), 32767);
}

TEST(EmuChain, MaddubsSaturatesANegativePair) {
  EXPECT_EQ(dot(arith::x86_maddubs, repeat(127, 2), repeat(-128, 2)), -32768);
}

TEST(EmuChain, MaddubsIsExactForWeightsUpTo64) {
  EXPECT_EQ(dot(arith::x86_maddubs, repeat(127, 2), repeat(64, 2)), 2 * 255 * 64);
  EXPECT_EQ(dot(arith::x86_maddubs, repeat(127, 2), repeat(-64, 2)), -2 * 255 * 64);
}

TEST(EmuChain, MaddubsPairsNeighboursSoAnOddTailStandsAlone) {
  EXPECT_EQ(dot(arith::x86_maddubs, repeat(127, 3), repeat(127, 3)), 32767 + 255 * 127);
}

TEST(EmuChain, MaddubsOfFourFullProductsIs65534) {
  EXPECT_EQ(dot(arith::x86_maddubs, repeat(127, 4), repeat(127, 4)), 65534);
}

TEST(EmuChain, MaddIsExactWhereMaddubsSaturates) {
  EXPECT_EQ(dot(arith::x86_madd, repeat(127, 4), repeat(127, 4)), 129540);
}

TEST(EmuChain, SmlalWrapsOnlyForTwoLowestProductsEightApart) {
  Codes8 a(16), b(16);
  a[0] = b[0] = a[8] = b[8] = -128;
  EXPECT_EQ(dot(arith::neon_smlal, a, b), -32768);
  a[8] = 127;
  EXPECT_EQ(dot(arith::neon_smlal, a, b), 128);
  a[8] = b[8] = 0;
  a[1] = b[1] = -128;  // a neighbour, not a partner
  EXPECT_EQ(dot(arith::neon_smlal, a, b), 32768);
}

TEST(EmuChain, SmlalErrorIs65536PerOccurrence) {
  EXPECT_EQ(dot(arith::neon_smlal, repeat(-128, 32), repeat(-128, 32)), 32 * 16384 - 16 * 65536);
}

TEST(EmuChain, SmlalDeepWrapsIn16BitLanesAcrossBlocks) {
  // lane 0 sums products 0, 8, 16, ...: three of 127*127 leave its 16 bits
  Codes8 a(24), b(24);
  for (const std::size_t k : {0, 8, 16}) a[k] = b[k] = 127;
  EXPECT_EQ(dot(arith::neon_smlal_deep, a, b), 3 * 16129 - 65536);
  EXPECT_EQ(dot(arith::exact_i32, a, b), 3 * 16129);
}

TEST(EmuChain, SmlalDeepAddsTheInitialValueAfterTheLanes) {
  EXPECT_EQ(dot(arith::neon_smlal_deep, {1}, {1}, 100000), 100001);
}

TEST(EmuChain, VpdpbusdsSaturatesAtTheRails) {
  EXPECT_EQ(dot(arith::x86_vpdpbusds, {127}, {127}, 2147483647), 2147483647);
  EXPECT_EQ(dot(arith::x86_vpdpbusds, {127}, {-128}, -2147483647), -2147483647 - 1);
}

TEST(EmuChain, SdotWrapsAtTheRails) {
  EXPECT_EQ(dot(arith::neon_sdot, {127}, {127}, 2147483647), 2147483647 - (4294967296 - 16129));
}

TEST(EmuChain, VpdpbusdsSaturatesPerQuadNotPerProduct) {
  // +32385 and -32640 of one quad meet before the accumulator sees them
  EXPECT_EQ(dot(arith::x86_vpdpbusds, {127, 127}, {127, -128}, 2147483647), 2147483647 - 255);
}

TEST(EmuChain, ASaturatedAccumulatorForgetsTheExcess) {
  const Codes8 a{127, -128, -128, -128, 127, -128, -128, -128};
  const Codes8 b{127, 0, 0, 0, -1, 0, 0, 0};
  EXPECT_EQ(dot(arith::x86_vpdpbusds, a, b, 2147483647), 2147483647 - 255);
}

TEST(EmuChain, TheUnsignedOffsetCountsForEveryProduct) {
  EXPECT_EQ(dot(arith::x86_madd, {0, 0, 0}, {1, 2, 3}), 128 * 6);
}

TEST(EmuChain, SmlalDeepOnOrdinaryWeightsOverflows) {
  EXPECT_NE(dot(arith::neon_smlal_deep, repeat(100, 64), repeat(60, 64)), 64 * 6000);
}

}  // namespace
}  // namespace qsim::emu
