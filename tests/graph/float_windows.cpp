// Convolutions and pools of the float reference: geometry by hand.

#include <gtest/gtest.h>

#include <cmath>

#include "graph/build.hpp"

namespace qsim::graph {
namespace {

using test::answer;
using test::count;
using test::Floats;
using test::refusal;
using test::says;

const Array omitted{};

Attributes window(Shape kernel, Shape strides = {}, Shape pads = {}, Shape dilations = {}) {
  Attributes a;
  a.kernel = std::move(kernel), a.strides = std::move(strides);
  a.pads = std::move(pads), a.dilations = std::move(dilations);
  return a;
}
Array ones(Shape shape) {
  std::size_t n = 1;
  for (const std::int64_t e : shape) n *= static_cast<std::size_t>(e);
  return {std::move(shape), Floats(n, 1.0f)};
}
const Array image{{1, 1, 3, 3}, count(9)};  // 0 1 2 / 3 4 5 / 6 7 8

TEST(FloatConv, CorrelatesWithoutFlippingTheKernel) {
  const Value v = answer(Op::conv, {image, {{1, 1, 2, 2}, {1, 10, 100, 1000}}}, window({2, 2}));
  EXPECT_EQ(v.shape, (Shape{1, 1, 2, 2}));
  EXPECT_EQ(v.real, (Floats{4310, 5421, 7643, 8754}));
}

TEST(FloatConv, PadsReadZeroAndMayDifferPerSide) {
  // One row above, one column on the right: pads are begins, then ends.
  const Value v = answer(Op::conv, {image, ones({1, 1, 2, 2})}, window({2, 2}, {}, {1, 0, 0, 1}));
  EXPECT_EQ(v.shape, (Shape{1, 1, 3, 3}));
  EXPECT_EQ(v.real, (Floats{1, 3, 2, 8, 12, 7, 20, 24, 13}));
}

TEST(FloatConv, StridesAndDilationsSkip) {
  EXPECT_EQ(answer(Op::conv, {image, ones({1, 1, 1, 1})}, window({1, 1}, {2, 2})).real,
            (Floats{0, 2, 6, 8}));
  const Value v = answer(Op::conv, {image, ones({1, 1, 2, 2})}, window({2, 2}, {}, {}, {2, 2}));
  EXPECT_EQ(v.shape, (Shape{1, 1, 1, 1}));
  EXPECT_EQ(v.real, (Floats{0 + 2 + 6 + 8}));
}

TEST(FloatConv, MixesChannelsAndAddsBias) {
  const Value v = answer(Op::conv, {{{2, 2, 1, 1}, {1, 2, 3, 4}}, {{2, 2, 1, 1}, {1, 10, 0, 1}},
                                   {{2}, {0.5f, -1.0f}}}, window({1, 1}));
  EXPECT_EQ(v.shape, (Shape{2, 2, 1, 1}));
  EXPECT_EQ(v.real, (Floats{21.5f, 1.0f, 43.5f, 3.0f}));
}

TEST(FloatConv, AnOmittedBiasIsZero) {
  const Array w = ones({1, 1, 1, 1});
  EXPECT_EQ(answer(Op::conv, {image, w, omitted}, window({1, 1})).real, image.data);
}

TEST(FloatConv, GroupsSeeTheirOwnChannels) {
  Attributes a = window({1, 1});
  a.group = 2;
  const Value v = answer(Op::conv, {{{1, 4, 1, 1}, {1, 2, 3, 4}},
                                   {{4, 2, 1, 1}, {1, 1, 1, -1, 1, 1, 1, -1}}}, a);
  EXPECT_EQ(v.real, (Floats{3, -1, 7, -1}));
}

TEST(FloatConv, DepthwiseScalesEachChannel) {
  Attributes a = window({1, 1});
  a.group = 3;
  const Value v = answer(Op::conv, {{{1, 3, 1, 2}, count(6)}, {{3, 1, 1, 1}, {1, 10, 100}}}, a);
  EXPECT_EQ(v.real, (Floats{0, 1, 20, 30, 400, 500}));
}

TEST(FloatConv, OneDimensionKeepsRankThree) {
  const Value v = answer(Op::conv, {{{1, 1, 4}, count(4)}, {{1, 1, 2}, {1, 10}}},
                        window({2}, {1}, {1, 0}));
  EXPECT_EQ(v.shape, (Shape{1, 1, 4}));
  EXPECT_EQ(v.real, (Floats{0, 10, 21, 32}));
}

TEST(FloatConv, SameUpperPadsTheEndFirst) {
  Attributes a = window({2}, {1});
  a.auto_pad = AutoPad::same_upper;
  const std::vector<Array> in{{{1, 1, 3}, {1, 2, 3}}, {{1, 1, 2}, {1, 10}}};
  EXPECT_EQ(answer(Op::conv, in, a).real, (Floats{21, 32, 3}));
  a.auto_pad = AutoPad::same_lower;
  EXPECT_EQ(answer(Op::conv, in, a).real, (Floats{10, 21, 32}));
}

TEST(FloatConv, SamePadsToTheCeilingOfExtentOverStride) {
  Attributes a = window({3}, {2});
  a.auto_pad = AutoPad::same_upper;
  EXPECT_EQ(answer(Op::conv, {{{1, 1, 5}, count(5)}, ones({1, 1, 3})}, a).real,
            (Floats{1, 6, 7}));
}

TEST(FloatConv, AnEmptyBatchIsEmpty) {
  const Value v = answer(Op::conv, {{{0, 1, 3, 3}, {}}, ones({2, 1, 3, 3})}, window({3, 3}));
  EXPECT_EQ(v.shape, (Shape{0, 2, 1, 1}));
}

TEST(FloatConv, RefusesWeightsThatDoNotFit) {
  const auto ask = [](Shape weights, const Attributes& a) {
    return refusal<BadArgument>([&] { answer(Op::conv, {image, ones(weights)}, a); });
  };
  Attributes grouped = window({2, 2});
  EXPECT_TRUE(says(ask({1, 2, 2, 2}, grouped), {"\"y0\"", "[1, 2, 2, 2]", "[1, 1, 3, 3]"}));
  EXPECT_TRUE(says(ask({1, 1, 3, 2}, grouped), {"and the kernel"}));
  EXPECT_TRUE(says(ask({1, 1, 2}, grouped), {"[1, 1, 2]"}));
  grouped.group = 0;
  EXPECT_TRUE(says(ask({1, 1, 2, 2}, grouped), {"group 0"}));
  grouped.group = 2;
  EXPECT_TRUE(says(ask({3, 1, 2, 2}, grouped), {"group 2"}));
}

TEST(FloatConv, RefusesABiasOfAnotherLength) {
  const auto ask = [] { answer(Op::conv, {image, ones({1, 1, 1, 1}), ones({2})}, window({1, 1})); };
  EXPECT_TRUE(says(refusal<BadArgument>(ask), {"\"y0\"", "expected 1 bias", "got 2"}));
}

TEST(Windows, RefuseARankOtherThanThreeOrFour) {
  const auto ask = [] { answer(Op::max_pool, {ones({2, 2})}, window({2, 2})); };
  EXPECT_TRUE(says(refusal<BadArgument>(ask), {"\"y0\"", "[n, c, h, w]", "[2, 2]"}));
}

TEST(Windows, RefuseAWindowLargerThanThePaddedImage) {
  const auto ask = [](const Attributes& a) {
    return refusal<BadArgument>([&] { answer(Op::max_pool, {image}, a); });
  };
  EXPECT_TRUE(says(ask(window({4, 1})), {"window of 4", "extent 3"}));
  EXPECT_TRUE(says(ask(window({2, 2}, {}, {}, {3, 1})), {"window of 4"}));
  EXPECT_TRUE(says(ask(window({2, 2}, {0, 1})), {"stride", ">= 1", "2, 0"}));
  EXPECT_TRUE(says(ask(window({2, 2}, {}, {-1, 0, 0, 0})), {"pads -1"}));
}

TEST(Windows, RefuseListsOfAnotherLength) {
  const auto ask = [](const Attributes& a) {
    return refusal<BadArgument>([&] { answer(Op::max_pool, {image}, a); });
  };
  EXPECT_TRUE(says(ask(window({2})), {"\"y0\"", "expected 2", "got 1"}));
  EXPECT_TRUE(says(ask(window({2, 2}, {1})), {"got 1"}));
  EXPECT_TRUE(says(ask(window({2, 2}, {}, {1, 1})), {"pads", "expected 4", "got 2"}));
  EXPECT_TRUE(says(ask(window({2, 2}, {}, {}, {1, 1, 1})), {"got 3"}));
}

TEST(MaxPool, PadsNeverWin) {
  const Attributes a = window({1, 2}, {}, {0, 1, 0, 1});
  const Value v = answer(Op::max_pool, {{{1, 1, 1, 2}, {-3, -5}}}, a);
  EXPECT_EQ(v.real, (Floats{-3, -3, -5}));
}

TEST(MaxPool, NanWins) {
  const Value v = answer(Op::max_pool, {{{1, 1, 3}, {test::nan, 1, 2}}}, window({2}));
  EXPECT_TRUE(std::isnan(v.real[0]));
  EXPECT_EQ(v.real[1], 2.0f);
}

TEST(MaxPool, CeilModeAddsAPartialWindow) {
  Attributes a = window({2, 2}, {2, 2});
  EXPECT_EQ(answer(Op::max_pool, {image}, a).real, (Floats{4}));
  a.ceil_mode = true;
  const Value v = answer(Op::max_pool, {image}, a);
  EXPECT_EQ(v.shape, (Shape{1, 1, 2, 2}));
  EXPECT_EQ(v.real, (Floats{4, 5, 7, 8}));
}

TEST(MaxPool, CeilModeAddsNoWindowThatStartsInThePadding) {
  Attributes a = window({1}, {2}, {0, 1});
  a.ceil_mode = true;
  EXPECT_EQ(answer(Op::max_pool, {{{1, 1, 2}, {5, 6}}}, a).real, (Floats{5}));
}

TEST(MaxPool, DilationsSkip) {
  EXPECT_EQ(answer(Op::max_pool, {{{1, 1, 4}, {9, 1, 2, 3}}}, window({2}, {}, {}, {2})).real,
            (Floats{9, 3}));
}

TEST(AveragePool, CountsPadsOnlyWhenAsked) {
  Attributes a = window({2}, {1}, {1, 0});
  const Array x{{1, 1, 2}, {4, 8}};
  EXPECT_EQ(answer(Op::average_pool, {x}, a).real, (Floats{4, 6}));
  a.count_include_pad = true;
  EXPECT_EQ(answer(Op::average_pool, {x}, a).real, (Floats{2, 6}));
}

TEST(AveragePool, ACeiledWindowCountsNothingBeyondThePads) {
  Attributes a = window({2}, {2}, {0, 0});
  a.ceil_mode = true;
  const Array x{{1, 1, 3}, {2, 4, 8}};
  EXPECT_EQ(answer(Op::average_pool, {x}, a).real, (Floats{3, 8}));
  a.count_include_pad = true;
  EXPECT_EQ(answer(Op::average_pool, {x}, a).real, (Floats{3, 8}));
}

TEST(AveragePool, SameLowerPadsTheBeginning) {
  Attributes a = window({2}, {1});
  a.auto_pad = AutoPad::same_lower;
  EXPECT_EQ(answer(Op::average_pool, {{{1, 1, 3}, {2, 4, 6}}}, a).real, (Floats{2, 3, 5}));
}

TEST(GlobalAveragePool, AveragesEachPlane) {
  const Value v = answer(Op::global_average_pool, {{{1, 2, 2, 2}, count(8)}});
  EXPECT_EQ(v.shape, (Shape{1, 2, 1, 1}));
  EXPECT_EQ(v.real, (Floats{1.5f, 5.5f}));
  EXPECT_EQ(answer(Op::global_average_pool, {{{1, 1, 4}, count(4)}}).shape, (Shape{1, 1, 1}));
}

}  // namespace
}  // namespace qsim::graph
