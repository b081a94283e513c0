// The mutation check: every field of every row matters to a case, or equivalent.txt says why not.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "conformance/court.hpp"
#include "conformance/golden.hpp"
#include "profile/mutate.hpp"
#include "qsim/profile/catalogue.hpp"

// Clang names its sanitizers by a feature, GCC by a macro.
#if defined(__has_feature)
#define QSIM_SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define QSIM_SANITIZED 1
#else
#define QSIM_SANITIZED 0
#endif

namespace qsim::court {
namespace {

constexpr bool sanitized = QSIM_SANITIZED;

bool matches(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (text.substr(0, star) != pattern.substr(0, star)) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (std::size_t from = star; from <= text.size(); ++from)
    if (matches(rest, text.substr(from))) return true;
  return false;
}

/// One line: `<path>[=<new value>] [when <path><op><value> ...] # <reason>`, <op> one of = < !=.
/// `*` stands for any text in a path; `@` in a condition repeats what the first `*` stood for.
/// The condition `plain`: before and after the change the chain is a plain sum, which has no order.
struct Equivalent {
  std::string line, path, value;
  std::vector<std::string> conditions;

  static Equivalent parse(const std::string& line) {
    const std::size_t hash = line.find(" # ");
    if (hash == std::string::npos || line.size() < hash + 6)
      throw std::invalid_argument("equivalent.txt: expected a reason after #: " + line);
    std::istringstream words(line.substr(0, hash));
    Equivalent e{line, "", "", {}};
    words >> e.path;
    if (const std::size_t equals = e.path.find('='); equals != std::string::npos) {
      e.value = e.path.substr(equals + 1);
      e.path.resize(equals);
    }
    std::string word;
    if (words >> word && word != "when")
      throw std::invalid_argument("equivalent.txt: expected when, got " + word + ": " + line);
    while (words >> word) e.conditions.push_back(word);
    return e;
  }

  static bool plain(const Profile& row, const std::string& path) {
    const bool fast = path.rfind("conv_fast", 0) == 0;
    return emu::is_plain_sum(fast ? row.conv_fast : row.conv) &&
           (fast || row.tile.doubled_rows == 0);
  }

  bool covers(const Profile& row, const test::Mutant& mutant) const {
    if (!matches(path, mutant.path)) return false;
    if (!value.empty() && value != mutant.value) return false;
    const std::size_t star = path.find('*');
    std::string stood;
    if (star != std::string::npos) {
      const std::string tail = path.substr(star + 1, path.find('*', star + 1) - star - 1);
      stood = mutant.path.substr(star, mutant.path.find(tail, star) - star);
    }
    return std::all_of(conditions.begin(), conditions.end(), [&](std::string condition) {
      if (const std::size_t at = condition.find('@'); at != std::string::npos)
        condition.replace(at, 1, stood);
      if (condition == "plain")
        return plain(row, mutant.path) && plain(mutant.profile, mutant.path);
      const std::size_t op = condition.find_first_of("=<!");
      const std::string have = get_field(row, condition.substr(0, op));
      const std::string want = condition.substr(condition.find_last_of("=<!") + 1);
      if (condition[op] == '<') return std::stoi(have) < std::stoi(want);
      return (have == want) == (condition[op] == '=');
    });
  }
};

std::vector<Equivalent> read_equivalents() {
  std::ifstream file(QSIM_TEST_DATA "/../conformance/equivalent.txt");
  std::vector<Equivalent> all;
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && line[0] != '#') all.push_back(Equivalent::parse(line));
  return all;
}

/// Families in the order in which they are likely to notice a change of `path`.
std::vector<std::string> likely_families(const std::string& path) {
  static const std::vector<std::pair<std::string, std::vector<std::string>>> table{
      {"conv", {"dot"}},
      {"tile", {"conv"}},
      {"patch", {"taps"}},
      {"epilogue", {"conv"}},
      {"depthwise", {"depthwise"}},
      {"fuse", {"fuse"}},
      {"cast", {"quantize"}},
      {"pool", {"max_pool", "avg_pool"}},
      {"eltwise", {"binary"}},
      {"float_mode", {"dequantize", "float_dot"}},
      {"float_math", {"float_dot", "exp", "sigmoid", "tanh"}}};
  for (const auto& [prefix, names] : table)
    if (path.rfind(prefix, 0) == 0) return names;
  return {};
}

/// All families with their cases and, per row, their results.
class Jury {
 public:
  Jury() : families_(families()) {}

  void seat(const Profile& row) {
    results_.clear();
    for (const Family& family : families_)
      for (const Bytes& bytes : family.cases)
        results_[family.name].push_back(run(row, family.name, bytes));
  }
  /// The first family with a case that tells the mutant from the seated row; empty: none.
  std::string notices(const test::Mutant& mutant) const {
    const std::vector<std::string> first = likely_families(mutant.path);
    for (const std::string& name : first)
      if (differs(mutant.profile, name)) return name;
    for (const Family& family : families_)
      if (std::find(first.begin(), first.end(), family.name) == first.end() &&
          differs(mutant.profile, family.name))
        return family.name;
    return "";
  }

 private:
  bool differs(const Profile& profile, const std::string& name) const {
    const auto family = std::find_if(families_.begin(), families_.end(),
                                     [&](const Family& f) { return f.name == name; });
    const std::vector<Bytes>& want = results_.at(name);
    for (std::size_t i = 0; i < want.size(); ++i)
      if (run(profile, name, family->cases[i]) != want[i]) return true;
    return false;
  }

  std::vector<Family> families_;
  std::map<std::string, std::vector<Bytes>> results_;
};

TEST(Mutation, EveryFieldOfEveryRowIsNoticedOrListedAsEquivalent) {
  if (!test::on_x86) GTEST_SKIP() << "mutation: results are the same on every host; x86 tells";
  if (sanitized) GTEST_SKIP() << "mutation: takes minutes under a sanitizer; plain builds run it";
  const std::vector<Equivalent> equivalents = read_equivalents();
  std::vector<int> used(equivalents.size());
  Jury jury;
  int noticed = 0, equivalent = 0;
  for (const Profile& row : catalogue()) {
    jury.seat(row);
    for (const test::Mutant& mutant : test::mutants(row)) {
      const std::string family = jury.notices(mutant);
      ++(family.empty() ? equivalent : noticed);
      bool listed = false;
      for (std::size_t i = 0; i < equivalents.size(); ++i) {
        if (!equivalents[i].covers(row, mutant)) continue;
        listed = true;
        ++used[i];
        EXPECT_EQ(family, "") << "stale: " << row.name.view() << ' ' << mutant.path << " = "
                              << mutant.value << " is noticed, but listed: " << equivalents[i].line;
      }
      EXPECT_TRUE(listed || !family.empty())
          << row.name.view() << ": no case notices " << mutant.path << " = " << mutant.value
          << " (was " << get_field(row, mutant.path)
          << "); add a case, or a line with the reason to tests/conformance/equivalent.txt";
    }
  }
  for (std::size_t i = 0; i < equivalents.size(); ++i)
    EXPECT_GT(used[i], 0) << "stale: no row has such a field: " << equivalents[i].line;
  RecordProperty("noticed", noticed);
  RecordProperty("equivalent", equivalent);
  std::cout << noticed << " mutants noticed, " << equivalent << " equivalent\n";
}

TEST(Mutation, AnEquivalentLineNeedsAReason) {
  EXPECT_THROW(Equivalent::parse("conv.block when conv.n_steps=0"), std::invalid_argument);
  EXPECT_THROW(Equivalent::parse("conv.block if conv.n_steps=0 # because"), std::invalid_argument);
}

TEST(Mutation, AnEquivalentLineCoversByPathValueAndCondition) {
  const Profile row = find_profile("mnn-2.9.0.x64.sse");
  const auto covers = [&](const char* line, const char* path, const char* value) {
    return Equivalent::parse(line).covers(row, {path, value, row});
  };
  EXPECT_TRUE(covers("*.step2.bits when @.n_steps<2 # unused", "conv_fast.step2.bits", "31"));
  EXPECT_FALSE(covers("*.step2.bits when @.n_steps<1 # unused", "conv_fast.step2.bits", "31"));
  EXPECT_FALSE(covers("*.step2.bits=30 # unused", "conv.step2.bits", "31"));
  EXPECT_TRUE(covers("evidence when tile.rows!=4 # not arithmetic", "evidence", "assumed"));
  EXPECT_FALSE(covers("evidence when tile.rows=4 # not arithmetic", "evidence", "assumed"));
}

}  // namespace
}  // namespace qsim::court
