#include "qsim/base/check.hpp"

#include <gtest/gtest.h>

#include <string>

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

TEST(Check, TextJoinsItsPartsInOrder) { EXPECT_EQ(text("a", 1, ':', -2), "a1:-2"); }

TEST(Check, FailThrowsTheNamedErrorWithTheJoinedMessage) {
  EXPECT_EQ(message_of<BadArgument>([] { fail<BadArgument>("x: got ", 3); }), "x: got 3");
  EXPECT_EQ(message_of<NotSupported>([] { fail<NotSupported>("no ", "tile"); }), "no tile");
  EXPECT_EQ(message_of<UnknownName>([] { fail<UnknownName>("row"); }), "row");
  EXPECT_EQ(message_of<BadFile>([] { fail<BadFile>("byte ", 7); }), "byte 7");
}

TEST(Check, ErrorKindsAreUnrelated) {
  EXPECT_FALSE((std::is_base_of_v<BadArgument, UnknownName>));
  EXPECT_FALSE((std::is_base_of_v<NotSupported, BadFile>));
  EXPECT_FALSE((std::is_base_of_v<BadFile, NotSupported>));
}

TEST(Check, ABrokenPromiseNamesTheConditionAndAsksForAReport) {
  const int one = 1;
  const std::string message = message_of<Bug>([&] { QSIM_ASSERT(one == 2); });
  EXPECT_NE(message.find("one == 2"), std::string::npos) << message;
  EXPECT_NE(message.find("check.cpp"), std::string::npos) << message;
  EXPECT_NE(message.find("please report"), std::string::npos) << message;
}

TEST(Check, AKeptPromiseEvaluatesItsConditionOnce) {
  int evaluated = 0;
  QSIM_ASSERT(++evaluated == 1);
  EXPECT_EQ(evaluated, 1);
}

}  // namespace
}  // namespace qsim
