// All 65536 pairs of 8-bit codes through every sum and product rule of the catalogue, against the
// host.

#include <gtest/gtest.h>

#include <string_view>

#include "qsim/base/check.hpp"
#include "sweep/tables.hpp"

namespace qsim::sweep {
namespace {

/// Scales and zero points; 100 added to the zero points of uint8 codes. Ties, decimal fractions,
/// saturation, ratios far apart, ratios that no integer multiplier holds.
constexpr TableSetting settings[] = {
    {{0.5f, 0}, {0.5f, 0}, {1.0f, 0}},
    {{0.1f, 3}, {0.037f, -7}, {0.11f, 11}},
    {{0.0237f, -28}, {0.5f, 27}, {0.0625f, -5}},
    {{1.0f, 0}, {1.0f, 0}, {1.0f, 1}},
    {{0.003f, -3}, {0.9f, 4}, {0.7f, 20}},
    {{0x1p-9f, 1}, {0x1p-3f, 2}, {0x1p-4f, 3}},
    {{0.25f, 10}, {0.125f, -20}, {0.0625f, 20}},
    {{1.225f, 5}, {0.875f, 0}, {0.7f, 4}},
    {{1e-6f, 0}, {0.5f, 1}, {0.5f, 2}},
    {{0.4999999f, 0}, {0.25f, 0}, {0.25f, -1}},
};
constexpr emu::CodeRange s8{}, u8{0, 255, false, 0, 255}, relu{-20, 100, false, -128, 127};

TableSetting shifted(TableSetting s, std::int32_t by) {
  s.a.zero += by, s.b.zero += by, s.out.zero += by;
  return s;
}
emu::Scaled scaled(const Tensor& t) { return {test::as_f32(t.scale), t.zero}; }

/// Emulated codes of all pairs; false where the row has no such rule or refuses the scales.
bool emulated_table(const TableCase& c, std::vector<std::int32_t>& codes) {
  const auto fill = [&](const auto& prepared) {
    codes.resize(65536);
    for (std::size_t i = 0; i < codes.size(); ++i)
      codes[i] = emu::code_of(prepared, c.range.type_low + static_cast<std::int32_t>(i >> 8),
                              c.range.type_low + static_cast<std::int32_t>(i & 255));
  };
  const emu::Scaled a = scaled(c.scales.a), b = scaled(c.scales.b), out = scaled(c.scales.out);
  try {
    if (c.operation == Operation::mul)
      fill(emu::prepare_mul(c.row, a, b, out, c.range));
    else
      fill(emu::prepare_add(c.row, a, b, out, c.range, c.operation == Operation::subtract,
                            c.lone));
  } catch (const NotSupported&) {
    return false;
  } catch (const BadArgument&) {
    return false;
  }
  return true;
}

/// The number of settings that were compared.
int compare(TableCase c, Outcome& outcome) {
  int compared = 0;
  std::vector<std::int32_t> got, want;
  for (const TableSetting& s : settings) {
    c.scales = shifted(s, c.range.type_low == 0 ? 100 : 0);
    if (!emulated_table(c, got)) continue;
    ++compared;
    host_table(c, want);
    for (std::size_t i = 0; i < got.size(); ++i)
      outcome.compare(static_cast<std::uint64_t>(&s - settings) << 16 | i, got[i], want[i]);
  }
  return compared;
}

std::string name_of(const testing::TestParamInfo<RuleOf>& info) {
  return test_name(info.param.name);
}

class SweepAdd : public testing::TestWithParam<RuleOf> {};
TEST_P(SweepAdd, EveryPairOfCodesHasTheSumOfTheHost) {
  const Profile& row = GetParam().row;
  for (const emu::CodeRange& range : {s8, u8, relu})
    for (const emu::Lone lone : {emu::Lone::neither, emu::Lone::a, emu::Lone::b}) {
      const bool engine = row.add.scheme == AddScheme::engine;
      if (engine && (range.type_low == 0 || lone != emu::Lone::neither)) continue;
      Outcome outcome;
      const int compared = compare({row, Operation::add, lone, {}, range}, outcome);
      EXPECT_TRUE(outcome.equal()) << "to " << range.high << ", alone "
                                   << static_cast<int>(lone) << ": " << outcome;
      EXPECT_GE(compared, 6);
    }
}
TEST_P(SweepAdd, EveryPairOfCodesHasTheDifferenceOfTheHost) {
  const Profile& row = GetParam().row;
  Outcome outcome;
  for (const emu::CodeRange& range : {s8, relu})
    for (const emu::Lone lone : {emu::Lone::neither, emu::Lone::a})
      if (row.add.scheme != AddScheme::engine || lone == emu::Lone::neither)
        compare({row, Operation::subtract, lone, {}, range}, outcome);
  EXPECT_EQ(outcome.compared == 0, row.add.scheme == AddScheme::folded_f32);
  EXPECT_EQ(outcome.differ, 0u) << outcome;
}
INSTANTIATE_TEST_SUITE_P(Rules, SweepAdd, testing::ValuesIn(distinct_adds()), name_of);

class SweepMul : public testing::TestWithParam<RuleOf> {};
TEST_P(SweepMul, EveryPairOfCodesHasTheProductOfTheHost) {
  const Profile& row = GetParam().row;
  for (const emu::CodeRange& range : {s8, u8, relu}) {
    if (row.mul.scheme == MulScheme::engine && range.type_low == 0) continue;
    Outcome outcome;
    const int compared = compare({row, Operation::mul, emu::Lone::neither, {}, range}, outcome);
    EXPECT_TRUE(outcome.equal()) << "to " << range.high << ": " << outcome;
    EXPECT_GE(compared, 6);
  }
}
INSTANTIATE_TEST_SUITE_P(Rules, SweepMul, testing::ValuesIn(distinct_muls()), name_of);

}  // namespace
}  // namespace qsim::sweep
