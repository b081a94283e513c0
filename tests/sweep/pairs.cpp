// Every pair of 8-bit products that meets in a 16-bit word, by every such chain of the catalogue:
// all 2^32 combinations of two left and two right codes.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "num/host.hpp"
#include "qsim/emu/chain.hpp"
#include "qsim/emu/lifted.hpp"
#include "qsim/profile/catalogue.hpp"
#include "sweep/lanes.hpp"

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace qsim::sweep {
namespace {

struct PairChain {
  std::string name;
  Arith arith{};
  std::size_t apart = 1;  ///< distance of the two products along K
  Overflow overflow = Overflow::wrap;
};

/// The pairs of a chain that adds two products in 16 bits: in its first step, or in accumulators of
/// 16 bits that each receive two products of a block. Empty name: none.
PairChain pairs_of(const std::string& name, const Arith& a) {
  if (a.n_steps > 0 && a.step[0].fan_in == 2 && a.step[0].bits == 16 && a.acc_bits == 32)
    return {name, a, a.step[0].stride, a.step[0].overflow};
  if (a.n_steps == 0 && a.acc_bits == 16 && a.block == 2 * a.acc_lanes)
    return {name, a, a.acc_lanes, a.acc_overflow};
  return {};
}

std::vector<PairChain> distinct_pair_chains() {
  std::vector<PairChain> all;
  for (const Profile& p : catalogue()) {
    const struct {
      const char* field;
      const Arith& arith;
    } fields[] = {{"conv", p.conv}, {"conv_fast", p.conv_fast},
                  {"products.u8u8", p.products.u8u8}, {"products.u8s8", p.products.u8s8},
                  {"products.s8u8", p.products.s8u8}, {"products.s8s8", p.products.s8s8},
                  {"window.constant", p.window.constant}, {"window.indirect", p.window.indirect},
                  {"taps.nine", p.taps.nine}, {"taps.other", p.taps.other},
                  {"taps.rest", p.taps.rest}};
    for (const auto& [field, arith] : fields) {
      const PairChain c = pairs_of(std::string(p.name.view()) + "." + field, arith);
      bool known = c.name.empty();
      for (const PairChain& other : all) known = known || other.arith == c.arith;
      if (!known) all.push_back(c);
    }
  }
  return all;
}

/// Left values as the multiplier sees them.
std::vector<std::int32_t> left_values(const Arith& a) {
  std::vector<std::int32_t> all;
  for (std::int32_t v = a.lhs_unsigned ? 0 : -128; v <= (a.lhs_unsigned ? 255 : 127); ++v)
    all.push_back(v);
  return all;
}
/// For a sample: rails, signs, and some between.
std::vector<std::int32_t> few(const std::vector<std::int32_t>& all) {
  std::vector<std::int32_t> some;
  for (const std::size_t i : {0u, 1u, 63u, 64u, 127u, 128u, 129u, 200u, 254u, 255u})
    some.push_back(all[i]);
  return some;
}

// ------------------------------------------------------ right codes: column j is (j >> 8, j & 255)

inline constexpr std::size_t columns = 65536;
struct Right {
  std::vector<std::int8_t> first = std::vector<std::int8_t>(columns);
  std::vector<std::int8_t> second = std::vector<std::int8_t>(columns);
  std::vector<std::int8_t> woven = std::vector<std::int8_t>(2 * columns);  ///< first, second, ...
  Right() {
    for (std::size_t j = 0; j < columns; ++j) {
      woven[2 * j] = first[j] = static_cast<std::int8_t>(static_cast<int>(j >> 8) - 128);
      woven[2 * j + 1] = second[j] = static_cast<std::int8_t>(static_cast<int>(j & 255) - 128);
    }
  }
};

using Sums = std::vector<std::int16_t>;

/// x0*w0 + x1*w1 in 16 bits, in C.
QSIM_CLONES void formula(std::int32_t x0, std::int32_t x1, const Right& w, Overflow overflow,
                         Sums& sums) {
  const std::int8_t *w0 = w.first.data(), *w1 = w.second.data();
  for (std::size_t j = 0; j < columns; ++j) {
    const std::int32_t sum = x0 * w0[j] + x1 * w1[j];
    const std::int32_t limited = sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum;
    sums[j] = static_cast<std::int16_t>(overflow == Overflow::wrap ? sum : limited);
  }
}

#if defined(__x86_64__)
bool has_maddubs() { return __builtin_cpu_supports("ssse3") != 0; }
/// pmaddubsw.
[[gnu::target("ssse3")]] void maddubs(std::int32_t x0, std::int32_t x1, const Right& w,
                                      Sums& sums) {
  const __m128i x = _mm_set1_epi16(static_cast<std::int16_t>(x1 * 256 + x0));
  for (std::size_t j = 0; j < columns; j += 8) {
    const __m128i pairs = _mm_loadu_si128(reinterpret_cast<const __m128i*>(w.woven.data() + 2 * j));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(sums.data() + j), _mm_maddubs_epi16(x, pairs));
  }
}
#elif defined(__aarch64__)
/// smull, smlal.
void smlal(std::int32_t x0, std::int32_t x1, const Right& w, Sums& sums) {
  const int8x8_t a0 = vdup_n_s8(static_cast<std::int8_t>(x0));
  const int8x8_t a1 = vdup_n_s8(static_cast<std::int8_t>(x1));
  for (std::size_t j = 0; j < columns; j += 8) {
    const int16x8_t product = vmull_s8(a0, vld1_s8(w.first.data() + j));
    vst1q_s16(sums.data() + j, vmlal_s8(product, a1, vld1_s8(w.second.data() + j)));
  }
}
#endif

/// By the instruction of this host; false where it has none for the chain.
bool instruction([[maybe_unused]] const PairChain& c, [[maybe_unused]] std::int32_t x0,
                 [[maybe_unused]] std::int32_t x1, [[maybe_unused]] const Right& w,
                 [[maybe_unused]] Sums& sums) {
#if defined(__x86_64__)
  if (!c.arith.lhs_unsigned || c.overflow != Overflow::saturate || !has_maddubs()) return false;
  maddubs(x0, x1, w, sums);
  return true;
#elif defined(__aarch64__)
  if (c.arith.lhs_unsigned || c.overflow != Overflow::wrap) return false;
  smlal(x0, x1, w, sums);
  return true;
#else
  return false;
#endif
}

// ----------------------------------------------------------------------------------- emulated

/// The lifted chain over 8 rows (pairs of left values) and all columns; false if it is not lifted.
bool lifted_sums(const PairChain& c, const std::vector<std::int32_t>& pairs, const Right& w,
                 std::vector<std::int64_t>& acc) {
  const std::size_t rows = pairs.size() / 2, k = c.apart + 1;
  std::vector<std::int32_t> lhs(rows * k), rhs(k * columns);
  for (std::size_t i = 0; i < rows; ++i) {
    lhs[i * k] = pairs[2 * i];
    lhs[i * k + c.apart] = pairs[2 * i + 1];
  }
  std::copy(w.first.begin(), w.first.end(), rhs.begin());
  std::copy(w.second.begin(), w.second.end(), rhs.end() - static_cast<std::ptrdiff_t>(columns));
  acc.assign(rows * columns, 0);
  return emu::lift(c.arith, {rows, columns, k, lhs, rhs}, acc);
}

/// Sum and overflows of all pairs (x0, w0), (x1, -128..127) by the interpreted chain. Chains that
/// keep 16 bits to the end hold one block each.
struct Interpreted {
  std::int64_t sum = 0;
  std::uint32_t overflows = 0;
};
Interpreted interpreted_sums(const PairChain& c, std::int32_t x0, std::int32_t x1,
                             std::int32_t w0) {
  const std::size_t together = c.apart;  // pairs whose products stand side by side
  const std::int32_t offset = c.arith.lhs_offset;
  Interpreted all;
  emu::Chain chain(c.arith);
  const auto take = [&] {
    all.sum += chain.finish();
    all.overflows += chain.observer().counts.total();
  };
  for (std::size_t first = 0; first < 256; first += together) {
    for (std::size_t i = 0; i < together; ++i)
      chain.push(x0 - offset, w0 - c.arith.rhs_offset);
    for (std::size_t i = 0; i < together; ++i)
      chain.push(x1 - offset, static_cast<std::int32_t>(first + i) - 128 - c.arith.rhs_offset);
    if (c.arith.acc_bits != 16) continue;
    take();
    chain = emu::Chain(c.arith);
  }
  if (c.arith.acc_bits != 16) take();
  return all;
}

// -------------------------------------------------------------------------------------- tests

void expect_sums(const PairChain& c, const std::vector<std::int32_t>& left) {
  const Right w;
  Sums want(columns), instructed(columns);
  Outcome lifted, interpreted, instructions;
  std::vector<std::int64_t> acc;
  for (const std::int32_t x0 : left)
    for (const std::int32_t x1 : left) {
      formula(x0, x1, w, c.overflow, want);
      const std::uint64_t row = static_cast<std::uint64_t>((x0 + 128) * 1000 + x1 + 128) << 16;
      if (instruction(c, x0, x1, w, instructed))
        for (std::size_t j = 0; j < columns; ++j)
          instructions.compare(row + j, want[j], instructed[j]);
      if (lifted_sums(c, {x0, x1}, w, acc))
        for (std::size_t j = 0; j < columns; ++j) lifted.compare(row + j, acc[j], want[j]);
      for (std::size_t j = 0; j < columns; j += 256) {
        Interpreted expected;
        for (std::size_t i = j; i < j + 256; ++i) {
          expected.sum += want[i];
          expected.overflows += want[i] != x0 * w.first[i] + x1 * w.second[i] ? 1u : 0u;
        }
        const Interpreted got = interpreted_sums(c, x0, x1, w.first[j]);
        interpreted.compare(row + j, got.sum, expected.sum);
        interpreted.compare(row + j, got.overflows, expected.overflows);
      }
    }
  EXPECT_TRUE(interpreted.equal()) << c.name << ", interpreted: " << interpreted;
  EXPECT_EQ(lifted.differ, 0u) << c.name << ", lifted: " << lifted;
  EXPECT_EQ(instructions.differ, 0u) << c.name << ", formula and instruction: " << instructions;
  EXPECT_TRUE(c.arith.acc_bits != 32 || lifted.compared > 0) << c.name << " is not lifted";
}

std::string name_of(const testing::TestParamInfo<PairChain>& info) {
  return test_name(info.param.name);
}

class NightlyPairs : public testing::TestWithParam<PairChain> {};
TEST_P(NightlyPairs, EveryTwoProductsMeetAsTheInstructionAddsThem) {
  expect_sums(GetParam(), left_values(GetParam().arith));
}
INSTANTIATE_TEST_SUITE_P(Chains, NightlyPairs, testing::ValuesIn(distinct_pair_chains()), name_of);

class SweepPairs : public testing::TestWithParam<PairChain> {};
TEST_P(SweepPairs, SampledProductsMeetAsTheInstructionAddsThem) {
  expect_sums(GetParam(), few(left_values(GetParam().arith)));
}
INSTANTIATE_TEST_SUITE_P(Chains, SweepPairs, testing::ValuesIn(distinct_pair_chains()), name_of);

TEST(SweepPairs, SaturatingAndWrappingChainsAreAmongThem) {
  bool saturates = false, wraps = false;
  for (const PairChain& c : distinct_pair_chains())
    (c.overflow == Overflow::saturate ? saturates : wraps) = true;
  EXPECT_TRUE(saturates && wraps);
}

// Two pairs in one running 16-bit accumulator: pmaddubsw, then paddsw.
inline constexpr Arith running{.lhs_unsigned = true,
                               .block = 2,
                               .n_steps = 1,
                               .step = {Step{2, 1, 16, Overflow::saturate}},
                               .acc_bits = 16,
                               .acc_overflow = Overflow::saturate};

/// All sums of 65536 pairs (x, 255; w0, w1) with what x*w0 + 255*w1 leaves in the accumulator.
void expect_running(const std::vector<std::int32_t>& left) {
  const Right w;
  Sums before(columns), after(columns);
  Outcome lifted, interpreted;
  for (const std::int32_t x : left)
    for (const std::int32_t w2 : {-128, -127, -64, -1, 0, 1, 63, 127}) {
      formula(x, 255, w, Overflow::saturate, before);
      std::vector<std::int32_t> lhs{x, 255, 255, x}, rhs(4 * columns);
      std::copy(w.first.begin(), w.first.end(), rhs.begin());
      std::copy(w.second.begin(), w.second.end(),
                rhs.begin() + static_cast<std::ptrdiff_t>(columns));
      std::fill(rhs.begin() + static_cast<std::ptrdiff_t>(2 * columns), rhs.end(), w2);
      const std::int32_t pair = std::clamp(255 * w2 + x * w2, -32768, 32767);
      for (std::size_t j = 0; j < columns; ++j)
        after[j] = static_cast<std::int16_t>(std::clamp(before[j] + pair, -32768, 32767));
      std::vector<std::int64_t> acc(columns);
      ASSERT_TRUE(emu::lift(running, {1, columns, 4, lhs, rhs}, acc));
      for (std::size_t j = 0; j < columns; ++j) {
        lifted.compare(j, acc[j], after[j]);
        if (j % 17 != 0) continue;
        emu::Chain chain(running);
        for (std::size_t k = 0; k < 4; ++k) chain.push(lhs[k], rhs[k * columns + j]);
        interpreted.compare(j, chain.finish(), after[j]);
      }
    }
  EXPECT_TRUE(lifted.equal()) << lifted;
  EXPECT_TRUE(interpreted.equal()) << interpreted;
}
TEST(SweepRunningSums, AreARowOfTheCatalogue) {
  Arith row = find_profile("fbgemm.x64.acc16").products.u8s8;
  EXPECT_GT(row.spill, 4);
  row.spill = 0;  // the sums here are shorter
  EXPECT_EQ(row, running);
}
TEST(NightlyRunningSums, SaturateTwiceIn16Bits) { expect_running(left_values(running)); }
TEST(SweepRunningSums, SaturateTwiceIn16Bits) { expect_running(few(left_values(running))); }

}  // namespace
}  // namespace qsim::sweep
