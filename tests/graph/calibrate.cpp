#include "qsim/graph/calibrate.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "graph/build.hpp"
#include "qsim/graph/passes.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::graph {
namespace {

using test::Floats;
using test::Net;
using test::node;
using test::real;
using test::refusal;
using test::says;

Attributes pointwise() {
  Attributes a;
  a.kernel = {1, 1};
  return a;
}

/// y = 2 x + 0.25 by a 1x1 convolution, then maybe relu.
Graph affine(bool relu = false, const std::string& name = "y") {
  Net net;
  net.input("x", {-1, 1, 1, 2}).constant("w", {1, 1, 1, 1}, {2}).constant("b", {1}, {0.25f});
  net.node(Op::conv, {"x", "w", "b"}, {name}, pointwise());
  if (relu) net.node(Op::relu, {name}, {"z"});
  return net.outputs({relu ? "z" : name});
}
Feeds batch(float a, float b) { return {{"x", {{1, 1, 1, 2}, {a, b}}}}; }
const Feeds good = batch(-1, 3);
const Feeds zero = batch(0, 0);

Calibration calibrated(const Graph& graph, const std::string& name, const std::string& host,
                       const std::vector<Feeds>& batches) {
  Calibrator c(graph, recipe(name, host));
  for (const Feeds& feeds : batches) c.update(feeds);
  return c.finalize();
}
bool is_nan(const calib::Range& r) { return num::is_nan(r.low) && num::is_nan(r.high); }

TEST(Recipe, OnlyKnownNamesAndHosts) {
  EXPECT_TRUE(says(refusal<UnknownName>([] { recipe("tflite", "x64"); }),
                   {"mnn.ema", "qsim.ema", "\"tflite\""}));
  EXPECT_TRUE(says(refusal<BadArgument>([] { recipe("mnn.ema", "riscv"); }),
                   {"x64 or ieee", "riscv"}));
}

TEST(Recipe, TheGuardedOneRunsOnTheFloatReference) {
  EXPECT_FALSE(recipe("qsim.ema", "").host.has_value());
  EXPECT_TRUE(recipe("qsim.ema", "").rule.guards_zero_range);
  EXPECT_EQ(recipe("mnn.ema", "x64").host->name.view(), "mnn-2.9.0.x64.avx512vnni");
  EXPECT_EQ(recipe("mnn.ema", "ieee").host->name.view(), "mnn-2.9.0.arm64.neon");
}

TEST(Calibrator, OneBatchGivesItsNominalRange) {
  const Calibration c = calibrated(affine(), "qsim.ema", "", {good});
  ASSERT_EQ(c.ranges.size(), 1u);
  EXPECT_EQ(c.ranges[0].node, "y");
  EXPECT_EQ(c.ranges[0].input, "x");
  EXPECT_EQ(c.ranges[0].output, "y");
  // s = 4/254, z = round(1/s - 127) = -64 (63.5 - 127 = -63.5, away from zero).
  EXPECT_NEAR(real(c.ranges[0].in->low), -63 * 4.0 / 254, 1e-6);
  EXPECT_NEAR(real(c.ranges[0].in->high), 191 * 4.0 / 254, 1e-6);
  EXPECT_TRUE(c.incidents.empty());
}

TEST(Calibrator, RangesMoveByOnePercent) {
  const Calibration first = calibrated(affine(), "qsim.ema", "", {good});
  const Calibration other = calibrated(affine(), "qsim.ema", "", {batch(-2, 6)});
  const Calibration both = calibrated(affine(), "qsim.ema", "", {good, batch(-2, 6)});
  const double want = 0.99 * real(first.ranges[0].in->high) + 0.01 * real(other.ranges[0].in->high);
  EXPECT_NEAR(real(both.ranges[0].in->high), want, 1e-6);
  EXPECT_EQ(both.batches, 2);
}

TEST(Calibrator, FusesReluFirst) {
  const Calibration c = calibrated(affine(true), "qsim.ema", "", {good});
  EXPECT_EQ(c.ranges[0].node, "y");
  EXPECT_EQ(c.ranges[0].output, "z");
  EXPECT_EQ(real(c.ranges[0].out->low), 0.0f);
}

TEST(Calibrator, TheTraceIsThatOfTheFakeQuantizedNetwork) {
  Calibrator c(affine(), recipe("qsim.ema", ""));
  const Trace t = c.update(good);
  const Floats y = test::value(c.graph(), t, "y").real;
  EXPECT_NE(y[1], 6.25f);
  EXPECT_NEAR(y[1], 6.25f, 8.0 / 254);  // half a step of input, weight and output each
}

TEST(Calibrator, AnX64HostForgetsANanRangeButKeepsAnInfiniteOne) {
  const Calibration after = calibrated(affine(), "mnn.ema", "x64", {good, zero});
  EXPECT_TRUE(is_nan(*after.ranges[0].in));
  EXPECT_EQ(after.ranges[0].out->low, num::negate(num::f32_infinity));  // from NaN by -FLT_MAX
  const Calibration again = calibrated(affine(), "mnn.ema", "x64", {good, zero, good});
  EXPECT_EQ(*again.ranges[0].in, *calibrated(affine(), "mnn.ema", "x64", {good}).ranges[0].in);
  EXPECT_EQ(again.ranges[0].out->low, num::negate(num::f32_infinity));
}

TEST(Calibrator, AnIeeeHostKeepsANanRange) {
  const Calibration c = calibrated(affine(), "mnn.ema", "ieee", {good, zero, good});
  EXPECT_TRUE(is_nan(*c.ranges[0].in));
  EXPECT_TRUE(is_nan(*c.ranges[0].out));
}

TEST(Calibrator, AnX64HostFusesANanToZero) {
  const Calibration c = calibrated(affine(true), "mnn.ema", "x64", {zero});
  ASSERT_EQ(c.incidents.size(), 2u);
  EXPECT_TRUE(c.incidents[1].output);
  EXPECT_EQ(c.incidents[1].health, calib::Health::zero_range);
  const Calibration ieee = calibrated(affine(true), "mnn.ema", "ieee", {zero});
  EXPECT_EQ(ieee.incidents[1].health, calib::Health::nonfinite);
}

TEST(Calibrator, AnIncidentSaysWhereAndWhen) {
  const Calibration c = calibrated(affine(), "mnn.ema", "x64", {good, zero});
  ASSERT_FALSE(c.incidents.empty());
  EXPECT_EQ(c.incidents[0].batch, 1);
  EXPECT_EQ(c.incidents[0].node, "y");
  EXPECT_FALSE(c.incidents[0].output);
  EXPECT_EQ(c.incidents[0].health, calib::Health::zero_range);
  EXPECT_FALSE(c.incidents[0].guarded);
}

TEST(Calibrator, TheGuardLeavesAZeroBatchOut) {
  const Calibration c = calibrated(affine(), "qsim.ema", "", {good, zero});
  EXPECT_EQ(*c.ranges[0].in, *calibrated(affine(), "qsim.ema", "", {good}).ranges[0].in);
  ASSERT_EQ(c.incidents.size(), 1u);
  EXPECT_TRUE(c.incidents[0].guarded);
  EXPECT_EQ(c.incidents[0].running, *c.ranges[0].in);
}

TEST(Calibrator, TheGuardSurvivesNothingButZeroBatches) {
  const Calibration c = calibrated(affine(), "qsim.ema", "", {zero, zero});
  EXPECT_FALSE(c.ranges[0].in.has_value());
  const Graph q = quantize(affine(), c);
  EXPECT_EQ(q.describes.at(q.find("x")).info.scale, num::f32_one);
}

TEST(Calibrator, RefusesNonFiniteData) {
  for (const float bad : {test::nan, test::inf, -test::inf}) {
    Calibrator c(affine(), recipe("mnn.ema", "x64"));
    c.update(good);
    EXPECT_TRUE(says(refusal<BadArgument>([&] { c.update(batch(1, bad)); }),
                     {"batch 1", "\"x\"", "1 NaN or infinite of 2"}));
    EXPECT_EQ(c.finalize().batches, 1);
  }
}

TEST(Calibrator, RefusesToFinishWithoutBatches) {
  const Calibrator c(affine(), recipe("qsim.ema", ""));
  EXPECT_TRUE(says(refusal<BadArgument>([&] { c.finalize(); }), {"at least one batch", "none"}));
}

TEST(Calibrator, RefusesTwoConvolutionsOfOneName) {
  Graph g;
  const TensorId w = g.add_constant("w", {1, 1, 1, 1}, {1.0f});
  TensorId last = g.add_input("x", {1, 1, 1, 1});
  for (const char* out : {"a", "b"}) {
    Node n;
    n.name = "conv";
    n.op = Op::conv;
    n.inputs = {last, w};
    n.outputs = {last = g.add_tensor(out)};
    g.add_node(n);
  }
  g.mark_output(last);
  EXPECT_TRUE(says(refusal<BadArgument>([&] { Calibrator(g, recipe("qsim.ema", "")); }),
                   {"\"conv\"", "another convolution"}));
}

TEST(Calibrator, WeightsThatAreFedStayFloat) {
  Net net;
  const Graph g = net.input("x", {1, 1, 1, 2}).input("w", {1, 1, 1, 1})
                      .node(Op::conv, {"x", "w"}, {"y"}, pointwise()).outputs({"y"});
  Calibrator c(g, recipe("qsim.ema", ""));
  const Trace t = c.update({good[0], {"w", {{1, 1, 1, 1}, {3}}}});
  EXPECT_TRUE(c.finalize().ranges.empty());
  EXPECT_EQ(test::value(c.graph(), t, "y").real, (Floats{-3, 9}));
}

TEST(Calibrator, AConvolutionOfAConstantStaysFloat) {
  Net net;
  const Graph g = net.input("x", {1, 1, 1, 2}).constant("k", {1, 1, 1, 2}, {1, 2})
                      .constant("w", {1, 1, 1, 1}, {3})
                      .node(Op::conv, {"k", "w"}, {"c"}, pointwise())
                      .node(Op::add, {"x", "c"}, {"y"}).outputs({"y"});
  Calibrator c(g, recipe("qsim.ema", ""));
  EXPECT_EQ(test::value(c.graph(), c.update(good), "y").real, (Floats{2, 9}));
  EXPECT_TRUE(c.finalize().ranges.empty());
}

TEST(Quantize, StoresCodesScalesAndProvenance) {
  const Graph q = quantize(affine(), calibrated(affine(), "qsim.ema", "", {good}));
  const Node& conv = node(q, "y");
  ASSERT_NE(conv.quant, nullptr);
  EXPECT_EQ(conv.quant->weights, std::vector<std::int8_t>{127});
  EXPECT_NEAR(real(conv.quant->alpha[0]), 2.0 / 127, 1e-8);
  EXPECT_EQ(real(conv.quant->bias[0]), 0.25f);
  const Describe& in = q.describes.at(q.find("x"));
  const Describe& out = q.describes.at(q.find("y"));
  EXPECT_EQ(in.recipe, "qsim.ema");
  EXPECT_EQ(in.batch, -1);
  EXPECT_EQ(real(in.info.zero), -64.0f);
  EXPECT_EQ(real(in.info.low), -127.0f);
  EXPECT_EQ(real(out.info.low), -128.0f);
}

TEST(Quantize, AnIncidentReachesTheDescribe) {
  const Graph q = quantize(affine(), calibrated(affine(), "mnn.ema", "ieee", {good, zero}));
  const Describe& in = q.describes.at(q.find("x"));
  EXPECT_TRUE(num::is_nan(in.info.scale));
  EXPECT_EQ(in.batch, 1);
  EXPECT_TRUE(says(in.reason, {"calibration batch 1", "\"x\"", "the input of y", "all zero"}));
  EXPECT_TRUE(says(q.describes.at(q.find("y")).reason, {"output turned non-finite"}));
}

TEST(Quantize, AnX64WriterDropsANanCopy) {
  const Graph x64 = quantize(affine(), calibrated(affine(), "mnn.ema", "x64", {zero}));
  EXPECT_EQ(node(x64, "y").quant->scale_in, num::f32_zero);
  const Graph ieee = quantize(affine(), calibrated(affine(), "mnn.ema", "ieee", {zero}));
  EXPECT_TRUE(num::is_nan(node(ieee, "y").quant->scale_in));
}

TEST(Quantize, NotesCountWhatWasDone) {
  const Graph q = quantize(affine(), calibrated(affine(), "qsim.ema", "", {good, zero}));
  EXPECT_EQ(q.notes.back(),
            "qsim.ema: 1 convolutions to int8 from 2 batches, 1 zero or non-finite ranges guarded");
}

TEST(Quantize, TheCalibratorsOwnGraphWillDo) {
  Calibrator c(affine(true), recipe("qsim.ema", ""));
  c.update(good);
  EXPECT_NE(node(quantize(c.graph(), c.finalize()), "y").quant, nullptr);
}

TEST(Quantize, RefusesAnotherGraph) {
  const Calibration c = calibrated(affine(), "qsim.ema", "", {good});
  Net lacks;
  const Graph relu = lacks.input("x", {1}).node(Op::relu, {"x"}, {"y"}).outputs({"y"});
  for (const Graph& other : {affine(false, "other"), affine(true), relu})
    EXPECT_TRUE(says(refusal<BadArgument>([&] { quantize(other, c); }),
                     {"ranges of 1 convolutions", "the graph has 0"}));
}

TEST(Quantize, LastReaderDescribesASharedInput) {
  Net net;
  const Graph g = net.input("x", {1, 1, 1, 2}).constant("w", {1, 1, 1, 1}, {2})
                      .node(Op::conv, {"x", "w"}, {"a"}, pointwise())
                      .node(Op::conv, {"x", "w"}, {"b"}, pointwise())
                      .node(Op::add, {"a", "b"}, {"y"}).outputs({"y"});
  const Graph q = quantize(g, calibrated(g, "qsim.ema", "", {good}));
  EXPECT_EQ(q.describes.size(), 3u);
}

}  // namespace
}  // namespace qsim::graph
