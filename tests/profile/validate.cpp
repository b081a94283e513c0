// What validate refuses, field by field.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "qsim/profile/catalogue.hpp"
#include "qsim/profile/text.hpp"

namespace qsim {
namespace {

struct Change {
  const char* path;
  const char* value;
};

/// The message of validate after the changes; empty if it accepts.
std::string refusal(const std::vector<Change>& changes) {
  Profile p = find_profile("mnn-2.9.0.x64.avx2");
  for (const Change& change : changes) p = with_field(p, change.path, change.value);
  try {
    validate(p);
  } catch (const BadArgument& e) {
    return e.what();
  }
  return "";
}

#define EXPECT_REFUSED(part, ...)                                                      \
  do {                                                                                 \
    const std::string message = refusal({__VA_ARGS__});                                \
    EXPECT_NE(message.find(part), std::string::npos) << "message: \"" << message << '"'; \
  } while (false)

TEST(Validate, BlocksHold1To64Products) {
  EXPECT_REFUSED("conv.block: expected 1..64, got 0", {"conv.block", "0"});
  EXPECT_REFUSED("conv_fast.block: expected 1..64, got 65", {"conv_fast.block", "65"});
  EXPECT_EQ(refusal({{"conv.block", "64"}}), "");
}

TEST(Validate, ThereAreAtMostThreeSteps) {
  EXPECT_REFUSED("conv.n_steps: expected 0..3, got 4", {"conv.n_steps", "4"});
}

TEST(Validate, AStepDividesTheValuesThatAreLeft) {
  EXPECT_REFUSED("conv.step0: expected fan_in*stride to divide the 2", {"conv.step0.fan_in", "3"});
  EXPECT_REFUSED("conv_fast.step1: expected fan_in*stride to divide the 2",
                 {"conv_fast.step1.stride", "2"});
  EXPECT_REFUSED("conv.step0: expected", {"conv.step0.fan_in", "0"});
  EXPECT_REFUSED("conv.step0: expected", {"conv.step0.stride", "0"});
}

TEST(Validate, UnusedStepsMayHoldAnything) {
  EXPECT_EQ(refusal({{"conv.step1.fan_in", "7"}, {"conv.step2.bits", "99"}}), "");
}

TEST(Validate, WordsHold8To32Bits) {
  EXPECT_REFUSED("conv.step0.bits: expected 8..32 or 64, got 7", {"conv.step0.bits", "7"});
  EXPECT_REFUSED("conv.step0.bits: expected 8..32 or 64, got 33", {"conv.step0.bits", "33"});
  EXPECT_REFUSED("conv, conv_fast: expected a plain int32 chain", {"conv.acc_bits", "64"});
}

TEST(Validate, ThereAre1To16Lanes) {
  EXPECT_REFUSED("conv.acc_lanes: expected 1..16, got 0", {"conv.acc_lanes", "0"});
  EXPECT_REFUSED("conv.acc_lanes: expected 1..16, got 17", {"conv.acc_lanes", "17"});
}

TEST(Validate, AnUnsignedLeftSideIsShiftedBy128AndNoOtherIs) {
  EXPECT_REFUSED("conv.lhs_unsigned: expected 0 for lhs_offset 0", {"conv.lhs_offset", "0"});
  EXPECT_REFUSED("conv.lhs_offset: expected 0 or 128, got 127", {"conv.lhs_offset", "127"});
  EXPECT_REFUSED("conv.lhs_unsigned: expected 1 for lhs_offset 128",
                 {"conv.lhs_unsigned", "false"});
}

TEST(Validate, BothChainsSeeTheSameLeftSide) {
  EXPECT_REFUSED("conv_fast.lhs_offset: expected conv.lhs_offset 0", {"conv.lhs_offset", "0"},
                 {"conv.lhs_unsigned", "false"});
}

TEST(Validate, PatchesHoldWholeWords) {
  EXPECT_REFUSED("patch: expected a block of whole 4-byte words", {"patch.block", "6"});
  EXPECT_REFUSED("patch: expected a block of whole 4-byte words", {"patch.block", "0"});
  EXPECT_REFUSED("pixels 0", {"patch.pixels", "0"});
}

TEST(Validate, GroupsHoldAtLeastOne) {
  EXPECT_REFUSED("group: expected >= 1", {"fuse.group", "0"});
  EXPECT_REFUSED("group: expected >= 1", {"float_math.group", "0"});
}

TEST(Validate, FloatDotsHave1Or4Or8Lanes) {
  for (const char* lanes : {"0", "2", "16"}) {
    EXPECT_REFUSED("expected dot products with 1, 4 or 8 lanes", {"float_math.conv.lanes", lanes});
    EXPECT_REFUSED("1, 4 or 8 lanes", {"float_math.matmul_row.lanes", lanes});
  }
}

}  // namespace
}  // namespace qsim
