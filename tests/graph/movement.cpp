// Ops that only move data: shapes, order of elements, and what does not fit.

#include <gtest/gtest.h>

#include <cstdint>

#include "graph/build.hpp"

namespace qsim::graph {
namespace {

using test::answer;
using test::answers;
using test::count;
using test::Floats;
using test::refusal;
using test::says;

Array counted(Shape shape) {
  std::size_t n = 1;
  for (const std::int64_t e : shape) n *= static_cast<std::size_t>(e);
  return {std::move(shape), count(n)};
}
Attributes ints(Shape values) {
  Attributes a;
  a.ints = std::move(values);
  return a;
}
Attributes axis(std::int64_t value, Shape values = {}) {
  Attributes a = ints(std::move(values));
  a.axis = value;
  return a;
}
Attributes slice(Shape starts, Shape ends, Shape axes = {}, Shape steps = {}) {
  Attributes a;
  a.starts = std::move(starts), a.ends = std::move(ends);
  a.axes = std::move(axes), a.steps = std::move(steps);
  return a;
}
Shape reshaped(Shape from, Shape to, bool allow_zero = false) {
  Attributes a = ints(std::move(to));
  a.allow_zero = allow_zero;
  return answer(Op::reshape, {counted(std::move(from))}, a).shape;
}

TEST(Reshape, ZeroCopiesAndMinusOneTakesTheRest) {
  EXPECT_EQ(reshaped({2, 3, 4}, {0, -1}), (Shape{2, 12}));
  EXPECT_EQ(reshaped({2, 3, 4}, {-1, 0, 2}), (Shape{4, 3, 2}));
  EXPECT_EQ(reshaped({6}, {1, 6, 1}), (Shape{1, 6, 1}));
}

TEST(Reshape, KeepsTheOrderOfElements) {
  EXPECT_EQ(answer(Op::reshape, {counted({2, 3})}, ints({3, 2})).real, count(6));
}

TEST(Reshape, ZeroMeansZeroWhenAllowed) {
  EXPECT_EQ(reshaped({0, 3}, {3, 0}, true), (Shape{3, 0}));
  EXPECT_THROW(reshaped({2, 3}, {0, 3}, true), BadArgument);
}

TEST(Reshape, RefusesWhatDoesNotHoldTheElements) {
  EXPECT_TRUE(says(refusal<BadArgument>([] { reshaped({2, 3}, {4, 2}); }),
                   {"\"y0\"", "[2, 3]", "[4, 2]"}));
  EXPECT_TRUE(says(refusal<BadArgument>([] { reshaped({2, 3}, {4, -1}); }), {"[4, -1]"}));
  EXPECT_TRUE(says(refusal<BadArgument>([] { reshaped({4}, {-1, -1}); }), {"more than one -1"}));
  EXPECT_TRUE(says(refusal<BadArgument>([] { reshaped({4}, {4, 0}); }), {"entry 1 is 0"}));
  EXPECT_TRUE(says(refusal<BadArgument>([] { reshaped({4}, {-2, -2}); }), {"negative extent"}));
}

TEST(Transpose, ReversesWithoutAPermutation) {
  const Value v = answer(Op::transpose, {counted({2, 3})});
  EXPECT_EQ(v.shape, (Shape{3, 2}));
  EXPECT_EQ(v.real, (Floats{0, 3, 1, 4, 2, 5}));
}

TEST(Transpose, FollowsThePermutation) {
  const Value v = answer(Op::transpose, {counted({2, 1, 3})}, ints({1, 2, 0}));
  EXPECT_EQ(v.shape, (Shape{1, 3, 2}));
  EXPECT_EQ(v.real, (Floats{0, 3, 1, 4, 2, 5}));
}

TEST(Transpose, RefusesWhatIsNoPermutation) {
  const auto ask = [](Shape perm) {
    return refusal<BadArgument>([&] { answer(Op::transpose, {counted({2, 3})}, ints(perm)); });
  };
  EXPECT_TRUE(says(ask({0, 0}), {"not a permutation of 2"}));
  EXPECT_TRUE(says(ask({0}), {"not a permutation"}));
  EXPECT_TRUE(says(ask({0, 2}), {"axis in -2..1", "got 2"}));
}

TEST(Split, CutsTheSizesGiven) {
  const auto parts = answers(Op::split, {counted({2, 3})}, axis(-1, {1, 2}), 2);
  EXPECT_EQ(parts[0].shape, (Shape{2, 1}));
  EXPECT_EQ(parts[0].real, (Floats{0, 3}));
  EXPECT_EQ(parts[1].shape, (Shape{2, 2}));
  EXPECT_EQ(parts[1].real, (Floats{1, 2, 4, 5}));
}

TEST(Split, WithoutSizesTheLastPartIsTheSmallerOne) {
  const auto parts = answers(Op::split, {counted({7})}, axis(0), 3);
  EXPECT_EQ(parts[0].real, (Floats{0, 1, 2}));
  EXPECT_EQ(parts[1].real, (Floats{3, 4, 5}));
  EXPECT_EQ(parts[2].real, (Floats{6}));
}

TEST(Split, APartMayBeEmpty) {
  const auto parts = answers(Op::split, {counted({2})}, axis(0, {0, 2}), 2);
  EXPECT_EQ(parts[0].shape, (Shape{0}));
  EXPECT_TRUE(parts[0].real.empty());
  EXPECT_EQ(parts[1].real, (Floats{0, 1}));
}

TEST(Split, RefusesSizesThatDoNotAddUp) {
  const auto ask = [](Shape sizes) {
    return refusal<BadArgument>([&] { answers(Op::split, {counted({4})}, axis(0, sizes), 2); });
  };
  EXPECT_TRUE(says(ask({1, 2}), {"\"y0\"", "[1, 2]", "extent 4", "2 outputs"}));
  EXPECT_TRUE(says(ask({1, 1, 2}), {"2 outputs"}));
  EXPECT_TRUE(says(ask({5, -1}), {"[5, -1]", "do not split"}));
}

TEST(Slice, TakesARangePerAxis) {
  const Value v = answer(Op::slice, {counted({3, 4})}, slice({1, 1}, {3, 3}));
  EXPECT_EQ(v.shape, (Shape{2, 2}));
  EXPECT_EQ(v.real, (Floats{5, 6, 9, 10}));
}

TEST(Slice, CountsNegativeBoundsAndAxesFromTheEnd) {
  const Value v = answer(Op::slice, {counted({2, 4})}, slice({-3}, {-1}, {-1}));
  EXPECT_EQ(v.shape, (Shape{2, 2}));
  EXPECT_EQ(v.real, (Floats{1, 2, 5, 6}));
}

TEST(Slice, CutsBoundsToTheExtent) {
  const std::int64_t least = INT64_MIN, most = INT64_MAX;
  EXPECT_EQ(answer(Op::slice, {counted({4})}, slice({least}, {most})).real, count(4));
  EXPECT_EQ(answer(Op::slice, {counted({4})}, slice({9}, {most})).shape, (Shape{0}));
  EXPECT_EQ(answer(Op::slice, {counted({4})}, slice({3}, {1})).shape, (Shape{0}));
}

TEST(Slice, ANegativeStepWalksBackwards) {
  const auto of = [](std::int64_t start, std::int64_t end, std::int64_t step) {
    return answer(Op::slice, {counted({5})}, slice({start}, {end}, {0}, {step})).real;
  };
  EXPECT_EQ(of(4, INT64_MIN, -1), (Floats{4, 3, 2, 1, 0}));
  EXPECT_EQ(of(-1, 0, -2), (Floats{4, 2}));
  EXPECT_EQ(of(100, 1, -1), (Floats{4, 3, 2}));
  EXPECT_EQ(of(-1, -6, -4), (Floats{4, 0}));
}

TEST(Slice, AStepTakesEveryNth) {
  EXPECT_EQ(answer(Op::slice, {counted({7})}, slice({1}, {7}, {0}, {3})).real, (Floats{1, 4}));
  EXPECT_EQ(answer(Op::slice, {counted({7})}, slice({1}, {7}, {0}, {INT32_MAX})).real, (Floats{1}));
}

TEST(Slice, NothingOfNothingIsNothing) {
  for (const std::int64_t step : {1, -1})
    EXPECT_EQ(answer(Op::slice, {counted({0, 2})}, slice({0}, {5}, {0}, {step})).shape,
              (Shape{0, 2}));
}

TEST(Slice, RefusesListsOfDifferentLengths) {
  const auto ask = [](const Attributes& a) {
    return refusal<BadArgument>([&] { answer(Op::slice, {counted({4})}, a); });
  };
  EXPECT_TRUE(says(ask(slice({0}, {})), {"\"y0\"", "got 0 and 1"}));
  EXPECT_TRUE(says(ask(slice({0}, {1}, {0, 1})), {"axes"}));
  EXPECT_TRUE(says(ask(slice({0}, {1}, {0}, {1, 1})), {"steps"}));
  EXPECT_TRUE(says(ask(slice({0, 0}, {1, 1})), {"axis"}));
  EXPECT_TRUE(says(ask(slice({0}, {1}, {0}, {0})), {"step", "0"}));
}

TEST(Squeeze, DropsTheAxesGivenOrAllOfExtentOne) {
  EXPECT_EQ(answer(Op::squeeze, {counted({1, 2, 1})}, ints({-1})).shape, (Shape{1, 2}));
  EXPECT_EQ(answer(Op::squeeze, {counted({1, 2, 1})}).shape, (Shape{2}));
  EXPECT_EQ(answer(Op::squeeze, {counted({1, 1})}).shape, Shape{});
}

TEST(Squeeze, RefusesAWiderAxis) {
  const auto ask = [] { answer(Op::squeeze, {counted({1, 2})}, ints({1})); };
  EXPECT_TRUE(says(refusal<BadArgument>(ask), {"\"y0\"", "axis 1", "[1, 2]"}));
}

TEST(Unsqueeze, CountsAxesInTheResult) {
  EXPECT_EQ(answer(Op::unsqueeze, {counted({2, 3})}, ints({0, -1})).shape, (Shape{1, 2, 3, 1}));
  EXPECT_EQ(answer(Op::unsqueeze, {counted({2, 3})}, ints({3, 1})).shape, (Shape{2, 1, 3, 1}));
  EXPECT_EQ(answer(Op::unsqueeze, {{{}, {5.0f}}}, ints({0})).shape, (Shape{1}));
}

TEST(Unsqueeze, RefusesAnAxisGivenTwiceOrOutside) {
  const auto ask = [](Shape axes) {
    return refusal<BadArgument>([&] { answer(Op::unsqueeze, {counted({2})}, ints(axes)); });
  };
  EXPECT_TRUE(says(ask({0, -3}), {"given twice"}));
  EXPECT_TRUE(says(ask({2}), {"-2..1", "got 2"}));
}

TEST(Flatten, SplitsTheAxesInTwo) {
  EXPECT_EQ(answer(Op::flatten, {counted({2, 3, 4})}, axis(1)).shape, (Shape{2, 12}));
  EXPECT_EQ(answer(Op::flatten, {counted({2, 3, 4})}, axis(0)).shape, (Shape{1, 24}));
  EXPECT_EQ(answer(Op::flatten, {counted({2, 3, 4})}, axis(3)).shape, (Shape{24, 1}));
  EXPECT_EQ(answer(Op::flatten, {counted({2, 3, 4})}, axis(-1)).shape, (Shape{6, 4}));
}

TEST(Flatten, RefusesAnAxisBeyondTheRank) {
  const auto ask = [] { answer(Op::flatten, {counted({2})}, axis(2)); };
  EXPECT_TRUE(says(refusal<BadArgument>(ask), {"axis 2", "rank 1"}));
}

TEST(Identity, PassesOn) {
  const Value v = answer(Op::identity, {counted({2, 2})});
  EXPECT_EQ(v.shape, (Shape{2, 2}));
  EXPECT_EQ(v.real, count(4));
}

TEST(Concat, JoinsAlongAnAxisFromEitherEnd) {
  for (const std::int64_t at : {1, -1}) {
    const Value v = answer(Op::concat, {counted({2, 1}), counted({2, 2})}, axis(at));
    EXPECT_EQ(v.shape, (Shape{2, 3}));
    EXPECT_EQ(v.real, (Floats{0, 0, 1, 1, 2, 3}));
  }
}

TEST(Concat, AnEmptyPartAddsNothing) {
  const Value v = answer(Op::concat, {counted({0, 2}), counted({1, 2})}, axis(0));
  EXPECT_EQ(v.shape, (Shape{1, 2}));
}

TEST(Concat, RefusesPartsThatDoNotFit) {
  const auto ask = [](Shape a, Shape b) {
    return refusal<BadArgument>([&] { answer(Op::concat, {counted(a), counted(b)}, axis(0)); });
  };
  EXPECT_TRUE(says(ask({2, 2}, {2, 3}), {"\"y0\"", "[2, 2]", "[2, 3]", "axis 0"}));
  EXPECT_TRUE(says(ask({2, 2}, {2}), {"[2]"}));
  EXPECT_TRUE(says(refusal<BadArgument>([] { answer(Op::concat, {counted({2})}, axis(1)); }),
                   {"axis in -1..0"}));
}

}  // namespace
}  // namespace qsim::graph
