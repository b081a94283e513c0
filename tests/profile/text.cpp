#include "qsim/profile/text.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "profile/mutate.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim {
namespace {

template <class Error, class Act>
std::string message_of(Act act) {
  try {
    act();
  } catch (const Error& e) {
    return e.what();
  }
  return "(nothing was thrown)";
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

TEST(ProfileText, EveryRowReadsBackEqual) {
  for (const Profile& row : catalogue()) EXPECT_EQ(from_text(to_text(row)), row);
}

TEST(ProfileText, AChangeOfAnyFieldReadsBackEqual) {
  std::set<std::string> read;
  for (const test::Mutant& mutant : test::mutants(find_profile("mnn-2.9.0.arm64.neon"))) {
    if (!read.insert(mutant.path).second) continue;
    ASSERT_EQ(from_text(to_text(mutant.profile)), mutant.profile) << mutant.path;
  }
}

TEST(ProfileText, BeginsWithTheNameAndHasOneLinePerFieldThatIsSet) {
  const Profile row = catalogue().front();
  const std::string source = to_text(row);
  EXPECT_EQ(source.rfind("name = mnn-2.9.0.x64.sse\n", 0), 0u);
  std::map<std::string, std::string> defaults;
  const Profile none;
  for_each_field(none, [&](const std::string& path, auto) {
    defaults[path] = get_field(none, path);
  });
  std::size_t set = 0;
  for (const auto& [path, value] : defaults) {
    const std::string now = get_field(row, path);
    if (now == value) continue;
    ++set;
    EXPECT_NE(source.find("\n" + path + " = " + now + "\n"), std::string::npos) << path;
  }
  EXPECT_GT(set, 20u);
  EXPECT_EQ(static_cast<std::size_t>(std::count(source.begin(), source.end(), '\n')), set + 1);
}

TEST(ProfileText, LeftOutFieldsKeepTheirDefaults) {
  Profile want;
  want.conv.block = 8;
  EXPECT_EQ(from_text("conv.block = 8\n"), want);
  EXPECT_EQ(from_text("\n\nconv.block = 8"), want);
}

TEST(ProfileText, RefusesALineWithoutAValueByNumber) {
  const std::string message =
      message_of<BadFile>([] { from_text("conv.block = 8\nconv.n_steps 1\n"); });
  EXPECT_TRUE(contains(message, "line 2")) << message;
  EXPECT_TRUE(contains(message, "conv.n_steps 1")) << message;
}

TEST(ProfileText, RefusesARowThatCannotBeInterpreted) {
  EXPECT_THROW(from_text("conv.block = 65\n"), BadArgument);
}

TEST(ProfileFields, PathsAreUnique) {
  std::set<std::string> seen;
  const Profile row;
  for_each_field(row, [&](const std::string& path, auto) {
    EXPECT_TRUE(seen.insert(path).second) << path;
  });
  EXPECT_EQ(seen.count("conv.step2.overflow") + seen.count("cast.narrow.convert.ties"), 2u);
}

TEST(ProfileFields, EveryByteOfAProfileIsReachedByAPath) {
  // Two rows that agree in every field are equal, so no member is missing from the walk.
  Profile copy;
  const Profile row = find_profile("mnn-2.9.0.arm64.neon");
  for_each_field(row, [&](const std::string& path, auto) {
    copy = with_field(copy, path, get_field(row, path));
  });
  copy.name = row.name;
  EXPECT_EQ(copy, row);
}

TEST(ProfileFields, GetAndSetAreInverse) {
  test::FreshMutants mutants;
  for (const Profile& row : catalogue())
    for (const test::Mutant& mutant : mutants.of(row)) {
      ASSERT_EQ(get_field(mutant.profile, mutant.path), mutant.value);
      ASSERT_EQ(with_field(mutant.profile, mutant.path, get_field(row, mutant.path)), row);
    }
}

TEST(ProfileFields, UnknownPathsAreRefusedByName) {
  const Profile row;
  const std::string message =
      message_of<UnknownName>([&] { with_field(row, "conv.step3.bits", "8"); });
  EXPECT_TRUE(contains(message, "conv.step3.bits")) << message;
  EXPECT_THROW(get_field(row, "name"), UnknownName);
  EXPECT_THROW(get_field(row, "conv"), UnknownName);
  EXPECT_THROW(get_field(row, ""), UnknownName);
}

TEST(ProfileFields, AnUnknownEnumeratorIsRefusedWithTheLegalOnes) {
  const std::string message = message_of<BadArgument>(
      [] { with_field(Profile{}, "conv.acc_overflow", "clip"); });
  EXPECT_TRUE(contains(message, "conv.acc_overflow: expected one of wrap, saturate")) << message;
  EXPECT_TRUE(contains(message, "\"clip\"")) << message;
}

TEST(ProfileFields, ABadTruthValueIsRefused) {
  for (const char* value : {"1", "True", "yes", ""}) {
    const std::string message =
        message_of<BadArgument>([&] { with_field(Profile{}, "conv.lhs_unsigned", value); });
    EXPECT_TRUE(contains(message, "expected true or false")) << message;
  }
}

TEST(ProfileFields, ABadIntegerIsRefusedWithTheRange) {
  for (const char* value : {"256", "-1", "8x", " 8 ", "", "1e1", "99999999999999999999"}) {
    const std::string message =
        message_of<BadArgument>([&] { with_field(Profile{}, "conv.block", value); });
    EXPECT_TRUE(contains(message, "conv.block: expected an integer in 0..255")) << message;
  }
  EXPECT_EQ(with_field(Profile{}, "cast.narrow.offset", "-32768").cast.narrow.offset, -32768);
}

TEST(ProfileDigest, ChangesWithEveryFieldButEvidence) {
  test::FreshMutants mutants;
  for (const Profile& row : catalogue()) {
    std::map<std::uint64_t, std::string> seen{{digest(row), "the row"}};
    for (const test::Mutant& mutant : mutants.of(row)) {
      if (mutant.path == "evidence") {
        ASSERT_EQ(digest(mutant.profile), digest(row));
        continue;
      }
      const auto [at, fresh] = seen.emplace(digest(mutant.profile), mutant.path);
      ASSERT_TRUE(fresh) << mutant.path << " and " << at->second << " share a digest";
    }
  }
}

TEST(ProfileDigest, IgnoresTheName) {
  Profile row = find_profile("ieee.fp32");
  const std::uint64_t before = digest(row);
  row.name = {"mine"};
  EXPECT_EQ(digest(row), before);
}

// What validate binds to another field, so that no single change is legal, and what has one value.
TEST(ProfileMutants, CoverEveryFieldThatIsFree) {
  std::set<std::string> touched;
  for (const Profile& row : catalogue()) {
    const auto untouched = [&](const std::string& path) { return !touched.contains(path); };
    for (const test::Mutant& mutant : test::mutants(row, untouched)) touched.insert(mutant.path);
  }
  const auto ends = [](const std::string& path, const std::string& with) {
    return path.size() >= with.size() && path.substr(path.size() - with.size()) == with;
  };
  const std::set<std::string> bound{
      "window.indirect.rhs_offset", "taps.other.step0.stride", "products.s16s8.acc_overflow",
      "products.s16s16.acc_overflow", "requant_product.bias", "requant_row.bias",
      "requant16_product.bias", "grouped.bias", "channelwise.bias", "channelwise_rest.bias"};
  const auto bound_by_graphs = [&](const std::string& path) {
    for (const char* field : {".rhs_offset", ".zero_points", ".halves_rhs", ".spill"})
      if (path == "conv" + std::string(field) || path == "conv_fast" + std::string(field))
        return true;
    return false;
  };
  const Profile none;
  for_each_field(none, [&](const std::string& path, auto) {
    if (ends(path, "scheme") || path.find("lhs_") != std::string::npos) return;
    const bool free = !bound.contains(path) && !bound_by_graphs(path);
    EXPECT_EQ(touched.contains(path), free) << path;
  });
}

}  // namespace
}  // namespace qsim
