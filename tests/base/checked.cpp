#include "qsim/base/checked.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>

namespace qsim {
namespace {

constexpr std::size_t largest = std::numeric_limits<std::size_t>::max();

TEST(CheckedMul, AnswersEveryProductThatFits) {
  EXPECT_EQ(checked_mul(0, largest), 0u);
  EXPECT_EQ(checked_mul(largest, 0), 0u);
  EXPECT_EQ(checked_mul(largest, 1), largest);
  EXPECT_EQ(checked_mul(largest / 2, 2), largest - 1);
  EXPECT_EQ(checked_mul(65535, 65537), 0xffffffffu);
}

TEST(CheckedMul, RefusesTheFirstProductThatDoesNotFit) {
  EXPECT_THROW(checked_mul(largest / 2 + 1, 2), BadArgument);
  EXPECT_THROW(checked_mul(largest, 2), BadArgument);
  EXPECT_THROW(checked_mul(largest, largest), BadArgument);
}

TEST(ElementCount, OfAScalarIsOne) { EXPECT_EQ(element_count({}), 1u); }

TEST(ElementCount, MultipliesExtents) {
  const std::array<std::int64_t, 4> shape{2, 3, 5, 7};
  EXPECT_EQ(element_count(shape), 210u);
}

TEST(ElementCount, OfAnEmptyExtentIsZero) {
  const std::array<std::int64_t, 3> shape{4, 0, 9};
  EXPECT_EQ(element_count(shape), 0u);
}

TEST(ElementCount, RefusesANegativeExtentByValue) {
  const std::array<std::int64_t, 2> shape{4, -3};
  try {
    element_count(shape);
    FAIL() << "accepted a negative extent";
  } catch (const BadArgument& e) {
    EXPECT_NE(std::string(e.what()).find("-3"), std::string::npos) << e.what();
  }
}

TEST(ElementCount, RefusesAShapeWhoseProductOverflows) {
  const std::array<std::int64_t, 3> shape{std::int64_t{1} << 32, std::int64_t{1} << 31, 2};
  EXPECT_THROW(element_count(shape), BadArgument);
}

TEST(CheckedCast, KeepsEveryValueOfTheNarrowType) {
  for (int v = -128; v <= 127; ++v) EXPECT_EQ(checked_cast<std::int8_t>(v, "v"), v);
}

TEST(CheckedCast, RefusesValuesJustOutside) {
  EXPECT_THROW(checked_cast<std::int8_t>(128, "v"), BadArgument);
  EXPECT_THROW(checked_cast<std::int8_t>(-129, "v"), BadArgument);
  EXPECT_THROW(checked_cast<std::uint8_t>(256, "v"), BadArgument);
}

TEST(CheckedCast, RefusesASignChangeOfEqualWidth) {
  EXPECT_THROW(checked_cast<std::uint64_t>(std::int64_t{-1}, "v"), BadArgument);
  EXPECT_THROW(checked_cast<std::int64_t>(largest, "v"), BadArgument);
}

TEST(CheckedCast, NamesArgumentAndValue) {
  try {
    checked_cast<std::int8_t>(300, "extent");
    FAIL() << "accepted 300 as int8";
  } catch (const BadArgument& e) {
    EXPECT_NE(std::string(e.what()).find("extent: value 300"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace qsim
