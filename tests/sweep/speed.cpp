// A matrix product of 512^3 takes seconds at most on any chain of the catalogue, lifted or not.
//
// Processor time, best of three, in optimised builds on real processors only; the bounds leave room
// for a slow machine. benchmarks/bench_emu.cpp measures.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "sweep/chains.hpp"

namespace qsim::sweep {
namespace {

#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
constexpr bool optimised = true;
#else
constexpr bool optimised = false;
#endif

double seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// The least processor time of up to three runs; one is enough below `limit`.
template <class Run>
double fastest(double limit, Run run) {
  double best = 1e9;
  for (int i = 0; i < 3 && best > limit; ++i) {
    const double start = seconds();
    run();
    best = std::min(best, seconds() - start);
  }
  return best;
}

class Speed : public testing::TestWithParam<ChainOf> {
 protected:
  void SetUp() override {
    if (!optimised) GTEST_SKIP() << "not an optimised build";
    if (std::getenv("QEMU_CPU") != nullptr) GTEST_SKIP() << "an emulated processor";
  }
};

TEST_P(Speed, AShippedProductOf512CubedTakesHalfASecond) {
  const Product product(GetParam(), 512, 512, 512);
  if (!product.is_lifted()) GTEST_SKIP() << "no lifted form: the interpreter runs";
  EXPECT_LE(fastest(0.5, [&] { product.run(); }), 0.5) << GetParam().name;
}

/// An eighth of the columns, times eight.
TEST_P(Speed, AnInterpretedProductOf512CubedTakesTwoSeconds) {
  const Product product(GetParam(), 512, 64, 512);
  EXPECT_LE(8.0 * fastest(0.25, [&] { product.run_interpreted(); }), 2.0) << GetParam().name;
}

std::string name_of(const testing::TestParamInfo<ChainOf>& info) {
  return test_name(info.param.name);
}
INSTANTIATE_TEST_SUITE_P(Chains, Speed, testing::ValuesIn(distinct_chains()), name_of);

}  // namespace
}  // namespace qsim::sweep
