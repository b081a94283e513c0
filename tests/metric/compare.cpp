#include "qsim/metric/compare.hpp"

#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "num/host.hpp"
#include "qsim/base/check.hpp"

namespace qsim::metric {
namespace {

using Floats = std::vector<float>;
using Codes = std::vector<std::int8_t>;
using Marks = std::vector<std::uint8_t>;

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float inf = std::numeric_limits<float>::infinity();

Metrics reals(const Floats& a, const Floats& b) { return compare({a, {}, {}}, {b, {}, {}}); }

TEST(Compare, EqualTensorsAreEqual) {
  const Metrics m = reals({1.0f, -2.0f}, {1.0f, -2.0f});
  EXPECT_EQ(m.elements, 2u);
  EXPECT_EQ(m.exact_match(), 1.0);
  EXPECT_EQ(m.max_abs, 0.0);
  EXPECT_EQ(m.cosine, 1.0);
  EXPECT_EQ(m.sqnr_db, std::numeric_limits<double>::infinity());
}

TEST(Compare, CountsByHand) {
  const Metrics m = reals({3.0f, 4.0f, 0.0f}, {3.0f, 4.0f, 0.5f});
  EXPECT_EQ(m.equal, 2u);
  EXPECT_EQ(m.exact_match(), 2.0 / 3.0);
  EXPECT_EQ(m.max_abs, 0.5);
  EXPECT_EQ(m.sqnr_db, 20.0);  // 10 log10(25 / 0.25)
  EXPECT_DOUBLE_EQ(m.cosine, 25.0 / std::sqrt(25.0 * 25.25));
}

TEST(Compare, ZeroAndMinusZeroAreNotTheSameBits) {
  const Metrics m = reals({0.0f}, {-0.0f});
  EXPECT_EQ(m.equal, 0u);
  EXPECT_EQ(m.max_abs, 0.0);
  EXPECT_EQ(m.cosine, 1.0);
}

TEST(Compare, AnyTwoNansAreEqual) {
  const Metrics m = reals({nan, 1.0f}, {-nan, 1.0f});
  EXPECT_EQ(m.equal, 2u);
  EXPECT_EQ(m.nonfinite_a, 1u);
  EXPECT_EQ(m.nonfinite_b, 1u);
  EXPECT_EQ(m.finite_mismatch, 0u);
}

TEST(Compare, ANonFiniteElementPoisonsCosineAndSqnr) {
  const Metrics m = reals({1.0f, inf, 2.0f}, {1.0f, 3.0f, 2.5f});
  EXPECT_TRUE(std::isnan(m.cosine));
  EXPECT_TRUE(std::isnan(m.sqnr_db));
  EXPECT_EQ(m.finite_mismatch, 1u);
  EXPECT_EQ(m.max_abs, 0.5);
}

TEST(Compare, ZeroAgainstSomethingHasNoDirection) {
  const Metrics m = reals({0.0f, 0.0f}, {0.0f, 1.0f});
  EXPECT_EQ(m.cosine, 0.0);
  EXPECT_EQ(m.sqnr_db, -std::numeric_limits<double>::infinity());
}

TEST(Compare, NothingMatchesNothing) {
  const Metrics m = reals({}, {});
  EXPECT_EQ(m.elements, 0u);
  EXPECT_EQ(m.exact_match(), 1.0);
  EXPECT_EQ(m.max_lsb, -1);
}

TEST(Compare, CodesDifferByWholeSteps) {
  const Floats real{0.0f, 0.0f};
  const Codes a{-128, 5}, b{127, 5};
  const Metrics m = compare({real, a, {}}, {real, b, {}});
  EXPECT_EQ(m.max_lsb, 255);
  EXPECT_EQ(m.equal, 1u);
}

TEST(Compare, StepsNeedCodesOnBothSides) {
  const Floats real{1.0f};
  const Codes code{3};
  EXPECT_EQ(compare({real, code, {}}, {real, {}, {}}).max_lsb, -1);
  EXPECT_EQ(compare({real, code, {}}, {real, code, {}}).max_lsb, 0);
}

TEST(Compare, UnspecifiedElementsOfEitherSideAreLeftOut) {
  const Floats a{1.0f, 2.0f, nan}, b{9.0f, 2.0f, 7.0f};
  const Marks first{1, 0, 0}, third{0, 0, 1};
  const Metrics m = compare({a, {}, first}, {b, {}, third});
  EXPECT_EQ(m.unspecified, 2u);
  EXPECT_EQ(m.elements, 1u);
  EXPECT_EQ(m.exact_match(), 1.0);
  EXPECT_EQ(m.cosine, 1.0);
}

TEST(Compare, LargeDifferencesDoNotOverflow) {
  const float most = std::numeric_limits<float>::max();
  EXPECT_EQ(reals({most}, {-most}).max_abs, 2.0 * double{most});
}

TEST(Compare, TheCallersFloatModeDoesNotMatter) {
  const Floats a{1e-40f, 0.1f, 0.3f}, b{2e-40f, 0.1f, 0.2f};
  const Metrics plain = reals(a, b);
  for (const int rounding : {FE_TONEAREST, FE_UPWARD, FE_TOWARDZERO}) {
    const test::HostMode host(true, rounding);
    const Metrics m = reals(a, b);
    EXPECT_EQ(m.max_abs, plain.max_abs);
    EXPECT_EQ(m.cosine, plain.cosine);
    EXPECT_EQ(m.sqnr_db, plain.sqnr_db);
  }
}

TEST(Compare, RefusesSidesOfDifferentLength) {
  try {
    reals({1.0f}, {1.0f, 2.0f});
    ADD_FAILURE() << "nothing was refused";
  } catch (const BadArgument& error) {
    EXPECT_NE(std::string(error.what()).find("expected 1 elements"), std::string::npos);
  }
}

TEST(Compare, RefusesCodesOrMarksOfAnotherLength) {
  const Floats real{1.0f, 2.0f};
  const Codes one{3};
  const Marks mark{0};
  EXPECT_THROW(compare({real, one, {}}, {real, one, {}}), BadArgument);
  EXPECT_THROW(compare({real, {}, {}}, {real, {}, mark}), BadArgument);
}

}  // namespace
}  // namespace qsim::metric
