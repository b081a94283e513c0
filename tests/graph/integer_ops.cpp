// Convolutions, arithmetic, pools and relu on codes, as MNN's profiles run them, by hand.

#include <gtest/gtest.h>

#include "graph/build.hpp"
#include "qsim/graph/passes.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::graph {
namespace {

using test::count;
using test::f32;
using test::Floats;
using test::info;
using test::Net;
using test::refusal;
using test::says;
using Codes = std::vector<std::int8_t>;

const Profile avx2 = find_profile("mnn-2.9.0.x64.avx2");
const Profile sdot = find_profile("mnn-2.9.0.arm64.sdot");
const Profile neon = find_profile("mnn-2.9.0.arm64.neon");

Attributes window(Shape kernel, Shape strides = {}, Shape pads = {}, Shape dilations = {}) {
  Attributes a;
  a.kernel = std::move(kernel), a.strides = std::move(strides);
  a.pads = std::move(pads), a.dilations = std::move(dilations);
  return a;
}

/// A quantized convolution "y" of "x": unit scales unless told, output zero point `zero`.
struct Quantized {
  Shape input{1, 1, 1, 3}, weights{1, 1, 1, 1};
  Codes codes{1};
  Attributes attributes = window({1, 1});
  QInfo in = info(1), out = info(1);
  bool relu = false;
  std::optional<float> limit{};

  Graph graph() const {
    Graph g;
    Node n;
    n.name = "y";
    n.op = Op::conv;
    n.attributes = attributes;
    n.fused_relu = relu, n.fused_limit = limit;
    QuantConv q;
    q.weights = codes;
    q.alpha.assign(static_cast<std::size_t>(weights[0]), f32(1));
    q.bias.assign(q.alpha.size(), f32(0));
    q.scale_in = in.scale, q.scale_out = out.scale;
    n.quant = std::make_shared<const QuantConv>(q);
    n.inputs = {g.add_input("x", input),
                g.add_constant("w", weights, Floats(codes.begin(), codes.end()))};
    n.outputs = {g.add_tensor("y")};
    g.describes[n.inputs[0]] = {in, "", -1, ""};
    g.describes[n.outputs[0]] = {out, "", -1, ""};
    const TensorId y = n.outputs[0];
    g.add_node(std::move(n));
    g.mark_output(y);
    return g;
  }
  Value on(const Profile& p, Floats x) const {
    const Graph g = graph();
    return test::value(g, run(g, {{"x", {input, std::move(x)}}}, &p), "y");
  }
};

TEST(IntegerConv, AnswersCodesAndTheirReals) {
  const Quantized conv{.codes = {3}, .out = info(0.5f, 8)};
  for (const Profile& p : {avx2, sdot}) {
    const Value v = conv.on(p, {-2, 1, 4});
    EXPECT_EQ(v.codes, (Codes{-4, 14, 32}));
    EXPECT_EQ(v.real, (Floats{-6, 3, 12}));
    EXPECT_EQ(v.info, info(0.5f, 8));
    EXPECT_TRUE(v.packed);
  }
}

TEST(IntegerConv, AZeroPointThatTheScaleDoesNotDivideLosesItsRest) {
  // The int32 bias holds trunc(7 / 2), so the zero point acts as 6.
  const Quantized conv{.codes = {3}, .out = info(0.5f, 7)};
  EXPECT_EQ(conv.on(avx2, {-2, 1, 4}).codes, (Codes{-6, 12, 30}));
  EXPECT_EQ(conv.on(sdot, {-2, 1, 4}).codes, (Codes{-6, 12, 30}));
}

TEST(IntegerConv, TakesTheInputsZeroPointOff) {
  const Quantized conv{.codes = {2}, .in = info(1, 10)};
  EXPECT_EQ(conv.on(avx2, {-2, 1, 4}).codes, (Codes{-4, 2, 8}));
  EXPECT_EQ(conv.on(sdot, {-2, 1, 4}).codes, (Codes{-4, 2, 8}));
}

TEST(IntegerConv, PadsReadAsZero) {
  const Quantized conv{.weights = {1, 1, 1, 3}, .codes = {1, 1, 1},
                       .attributes = window({1, 3}, {}, {0, 1, 0, 1}), .in = info(1, 10)};
  EXPECT_EQ(conv.on(avx2, {1, 2, 3}).codes, (Codes{3, 6, 5}));
  EXPECT_EQ(conv.on(sdot, {1, 2, 3}).codes, (Codes{3, 6, 5}));
}

TEST(IntegerConv, SaturatesAtTheDescribesLimits) {
  const Quantized conv{.codes = {100}};
  EXPECT_EQ(conv.on(avx2, {-2, 1, 2}).codes, (Codes{-127, 100, 127}));
}

TEST(IntegerConv, AFusedReluStopsAtTheZeroPoint) {
  const Quantized conv{.out = info(1, -5), .relu = true};
  const Value v = conv.on(avx2, {-20, 1, 4});
  EXPECT_EQ(v.codes, (Codes{-5, -4, -1}));
  EXPECT_EQ(v.real, (Floats{0, 1, 4}));
}

TEST(IntegerConv, DropsTheLimitOfAFusedClip) {
  const Quantized conv{.relu = true, .limit = 2.0f};
  EXPECT_EQ(conv.on(avx2, {1, 2, 40}).real, (Floats{1, 2, 40}));
  const Graph g = conv.graph();
  EXPECT_EQ(test::result(g, {{"x", {{1, 1, 1, 3}, {1, 2, 40}}}}, "y"), (Floats{1, 2, 2}));
}

TEST(IntegerConv, GroupsSeeTheirOwnChannels) {
  Quantized conv{.input = {2, 4, 1, 1}, .weights = {4, 2, 1, 1},
                 .codes = {1, 1, 1, -1, 1, 1, 1, -1}};
  conv.attributes.group = 2;
  for (const Profile& p : {avx2, sdot})
    EXPECT_EQ(conv.on(p, {1, 2, 3, 4, 5, 6, 7, 8}).codes, (Codes{3, -1, 7, -1, 11, -1, 15, -1}));
}

TEST(IntegerConv, DepthwiseScalesEachChannel) {
  Quantized conv{.input = {1, 3, 1, 2}, .weights = {3, 1, 1, 1}, .codes = {1, 5, -10}};
  conv.attributes.group = 3;
  for (const Profile& p : {avx2, sdot})
    EXPECT_EQ(conv.on(p, count(6)).codes, (Codes{0, 1, 10, 15, -40, -50}));
}

TEST(IntegerConv, OneDimensionKeepsRankThree) {
  const Quantized conv{.input = {1, 1, 4}, .weights = {1, 1, 2}, .codes = {1, 10},
                       .attributes = window({2}, {}, {}, {2})};
  const Value v = conv.on(avx2, count(4));
  EXPECT_EQ(v.shape, (Shape{1, 1, 2}));
  EXPECT_EQ(v.codes, (Codes{20, 31}));
}

TEST(IntegerConv, NeonLeavesTheLastTwoPixelsUnclamped) {
  Quantized conv{.input = {1, 1, 1, 2}, .relu = true};
  EXPECT_EQ(conv.on(neon, {-3, 4}).codes, (Codes{-3, 4}));
  EXPECT_EQ(conv.on(sdot, {-3, 4}).codes, (Codes{0, 4}));
  conv.input = {1, 1, 1, 1};
  EXPECT_EQ(conv.on(neon, {-3}).codes, (Codes{0}));
}

TEST(IntegerConv, RecordsItsFusedParameters) {
  const Graph g = Quantized{.codes = {3}, .in = info(0.5f), .out = info(0.25f)}.graph();
  const Trace t = run(g, {{"x", {{1, 1, 1, 3}, count(3)}}}, &sdot);
  ASSERT_EQ(t.nodes[0].fused_scale.size(), 1u);
  EXPECT_TRUE(t.nodes[0].fused_written);
  EXPECT_EQ(t.nodes[0].fused_scale[0], f32(2));
  EXPECT_EQ(t.nodes[0].fused_bias[0], 0);
}

TEST(IntegerConv, AZeroScaleLeavesTheResultUnspecified) {
  const Value v = Quantized{.in = info(0)}.on(sdot, {1, 2, 3});
  EXPECT_EQ(v.unspecified, (std::vector<std::uint8_t>{1, 1, 1}));
  EXPECT_EQ(v.real, (Floats{0, 0, 0}));
}

TEST(IntegerConv, RefusesAnInputOfOtherChannels) {
  Quantized conv{.input = {1, 2, 1, 3}};
  EXPECT_TRUE(says(refusal<BadArgument>([&] { conv.on(avx2, count(6)); }),
                   {"\"y\"", "[1, 1, 1, 1]", "[1, 2, 1, 3]"}));
}

/// The result of a node whose inputs "a", "b" and output "y" carry info.
Value described(const Profile& p, Op op, const std::vector<Array>& inputs,
                const std::vector<QInfo>& in, const QInfo& out, const Attributes& a = {}) {
  Net net;
  Feeds feeds;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    names.push_back(text("x", i));
    net.input(names[i], inputs[i].shape).describe(names[i], in[i]);
    feeds.emplace_back(names[i], inputs[i]);
  }
  const Graph g = net.node(op, names, {"y"}, a).describe("y", out).outputs({"y"});
  const Trace t = run(g, feeds, &p);
  EXPECT_TRUE(t.nodes[0].integer);
  return test::value(g, t, "y");
}

TEST(IntegerArithmetic, AddsSubtractsAndMultipliesReals) {
  const Array a{{1, 1, 1, 4}, {1, 2, -3, 4}};
  const Array b{{1, 1, 1, 4}, {2, -1, 5, 0.5f}};
  const std::vector<QInfo> in{info(1), info(0.5f, 3)};
  for (const Profile& p : {avx2, sdot}) {
    EXPECT_EQ(described(p, Op::add, {a, b}, in, info(0.5f)).real, (Floats{3, 1, 2, 4.5f}));
    EXPECT_EQ(described(p, Op::sub, {a, b}, in, info(0.5f, -2)).real, (Floats{-1, 3, -8, 3.5f}));
    EXPECT_EQ(described(p, Op::mul, {a, b}, in, info(0.5f)).real, (Floats{2, -2, -15, 2}));
  }
}

TEST(IntegerArithmetic, BroadcastsCodes) {
  const Value v = described(avx2, Op::add, {{{1, 1, 2, 2}, count(4)}, {{2, 1}, {10, 20}}},
                            {info(1), info(1)}, info(1));
  EXPECT_EQ(v.shape, (Shape{1, 1, 2, 2}));
  EXPECT_EQ(v.codes, (Codes{10, 11, 22, 23}));
}

TEST(IntegerArithmetic, Arm64WritesWholeQuadsOnly) {
  const Array x{{6}, count(6)};
  const Value arm = described(sdot, Op::add, {x, x}, {info(1), info(1)}, info(1));
  EXPECT_EQ(arm.unspecified, (std::vector<std::uint8_t>{0, 0, 0, 0, 1, 1}));
  EXPECT_EQ(arm.codes, (Codes{0, 2, 4, 6, 0, 0}));
  const Value x64 = described(avx2, Op::add, {x, x}, {info(1), info(1)}, info(1));
  EXPECT_TRUE(x64.unspecified.empty());
  EXPECT_EQ(x64.codes, (Codes{0, 2, 4, 6, 8, 10}));
}

TEST(IntegerPool, LargestCodeOnArm64NegativeOnesFirstOnX64) {
  const Array x{{1, 1, 1, 4}, {-5, 5, 2, 7}};
  const Attributes a = window({1, 2}, {1, 2});
  EXPECT_EQ(described(sdot, Op::max_pool, {x}, {info(1)}, info(1), a).codes, (Codes{5, 7}));
  EXPECT_EQ(described(avx2, Op::max_pool, {x}, {info(1)}, info(1), a).codes, (Codes{-5, 7}));
}

TEST(IntegerPool, AveragesRoundDownOverPixelsInside) {
  const Array x{{1, 1, 1, 2}, {5, 8}};
  Attributes a = window({1, 2}, {}, {0, 1, 0, 1});
  EXPECT_EQ(described(sdot, Op::average_pool, {x}, {info(1)}, info(1), a).codes, (Codes{5, 6, 8}));
  a.count_include_pad = true;
  EXPECT_EQ(described(sdot, Op::average_pool, {x}, {info(1)}, info(1), a).codes, (Codes{5, 6, 8}));
}

TEST(IntegerPool, GlobalAverageReadsThePlane) {
  const Value v = described(sdot, Op::global_average_pool, {{{1, 2, 1, 2}, {1, 3, -2, -4}}},
                            {info(1)}, info(1));
  EXPECT_EQ(v.shape, (Shape{1, 2, 1, 1}));
  EXPECT_EQ(v.codes, (Codes{2, -3}));
}

TEST(IntegerPool, RefusesDilations) {
  const Array x{{1, 1, 1, 4}, count(4)};
  const auto ask = [&] {
    described(avx2, Op::max_pool, {x}, {info(1)}, info(1), window({1, 2}, {}, {}, {1, 2}));
  };
  EXPECT_TRUE(says(refusal<NotSupported>(ask), {"\"y\"", "dilations"}));
}

TEST(IntegerRelu, CutsAtTheZeroPoint) {
  const Value v = described(avx2, Op::relu, {{{3}, {-2, 0, 2}}}, {info(0.5f, 4)}, info(0.5f, 4));
  EXPECT_EQ(v.codes, (Codes{4, 4, 8}));
  EXPECT_EQ(v.real, (Floats{0, 0, 2}));
}

TEST(Masks, AFloatOpOverUnspecifiedElementsKnowsWhichTheyAre) {
  Net net;
  const Graph g = net.input("x", {6}).node(Op::add, {"x", "x"}, {"s"})
                      .node(Op::sigmoid, {"s"}, {"y"}).node(Op::softmax, {"s"}, {"m"})
                      .describe("x", info(1)).describe("s", info(1)).outputs({"y", "m"});
  const Trace t = run(g, {{"x", {{6}, count(6)}}}, &sdot);
  const std::vector<std::uint8_t> tail{0, 0, 0, 0, 1, 1};
  EXPECT_EQ(test::value(g, t, "y").unspecified, tail);
  EXPECT_EQ(test::value(g, t, "m").unspecified, std::vector<std::uint8_t>(6, 1));
}

}  // namespace
}  // namespace qsim::graph
