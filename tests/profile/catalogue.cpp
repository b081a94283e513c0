#include "qsim/profile/catalogue.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qsim/profile/text.hpp"

namespace qsim {
namespace {

TEST(Catalogue, EveryRowIsValid) {
  for (const Profile& row : catalogue()) EXPECT_NO_THROW(validate(row)) << row.name.view();
}

TEST(Catalogue, NamesAreUniqueAndFillTheirGrammar) {
  std::set<std::string_view> seen;
  const std::vector<Profile> rows = catalogue();
  for (const Profile& row : rows) {
    const std::string_view name = row.name.view();
    EXPECT_TRUE(seen.insert(name).second) << name;
    EXPECT_TRUE(name[0] >= 'a' && name[0] <= 'z') << name;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-_"),
              std::string_view::npos) << name;
  }
}

TEST(Catalogue, FindsEveryRowByItsName) {
  for (const Profile& row : catalogue()) EXPECT_EQ(find_profile(row.name.view()), row);
}

TEST(Catalogue, RefusesAnUnknownNameByRepeatingIt) {
  try {
    find_profile("mnn-2.9.0.x64.avx3");
    FAIL() << "found a row of that name";
  } catch (const UnknownName& e) {
    EXPECT_NE(std::string(e.what()).find("mnn-2.9.0.x64.avx3"), std::string::npos) << e.what();
  }
}

// A processor's row is what its users look for by name, even where it computes like another.
TEST(Catalogue, NoOtherRowsThanTheseComputeTheSame) {
  std::map<std::uint64_t, std::string> first;
  std::set<std::pair<std::string, std::string>> equal;
  for (const Profile& row : catalogue()) {
    const std::string name(row.name.view());
    const auto [known, fresh] = first.emplace(digest(row), name);
    if (!fresh) equal.insert({known->second, name});
  }
  const std::set<std::pair<std::string, std::string>> processors{
      {"ort-1.30.x64.avx512", "ort-1.30.x64.avx2"}, {"fbgemm.x64.avx2", "fbgemm.x64.avx512"}};
  EXPECT_EQ(equal, processors);
}

TEST(Name, KeepsAtMost47Characters) {
  const std::string longest(47, 'a');
  EXPECT_EQ(Name(longest).view(), longest);
  EXPECT_EQ(Name(longest + "b").view(), longest);
  EXPECT_EQ(Name().view(), "");
}

}  // namespace
}  // namespace qsim
