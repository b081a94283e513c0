#include "qsim/graph/nonfinite.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "graph/build.hpp"
#include "qsim/graph/calibrate.hpp"
#include "qsim/graph/passes.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::graph {
namespace {

using test::Floats;
using test::inf;
using test::info;
using test::nan;
using test::Net;
using test::says;

NonfiniteReport traced(const Graph& graph, const Feeds& feeds, const Profile* profile = nullptr) {
  return trace_nonfinite(graph, run(graph, feeds, profile), profile);
}

/// The report on one node of two fed inputs (or one).
NonfiniteReport one(Op op, const std::vector<Floats>& inputs, const Profile* profile = nullptr) {
  Net net;
  Feeds feeds;
  std::vector<std::string> names;
  for (const Floats& data : inputs) {
    names.push_back(text("x", names.size()));
    const Shape shape{static_cast<std::int64_t>(data.size())};
    net.input(names.back(), shape);
    feeds.emplace_back(names.back(), Array{shape, data});
  }
  return traced(net.node(op, names, {"y"}).outputs({"y"}), feeds, profile);
}

/// The origin at the node of a one-node graph.
Origin born(const NonfiniteReport& report) {
  for (const Origin& o : report.origins)
    if (o.node == 0) return o;
  ADD_FAILURE() << "nothing was born at the node";
  return {};
}

TEST(Nonfinite, ACleanRunHasNothingToReport) {
  const NonfiniteReport r = one(Op::add, {{1, 2}, {3, 4}});
  EXPECT_TRUE(r.origins.empty());
  EXPECT_TRUE(r.laundered.empty());
  EXPECT_TRUE(r.fixes.empty());
  ASSERT_EQ(r.paths.size(), 1u);
  EXPECT_TRUE(r.paths[0].steps.empty());
}

TEST(Nonfinite, EveryCauseHasAName) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Cause::nan_input); ++i)
    names.insert(cause_name(static_cast<Cause>(i)));
  EXPECT_EQ(names.size(), 11u);
  EXPECT_FALSE(names.contains(""));
}

TEST(Origins, TheCallersInput) {
  const NonfiniteReport r = one(Op::relu, {{1, nan, inf}});
  ASSERT_FALSE(r.origins.empty());
  EXPECT_EQ(r.origins[0].node, -1);
  EXPECT_EQ(r.origins[0].cause, Cause::nan_input);
  EXPECT_EQ(r.origins[0].element, 1);
  EXPECT_EQ(r.origins[0].count, 2u);
  EXPECT_EQ(r.origins.size(), 1u);
  EXPECT_EQ(r.fixes[0].kind, "clean_input");
}

TEST(Origins, ElementwiseCausesByTheirOperands) {
  EXPECT_EQ(born(one(Op::div, {{1, 2}, {4, 0}})).cause, Cause::division_by_zero);
  EXPECT_EQ(born(one(Op::div, {{1, 0}, {4, 0}})).cause, Cause::zero_by_zero);
  EXPECT_EQ(born(one(Op::div, {{inf}, {inf}})).cause, Cause::inf_by_inf);
  EXPECT_EQ(born(one(Op::mul, {{inf}, {0}})).cause, Cause::zero_times_inf);
  EXPECT_EQ(born(one(Op::sub, {{inf}, {inf}})).cause, Cause::inf_minus_inf);
  EXPECT_EQ(born(one(Op::add, {{inf}, {-inf}})).cause, Cause::inf_minus_inf);
  EXPECT_EQ(born(one(Op::mul, {{3e38f}, {3e38f}})).cause, Cause::overflow_fp32);
}

TEST(Origins, TheFirstElementAndTheCount) {
  const Origin o = born(one(Op::div, {{1, 1, 1, 1}, {1, 0, 1, 0}}));
  EXPECT_EQ(o.element, 1);
  EXPECT_EQ(o.count, 2u);
  ASSERT_EQ(o.words.size(), 1u);
  EXPECT_TRUE(says(o.words[0], {"Div of 1 and 0", "inf"}));
}

TEST(Origins, OnlyFloat16OverflowsBeyond65504) {
  const Profile half = find_profile("ieee.fp16");
  const Profile single = find_profile("ieee.fp32");
  EXPECT_EQ(born(one(Op::add, {{6e4f}, {6e4f}}, &half)).cause, Cause::overflow_fp16);
  EXPECT_TRUE(one(Op::add, {{6e4f}, {6e4f}}, &single).origins.empty());
}

TEST(Origins, AnInfinityThatPassesIsNotBornAgain) {
  const NonfiniteReport r = one(Op::add, {{inf, 1}, {1, 1}});
  EXPECT_EQ(r.origins.size(), 1u);
}

TEST(Origins, AConstantIsToBlame) {
  Net net;
  const Graph g = net.input("x", {2}).constant("k", {2}, {1, nan}).node(Op::mul, {"x", "k"}, {"y"})
                      .outputs({"y"});
  const NonfiniteReport r = traced(g, {{"x", {{2}, {1, 1}}}});
  const Origin o = born(r);
  EXPECT_EQ(o.cause, Cause::nonfinite_parameter);
  EXPECT_EQ(o.parameter, "k");
  EXPECT_TRUE(std::isnan(o.value));
  EXPECT_EQ(o.element, 1);
  EXPECT_EQ(r.fixes[0].kind, "repair_parameter");
}

TEST(Origins, AProductThatOverflows) {
  Net net;
  const Graph g = net.input("x", {1, 2}).constant("w", {2, 1}, {3e38f, 3e38f})
                      .node(Op::matmul, {"x", "w"}, {"y"}).outputs({"y"});
  EXPECT_EQ(born(traced(g, {{"x", {{1, 2}, {1, 1}}}})).cause, Cause::overflow_fp32);
}

TEST(Origins, ANanMadeOfAnInfinityInsideAProduct) {
  Net net;
  const Graph g = net.input("x", {1, 2}).constant("w", {2, 1}, {0, 1})
                      .node(Op::matmul, {"x", "w"}, {"y"}).outputs({"y"});
  const NonfiniteReport r = traced(g, {{"x", {{1, 2}, {inf, 1}}}});
  EXPECT_EQ(born(r).cause, Cause::zero_times_inf);
}

TEST(Origins, MemoryTheEngineNeverWrote) {
  Net net;
  const Graph g = net.input("x", {6}).node(Op::add, {"x", "x"}, {"y"}).describe("x", info(1))
                      .describe("y", info(1)).outputs({"y"});
  const Profile arm = find_profile("mnn-2.9.0.arm64.neon");
  const NonfiniteReport r = traced(g, {{"x", {{6}, {1, 1, 1, 1, 1, 1}}}}, &arm);
  const Origin o = born(r);
  EXPECT_EQ(o.cause, Cause::unwritten_memory);
  EXPECT_TRUE(o.unspecified);
  EXPECT_EQ(o.element, 4);
  EXPECT_EQ(o.count, 2u);
  EXPECT_EQ(r.fixes[0].kind, "avoid_kernel");
}

/// Calibrated on a batch of zeros, run on a good one.
Graph broken(const std::string& host) {
  Attributes a;
  a.kernel = {1, 1};
  Net net;
  const Graph g = net.input("x", {1, 1, 1, 2}).constant("w", {1, 1, 1, 1}, {2})
                      .node(Op::conv, {"x", "w"}, {"y"}, a).outputs({"y"});
  Calibrator c(g, recipe("mnn.ema", host));
  c.update({{"x", {{1, 1, 1, 2}, {0, 0}}}});
  return quantize(g, c.finalize());
}
const Feeds good{{"x", {{1, 1, 1, 2}, {-1, 3}}}};

TEST(Origins, AScaleMadeFromAZeroRangeNamesItsBatch) {
  const Profile p = find_profile("mnn-2.9.0.arm64.neon");
  const NonfiniteReport r = traced(broken("ieee"), good, &p);
  const Origin o = born(r);
  EXPECT_EQ(o.cause, Cause::zero_range_scale);
  EXPECT_EQ(o.parameter, "output scale of \"y\"");
  EXPECT_EQ(o.batch, 0);
  ASSERT_FALSE(o.words.empty());
  EXPECT_TRUE(says(o.words[0], {"calibration batch 0", "\"x\"", "all zero"}));
  EXPECT_EQ(r.fixes[0].kind, "guard_zero_range");
}

TEST(Origins, AnX64EngineReturnsBeforeItWritesFusedParameters) {
  const Profile p = find_profile("mnn-2.9.0.x64.avx2");
  const Graph g = broken("ieee");
  const Trace t = run(g, good, &p);
  EXPECT_FALSE(t.nodes[0].fused_written);
  const Origin o = born(trace_nonfinite(g, t, &p));
  bool said = false;
  for (const std::string& w : o.words) said = said || w.find("returns before") != w.npos;
  EXPECT_TRUE(said);
}

TEST(Origins, AStoredScaleThatNoBatchExplainsIsAParameter) {
  Graph g = broken("ieee");
  g.describes[g.find("y")] = {info(nan), "", -1, ""};
  const Profile p = find_profile("mnn-2.9.0.arm64.neon");
  EXPECT_EQ(born(traced(g, good, &p)).cause, Cause::nonfinite_parameter);
}

TEST(Laundering, AClampHidesANan) {
  const Profile x64 = find_profile("mnn-2.9.0.x64.avx2");
  const NonfiniteReport r = one(Op::relu, {{nan, 1, -inf}}, &x64);
  ASSERT_EQ(r.laundered.size(), 1u);
  EXPECT_EQ(r.laundered[0].node, 0);
  EXPECT_FALSE(r.laundered[0].cast);
  EXPECT_EQ(r.laundered[0].nan, 1u);
  EXPECT_EQ(r.laundered[0].inf, 1u);
  ASSERT_EQ(r.laundered[0].answers.size(), 1u);
  EXPECT_EQ(r.laundered[0].answers[0], (std::pair<double, std::uint64_t>{0.0, 2}));
}

TEST(Laundering, ACastHidesANan) {
  Net net;
  const Graph g = net.input("x", {4}).node(Op::relu, {"x"}, {"y"}).describe("x", info(1, 5))
                      .outputs({"y"});
  const Profile arm = find_profile("mnn-2.9.0.arm64.neon");
  const NonfiniteReport r = traced(g, {{"x", {{4}, {nan, 1, 2, 3}}}}, &arm);
  ASSERT_EQ(r.laundered.size(), 1u);
  EXPECT_TRUE(r.laundered[0].cast);
  EXPECT_EQ(r.laundered[0].nan, 1u);
  EXPECT_EQ(r.laundered[0].answers[0].first, 0.0);  // fcvtas of NaN, zero point and all
}

TEST(Laundering, SaturatedFunctionsHideInfinity) {
  const NonfiniteReport r = one(Op::sigmoid, {{inf, -inf}});
  ASSERT_EQ(r.laundered.size(), 1u);
  EXPECT_EQ(r.laundered[0].answers.size(), 2u);
}

TEST(Taints, ALaunderedValueIsNotCleanAgain) {
  Net net;
  const Graph g = net.input("x", {1}).node(Op::sigmoid, {"x"}, {"s"})
                      .node(Op::add, {"s", "s"}, {"y"}).outputs({"y"});
  const NonfiniteReport r = traced(g, {{"x", {{1}, {inf}}}});
  EXPECT_EQ(r.taint[static_cast<std::size_t>(g.find("x"))], Taint::nonfinite);
  EXPECT_EQ(r.taint[static_cast<std::size_t>(g.find("s"))], Taint::laundered);
  EXPECT_EQ(r.taint[static_cast<std::size_t>(g.find("y"))], Taint::laundered);
}

TEST(Taints, AMoverThatTookOnlyCleanElementsIsClean) {
  Net net;
  const Graph g = net.input("x", {2}).node(Op::split, {"x"}, {"bad", "clean"})
                      .outputs({"bad", "clean"});
  const NonfiniteReport r = traced(g, {{"x", {{2}, {nan, 1}}}});
  EXPECT_EQ(r.paths[0].steps.size(), 2u);
  EXPECT_TRUE(r.paths[1].steps.empty());
}

TEST(Paths, LeadFromTheNearestOriginToTheOutput) {
  Net net;
  const Graph g = net.input("x", {1}).constant("zero", {}, {0}).node(Op::div, {"x", "zero"}, {"q"})
                      .node(Op::tanh, {"q"}, {"t"}).node(Op::add, {"t", "x"}, {"y"})
                      .outputs({"y"});
  const NonfiniteReport r = traced(g, {{"x", {{1}, {1}}}});
  ASSERT_EQ(r.paths.size(), 1u);
  std::vector<std::string> names;
  for (const PathStep& s : r.paths[0].steps) names.push_back(g.tensor(s.tensor).name);
  EXPECT_EQ(names, (std::vector<std::string>{"q", "t", "y"}));
  EXPECT_EQ(r.paths[0].steps[0].node, 0);
  EXPECT_EQ(r.paths[0].steps[0].taint, Taint::nonfinite);
  EXPECT_EQ(r.paths[0].steps[1].taint, Taint::laundered);
}

TEST(Reports, NameTheConstantThatSeveralShare) {
  Net net;
  const Graph g = net.input("x", {1, 1}).constant("w", {1, 1}, {nan})
                      .node(Op::matmul, {"x", "w"}, {"a"}).node(Op::matmul, {"a", "w"}, {"b"})
                      .outputs({"b"});
  const NonfiniteReport r = traced(matmul_to_conv(g, 100), {{"x", {{1, 1}, {1}}}});
  ASSERT_EQ(r.shared_constants.size(), 1u);
  EXPECT_EQ(r.shared_constants[0], (std::pair<std::string, int>{"w", 2}));
}

TEST(Reports, EveryFixIsNamedOnce) {
  Net net;
  const Graph g = net.input("x", {1}).constant("zero", {}, {0}).node(Op::div, {"x", "zero"}, {"a"})
                      .node(Op::div, {"x", "zero"}, {"b"}).outputs({"a", "b"});
  const NonfiniteReport r = traced(g, {{"x", {{1}, {1}}}});
  EXPECT_EQ(r.origins.size(), 2u);
  ASSERT_EQ(r.fixes.size(), 1u);
  EXPECT_EQ(r.fixes[0].kind, "guard_division");
}

}  // namespace
}  // namespace qsim::graph
