// Runs of graphs, the one place with parallel loops, give the same bits with 1 to 7 threads.

#include <gtest/gtest.h>

#if defined(_OPENMP)
#include <omp.h>
#endif

#include <bit>
#include <cfenv>
#include <string>
#include <vector>

#include "graph/networks.hpp"
#include "qsim/graph/calibrate.hpp"
#include "qsim/graph/passes.hpp"
#include "qsim/profile/catalogue.hpp"
#include "sweep/bundle.hpp"

namespace qsim::graph {
namespace {

/// [1, 16, 24, 24] through a convolution of 1.3 million products, a sigmoid and a matrix product:
/// more work than any parallel loop waits for.
test::Network network() {
  constexpr std::int64_t channels = 16, edge = 24, plane = edge * edge;
  qsim::test::Random random(5);
  test::Net net;
  net.input("x", {1, channels, edge, edge});
  net.constant("w", {channels, channels, 3, 3},
               test::drawn(random, channels * channels * 9, 0x1p-13f));
  net.constant("m", {plane, 40}, test::drawn(random, plane * 40, 0x1p-14f));
  Attributes three, rows;
  three.kernel = {3, 3}, three.pads = {1, 1, 1, 1};
  rows.ints = {channels, plane};
  net.node(Op::conv, {"x", "w"}, {"c"}, three).node(Op::sigmoid, {"c"}, {"s"});
  net.node(Op::reshape, {"s"}, {"r"}, rows).node(Op::matmul, {"r", "m"}, {"y"});
  test::Network out{"wide", net.outputs({"y"}), {}, {}};
  out.sample = {{"x", {{1, channels, edge, edge},
                       test::drawn(random, channels * plane, 0x1p-10f)}}};
  return out;
}

/// Everything a run computed.
std::string digest_of(const Trace& trace) {
  sweep::Digest d;
  for (const Value& v : trace.values) {
    for (const float x : v.real) d.real(test::f32(x));
    d.words(v.codes);
  }
  return d.hex();
}

class Threads {
 public:
  explicit Threads([[maybe_unused]] int n) {
#if defined(_OPENMP)
    omp_set_dynamic(0);
    omp_set_num_threads(n);
#endif
  }
  ~Threads() {
#if defined(_OPENMP)
    omp_set_num_threads(before_);
#endif
  }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  /// Threads that a parallel region has.
  static int count() {
    int n = 1;
#if defined(_OPENMP)
#pragma omp parallel
#pragma omp single
    n = omp_get_num_threads();
#endif
    return n;
  }

 private:
#if defined(_OPENMP)
  int before_ = omp_get_max_threads();
#endif
};

TEST(Threads, AreAsManyAsAsked) {
#if defined(_OPENMP)
  for (const int n : {1, 3, 7}) {
    const Threads threads(n);
    EXPECT_EQ(Threads::count(), n);
  }
#else
  GTEST_SKIP() << "built without OpenMP";
#endif
}

TEST(Threads, NeverChangeABitOfARun) {
  const test::Network net = network();
  const Graph graph = matmul_to_conv(net.graph, 100);
  Calibrator calibrator(graph, recipe("qsim.ema", "x64"));
  calibrator.update(net.sample);
  const Graph quantized = quantize(graph, calibrator.finalize());
  for (const char* name : {"", "ieee.fp32", "mnn-2.9.0.x64.avx2", "mnn-2.9.0.arm64.neon"}) {
    const Profile row = find_profile(*name == '\0' ? "ieee.fp32" : name);
    const Profile* profile = *name == '\0' ? nullptr : &row;
    std::string want;
    for (int n = 1; n <= 7; ++n) {
      const Threads threads(n);
      const std::string got = digest_of(run(quantized, net.sample, profile));
      if (n == 1) want = got;
      EXPECT_EQ(got, want) << name << " with " << n << " threads";
    }
    const qsim::test::HostMode host(true, FE_UPWARD);  // must not reach the threads
    const Threads threads(3);
    EXPECT_EQ(digest_of(run(quantized, net.sample, profile)), want) << name;
  }
}

}  // namespace
}  // namespace qsim::graph
