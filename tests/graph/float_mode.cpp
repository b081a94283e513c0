// A run answers the same whatever the caller's thread set, and on any number of threads.

#include <gtest/gtest.h>

#include <bit>
#include <cfenv>

#if __has_include(<omp.h>)
#include <omp.h>
#endif

#include "graph/build.hpp"
#include "num/host.hpp"
#include "qsim/graph/calibrate.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::graph {
namespace {

using test::Floats;
using test::Net;

/// Integers times a power of two: exact in every mode, so feeds may be made under any.
Floats noise(std::size_t n, std::uint64_t seed, float scale) {
  qsim::test::Random random(seed);
  Floats out(n);
  for (float& v : out) v = (static_cast<float>(random.below(20001)) - 10000.0f) * scale;
  return out;
}

/// Every float op whose rounding shows, on values that reach down to subnormals.
Graph network() {
  Attributes three, pool, bn;
  three.kernel = {3, 3}, three.pads = {1, 1, 1, 1};
  pool.kernel = {2, 2};
  bn.epsilon = 1e-3f;
  Net net;
  net.input("x", {2, 8, 8, 8}).constant("w", {24, 8, 3, 3}, noise(1728, 1, 0x1p-18f));
  net.constant("tiny", {}, {0x1p-124f}).constant("p", {24}, noise(24, 2, 0x1p-14f));
  net.constant("var", {24}, Floats(24, 0.3f));
  net.node(Op::conv, {"x", "w"}, {"c"}, three).node(Op::relu, {"c"}, {"r"});
  net.node(Op::batch_normalization, {"r", "p", "p", "p", "var"}, {"n"}, bn);
  net.node(Op::average_pool, {"n"}, {"a"}, pool).node(Op::mul, {"a", "tiny"}, {"s"});
  net.node(Op::tanh, {"a"}, {"t"}).node(Op::sigmoid, {"t"}, {"g"}).node(Op::div, {"g", "t"}, {"d"});
  net.node(Op::global_average_pool, {"n"}, {"e"}).node(Op::softmax, {"g"}, {"f"});
  return net.outputs({"s", "d", "e", "f"});
}
Feeds feeds(std::uint64_t seed) { return {{"x", {{2, 8, 8, 8}, noise(1024, seed, 0x1p-13f)}}}; }

/// All values of a run, as bit patterns.
std::vector<std::uint32_t> everything(const Trace& trace) {
  std::vector<std::uint32_t> out;
  for (const Value& v : trace.values) {
    for (const float x : v.real) out.push_back(std::bit_cast<std::uint32_t>(x));
    for (const std::int8_t q : v.codes) out.push_back(static_cast<std::uint32_t>(q));
    out.insert(out.end(), v.unspecified.begin(), v.unspecified.end());
  }
  return out;
}

/// The float reference, float by a profile and codes by a profile.
std::vector<std::vector<std::uint32_t>> all_runs(const Graph& graph, const Graph& quantized) {
  const Profile x64 = find_profile("mnn-2.9.0.x64.sse");
  const Profile arm = find_profile("mnn-2.9.0.arm64.neon");
  return {everything(run(graph, feeds(9))), everything(run(graph, feeds(9), &x64)),
          everything(run(quantized, feeds(9), &x64)), everything(run(quantized, feeds(9), &arm))};
}

Graph quantized(const Graph& graph, const std::string& name) {
  Calibrator c(graph, recipe(name, "x64"));
  c.update(feeds(4));
  c.update(feeds(5));
  return quantize(graph, c.finalize());
}

TEST(FloatMode, ARunIgnoresFlushBitsAndRoundingOfTheCaller) {
  const Graph g = network();
  const Graph q = quantized(g, "qsim.ema");
  const auto want = all_runs(g, q);
  for (const bool flush : {false, true})
    for (const int rounding : {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
      SCOPED_TRACE(text("flush ", flush, ", rounding ", rounding));
      const qsim::test::HostMode host(flush, rounding);
      EXPECT_TRUE(all_runs(g, q) == want);
    }
}

TEST(FloatMode, TheReferenceKeepsSubnormals) {
  const qsim::test::HostMode host(true);
  const Graph g = network();
  const Floats s = test::result(g, feeds(9), "s");
  std::size_t subnormal = 0;
  for (const float v : s) subnormal += num::is_subnormal(test::f32(v)) ? 1u : 0u;
  EXPECT_GT(subnormal, 100u);
}

TEST(FloatMode, CalibrationIgnoresTheCaller) {
  const Graph g = network();
  for (const char* name : {"mnn.ema", "qsim.ema"}) {
    const Graph want = quantized(g, name);
    const qsim::test::HostMode host(true, FE_UPWARD);
    const Graph got = quantized(g, name);
    ASSERT_EQ(got.describes.size(), want.describes.size());
    for (const auto& [id, describe] : want.describes)
      EXPECT_EQ(got.describes.at(id).info, describe.info) << name;
    EXPECT_EQ(test::node(got, "c").quant->weights, test::node(want, "c").quant->weights);
  }
}

TEST(FloatMode, TheCallersModeIsPutBack) {
  const Graph g = network();
  const qsim::test::HostMode host(true, FE_DOWNWARD);
  const std::uint64_t before = qsim::test::fpu_control();
  run(g, feeds(9));
  constexpr std::uint64_t sticky = qsim::test::on_x86 ? 0x3f : 0;  // exception flags
  EXPECT_EQ(qsim::test::fpu_control() & ~sticky, before & ~sticky);
  EXPECT_EQ(std::fegetround(), FE_DOWNWARD);
}

TEST(FloatMode, ARefusedRunPutsTheModeBackToo) {
  const Graph g = network();
  const qsim::test::HostMode host(true, FE_UPWARD);
  EXPECT_THROW(run(g, {}), BadArgument);
  EXPECT_EQ(std::fegetround(), FE_UPWARD);
}

#if __has_include(<omp.h>)
TEST(Threads, AnyNumberGivesTheSameResult) {
  const Graph g = network();
  const Graph q = quantized(g, "qsim.ema");
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const auto want = all_runs(g, q);
  for (const int n : {2, 7}) {
    omp_set_num_threads(n);
    EXPECT_TRUE(all_runs(g, q) == want) << n << " threads";
    const qsim::test::HostMode host(true, FE_TOWARDZERO);
    EXPECT_TRUE(all_runs(g, q) == want) << n << " threads, flushing caller";
  }
  omp_set_num_threads(threads);
}
#endif

}  // namespace
}  // namespace qsim::graph
