#include "qsim/graph/graph.hpp"

#include <gtest/gtest.h>

#include <set>

#include "graph/build.hpp"

namespace qsim::graph {
namespace {

using test::Net;
using test::refusal;
using test::says;

Node relu(const std::string& name, TensorId from, TensorId to) {
  Node n;
  n.name = name;
  n.op = Op::relu;
  n.inputs = {from};
  n.outputs = {to};
  return n;
}

TEST(Ops, EveryOpIsFoundByItsName) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Op::batch_normalization); ++i) {
    const Op op = static_cast<Op>(i);
    EXPECT_EQ(op_from_name(op_name(op), "n"), op) << op_name(op);
    names.insert(op_name(op));
  }
  EXPECT_EQ(names.size(), 25u);
}

TEST(Ops, AnUnknownOpIsRefusedWithItsNode) {
  const auto ask = [] { op_from_name("Einsum", "attention"); };
  EXPECT_TRUE(says(refusal<NotSupported>(ask), {"\"attention\"", "Einsum", "closed list"}));
}

TEST(Ops, NamesAreSpelledExactly) {
  EXPECT_THROW(op_from_name("matmul", "n"), NotSupported);
  EXPECT_THROW(op_from_name("", "n"), NotSupported);
}

TEST(GraphTensors, ANameIsTakenOnce) {
  Graph g;
  g.add_tensor("x");
  EXPECT_TRUE(says(refusal<BadArgument>([&] { g.add_tensor("x"); }), {"\"x\"", "taken"}));
  EXPECT_TRUE(says(refusal<BadArgument>([&] { g.add_input("x", {1}); }), {"\"x\"", "taken"}));
  EXPECT_TRUE(says(refusal<BadArgument>([&] { g.add_constant("x", {1}, {0.0f}); }), {"\"x\""}));
  EXPECT_EQ(g.tensors().size(), 1u);
}

TEST(GraphTensors, ANameHasACharacter) { EXPECT_THROW(Graph().add_tensor(""), BadArgument); }

TEST(GraphTensors, AConstantFillsItsShape) {
  Graph g;
  const auto ask = [&] { g.add_constant("w", {2, 3}, {1.0f, 2.0f}); };
  EXPECT_TRUE(says(refusal<BadArgument>(ask), {"\"w\"", "expected 6", "got 2"}));
  EXPECT_FALSE(g.has("w"));
}

TEST(GraphTensors, AConstantHasNoOpenExtent) {
  EXPECT_THROW(Graph().add_constant("w", {-1}, {1.0f}), BadArgument);
}

TEST(GraphTensors, AScalarConstantHasOneValue) {
  Graph g;
  const TensorId id = g.add_constant("two", {}, {2.0f});
  EXPECT_EQ(g.tensor(id).constant->data, std::vector<float>{2.0f});
  EXPECT_THROW(g.add_constant("none", {}, {}), BadArgument);
}

TEST(GraphTensors, FindRefusesAnUnknownNameWithItsWords) {
  Net net;
  const Graph g = net.input("hidden", {1}).node(Op::relu, {"hidden"}, {"y"}).outputs({"y"});
  EXPECT_EQ(g.find("hidden"), 0);
  EXPECT_TRUE(says(refusal<UnknownName>([&] { g.find("hiden"); }), {"\"hiden\"", "not in"}));
}

TEST(GraphNodes, AValueIsMadeBeforeItIsRead) {
  Graph g;
  const TensorId late = g.add_tensor("late");
  const TensorId y = g.add_tensor("y");
  const auto ask = [&] { g.add_node(relu("r", late, y)); };
  EXPECT_TRUE(says(refusal<BadArgument>(ask), {"\"r\"", "\"late\"", "before anything makes it"}));
}

TEST(GraphNodes, ATensorIsMadeOnce) {
  Graph g;
  const TensorId x = g.add_input("x", {1});
  const TensorId y = g.add_tensor("y");
  g.add_node(relu("first", x, y));
  EXPECT_TRUE(says(refusal<BadArgument>([&] { g.add_node(relu("second", x, y)); }),
                   {"\"second\"", "\"y\"", "already made"}));
  EXPECT_TRUE(says(refusal<BadArgument>([&] { g.add_node(relu("third", y, x)); }), {"\"x\""}));
}

TEST(GraphNodes, ANodeDoesNotReadItself) {
  Graph g;
  const TensorId y = g.add_tensor("y");
  EXPECT_THROW(g.add_node(relu("loop", y, y)), BadArgument);
}

TEST(GraphNodes, ANodeDoesNotMakeATensorTwice) {
  Graph g;
  Node split;
  split.name = "s";
  split.op = Op::split;
  split.inputs = {g.add_input("x", {2})};
  split.outputs = {g.add_tensor("y"), g.add_tensor("z")};
  split.outputs[1] = split.outputs[0];
  EXPECT_TRUE(says(refusal<BadArgument>([&] { g.add_node(split); }), {"\"s\"", "\"y\""}));
}

TEST(GraphNodes, TensorsOfANodeAreInTheGraph) {
  Graph g;
  const TensorId x = g.add_input("x", {1});
  EXPECT_TRUE(says(refusal<BadArgument>([&] { g.add_node(relu("r", x, 7)); }), {"\"r\"", "7"}));
  EXPECT_TRUE(says(refusal<BadArgument>([&] { g.add_node(relu("r", 9, x)); }), {"\"r\"", "9"}));
  EXPECT_THROW(g.mark_output(3), BadArgument);
}

TEST(GraphNodes, EveryOutputHasATensor) {
  Graph g;
  const TensorId x = g.add_input("x", {1});
  Node none = relu("r", x, x);
  none.outputs.clear();
  EXPECT_TRUE(says(refusal<BadArgument>([&] { g.add_node(none); }), {"\"r\"", "output"}));
  EXPECT_TRUE(says(refusal<BadArgument>([&] { g.add_node(relu("r", x, no_tensor)); }), {"\"r\""}));
  Node split = relu("s", x, no_tensor);
  split.op = Op::split;
  EXPECT_TRUE(says(refusal<BadArgument>([&] { g.add_node(split); }), {"\"s\"", "output"}));
}

TEST(GraphNodes, AnOpTakesItsNumberOfInputs) {
  const auto build = [](Op op, const std::vector<std::string>& inputs) {
    return refusal<BadArgument>([&] {
      Net net;
      net.input("a", {1}).input("b", {1}).input("c", {1}).input("d", {1}).node(op, inputs, {"y"});
    });
  };
  EXPECT_TRUE(says(build(Op::add, {"a"}), {"\"y\"", "Add expects 2", "got 1"}));
  EXPECT_TRUE(says(build(Op::add, {"a", "b", "c"}), {"got 3"}));
  EXPECT_TRUE(says(build(Op::conv, {"a"}), {"Conv expects 2"}));
  EXPECT_TRUE(says(build(Op::conv, {"a", "b", "c", "d"}), {"got 4"}));
  EXPECT_TRUE(says(build(Op::relu, {}), {"got 0"}));
  EXPECT_TRUE(says(build(Op::concat, {}), {"got 0"}));
  EXPECT_TRUE(says(build(Op::batch_normalization, {"a", "b", "c", "d"}), {"expects 5"}));
  EXPECT_EQ(build(Op::conv, {"a", "b"}), "");
  EXPECT_EQ(build(Op::concat, {"a", "b", "c", "d"}), "");
}

TEST(GraphNodes, OnlyOptionalInputsMayBeOmitted) {
  const auto build = [](Op op, const std::vector<std::string>& inputs) {
    Net net;
    net.input("a", {1}).input("b", {1}).node(op, inputs, {"y"});
  };
  EXPECT_NO_THROW(build(Op::gemm, {"a", "b", ""}));
  EXPECT_TRUE(says(refusal<BadArgument>([&] { build(Op::gemm, {"a", ""}); }), {"input 1"}));
  EXPECT_TRUE(says(refusal<BadArgument>([&] { build(Op::concat, {"a", ""}); }), {"input 1"}));
}

TEST(GraphNodes, OnlySplitHasSeveralOutputs) {
  Net net;
  EXPECT_TRUE(says(refusal<BadArgument>([&] {
                     net.input("x", {2}).node(Op::relu, {"x"}, {"y", "z"});
                   }),
                   {"\"y\"", "Relu", "got 2"}));
}

TEST(GraphNodes, ARefusedNodeLeavesTheGraphAsItWas) {
  Graph g;
  const TensorId x = g.add_input("x", {2});
  const TensorId y = g.add_tensor("y");
  Node split;
  split.op = Op::split;
  split.inputs = {x};
  split.outputs = {y, x};
  EXPECT_THROW(g.add_node(split), BadArgument);
  EXPECT_TRUE(g.nodes().empty());
  EXPECT_NO_THROW(g.add_node(relu("r", x, y)));
}

TEST(GraphValidate, AGraphHasAnOutput) {
  Graph g;
  g.add_input("x", {1});
  EXPECT_TRUE(says(refusal<BadArgument>([&] { g.validate(); }), {"at least one output"}));
}

TEST(GraphValidate, EveryOutputIsMade) {
  Graph g;
  g.mark_output(g.add_tensor("never"));
  EXPECT_TRUE(says(refusal<BadArgument>([&] { g.validate(); }), {"\"never\"", "no node makes it"}));
}

TEST(GraphReading, ProducersAndConsumersMirrorEachOther) {
  Net net;
  const Graph g = net.input("x", {2}).node(Op::split, {"x"}, {"a", "b"})
                      .node(Op::mul, {"a", "a"}, {"y"}).node(Op::add, {"y", "b"}, {"z"})
                      .outputs({"z"});
  EXPECT_EQ(producers(g), (std::vector<int>{-1, 0, 0, 1, 2}));
  const std::vector<std::vector<int>> want{{0}, {1, 1}, {2}, {2}, {}};
  EXPECT_EQ(consumers(g), want);
}

TEST(Feeds, EveryInputIsFedOnce) {
  Net net;
  const Graph g = net.input("a", {1}).input("b", {1}).node(Op::add, {"a", "b"}, {"y"})
                      .outputs({"y"});
  const Array one{{1}, {1.0f}};
  EXPECT_TRUE(says(refusal<BadArgument>([&] { run(g, {{"a", one}}); }), {"\"b\"", "not given"}));
  const Feeds twice{{"a", one}, {"b", one}, {"a", one}};
  EXPECT_TRUE(says(refusal<BadArgument>([&] { run(g, twice); }), {"\"a\"", "twice"}));
}

TEST(Feeds, OnlyInputsAreFed) {
  Net net;
  const Graph g = net.input("x", {1}).node(Op::relu, {"x"}, {"y"}).outputs({"y"});
  const Array one{{1}, {1.0f}};
  EXPECT_TRUE(says(refusal<BadArgument>([&] { run(g, {{"x", one}, {"y", one}}); }),
                   {"\"y\"", "not an input"}));
  EXPECT_THROW(run(g, {{"x", one}, {"q", one}}), UnknownName);
}

TEST(Feeds, AFeedHasTheDeclaredShape) {
  Net net;
  const Graph g = net.input("x", {-1, 2}).node(Op::relu, {"x"}, {"y"}).outputs({"y"});
  EXPECT_NO_THROW(run(g, {{"x", {{3, 2}, test::count(6)}}}));
  EXPECT_TRUE(says(refusal<BadArgument>([&] { run(g, {{"x", {{3, 3}, test::count(9)}}}); }),
                   {"\"x\"", "[-1, 2]", "[3, 3]"}));
  EXPECT_THROW(run(g, {{"x", {{2}, test::count(2)}}}), BadArgument);
  EXPECT_TRUE(says(refusal<BadArgument>([&] { run(g, {{"x", {{2, 2}, test::count(3)}}}); }),
                   {"\"x\"", "does not fill"}));
}

TEST(Runs, ATraceKeepsEveryValueAndCountsWhatIsNotFinite) {
  Net net;
  const Graph g = net.input("x", {3}).constant("zero", {}, {0.0f})
                      .node(Op::div, {"x", "zero"}, {"q"}).node(Op::relu, {"q"}, {"y"})
                      .outputs({"y"});
  const Trace t = run(g, {{"x", {{3}, {1.0f, -1.0f, 2.0f}}}});
  EXPECT_EQ(t.profile, "");
  EXPECT_EQ(test::value(g, t, "q").real, (test::Floats{test::inf, -test::inf, test::inf}));
  EXPECT_EQ(test::value(g, t, "y").real, (test::Floats{test::inf, 0.0f, test::inf}));
  EXPECT_TRUE(test::value(g, t, "zero").real.empty());
  EXPECT_EQ(t.nonfinite, 5u);
}

}  // namespace
}  // namespace qsim::graph
