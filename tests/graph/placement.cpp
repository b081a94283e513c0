// Which tensors carry quantization info, and which nodes run on codes because of it.

#include <gtest/gtest.h>

#include "graph/build.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::graph {
namespace {

using test::info;
using test::Net;
using test::node;

std::optional<QInfo> propagated(const Graph& graph, const std::string& tensor) {
  return propagate_describes(graph)[static_cast<std::size_t>(graph.find(tensor))];
}
Attributes window(Shape kernel) {
  Attributes a;
  a.kernel = std::move(kernel);
  return a;
}

TEST(Propagate, WithoutDescribesNothingCarriesInfo) {
  Net net;
  const Graph g = net.input("x", {2}).node(Op::relu, {"x"}, {"y"}).outputs({"y"});
  for (const auto& i : propagate_describes(g)) EXPECT_FALSE(i.has_value());
}

TEST(Propagate, MoversRectifiersAndPoolsHandInfoOn) {
  Net net;
  Attributes flat;
  flat.ints = {1, 1, 4};
  const Graph g = net.input("x", {1, 1, 2, 2}).node(Op::relu, {"x"}, {"r"})
                      .node(Op::max_pool, {"r"}, {"m"}, window({1, 1}))
                      .node(Op::average_pool, {"m"}, {"a"}, window({1, 1}))
                      .node(Op::reshape, {"a"}, {"f"}, flat)
                      .node(Op::global_average_pool, {"f"}, {"g"}).describe("x", info(0.5f, 3))
                      .outputs({"g"});
  for (const char* name : {"r", "m", "a", "f", "g"})
    EXPECT_EQ(propagated(g, name), info(0.5f, 3)) << name;
}

TEST(Propagate, EveryPartOfASplitCarriesIt) {
  Net net;
  const Graph g = net.input("x", {4}).node(Op::split, {"x"}, {"a", "b"}).describe("x", info(0.5f))
                      .outputs({"a", "b"});
  EXPECT_EQ(propagated(g, "a"), info(0.5f));
  EXPECT_EQ(propagated(g, "b"), info(0.5f));
}

TEST(Propagate, ForwardReplacesWhatTheMoverCarried) {
  Net net;
  const Graph g = net.input("x", {2}).node(Op::identity, {"x"}, {"y"}).describe("x", info(0.5f))
                      .describe("y", info(9.0f)).outputs({"y"});
  EXPECT_EQ(propagated(g, "y"), info(0.5f));
}

TEST(Propagate, BackwardFillsASingleReadersInput) {
  Net net;
  const Graph g = net.input("x", {2}).node(Op::tanh, {"x"}, {"t"}).node(Op::relu, {"t"}, {"y"})
                      .describe("y", info(0.5f)).outputs({"y"});
  EXPECT_EQ(propagated(g, "t"), info(0.5f));
  EXPECT_FALSE(propagated(g, "x").has_value());
}

TEST(Propagate, BackwardStopsWhereTwoRead) {
  Net net;
  const Graph g = net.input("x", {2}).node(Op::tanh, {"x"}, {"t"}).node(Op::relu, {"t"}, {"y"})
                      .node(Op::tanh, {"t"}, {"u"}).describe("y", info(0.5f)).outputs({"y", "u"});
  EXPECT_FALSE(propagated(g, "t").has_value());
}

TEST(Propagate, BackwardDoesNotPassASplit) {
  Net net;
  const Graph g = net.input("x", {4}).node(Op::split, {"x"}, {"a", "b"}).describe("a", info(0.5f))
                      .outputs({"a", "b"});
  EXPECT_FALSE(propagated(g, "x").has_value());
}

TEST(Propagate, BackwardRunsThroughAChainInOneGo) {
  Net net;
  net.input("x", {2}).node(Op::tanh, {"x"}, {"t0"});
  for (int i = 0; i < 6; ++i) net.node(Op::relu, {text("t", i)}, {text("t", i + 1)});
  const Graph g = net.describe("t6", info(0.5f)).outputs({"t6"});
  EXPECT_EQ(propagated(g, "t0"), info(0.5f));
}

TEST(Propagate, StopsAtConcatAndAtArithmetic) {
  Net net;
  const Graph g = net.input("x", {2}).node(Op::concat, {"x", "x"}, {"c"})
                      .node(Op::add, {"x", "x"}, {"s"}).node(Op::sigmoid, {"x"}, {"f"})
                      .describe("x", info(0.5f)).outputs({"c", "s", "f"});
  for (const char* name : {"c", "s", "f"}) EXPECT_FALSE(propagated(g, name).has_value()) << name;
}

Trace traced(const Graph& graph, const char* profile) {
  const Profile p = find_profile(profile);
  return run(graph, {{"x", {{1, 1, 2, 2}, {-1, 2, -3, 4}}}}, &p);
}

TEST(Placement, ANodeIsIntegerWhenEveryOperandAndItsResultCarryInfo) {
  Net net;
  const Graph g = net.input("x", {1, 1, 2, 2}).node(Op::add, {"x", "x"}, {"all"})
                      .node(Op::add, {"x", "all"}, {"bare"}).describe("x", info(0.5f))
                      .describe("all", info(1.0f)).outputs({"bare"});
  const Trace t = traced(g, "mnn-2.9.0.x64.avx2");
  EXPECT_TRUE(t.nodes[0].integer);
  EXPECT_FALSE(t.nodes[1].integer);
  EXPECT_TRUE(test::value(g, t, "bare").codes.empty());
}

TEST(Placement, OpsWithoutAnIntegerFormStayFloat) {
  Net net;
  const Graph g = net.input("x", {1, 1, 2, 2}).node(Op::sigmoid, {"x"}, {"s"})
                      .node(Op::div, {"x", "x"}, {"d"}).node(Op::concat, {"x", "x"}, {"c"})
                      .describe("x", info(0.5f)).describe("s", info(0.5f))
                      .describe("d", info(0.5f)).describe("c", info(0.5f))
                      .outputs({"s", "d", "c"});
  for (const NodeRun& n : traced(g, "mnn-2.9.0.x64.avx2").nodes) EXPECT_FALSE(n.integer);
}

TEST(Placement, AConstantOperandKeepsItsNodeInFloat) {
  Net net;
  const Graph g = net.input("x", {1, 1, 2, 2}).constant("k", {}, {1})
                      .node(Op::add, {"x", "k"}, {"y"}).describe("x", info(0.5f))
                      .describe("k", info(0.5f)).describe("y", info(0.5f)).outputs({"y"});
  const Trace t = traced(g, "mnn-2.9.0.x64.avx2");
  EXPECT_FALSE(t.nodes[0].integer);
  EXPECT_EQ(test::value(g, t, "y").real, (test::Floats{0, 3, -2, 5}));
}

TEST(Placement, NoneKeepsEverythingInFloat) {
  Net net;
  const Graph g = net.input("x", {1, 1, 2, 2}).node(Op::relu, {"x"}, {"y"})
                      .describe("x", info(0.5f)).outputs({"y"});
  EXPECT_TRUE(traced(g, "mnn-2.9.0.arm64.neon").nodes[0].integer);
  EXPECT_FALSE(traced(g, "ieee.fp32").nodes[0].integer);
  EXPECT_FALSE(run(g, {{"x", {{1, 1, 2, 2}, {1, 1, 1, 1}}}}).nodes[0].integer);
}

TEST(Placement, AFloatOperandIsCastAndTheCastIsRecorded) {
  Net net;
  const Graph g = net.input("x", {1, 1, 2, 2}).node(Op::relu, {"x"}, {"y"})
                      .describe("x", info(0.5f, 1)).outputs({"y"});
  const Trace t = traced(g, "mnn-2.9.0.arm64.neon");
  ASSERT_EQ(t.casts.size(), 1u);
  EXPECT_EQ(t.casts[0].tensor, g.find("x"));
  EXPECT_EQ(t.casts[0].node, 0);
  EXPECT_EQ(t.casts[0].info, info(0.5f, 1));
  EXPECT_EQ(t.casts[0].codes, (std::vector<std::int8_t>{-1, 5, -5, 9}));
}

TEST(Placement, CodesTravelThroughMovementUncast) {
  Net net;
  Attributes flat;
  flat.ints = {4};
  const Graph g = net.input("x", {1, 1, 2, 2}).node(Op::relu, {"x"}, {"r"})
                      .node(Op::reshape, {"r"}, {"f"}, flat).node(Op::add, {"f", "f"}, {"y"})
                      .describe("x", info(0.5f)).describe("y", info(1.0f)).outputs({"y"});
  const Trace t = traced(g, "mnn-2.9.0.x64.avx2");
  EXPECT_EQ(t.casts.size(), 1u);
  EXPECT_TRUE(t.nodes[1].integer);
  EXPECT_EQ(test::value(g, t, "f").codes, (std::vector<std::int8_t>{0, 4, 0, 8}));
  EXPECT_EQ(test::value(g, t, "y").real, (test::Floats{0, 4, 0, 8}));
}

}  // namespace
}  // namespace qsim::graph
