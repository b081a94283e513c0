// The float reference: element-wise ops, products, softmax and normalization by hand.

#include <gtest/gtest.h>

#include <cmath>

#include "graph/build.hpp"

namespace qsim::graph {
namespace {

using test::answer;
using test::count;
using test::Floats;
using test::inf;
using test::nan;
using test::refusal;
using test::says;

const Array omitted{};

Attributes axis(std::int64_t value) {
  Attributes a;
  a.axis = value;
  return a;
}

TEST(Arithmetic, EveryOpOnEqualShapes) {
  const Array a{{2}, {6.0f, -1.0f}};
  const Array b{{2}, {3.0f, 4.0f}};
  EXPECT_EQ(answer(Op::add, {a, b}).real, (Floats{9.0f, 3.0f}));
  EXPECT_EQ(answer(Op::sub, {a, b}).real, (Floats{3.0f, -5.0f}));
  EXPECT_EQ(answer(Op::mul, {a, b}).real, (Floats{18.0f, -4.0f}));
  EXPECT_EQ(answer(Op::div, {a, b}).real, (Floats{2.0f, -0.25f}));
}

TEST(Arithmetic, BroadcastsEitherSide) {
  const Array column{{2, 1}, {10.0f, 20.0f}};
  const Array row{{3}, {1.0f, 2.0f, 3.0f}};
  const Value v = answer(Op::sub, {column, row});
  EXPECT_EQ(v.shape, (Shape{2, 3}));
  EXPECT_EQ(v.real, (Floats{9, 8, 7, 19, 18, 17}));
  EXPECT_EQ(answer(Op::sub, {row, column}).real, (Floats{-9, -8, -7, -19, -18, -17}));
}

TEST(Arithmetic, AScalarBroadcastsToAnything) {
  const Value v = answer(Op::mul, {{{2, 2}, count(4)}, {{}, {2.0f}}});
  EXPECT_EQ(v.shape, (Shape{2, 2}));
  EXPECT_EQ(v.real, (Floats{0, 2, 4, 6}));
}

TEST(Arithmetic, AnExtentOfOneMeetsAnExtentOfZero) {
  EXPECT_EQ(answer(Op::add, {{{0, 2}, {}}, {{1, 2}, count(2)}}).shape, (Shape{0, 2}));
}

TEST(Arithmetic, RefusesShapesThatDoNotBroadcast) {
  const auto ask = [] { answer(Op::add, {{{2, 3}, count(6)}, {{2}, count(2)}}); };
  EXPECT_TRUE(says(refusal<BadArgument>(ask), {"\"y0\"", "[2, 3]", "[2]", "broadcast"}));
}

TEST(Arithmetic, DivisionByZeroIsIeee) {
  const Value v = answer(Op::div, {{{3}, {1.0f, -1.0f, 0.0f}}, {{}, {0.0f}}});
  EXPECT_EQ(v.real[0], inf);
  EXPECT_EQ(v.real[1], -inf);
  EXPECT_TRUE(std::isnan(v.real[2]));
}

TEST(Arithmetic, SubnormalResultsAreKept) {
  EXPECT_EQ(answer(Op::mul, {{{1}, {1e-30f}}, {{1}, {1e-10f}}}).real[0], 1e-40f);
}

TEST(Relu, CutsAtZeroAndPassesNan) {
  const Value v = answer(Op::relu, {{{4}, {-2.0f, 3.0f, nan, -inf}}});
  EXPECT_EQ(v.real[0], 0.0f);
  EXPECT_EQ(v.real[1], 3.0f);
  EXPECT_TRUE(std::isnan(v.real[2]));
  EXPECT_EQ(v.real[3], 0.0f);
}

TEST(Clip, CutsBothEndsAndPassesNan) {
  Attributes a;
  a.low = -1.0f, a.high = 2.0f;
  const Value v = answer(Op::clip, {{{4}, {-5.0f, 0.5f, 7.0f, nan}}}, a);
  EXPECT_EQ(v.real[0], -1.0f);
  EXPECT_EQ(v.real[1], 0.5f);
  EXPECT_EQ(v.real[2], 2.0f);
  EXPECT_TRUE(std::isnan(v.real[3]));
}

TEST(Sigmoid, SaturatesWithoutOverflow) {
  const Value v = answer(Op::sigmoid, {{{5}, {0.0f, 200.0f, -200.0f, inf, -inf}}});
  EXPECT_EQ(v.real, (Floats{0.5f, 1.0f, 0.0f, 1.0f, 0.0f}));
}

TEST(Sigmoid, IsRoundedOnce) {
  // 1 / (1 + e^-1) = 0.731058578630...; the nearest binary32 is 0x3f3b26a8.
  EXPECT_EQ(test::f32(answer(Op::sigmoid, {{{1}, {1.0f}}}).real[0]).bits, 0x3f3b26a8u);
}

TEST(Tanh, IsOddAndRoundedOnce) {
  const Value v = answer(Op::tanh, {{{4}, {0.0f, 1.0f, -1.0f, inf}}});
  EXPECT_EQ(v.real[0], 0.0f);
  EXPECT_EQ(test::f32(v.real[1]).bits, 0x3f42f7d6u);  // tanh 1 = 0.761594155955...
  EXPECT_EQ(v.real[2], -v.real[1]);
  EXPECT_EQ(v.real[3], 1.0f);
}

TEST(MatMul, MultipliesMatrices) {
  const Value v = answer(Op::matmul, {{{2, 2}, {1, 2, 3, 4}}, {{2, 3}, count(6)}});
  EXPECT_EQ(v.shape, (Shape{2, 3}));
  EXPECT_EQ(v.real, (Floats{6, 9, 12, 12, 19, 26}));
}

TEST(MatMul, AVectorLosesItsExtraAxis) {
  const Array vector{{2}, {1.0f, 10.0f}};
  const Array matrix{{2, 2}, {1, 2, 3, 4}};
  EXPECT_EQ(answer(Op::matmul, {vector, matrix}).shape, (Shape{2}));
  EXPECT_EQ(answer(Op::matmul, {vector, matrix}).real, (Floats{31, 42}));
  EXPECT_EQ(answer(Op::matmul, {matrix, vector}).real, (Floats{21, 43}));
  const Value dot = answer(Op::matmul, {vector, vector});
  EXPECT_EQ(dot.shape, Shape{});
  EXPECT_EQ(dot.real, (Floats{101}));
}

TEST(MatMul, OneRightSideServesABatch) {
  const Value v = answer(Op::matmul, {{{2, 1, 2}, {1, 2, 3, 4}}, {{2, 1}, {1, 10}}});
  EXPECT_EQ(v.shape, (Shape{2, 1, 1}));
  EXPECT_EQ(v.real, (Floats{21, 43}));
}

TEST(MatMul, BroadcastsBatchesOfBothSides) {
  const Array a{{2, 1, 1, 1}, {1, 2}};
  const Array b{{1, 3, 1, 1}, {10, 20, 30}};
  const Value v = answer(Op::matmul, {a, b});
  EXPECT_EQ(v.shape, (Shape{2, 3, 1, 1}));
  EXPECT_EQ(v.real, (Floats{10, 20, 30, 20, 40, 60}));
}

TEST(MatMul, AnEmptySumIsZero) {
  EXPECT_EQ(answer(Op::matmul, {{{1, 0}, {}}, {{0, 2}, {}}}).real, (Floats{0, 0}));
}

TEST(MatMul, SumsInIndexOrderWithTwoRoundings) {
  // (1e8 + 1) - 1e8 in binary32 is 0: the 1 is lost before the large terms cancel.
  const Value v = answer(Op::matmul, {{{1, 3}, {1e8f, 1.0f, -1e8f}}, {{3, 1}, {1, 1, 1}}});
  EXPECT_EQ(v.real, (Floats{0}));
}

TEST(MatMul, RefusesWhatDoesNotMultiply) {
  const auto ask = [](Shape a, Shape b) {
    const auto array = [](const Shape& s) {
      std::size_t n = 1;
      for (const std::int64_t e : s) n *= static_cast<std::size_t>(e);
      return Array{s, count(n)};
    };
    return refusal<BadArgument>([&] { answer(Op::matmul, {array(a), array(b)}); });
  };
  EXPECT_TRUE(says(ask({2, 3}, {2, 3}), {"\"y0\"", "[2, 3]", "multiply"}));
  EXPECT_TRUE(says(ask({2, 1, 2}, {3, 2, 1}), {"broadcast"}));
  EXPECT_TRUE(says(ask({}, {1}), {"scalar"}));
}

TEST(Gemm, TransposesScalesAndAdds) {
  Attributes a;
  a.trans_a = true, a.trans_b = true, a.alpha = 2.0f, a.beta = 0.5f;
  // A' = [[1, 3], [2, 4]], B' = [[1, 3, 5], [2, 4, 6]].
  const Value v = answer(Op::gemm, {{{2, 2}, {1, 2, 3, 4}}, {{3, 2}, {1, 2, 3, 4, 5, 6}},
                                   {{3}, {10, 20, 30}}}, a);
  EXPECT_EQ(v.shape, (Shape{2, 3}));
  EXPECT_EQ(v.real, (Floats{19, 40, 61, 25, 54, 83}));
}

TEST(Gemm, CMayBeOmittedOrBroadcast) {
  const Array x{{2, 1}, {1, 2}};
  const Array w{{1, 2}, {1, 10}};
  EXPECT_EQ(answer(Op::gemm, {x, w}).real, (Floats{1, 10, 2, 20}));
  EXPECT_EQ(answer(Op::gemm, {x, w, omitted}).real, (Floats{1, 10, 2, 20}));
  EXPECT_EQ(answer(Op::gemm, {x, w, {{}, {1}}}).real, (Floats{2, 11, 3, 21}));
  EXPECT_EQ(answer(Op::gemm, {x, w, {{2, 1}, {1, 2}}}).real, (Floats{2, 11, 4, 22}));
}

TEST(Gemm, RefusesMisshapenInput) {
  const auto ask = [](const std::vector<Array>& in) {
    return refusal<BadArgument>([&] { answer(Op::gemm, in); });
  };
  const Array m{{2, 2}, count(4)};
  EXPECT_TRUE(says(ask({{{2}, count(2)}, m}), {"\"y0\"", "matrices", "[2]"}));
  EXPECT_TRUE(says(ask({m, {{3, 2}, count(6)}}), {"[2, 2]", "[3, 2]"}));
  EXPECT_TRUE(says(ask({m, m, {{1, 2, 2}, count(4)}}), {"C of shape [1, 2, 2]"}));
  EXPECT_TRUE(says(ask({m, m, {{3}, count(3)}}), {"broadcast"}));
}

TEST(Softmax, NormalizesAlongTheAxis) {
  const float third = std::log(3.0f);
  const Array x{{2, 2}, {0.0f, third, 0.0f, 0.0f}};
  const Value last = answer(Op::softmax, {x}, axis(-1));
  EXPECT_FLOAT_EQ(last.real[0], 0.25f);
  EXPECT_FLOAT_EQ(last.real[1], 0.75f);
  EXPECT_EQ(last.real[2], 0.5f);
  const Value first = answer(Op::softmax, {x}, axis(0));
  EXPECT_EQ(first.real[0], 0.5f);
  EXPECT_FLOAT_EQ(first.real[1], 0.75f);
  EXPECT_FLOAT_EQ(first.real[3], 0.25f);
}

TEST(Softmax, LargeValuesDoNotOverflow) {
  EXPECT_EQ(answer(Op::softmax, {{{3}, {1e30f, 1e30f, -1e30f}}}).real, (Floats{0.5f, 0.5f, 0.0f}));
}

TEST(Softmax, AnInfinityMakesItsRowNan) {
  const Value v = answer(Op::softmax, {{{2, 2}, {inf, 0.0f, 0.0f, 0.0f}}}, axis(1));
  EXPECT_TRUE(std::isnan(v.real[0]));
  EXPECT_EQ(v.real[2], 0.5f);
}

TEST(Softmax, RefusesAnAxisOutside) {
  EXPECT_TRUE(says(refusal<BadArgument>([] { answer(Op::softmax, {{{2}, count(2)}}, axis(1)); }),
                   {"\"y0\"", "-1..0"}));
  EXPECT_THROW(answer(Op::softmax, {{{}, {1.0f}}}), BadArgument);
}

std::vector<Array> normalized(Floats x, Floats scale, Floats bias, Floats mean, Floats var) {
  const std::int64_t c = static_cast<std::int64_t>(scale.size());
  return {{{1, c, static_cast<std::int64_t>(x.size()) / c}, std::move(x)},
          {{c}, std::move(scale)}, {{c}, std::move(bias)}, {{c}, std::move(mean)},
          {{static_cast<std::int64_t>(var.size())}, std::move(var)}};
}

TEST(BatchNormalization, ScalesEachChannel) {
  Attributes a;
  a.epsilon = 0.0f;
  const Value v = answer(Op::batch_normalization,
                        normalized({1, 3, 10, 20}, {2, 1}, {0, 5}, {1, 10}, {4, 25}), a);
  EXPECT_EQ(v.shape, (Shape{1, 2, 2}));
  EXPECT_EQ(v.real[0], 0.0f);  // (1 - 1) * 2 / sqrt 4
  EXPECT_EQ(v.real[1], 2.0f);
  EXPECT_EQ(v.real[2], 5.0f);
  EXPECT_FLOAT_EQ(v.real[3], 7.0f);  // (20 - 10) / 5 + 5, 1/5 is rounded
}

TEST(BatchNormalization, EpsilonJoinsTheVariance) {
  Attributes a;
  a.epsilon = 3.0f;
  const Value v = answer(Op::batch_normalization, normalized({4}, {1}, {0}, {0}, {1}), a);
  EXPECT_EQ(v.real, (Floats{2.0f}));
}

TEST(BatchNormalization, RefusesParametersOfAnotherLength) {
  const auto ask = [] {
    answer(Op::batch_normalization, normalized({1, 2}, {1, 1}, {0, 0}, {0, 0}, {1, 1, 1}));
  };
  EXPECT_TRUE(says(refusal<BadArgument>(ask), {"\"y0\"", "expected 2", "\"x4\"", "got 3"}));
  const Array flat{{2}, count(2)};
  EXPECT_TRUE(says(refusal<BadArgument>([&] {
                     answer(Op::batch_normalization, {flat, flat, flat, flat, flat});
                   }),
                   {"[n, c, ...]", "[2]"}));
}

}  // namespace
}  // namespace qsim::graph
