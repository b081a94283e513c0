#include "qsim/graph/passes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfenv>

#include "graph/build.hpp"
#include "num/host.hpp"

namespace qsim::graph {
namespace {

using test::count;
using test::Floats;
using test::Net;
using test::node;
using test::refusal;
using test::result;
using test::says;

const Floats square{1, 2, 3, 4};

/// `products` MatMuls by one constant, one after the other.
Graph chain(int products) {
  Net net;
  net.input("x", {-1, 2}).constant("w", {2, 2}, square);
  std::string last = "x";
  for (int i = 0; i < products; ++i) {
    net.node(Op::matmul, {last, "w"}, {text("y", i)});
    last = text("y", i);
  }
  return net.outputs({last});
}

std::vector<std::string> names(const Graph& graph) {
  std::vector<std::string> out;
  for (const Node& n : graph.nodes()) out.push_back(n.name);
  return out;
}

bool has_conv(const Graph& graph) {
  return std::any_of(graph.nodes().begin(), graph.nodes().end(),
                     [](const Node& n) { return n.op == Op::conv; });
}

/// y = left x [2, 2] constant, left side of the given shape.
Graph product(Shape left, Op op = Op::matmul, const Attributes& attributes = {}) {
  Net net;
  return net.input("x", std::move(left)).constant("w", {2, 2}, square)
      .node(op, {"x", "w"}, {"y"}, attributes).outputs({"y"});
}

TEST(MatmulToConv, BecomesAConvolutionBetweenReshapes) {
  const Graph g = matmul_to_conv(product({-1, 2}), 1);
  const std::vector<std::string> want{"y__matmul_input", "y__matmul_converted",
                                      "y__matmul_output"};
  EXPECT_EQ(names(g), want);
  const Node& conv = node(g, "y__matmul_converted");
  EXPECT_EQ(conv.op, Op::conv);
  EXPECT_EQ(conv.source, "MatMul");
  EXPECT_EQ(conv.shared_constant, "w");
  EXPECT_EQ(conv.shared_by, 1);
  EXPECT_EQ(g.tensor(g.outputs()[0]).name, "y");
}

TEST(MatmulToConv, TransposesTheWeights) {
  const Graph g = matmul_to_conv(product({-1, 2}), 1);
  const Array& w = *g.tensor(g.find("y__matmul_converted__weight")).constant;
  EXPECT_EQ(w.shape, (Shape{2, 2, 1, 1}));
  EXPECT_EQ(w.data, (Floats{1, 3, 2, 4}));
  EXPECT_EQ(g.tensor(g.find("y__matmul_converted__bias")).constant->data, (Floats{0, 0}));
}

TEST(MatmulToConv, KeepsTheResult) {
  const Feeds feeds{{"x", {{3, 2}, {0.1f, 0.2f, -3.0f, 1e-3f, 5.0f, 7.0f}}}};
  const Graph g = chain(3);
  EXPECT_EQ(result(matmul_to_conv(g, 100), feeds, "y2"), result(g, feeds, "y2"));
}

TEST(MatmulToConv, ASharedConstantIsCopiedForEachUser) {
  const Graph g = matmul_to_conv(chain(3), 100);
  for (int i = 0; i < 3; ++i) {
    const Node& conv = node(g, text("y", i, "__matmul_converted"));
    EXPECT_EQ(conv.shared_by, 3);
    EXPECT_EQ(g.tensor(conv.inputs[1]).name, conv.name + "__weight");
  }
}

TEST(MatmulToConv, TheLimitCountsUsersOfTheConstant) {
  EXPECT_TRUE(has_conv(matmul_to_conv(chain(4), 4)));
  EXPECT_FALSE(has_conv(matmul_to_conv(chain(5), 4)));
  EXPECT_EQ(matmul_to_conv(chain(5), 4).notes.back(),
            "matmul_to_conv(max_consumers=4): converted 0 products");
}

TEST(MatmulToConv, RefusesALimitBelowOne) {
  EXPECT_TRUE(says(refusal<BadArgument>([] { matmul_to_conv(chain(1), 0); }),
                   {"max_consumers", ">= 1", "got 0"}));
}

TEST(MatmulToConv, GemmBringsItsBias) {
  Attributes a;
  a.trans_b = true;
  Net net;
  const Graph g = net.input("x", {-1, 2}).constant("w", {3, 2}, count(6))
                      .constant("b", {3}, count(3)).node(Op::gemm, {"x", "w", "b"}, {"y"}, a)
                      .outputs({"y"});
  const Graph c = matmul_to_conv(g, 1);
  EXPECT_EQ(node(c, "y__matmul_converted").source, "Gemm");
  const Feeds feeds{{"x", {{2, 2}, {1, 2, 3, 4}}}};
  EXPECT_EQ(result(c, feeds, "y"), result(g, feeds, "y"));
}

TEST(MatmulToConv, GemmWithMoreThanABiasStays) {
  Attributes alpha, beta, turned;
  alpha.alpha = 2.0f, beta.beta = 0.5f, turned.trans_a = true;
  for (const Attributes& a : {alpha, beta, turned})
    EXPECT_FALSE(has_conv(matmul_to_conv(product({2, 2}, Op::gemm, a), 9)));
  EXPECT_TRUE(has_conv(matmul_to_conv(product({2, 2}, Op::gemm), 9)));
}

TEST(MatmulToConv, OneBiasPerRowStays) {
  Net net;
  const Graph g = net.input("x", {2, 2}).constant("w", {2, 2}, square).constant("c", {2, 1}, {1, 9})
                      .node(Op::gemm, {"x", "w", "c"}, {"y"}).outputs({"y"});
  const Feeds feeds{{"x", {{2, 2}, {1, 0, 0, 1}}}};
  EXPECT_EQ(result(matmul_to_conv(g, 9), feeds, "y"), (Floats{2, 3, 12, 13}));
}

TEST(MatmulToConv, ASideThatIsNotConstantStays) {
  Net fed, left;
  const Graph two = fed.input("a", {2, 2}).input("b", {2, 2}).node(Op::matmul, {"a", "b"}, {"y"})
                        .outputs({"y"});
  const Graph first = left.input("x", {2, 2}).constant("w", {2, 2}, square)
                          .node(Op::matmul, {"w", "x"}, {"y"}).outputs({"y"});
  EXPECT_FALSE(has_conv(matmul_to_conv(two, 9)));
  EXPECT_FALSE(has_conv(matmul_to_conv(first, 9)));
}

TEST(MatmulToConv, VectorsStay) {
  EXPECT_FALSE(has_conv(matmul_to_conv(product({2}), 9)));
  Net net;
  const Graph right = net.input("x", {2, 2}).constant("v", {2}, {1, 2})
                          .node(Op::matmul, {"x", "v"}, {"y"}).outputs({"y"});
  EXPECT_FALSE(has_conv(matmul_to_conv(right, 9)));
}

TEST(MatmulToConv, AProductOfAVectorIsAVector) {
  Net net;
  const Graph g = net.input("x", {2}).constant("w", {2, 2}, square)
                      .node(Op::matmul, {"x", "w"}, {"y"}).node(Op::matmul, {"y", "w"}, {"z"})
                      .outputs({"z"});
  const Feeds feeds{{"x", {{2}, {1, 1}}}};
  const Graph c = matmul_to_conv(g, 9);
  EXPECT_EQ(test::value(c, run(c, feeds), "z").shape, (Shape{2}));
}

TEST(MatmulToConv, HigherRanksGetTheirLeadingExtentsBack) {
  for (const Shape& shape : {Shape{2, 3, 2}, Shape{-1, 3, 2}, Shape{2, -1, 2}, Shape{1, 2, 3, 2}}) {
    const Graph g = product(shape);
    const Graph c = matmul_to_conv(g, 1);
    ASSERT_TRUE(has_conv(c));
    Shape fed{2, 3, 2};
    if (shape.size() == 4) fed.insert(fed.begin(), 1);
    const Feeds feeds{{"x", {fed, count(12)}}};
    EXPECT_EQ(result(c, feeds, "y"), result(g, feeds, "y"));
    EXPECT_EQ(test::value(c, run(c, feeds), "y").shape, fed);
  }
}

TEST(MatmulToConv, RefusesTwoOpenExtents) {
  const auto ask = [] { matmul_to_conv(product({-1, -1, 2}), 1); };
  EXPECT_TRUE(says(refusal<NotSupported>(ask), {"\"y\"", "rank 3", "static shapes"}));
}

TEST(MatmulToConv, ATakenNameGetsANumber) {
  Net net;
  const Graph g = net.input("x", {-1, 2}).input("y__matmul_input", {1})
                      .constant("w", {2, 2}, square).node(Op::matmul, {"x", "w"}, {"y"})
                      .outputs({"y"});
  EXPECT_TRUE(matmul_to_conv(g, 1).has("y__matmul_input_2"));
}

/// conv 1x1 with weight 2 and bias 1, batch normalization (x - 1) * 3 + 5, then maybe more.
Net normalized(bool bias = true) {
  Attributes window, bn;
  window.kernel = {1, 1};
  bn.epsilon = 0.0f;
  Net net;
  net.input("x", {1, 1, 1, 2}).constant("w", {1, 1, 1, 1}, {2}).constant("b", {1}, {1});
  net.constant("gamma", {1}, {6}).constant("beta", {1}, {5}).constant("mean", {1}, {1});
  net.constant("var", {1}, {4});
  net.node(Op::conv, {"x", "w", bias ? "b" : ""}, {"c"}, window);
  net.node(Op::batch_normalization, {"c", "gamma", "beta", "mean", "var"}, {"y"}, bn);
  return net;
}
const Feeds pair{{"x", {{1, 1, 1, 2}, {-1, 3}}}};

TEST(FoldBatchnorm, JoinsTheConvolution) {
  for (const bool bias : {true, false}) {
    const Graph g = normalized(bias).outputs({"y"});
    const Graph f = fold_batchnorm(g);
    ASSERT_EQ(f.nodes().size(), 1u);
    EXPECT_EQ(f.nodes()[0].name, "c");
    EXPECT_EQ(f.tensor(f.find("c__folded_weight")).constant->data, (Floats{6}));
    EXPECT_EQ(f.tensor(f.find("c__folded_bias")).constant->data, (Floats{bias ? 5.0f : 2.0f}));
    EXPECT_EQ(result(f, pair, "y"), result(g, pair, "y"));
  }
}

TEST(FoldBatchnorm, AValueThatOthersReadStays) {
  const Graph read = normalized().node(Op::relu, {"c"}, {"z"}).outputs({"y", "z"});
  EXPECT_EQ(fold_batchnorm(read).nodes().size(), 3u);
  EXPECT_EQ(fold_batchnorm(normalized().outputs({"y", "c"})).nodes().size(), 2u);
}

TEST(FoldBatchnorm, NothingIsFoldedThroughARelu) {
  Net net;
  Attributes window, bn;
  window.kernel = {1, 1};
  const Graph g = net.input("x", {1, 1, 1, 2}).constant("w", {1, 1, 1, 1}, {1})
                      .constant("one", {1}, {1}).constant("shift", {1}, {-5})
                      .node(Op::conv, {"x", "w"}, {"c"}, window).node(Op::relu, {"c"}, {"r"})
                      .node(Op::batch_normalization, {"r", "one", "shift", "one", "one"}, {"y"})
                      .outputs({"y"});
  const Graph f = fold_batchnorm(fuse_relu(g));
  EXPECT_EQ(result(f, pair, "y"), result(g, pair, "y"));
}

TEST(FoldBatchnorm, ALoneOneStays) {
  Net net;
  const Graph g = net.input("x", {1, 1, 2}).constant("one", {1}, {1})
                      .node(Op::batch_normalization, {"x", "one", "one", "one", "one"}, {"y"})
                      .outputs({"y"});
  EXPECT_EQ(fold_batchnorm(g).nodes().size(), 1u);
}

TEST(FoldBatchnorm, ParametersOfAnotherLengthAreLeftToTheRunToRefuse) {
  Net net;
  Attributes window;
  window.kernel = {1, 1};
  const Graph g = net.input("x", {1, 1, 1, 2}).constant("w", {1, 1, 1, 1}, {2})
                      .constant("two", {2}, {1, 1}).node(Op::conv, {"x", "w"}, {"c"}, window)
                      .node(Op::batch_normalization, {"c", "two", "two", "two", "two"}, {"y"})
                      .outputs({"y"});
  EXPECT_THROW(run(fold_batchnorm(g), pair), BadArgument);
}

TEST(FoldBatchnorm, TheCallersFloatModeDoesNotMatter) {
  Net net;
  Attributes window;
  window.kernel = {1, 1};
  const Graph g = net.input("x", {1, 1, 1, 2}).constant("w", {1, 1, 1, 1}, {0.1f})
                      .constant("p", {1}, {0.3f}).node(Op::conv, {"x", "w"}, {"c"}, window)
                      .node(Op::batch_normalization, {"c", "p", "p", "p", "p"}, {"y"})
                      .outputs({"y"});
  const auto folded = [&] {
    const Graph f = fold_batchnorm(g);
    return f.tensor(f.find("c__folded_weight")).constant->data;
  };
  const Floats want = folded();
  for (const int rounding : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    const qsim::test::HostMode host(true, rounding);
    EXPECT_EQ(folded(), want);
  }
}

Net convolved() {
  Attributes window;
  window.kernel = {1, 1};
  Net net;
  net.input("x", {1, 1, 1, 2}).constant("w", {1, 1, 1, 1}, {2});
  net.node(Op::conv, {"x", "w"}, {"c"}, window);
  return net;
}
Attributes limits(float low, float high) {
  Attributes a;
  a.low = low, a.high = high;
  return a;
}

TEST(FuseRelu, BecomesPartOfTheConvolution) {
  const Graph f = fuse_relu(convolved().node(Op::relu, {"c"}, {"y"}).outputs({"y"}));
  ASSERT_EQ(f.nodes().size(), 1u);
  EXPECT_TRUE(f.nodes()[0].fused_relu);
  EXPECT_FALSE(f.nodes()[0].fused_limit.has_value());
  EXPECT_EQ(result(f, pair, "y"), (Floats{0, 6}));
}

TEST(FuseRelu, FloatKeepsTheLimitOfAClip) {
  const Graph f = fuse_relu(convolved().node(Op::clip, {"c"}, {"y"}, limits(0, 4)).outputs({"y"}));
  ASSERT_EQ(f.nodes().size(), 1u);
  EXPECT_EQ(f.nodes()[0].fused_limit, 4.0f);
  EXPECT_EQ(result(f, pair, "y"), (Floats{0, 4}));
}

TEST(FuseRelu, AClipFromElsewhereStays) {
  EXPECT_EQ(fuse_relu(convolved().node(Op::clip, {"c"}, {"y"}, limits(-1, 4)).outputs({"y"}))
                .nodes().size(), 2u);
}

TEST(FuseRelu, AValueThatOthersReadStays) {
  EXPECT_EQ(fuse_relu(convolved().node(Op::relu, {"c"}, {"y"}).outputs({"y", "c"})).nodes().size(),
            2u);
}

TEST(FuseRelu, ASecondClipNeverWidensTheFirst) {
  const Graph g = convolved().node(Op::clip, {"c"}, {"a"}, limits(0, 4))
                      .node(Op::clip, {"a"}, {"y"}, limits(0, 100)).outputs({"y"});
  const Graph f = fuse_relu(fuse_relu(g));
  EXPECT_EQ(f.nodes().size(), 1u);
  EXPECT_EQ(result(f, pair, "y"), (Floats{0, 4}));
}

TEST(Passes, KeepDescribesAndNotes) {
  Net net = convolved();
  Graph g = net.describe("c", test::info(0.5f)).outputs({"c"});
  g.notes.push_back("first");
  const Graph f = matmul_to_conv(fold_batchnorm(fuse_relu(g)), 1);
  EXPECT_EQ(f.describes.at(f.find("c")).info, test::info(0.5f));
  EXPECT_EQ(f.notes.front(), "first");
}

}  // namespace
}  // namespace qsim::graph
