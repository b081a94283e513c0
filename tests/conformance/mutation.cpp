// The mutation check: every field that a row's rules read matters to a case, or equivalent.txt says
// why not. One test per group of fields; rows with equal fields share their verdicts.

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "conformance/equivalent.hpp"
#include "conformance/family.hpp"
#include "num/host.hpp"
#include "profile/mutate.hpp"
#include "profile/values.hpp"
#include "qsim/profile/catalogue.hpp"
#include "qsim/profile/uses.hpp"

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

/// The struct of a profile that a field belongs to; chains of products are structs of their own.
std::string group_of(const std::string& path) {
  const std::size_t from = path.rfind("products.", 0) == 0 ? 9 : 0;
  return path.substr(0, path.find('.', from));
}

/// All groups with a field that some row's rules read.
std::vector<std::string> groups() {
  std::vector<std::string> all;
  for (const test::FieldValue& field : test::field_values(Profile{})) {
    const std::string group = group_of(field.path);
    if (!all.empty() && all.back() == group) continue;
    for (const Profile& row : catalogue()) {
      if (!uses(row, field.path)) continue;
      all.push_back(group);
      break;
    }
  }
  return all;
}

/// The changes of a row's own fields in one group.
std::vector<test::Mutant> mutants_of(const Profile& row, const std::string& group) {
  return test::mutants(
      row, [&](const std::string& path) { return group_of(path) == group && uses(row, path); });
}

/// The values of the fields that a family depends on.
std::string key_of(const Family& family, const Profile& row) {
  std::string key = family.name;
  for (const test::FieldValue& field : test::field_values(row))
    if (test::within_any(field.path, family.fields)) key += ' ' + std::to_string(field.value);
  return key;
}

/// Says which family notices a change, remembering verdicts of rows with equal fields.
class Jury {
 public:
  /// The first family with a case that tells the mutant from the row; empty: none.
  std::string notices(const Profile& row, const test::Mutant& mutant) {
    for (const Family& family : families_) {
      if (!test::within_any(mutant.path, family.fields)) continue;
      const bool before = family.applies(row), after = family.applies(mutant.profile);
      if (before != after || (before && differs(family, row, mutant))) return family.name;
    }
    return "";
  }

 private:
  bool differs(const Family& family, const Profile& row, const test::Mutant& mutant) {
    const std::string& key = known_key(family, row);
    const auto [verdict, fresh] =
        verdicts_.try_emplace(key + ' ' + mutant.path + '=' + mutant.value, false);
    if (!fresh) return verdict->second;
    std::vector<Bytes>& answers = answers_[key];
    const std::vector<Bytes>& cases = family.cases();
    for (std::size_t i = 0; i < cases.size() && !verdict->second; ++i) {
      if (i == answers.size()) answers.push_back(family.answer(row, cases[i]));
      verdict->second = family.answer(mutant.profile, cases[i]) != answers[i];
    }
    return verdict->second;
  }
  const std::string& known_key(const Family& family, const Profile& row) {
    std::string& key = keys_[family.name + ' ' + std::string(row.name.view())];
    if (key.empty()) key = key_of(family, row);
    return key;
  }

  std::vector<Family> families_ = families();
  std::map<std::string, std::string> keys_;
  std::map<std::string, bool> verdicts_;
  std::map<std::string, std::vector<Bytes>> answers_;
};

class Mutation : public testing::TestWithParam<std::string> {};

TEST_P(Mutation, EveryFieldIsNoticedOrListedAsEquivalent) {
  if (!test::on_x86) GTEST_SKIP() << "mutation: results are the same on every host; x86 tells";
  if (sanitized) GTEST_SKIP() << "mutation: takes minutes under a sanitizer; plain builds run it";
  const std::vector<Equivalent> equivalents = read_equivalents();
  Jury jury;
  int noticed = 0, equivalent = 0;
  for (const Profile& row : catalogue()) {
    for (const test::Mutant& mutant : mutants_of(row, GetParam())) {
      const std::string family = jury.notices(row, mutant);
      ++(family.empty() ? equivalent : noticed);
      bool listed = false;
      for (const Equivalent& line : equivalents) {
        if (!line.covers(row, mutant)) continue;
        listed = true;
        EXPECT_EQ(family, "") << "stale: " << row.name.view() << ' ' << mutant.path << " = "
                              << mutant.value << " is noticed, but listed: " << line.line;
      }
      EXPECT_TRUE(listed || !family.empty())
          << row.name.view() << ": no case notices " << mutant.path << " = " << mutant.value
          << " (was " << get_field(row, mutant.path)
          << "); add a case, or a line with the reason to tests/conformance/equivalent.txt";
    }
  }
  RecordProperty("noticed", noticed);
  RecordProperty("equivalent", equivalent);
  std::cout << noticed << " mutants noticed, " << equivalent << " equivalent\n";
}

INSTANTIATE_TEST_SUITE_P(Fields, Mutation, testing::ValuesIn(groups()), [](const auto& param) {
  std::string name = param.param;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

TEST(Equivalents, EveryLineCoversAFieldOfARow) {
  const std::vector<Equivalent> equivalents = read_equivalents();
  std::vector<int> used(equivalents.size());
  for (const Profile& row : catalogue())
    for (const test::Mutant& mutant :
         test::mutants(row, [&](const std::string& path) { return uses(row, path); }))
      for (std::size_t i = 0; i < equivalents.size(); ++i)
        if (used[i] == 0 && equivalents[i].covers(row, mutant)) ++used[i];
  for (std::size_t i = 0; i < equivalents.size(); ++i)
    EXPECT_GT(used[i], 0) << "stale: no row has such a field: " << equivalents[i].line;
}

TEST(Equivalents, ALineNeedsAReason) {
  EXPECT_THROW(Equivalent::parse("conv.block when conv.n_steps=0"), std::invalid_argument);
  EXPECT_THROW(Equivalent::parse("conv.block if conv.n_steps=0 # because"), std::invalid_argument);
}

TEST(Equivalents, ALineCoversByPathValueAndCondition) {
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

TEST(Equivalents, APlainChainHasNoOrder) {
  const auto plain = [](const char* row_name, const char* path, const char* value) {
    const Profile row = find_profile(row_name);
    return Equivalent::plain(row, {path, value, with_field(row, path, value)});
  };
  EXPECT_TRUE(plain("exact.i32", "products.u8s8.block", "2"));
  EXPECT_FALSE(plain("exact.i32", "products.u8s8.halves_rhs", "true"));
  EXPECT_FALSE(plain("exact.i32", "products.u8s8.acc_overflow", "saturate"));
  EXPECT_FALSE(plain("ort-1.30.x64.avx2", "products.u8s8.block", "4"));
}

}  // namespace
}  // namespace qsim::court
