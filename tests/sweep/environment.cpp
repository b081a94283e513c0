// Results do not depend on the host: not on its floating-point mode, its threads, its processor.
//
// QSIM_WRITE_GOLDEN=<file> writes the digests that are compared otherwise
// (tests/data/sweep/golden_operators.txt): a line per row, kind=digest for every kind of operator.

#include <gtest/gtest.h>

#include <cfenv>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "qsim/profile/catalogue.hpp"
#include "sweep/bundle.hpp"

namespace qsim::sweep {
namespace {

using Digests = std::map<std::string, std::string>;

std::string path() { return QSIM_TEST_DATA "/sweep/golden_operators.txt"; }

/// The digests on file, by row.
std::map<std::string, Digests> golden() {
  std::ifstream file(path());
  if (!file) fail<BadFile>(path(), ": cannot be read");
  std::map<std::string, Digests> rows;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string row;
    if (!(words >> row) || row[0] == '#') continue;
    for (std::string word; words >> word;) {
      const std::size_t equals = word.find('=');
      rows[row][word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
  return rows;
}

void write(const std::string& to) {
  std::ofstream file(to);
  file << "# Digests of operators by row, by tests/sweep/environment.cpp with "
          "QSIM_WRITE_GOLDEN=<file>\n";
  for (const Profile& row : catalogue()) {
    file << row.name.view();
    for (const auto& [kind, digest] : bundle(row)) file << ' ' << kind << '=' << digest;
    file << '\n';
  }
  if (!file.flush()) fail<BadFile>(to, ": cannot be written");
}

TEST(Environment, EveryRowHasItsGoldenDigests) {
  if (const char* to = std::getenv("QSIM_WRITE_GOLDEN"); to != nullptr) {
    write(to);
    GTEST_SKIP() << "wrote " << to;
  }
  std::map<std::string, Digests> want = golden();
  for (const Profile& row : catalogue()) {
    const std::string name(row.name.view());
    EXPECT_EQ(bundle(row), want[name]) << name;
    want.erase(name);
  }
  for (const auto& [name, digests] : want)
    ADD_FAILURE() << name << ": not in the catalogue";
}

TEST(Environment, NoDigestDependsOnFlushingOrRounding) {
  for (const Profile& row : catalogue()) {
    const Digests want = bundle(row);
    for (const bool flush : {false, true})
      for (const int rounding : {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
        if (!flush && rounding == FE_TONEAREST) continue;
        Digests got;
        {
          const test::HostMode host(flush, rounding);
          got = bundle(row);
        }
        EXPECT_EQ(got, want) << row.name.view() << ", flush " << flush << ", rounding "
                             << rounding;
      }
  }
}

TEST(Environment, TheModesOfThisTestReachTheHost) {
  volatile float third = 3.0f, tiny = 0x1p-126f, two = 2.0f;
  const auto quotient = [&] { return 1.0f / third; };
  const float nearest = quotient();
  float down = 0, up = 0, flushed = 0;
  {
    const test::HostMode host(false, FE_DOWNWARD);
    down = quotient();
  }
  {
    const test::HostMode host(false, FE_UPWARD);
    up = quotient();
  }
  {
    const test::HostMode host(true);
    flushed = tiny / two;
  }
  EXPECT_LT(down, up);
  EXPECT_TRUE(nearest == down || nearest == up);
  if (test::flush_bits != 0) {
    EXPECT_EQ(flushed, 0.0f);
  }
}

}  // namespace
}  // namespace qsim::sweep
