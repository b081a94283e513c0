// The court: emu equals the oracle, by the digests that the oracle wrote, for every profile.
//
// A family that differs prints its first failing case as one line; QSIM_COURT='<line>' replays it
// here, `python tests/python/court.py '<line>'` by the oracle.

#include "conformance/court.hpp"

#include <gtest/gtest.h>

#include <cfenv>
#include <cstdlib>
#include <set>

#include "conformance/golden.hpp"
#include "num/host.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::court {
namespace {

const std::vector<Family>& cases() {
  static const std::vector<Family> all = families();
  return all;
}
const Golden& golden() {
  static const Golden read = Golden::read();
  return read;
}

struct Verdict {
  std::string digest;
  std::vector<Bytes> results;
};

Verdict judge(const Profile& row, const Family& family) {
  Fnv fnv;
  Verdict verdict;
  for (const Bytes& bytes : family.cases) {
    verdict.results.push_back(run(row, family.name, bytes));
    fnv.mix(verdict.results.back());
  }
  verdict.digest = hex(fnv.value());
  return verdict;
}

/// The first case whose check byte differs from the golden one, as a line to paste back.
std::string first_failing(const Profile& row, const Family& family, const Verdict& verdict,
                          const std::string& want) {
  const auto checks = golden().checks.find(want);
  if (checks == golden().checks.end()) return "(no check bytes for " + want + ")";
  for (std::size_t i = 0; i < verdict.results.size() && i < checks->second.size(); ++i)
    if (check_byte(verdict.results[i]) != checks->second[i])
      return text("case ", i, ": ", family.name, ' ', row.name.view(), ' ', hex(family.cases[i]),
                  " got=", hex(verdict.results[i]));
  return "(every check byte agrees; a later byte of a digest differs)";
}

/// Compares every family of a row with the golden line.
void expect_golden(const Profile& row) {
  const std::string name(row.name.view());
  ASSERT_EQ(golden().rows.count(name), 1u)
      << name << " has no line in tests/conformance/golden.txt; run tools/make_golden.py";
  const Golden::Digests& want = golden().rows.at(name);
  for (const Family& family : cases()) {
    ASSERT_EQ(want.count(family.name), 1u) << name << ' ' << family.name;
    const Verdict verdict = judge(row, family);
    EXPECT_EQ(verdict.digest, want.at(family.name))
        << first_failing(row, family, verdict, want.at(family.name));
  }
}

class CourtOfEveryRow : public testing::TestWithParam<std::string> {};

TEST_P(CourtOfEveryRow, EmuEqualsTheOracle) { expect_golden(find_profile(GetParam())); }

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

INSTANTIATE_TEST_SUITE_P(Rows, CourtOfEveryRow, testing::ValuesIn(row_names()), test_name);

TEST(Court, BothGeneratorsMakeTheSameCases) {
  for (const Family& family : cases()) {
    Fnv fnv;
    for (const Bytes& bytes : family.cases) fnv.mix(bytes);
    ASSERT_EQ(golden().cases.count(family.name), 1u) << family.name;
    EXPECT_EQ(hex(fnv.value()), golden().cases.at(family.name))
        << family.name << ": " << family.cases.size() << " cases";
  }
  EXPECT_EQ(golden().cases.size(), cases().size());
}

TEST(Court, GoldenHasNoRowThatTheCatalogueLacks) {
  const std::vector<std::string> names = row_names();
  const std::set<std::string> known(names.begin(), names.end());
  for (const auto& [name, digests] : golden().rows)
    EXPECT_EQ(known.count(name), 1u) << name << " left the catalogue; run tools/make_golden.py";
}

TEST(Court, HoldsUnderEveryHostModeAndRounding) {
  for (const char* name : {"mnn-2.9.0.x64.avx512", "mnn-2.9.0.arm64.neon", "ieee.fp32"})
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
  const Family& dots = cases().front();
  const Verdict verdict = judge(spoilt, dots);
  const std::string want = golden().rows.at(std::string(row.name.view())).at("dot");
  ASSERT_NE(verdict.digest, want);
  const std::string line = first_failing(spoilt, dots, verdict, want);
  EXPECT_NE(line.find(": dot mnn-2.9.0.x64.avx2 01"), std::string::npos) << line;
}

TEST(Court, ACaseFromTheEnvironment) {
  const char* line = std::getenv("QSIM_COURT");
  if (line == nullptr) GTEST_SKIP() << "set QSIM_COURT='<family> <row> <bytes>' to replay a case";
  std::istringstream words(line);
  std::string family, name, bytes;
  words >> family;
  if (family == "case") words >> family >> family;  // "case 7: dot ..." as it was printed
  words >> name >> bytes;
  std::cout << "got=" << hex(run(find_profile(name), family, bytes_of_hex(bytes))) << '\n';
}

}  // namespace
}  // namespace qsim::court
