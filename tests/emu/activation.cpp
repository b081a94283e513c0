#include "qsim/emu/activation.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "num/host.hpp"
#include "profile/graph_rows.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::emu {
namespace {

F32 f32(float x) { return test::as_f32(x); }
bool is_x86(const Profile& p) { return p.name.view().find(".x64.") != std::string_view::npos; }
bool is_arm(const Profile& p) { return p.name.view().find(".arm64.") != std::string_view::npos; }

// mnn.md section 7: sigmoid(NaN) is 0.99999994 on x86 because max answers -87.
TEST(EmuSigmoid, OfNanIsAlmostOneOnX86AndNanOnArm) {
  for (const Profile& row : test::graph_rows())
    for (const std::size_t n : {1u, 8u}) {
      const F32 y = sigmoid(row, num::f32_nan, 0, n);
      if (is_x86(row)) {
        EXPECT_TRUE(y.bits == 0x3f7fffffu || y == num::f32_one) << row.name.view();
      }
      if (is_arm(row)) {
        EXPECT_TRUE(num::is_nan(y)) << row.name.view();
      }
    }
}

TEST(EmuSigmoid, ANanKeepsItsSign) {
  const Profile arm = find_profile("mnn-2.9.0.arm64.neon");
  EXPECT_EQ(sigmoid(arm, {0x7fc00000u}, 0, 1).bits, 0x7fc00000u);
  EXPECT_EQ(sigmoid(arm, {0xffc00000u}, 0, 1).bits, 0xffc00000u);
}

TEST(EmuTanh, OfNanIsOneOnX86AndNanOnArm) {
  for (const Profile& row : test::graph_rows()) {
    const F32 y = tanh(row, num::f32_nan, 0, 1);
    if (is_x86(row)) {
      EXPECT_EQ(y, num::f32_one) << row.name.view();
    }
    if (is_arm(row)) {
      EXPECT_TRUE(num::is_nan(y)) << row.name.view();
    }
  }
}

TEST(EmuExp, OfNanIsExpOfMinus87OnX86) {
  const Profile row = find_profile("mnn-2.9.0.x64.sse");
  EXPECT_EQ(exp(row, num::f32_nan), exp(row, f32(-87.0f)));
  EXPECT_TRUE(num::is_nan(exp(find_profile("mnn-2.9.0.arm64.neon"), num::f32_nan)));
}

TEST(EmuExp, OfZeroIsOne) {
  for (const Profile& row : test::graph_rows()) EXPECT_EQ(exp(row, num::f32_zero), num::f32_one);
}

TEST(EmuExp, IsLimitedTo87BothWays) {
  for (const Profile& row : test::graph_rows()) {
    EXPECT_EQ(exp(row, f32(1000.0f)), exp(row, f32(87.0f)));
    EXPECT_EQ(exp(row, num::f32_infinity), exp(row, f32(87.0f)));
    EXPECT_EQ(exp(row, num::negate(num::f32_infinity)), exp(row, f32(-87.0f)));
  }
}

/// The polynomial's own error: |t|^6/720 relative, t up to ln2/2 rounded to nearest or ln2
/// truncated, plus a few roundings.
TEST(EmuExp, StaysWithinThePolynomialsError) {
  for (const Profile& row : test::graph_rows()) {
    const bool truncated = row.float_math.exp_range == Ties::toward_zero;
    const double bound = std::pow(truncated ? 0.6932 : 0.3466, 6) / 720 + 1e-6;
    for (int i = -860; i <= 860; i += 3) {
      const float x = static_cast<float>(i) / 10.0f;
      const double want = std::exp(static_cast<double>(x));
      const double got = static_cast<double>(test::as_float(exp(row, f32(x))));
      ASSERT_LE(std::abs(got - want), want * bound * 2) << row.name.view() << ' ' << x;
    }
  }
}

TEST(EmuSigmoid, ElementsLeftOfAGroupAreDivided) {
  const Profile row = find_profile("mnn-2.9.0.x64.sse");
  int differ = 0;
  for (int i = -40; i <= 40; ++i) {
    const F32 x = f32(static_cast<float>(i) / 7.0f);
    if (sigmoid(row, x, 0, 2) != sigmoid(row, x, 2, 3)) ++differ;
    EXPECT_EQ(sigmoid(row, x, 0, 2), sigmoid(row, x, 1, 2));
  }
  EXPECT_GT(differ, 0);
}

TEST(EmuSigmoid, RowsOfOneEngineDifferInTheLastDigits) {
  const F32 x = f32(-0.66f);
  EXPECT_NE(sigmoid(find_profile("mnn-2.9.0.x64.sse"), x, 0, 4),
            sigmoid(find_profile("mnn-2.9.0.arm64.neon"), x, 0, 4));
}

TEST(EmuRelu, OfNanFollowsTheRow) {
  for (const Profile& row : test::graph_rows()) {
    const F32 y = relu(row, num::f32_nan);
    if (row.float_math.minmax == MinMaxNan::second_operand) {
      EXPECT_EQ(y, num::f32_zero) << row.name.view();
    } else {
      EXPECT_TRUE(num::is_nan(y)) << row.name.view();
    }
  }
}

TEST(EmuRelu, FlushesSubnormalsWhereInputsAre) {
  EXPECT_EQ(relu(find_profile("mnn-2.9.0.x64.sse"), {1}), num::f32_zero);
  EXPECT_EQ(relu(find_profile("ieee.fp32"), {1}), F32{1});
}

TEST(EmuFinishConvolution, NanBecomesMinusFltMaxOnX86) {
  const F32 y = finish_convolution(find_profile("mnn-2.9.0.x64.sse"), num::f32_nan);
  EXPECT_EQ(y.bits, 0xff7fffffu);
  EXPECT_TRUE(num::is_nan(finish_convolution(find_profile("mnn-2.9.0.arm64.neon"), num::f32_nan)));
}

TEST(EmuFinishConvolution, InfinitiesBecomeFltMaxOnX86) {
  const Profile row = find_profile("mnn-2.9.0.x64.sse");
  EXPECT_EQ(finish_convolution(row, num::f32_infinity).bits, 0x7f7fffffu);
  EXPECT_EQ(finish_convolution(row, num::negate(num::f32_infinity)).bits, 0xff7fffffu);
}

/// 1, 2, 4, ... and 2^-24-ish values make every order of summation visible.
F32 dot_of(const FloatDot& dot, const std::vector<float>& values) {
  std::vector<F32> a, ones;
  for (const float v : values) {
    a.push_back(f32(v));
    ones.push_back(num::f32_one);
  }
  return float_dot(dot, a.data(), 1, ones.data(), 1, a.size(), {});
}

TEST(EmuFloatDot, OneLaneAddsInOrder) {
  EXPECT_EQ(dot_of({1, false, Tree::pairs}, {1e8f, 1.0f, -1e8f, 1.0f}), num::f32_one);
}

TEST(EmuFloatDot, TreesMeetInTheirOrder) {
  // lanes hold a, b, c, d
  const std::vector<float> lanes{1e8f, 1.0f, -1e8f, 3.0f};
  EXPECT_EQ(dot_of({4, false, Tree::pairs}, lanes), num::f32_zero);   // (a+b) + (c+d)
  EXPECT_EQ(dot_of({4, false, Tree::halves}, lanes), f32(4.0f));      // (a+c) + (b+d)
  EXPECT_EQ(dot_of({4, false, Tree::from_one}, lanes), f32(3.0f));    // ((b+c)+a) + d
}

TEST(EmuFloatDot, EightLanesAddPairsOfPairs) {
  EXPECT_EQ(dot_of({8, false, Tree::pairs}, {1e8f, 1, -1e8f, 0, 1, 2, 3, 4}), f32(10.0f));
}

TEST(EmuFloatDot, LanesTakeEveryFourthProduct) {
  EXPECT_EQ(dot_of({4, false, Tree::halves}, {1e8f, 0, 0, 0, 1, 0, 0, 0, -1e8f}), num::f32_zero);
  EXPECT_EQ(dot_of({1, false, Tree::pairs}, {1e8f, 0, 0, 0, -1e8f, 1}), num::f32_one);
}

TEST(EmuFloatDot, AnEmptySumIsPlusZero) {
  for (const std::uint8_t lanes : {1, 4, 8})
    EXPECT_EQ(dot_of({lanes, true, Tree::pairs}, {}), num::f32_zero);
}

TEST(EmuFloatDot, FusedProductsAreNotRounded) {
  const F32 a[2] = {num::f32_one, {0x3f800800u}};
  const F32 b[2] = {num::negate(num::f32_one), {0x3f800800u}};
  EXPECT_EQ(float_dot({1, true, Tree::pairs}, a, 1, b, 1, 2, {}), F32{0x3a000400u});
  EXPECT_EQ(float_dot({1, false, Tree::pairs}, a, 1, b, 1, 2, {}), F32{0x3a000000u});
}

TEST(EmuFloatDot, StridesSkipElements) {
  const F32 a[5] = {f32(1), f32(9), f32(2), f32(9), f32(3)};
  EXPECT_EQ(float_dot({}, a, 2, a, 2, 3, {}), f32(14.0f));
}

}  // namespace
}  // namespace qsim::emu
