#include "qsim/profile/catalogue.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

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
    EXPECT_NE(name.find('.'), std::string_view::npos) << name;
    for (const char c : name)
      EXPECT_TRUE((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-') << name;
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

TEST(Catalogue, RowsThatClaimOtherEvidenceAloneAreNotRepeated) {
  const std::vector<Profile> rows = catalogue();
  std::set<std::uint64_t> digests;
  for (const Profile& row : rows) digests.insert(digest(row));
  EXPECT_EQ(digests.size(), rows.size()) << "two rows compute the same; one name is enough";
}

TEST(Name, KeepsAtMost47Characters) {
  const std::string longest(47, 'a');
  EXPECT_EQ(Name(longest).view(), longest);
  EXPECT_EQ(Name(longest + "b").view(), longest);
  EXPECT_EQ(Name().view(), "");
}

}  // namespace
}  // namespace qsim
