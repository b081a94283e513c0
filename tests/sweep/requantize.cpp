// Every int32 sum by every rule from sum to code, against engines' formulas and instructions.

#include <gtest/gtest.h>

#include "qsim/base/check.hpp"
#include "sweep/requantizers.hpp"

namespace qsim::sweep {
namespace {

struct Emulated {
  Requant rule{};
  emu::PreparedFactor factor{};
  F32 bias{};
  bool has_bias = false;
  FloatMode mode{};
};

[[gnu::flatten]] void emulate(const Emulated& prepared, const SumSetting& s, std::uint32_t first,
                              Codes& out) {
  const Emulated e = prepared;
  const emu::CodeRange range = s.range;
  const std::int32_t zero = s.zero;
  const F32 bias = e.bias;
  for (std::size_t i = 0; i < lanes; ++i)
    out[i] = emu::requantize_sum(e.rule, sum_of(first + static_cast<std::uint32_t>(i), s),
                                 e.factor, zero, range, e.mode, e.has_bias ? &bias : nullptr);
}
[[gnu::flatten]] void emulate(const Epilogue& rule, const FloatMode& mode, const SumSetting& s,
                              std::uint32_t first, Codes& out) {
  const Epilogue epilogue = rule;
  const emu::CodeRange range = s.range;
  const F32 factor = test::as_f32(s.factor());
  for (std::size_t i = 0; i < lanes; ++i)
    out[i] = emu::requantize(epilogue,
                             static_cast<std::int32_t>(first + static_cast<std::uint32_t>(i)),
                             factor, range, mode);
}

Emulated prepared(const RequantizerOf& r, const SumSetting& s) {
  Emulated e{.rule = r.rule, .mode = r.row.float_mode};
  if (r.epilogue) return e;
  e.factor = emu::prepare(
      r.rule, {test::as_f32(s.lhs), test::as_f32(s.rhs), test::as_f32(s.out)}, e.mode);
  e.has_bias = s.bias.has_value();
  e.bias = test::as_f32(s.bias.value_or(0.0f));
  return e;
}

/// Sequences that are said to be this rule.
std::vector<SumSequence> sequences_of(const RequantizerOf& r) {
  std::vector<SumSequence> all;
  for (const SumSequence& s : sum_sequences()) {
    const Profile row = find_profile(s.row);
    const std::string_view field = s.field;
    RequantizerOf said{"", row, row.requant, {}};
    if (field == "epilogue") said.epilogue = row.epilogue;
    if (field == "depthwise") said.epilogue = row.depthwise;
    if (same_requantizer(r, said)) all.push_back(s);
  }
  return all;
}

void expect_codes(const RequantizerOf& r, const Walk& walk) {
  const std::vector<SumSequence> said = sequences_of(r);
  for (const SumSetting& s : settings_of(r, walk.apart > 1)) {
    const Emulated e = prepared(r, s);
    Outcome formula;
    std::vector<Outcome> instructions(said.size());
    for_each_block(walk, [&](std::uint32_t first) {
      Codes got, want;
      if (r.epilogue) emulate(*r.epilogue, e.mode, s, first, got);
      else emulate(e, s, first, got);
      formula_codes(r, s, first, want);
      formula.compare(first, got, want);
      for (std::size_t k = 0; k < said.size(); ++k) {
        if (s.bias || (said[k].bytes_only && s.range.high > 255)) continue;
        said[k].run(first, s.factor(), s, want);
        instructions[k].compare(first, got, want);
      }
    });
    const std::string where =
        text(", ", s.lhs, "*", s.rhs, "/", s.out, ", zero point ", s.zero, ", to ", s.range.high,
             s.bias ? ", real bias" : "", s.wide ? ", wide" : "", ": ");
    EXPECT_TRUE(formula.equal()) << r.name << where << formula;
    for (std::size_t k = 0; k < said.size(); ++k)
      EXPECT_EQ(instructions[k].differ, 0u)
          << "instructions of " << said[k].row << "." << said[k].field << where
          << instructions[k];
  }
}

std::string name_of(const testing::TestParamInfo<RequantizerOf>& info) {
  return test_name(info.param.name);
}

// Minutes of one processor per rule: four to six factors times 2^32 sums, 30 to 70 seconds each.
// Rules that differ in how the factor is made are sampled below.
class NightlyRequantizer : public testing::TestWithParam<RequantizerOf> {};
TEST_P(NightlyRequantizer, EverySumHasTheCodeOfFormulaAndInstructions) {
  expect_codes(GetParam(), everything);
}
INSTANTIATE_TEST_SUITE_P(Rules, NightlyRequantizer,
                         testing::ValuesIn(distinct_requantizers(true)), name_of);

class SweepRequantizer : public testing::TestWithParam<RequantizerOf> {};
TEST_P(SweepRequantizer, SampledSumsHaveTheCodesOfFormulaAndInstructions) {
  expect_codes(GetParam(), sample);
}

/// Small sums, where almost every code of the range is met.
TEST_P(SweepRequantizer, SmallSumsHaveTheCodesOfTheFormula) {
  const RequantizerOf& r = GetParam();
  for (const SumSetting& s : settings_of(r, true)) {
    const Emulated e = prepared(r, s);
    Outcome outcome;
    for (std::uint32_t k = 0; k < 64; ++k) {
      const std::uint32_t first = (k - 32u) * static_cast<std::uint32_t>(lanes);
      Codes got, want;
      if (r.epilogue) emulate(*r.epilogue, e.mode, s, first, got);
      else emulate(e, s, first, got);
      formula_codes(r, s, first, want);
      outcome.compare(first, got, want);
    }
    EXPECT_TRUE(outcome.equal()) << r.name << " " << s.factor() << ": " << outcome;
  }
}
INSTANTIATE_TEST_SUITE_P(Rules, SweepRequantizer, testing::ValuesIn(distinct_requantizers()),
                         name_of);

TEST(SweepSumSequences, EverySequenceIsTheRuleOfItsRow) {
  std::size_t used = 0;
  for (const RequantizerOf& r : distinct_requantizers()) used += sequences_of(r).size();
  EXPECT_EQ(used, sum_sequences().size());
}

}  // namespace
}  // namespace qsim::sweep
