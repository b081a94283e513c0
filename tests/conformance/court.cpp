// The court: emu equals the oracle, by the digests that the oracle wrote, for every profile.
//
// A family that differs prints its first failing case as one line: `qvec check` reads it, and so
// does `python tests/python/court.py check`, which answers by the oracle.

#include "conformance/court.hpp"

#include <gtest/gtest.h>

#include <cfenv>
#include <set>

#include "conformance/golden.hpp"
#include "num/host.hpp"
#include "profile/values.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::court {
namespace {

const std::vector<Family>& all_families() {
  static const std::vector<Family> all = families();
  return all;
}
const Golden& golden() {
  static const Golden read = [] {
    Golden all;
    all.read(QSIM_TEST_DATA "/../conformance/golden.txt");
    all.read(QSIM_TEST_DATA "/../conformance/golden_operators.txt");
    return all;
  }();
  return read;
}

void expect_golden(const Profile& row) {
  for (const std::string& fault : faults_of(golden(), row, all_families()))
    ADD_FAILURE() << fault;
}

std::vector<std::string> row_names() {
  std::vector<std::string> names;
  for (const Profile& row : catalogue()) names.emplace_back(row.name.view());
  return names;
}

std::string test_name(const testing::TestParamInfo<std::string>& param) {
  std::string name = param.param;
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}

class CourtOfEveryRow : public testing::TestWithParam<std::string> {};

TEST_P(CourtOfEveryRow, EmuEqualsTheOracle) { expect_golden(find_profile(GetParam())); }

/// Fields outside a family's list may be anything: the mutation check and the planted faults judge
/// a change only by the families that list it.
TEST_P(CourtOfEveryRow, AFamilyReadsOnlyTheFieldsItLists) {
  const Profile row = find_profile(GetParam());
  const std::vector<Profile> rows = catalogue();
  const std::size_t stride = 1 + rows.size() / 4;
  for (const Family& family : all_families()) {
    if (!family.applies(row)) continue;
    for (std::size_t i = family.name.size() % stride; i < rows.size(); i += stride) {
      const Profile other = test::with_other_fields(row, rows[i], family.fields);
      const std::vector<Bytes>& cases = family.cases();
      for (std::size_t k = i % 7; k < cases.size(); k += 7)
        ASSERT_EQ(family.answer(row, cases[k]), family.answer(other, cases[k]))
            << family.name << " of " << row.name.view() << " depends on a field it does not list, "
            << "seen with those of " << rows[i].name.view() << ": "
            << case_line(family, row, cases[k], {});
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, CourtOfEveryRow, testing::ValuesIn(row_names()), test_name);

TEST(Court, TheCasesAreThoseThatWereJudged) {
  for (const Family& family : all_families()) {
    ASSERT_EQ(golden().cases.count(family.name), 1u) << family.name;
    EXPECT_EQ(digest_of_cases(family), golden().cases.at(family.name))
        << family.name << ": " << family.cases().size() << " cases; run tools/make_golden.py";
  }
  EXPECT_EQ(golden().cases.size(), all_families().size());
}

TEST(Court, EveryFamilyIsAnsweredBySomeRow) {
  for (const Family& family : all_families()) {
    std::size_t answered = 0;
    for (const Profile& row : catalogue()) {
      if (!family.applies(row)) continue;
      for (const Bytes& bytes : family.cases()) answered += family.answer(row, bytes) != refusal;
      if (answered > 0) break;
    }
    EXPECT_GT(answered, 0u) << family.name;
  }
}

TEST(Court, GoldenHasNoRowThatTheCatalogueLacks) {
  const std::vector<std::string> names = row_names();
  const std::set<std::string> known(names.begin(), names.end());
  for (const auto& [name, digests] : golden().rows)
    EXPECT_EQ(known.count(name), 1u) << name << " left the catalogue; run tools/make_golden.py";
}

TEST(Court, HoldsUnderEveryHostModeAndRounding) {
  for (const char* name : {"mnn-2.9.0.x64.avx512", "mnn-2.9.0.arm64.neon", "ieee.fp32",
                           "ort-1.30.x64.avx2", "tflite.ruy.arm64"})
    for (const bool flush : {false, true})
      for (const int rounding : {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
        if (!flush && rounding == FE_TONEAREST) continue;
        SCOPED_TRACE(text("flush ", flush, ", rounding ", rounding));
        const test::HostMode host(flush, rounding);
        expect_golden(find_profile(name));
      }
}

TEST(Court, ASpoiltRowPrintsItsCase) {
  const Profile row = find_profile("mnn-2.9.0.x64.avx2");
  Profile spoilt = row;
  spoilt.conv_fast.step[0].overflow = Overflow::wrap;
  const Family& dots = family_named(all_families(), "dot");
  const Verdict verdict = judge(spoilt, dots);
  const std::string want = golden().rows.at(std::string(row.name.view())).at("dot");
  ASSERT_NE(verdict.digest, want);
  const std::string line = first_failing(golden(), spoilt, dots, verdict, want);
  EXPECT_EQ(line.find("case dot mnn-2.9.0.x64.avx2 01"), 0u) << line;
}

}  // namespace
}  // namespace qsim::court
