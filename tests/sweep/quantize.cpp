// Every binary32 number by every quantizer of the catalogue, against the host and against the
// instructions of the engines.

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "qsim/base/check.hpp"
#include "qsim/num/minifloat.hpp"
#include "sweep/quantizers.hpp"

namespace qsim::sweep {
namespace {

/// Emulated codes of `lanes` neighbouring patterns. The copy lets the compiler keep the rule in
/// registers and take its decisions out of the loop.
[[gnu::flatten]] void emulate(const emu::PreparedQuantizer& prepared, const Reals& x, Codes& out) {
  const emu::PreparedQuantizer q = prepared;
  for (std::size_t i = 0; i < lanes; ++i)
    out[i] = emu::code_of(q, F32{std::bit_cast<std::uint32_t>(x[i])});
}

void fill(std::uint32_t first, Reals& x) {
  for (std::size_t i = 0; i < lanes; ++i)
    x[i] = std::bit_cast<float>(first + static_cast<std::uint32_t>(i));
}

/// Sequences that are said to be this rule: those of rows whose rule it is.
std::vector<Sequence> sequences_of(const QuantizerOf& q) {
  std::vector<Sequence> all;
  for (const Sequence& s : sequences()) {
    const Profile row = find_profile(s.row);
    if (same_quantizer(q, {"", row, rule_of(row, s.field)})) all.push_back(s);
  }
  return all;
}

/// Emulated codes are those of the host, and those of every sequence that is said to be the rule.
void expect_codes(const QuantizerOf& q, const Walk& walk) {
  const std::vector<Sequence> said = sequences_of(q);
  for (const Setting& s : settings_of(q)) {
    const emu::PreparedQuantizer quantizer = prepared(q, s);
    Outcome host;
    std::vector<Outcome> instructions(said.size());
    for_each_block(walk, [&](std::uint32_t first) {
      Reals x;
      Codes got, want;
      fill(first, x);
      emulate(quantizer, x, got);
      host_codes(q, s, x, want);
      host.compare(first, got, want);
      for (std::size_t k = 0; k < said.size(); ++k) {
        if (said[k].bytes_only && s.range.high > 255) continue;
        said[k].run(x, s, want);
        instructions[k].compare(first, got, want);
      }
    });
    const std::string where = text(", scale ", s.scale, ", zero point ", s.zero, ", to ",
                                   s.range.high, ": ");
    EXPECT_TRUE(host.equal()) << q.name << where << host;
    for (std::size_t k = 0; k < said.size(); ++k)
      EXPECT_EQ(instructions[k].differ, 0u)
          << "instructions of " << said[k].row << "." << said[k].field << where << instructions[k];
  }
}

std::string name_of(const testing::TestParamInfo<QuantizerOf>& info) {
  return test_name(info.param.name);
}
// Minutes of one processor per rule: six settings times 2^32 numbers, 15 to 40 seconds each.
class NightlyQuantizer : public testing::TestWithParam<QuantizerOf> {};
TEST_P(NightlyQuantizer, EveryBinary32HasTheCodeOfHostAndInstructions) {
  expect_codes(GetParam(), everything);
}
INSTANTIATE_TEST_SUITE_P(Rules, NightlyQuantizer, testing::ValuesIn(distinct_quantizers()),
                         name_of);

class SweepQuantizer : public testing::TestWithParam<QuantizerOf> {};
TEST_P(SweepQuantizer, SampledBinary32HaveTheCodesOfHostAndInstructions) {
  expect_codes(GetParam(), sample);
}

/// Patterns around (code + 1/2 - zero) * scale: where codes change.
TEST_P(SweepQuantizer, CodesChangeWhereTheHostChangesThem) {
  const QuantizerOf& q = GetParam();
  for (const Setting& s : settings_of(q)) {
    if (q.rule.scaling == Scaling::log2_16) continue;
    const emu::PreparedQuantizer quantizer = prepared(q, s);
    Outcome outcome;
    Reals x;
    Codes got, want;
    constexpr std::uint32_t around = 16;
    std::size_t filled = 0;
    const std::int32_t step = s.range.high > 255 ? 509 : 1;
    for (std::int32_t code = s.range.low - 2; code <= s.range.high + 2; code += step) {
      const float tie = (static_cast<float>(code - s.zero) + 0.5f) * s.scale;
      for (std::uint32_t k = 0; k < around; ++k)
        x[filled++] = std::bit_cast<float>(std::bit_cast<std::uint32_t>(tie) + k - around / 2);
      if (filled < lanes && code + step <= s.range.high + 2) continue;
      for (; filled < lanes; ++filled) x[filled] = tie;
      filled = 0;
      emulate(quantizer, x, got);
      host_codes(q, s, x, want);
      for (std::size_t i = 0; i < lanes; ++i)
        outcome.compare(std::bit_cast<std::uint32_t>(x[i]), got[i], want[i]);
    }
    EXPECT_TRUE(outcome.equal()) << q.name << ", scale " << s.scale << ", zero point " << s.zero
                                 << ", to " << s.range.high << ": " << outcome;
  }
}
INSTANTIATE_TEST_SUITE_P(Rules, SweepQuantizer, testing::ValuesIn(distinct_quantizers()), name_of);

TEST(SweepSequences, EverySequenceIsTheRuleOfItsRow) {
  std::size_t used = 0;
  for (const QuantizerOf& q : distinct_quantizers()) used += sequences_of(q).size();
  EXPECT_EQ(used, sequences().size());
}

// ------------------------------------------------------------------------------ 16-bit floats

/// All 65536 patterns of a 16-bit format, read as binary32, by every rule for such input.
void expect_halves(const Minifloat& format) {
  const std::vector<QuantizerOf> rules = distinct_quantizers("half");
  EXPECT_GT(rules.size(), 0u);
  for (const QuantizerOf& half : rules) {
    std::vector<Setting> settings = settings_of(half);
    settings.push_back({1e-5f, 3, int8_codes});  // 65504 leaves int32
    settings.push_back({1e-5f, -3, int8_codes});
    for (const Setting& s : settings) {
      const emu::PreparedQuantizer quantizer = prepared(half, s);
      Outcome outcome;
      for (std::uint32_t first = 0; first < 0x10000u; first += lanes) {
        Reals x;
        Codes got, want;
        for (std::size_t i = 0; i < lanes; ++i)
          x[i] = std::bit_cast<float>(
              num::decode(format, first + static_cast<std::uint32_t>(i)).bits);
        emulate(quantizer, x, got);
        host_codes(half, s, x, want);
        outcome.compare(first, got, want);
      }
      EXPECT_TRUE(outcome.equal()) << half.name << ", scale " << s.scale << ", zero point "
                                   << s.zero << ", to " << s.range.high << ": " << outcome;
    }
  }
}
TEST(SweepHalves, EveryFloat16HasTheCodeOfTheHost) { expect_halves(num::fp16); }
TEST(SweepHalves, EveryBfloat16HasTheCodeOfTheHost) { expect_halves(num::bf16); }

}  // namespace
}  // namespace qsim::sweep
