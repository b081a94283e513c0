// Every gemm kernel that this processor can run equals emu::dot, bit for bit. One that cannot run
// is skipped by name.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "conformance/case_line.hpp"
#include "conformance/gemm_cases.hpp"
#include "qsim/emu/chain.hpp"
#include "qsim/kernels/gemm.hpp"

namespace qsim::test {
namespace {

using kernels::Kernel;

std::vector<std::string> gemm_names() {
  std::vector<std::string> names;
  for (const Kernel& k : kernels::kernels())
    if (k.arith != nullptr) names.emplace_back(k.name);
  return names;
}

TileExtents extents(const Kernel& k) { return {k.mr, k.nr, k.kr}; }

std::int32_t expected(const Arith& arith, const GemmCase& c, std::size_t i, std::size_t j) {
  return emu::dot(arith, c.lhs.data() + i * c.k, 1, c.rhs.data() + j,
                  static_cast<std::ptrdiff_t>(c.n), c.k, c.initial[i * c.n + j]);
}

GemmLine line_of(const Kernel& kernel, const GemmCase& c, std::size_t i, std::size_t j) {
  GemmLine line{std::string(kernel.name),
                static_cast<std::uint32_t>(i),
                static_cast<std::uint32_t>(j),
                c.initial[i * c.n + j],
                {},
                {}};
  for (std::size_t t = 0; t < c.k; ++t) {
    line.lhs.push_back(c.lhs[i * c.k + t]);
    line.rhs.push_back(c.rhs[t * c.n + j]);
  }
  return line;
}

/// Runs the case with a gap between the rows of C; the empty string when all is as it should be.
std::string run(const Kernel& kernel, const GemmCase& c, const kernels::Cpu& cpu) {
  constexpr std::size_t gap = 3;
  constexpr std::int32_t untouched = 0x5eadbeef;
  const std::size_t stride = c.n + gap;
  std::vector<std::int32_t> acc(c.m * stride, untouched);
  for (std::size_t i = 0; i < c.m; ++i)
    for (std::size_t j = 0; j < c.n; ++j) acc[i * stride + j] = c.initial[i * c.n + j];
  kernels::gemm(kernel, {c.m, c.n, c.k}, {c.lhs.data(), static_cast<std::ptrdiff_t>(c.k), 1},
                {c.rhs.data(), static_cast<std::ptrdiff_t>(c.n), 1}, acc.data(),
                static_cast<std::ptrdiff_t>(stride), cpu);
  for (std::size_t i = 0; i < c.m; ++i) {
    for (std::size_t j = 0; j < c.n; ++j) {
      const std::int32_t want = expected(*kernel.arith, c, i, j);
      const std::int32_t got = acc[i * stride + j];
      if (got != want)
        return c.what + "\n" + write(line_of(kernel, c, i, j)) + " want=" + hex32(want) +
               " got=" + hex32(got);
    }
    for (std::size_t j = c.n; j < stride; ++j)
      if (acc[i * stride + j] != untouched) return c.what + ": wrote between the rows of C";
  }
  return "";
}

std::string kernel_name(const testing::TestParamInfo<std::string>& test) { return test.param; }

class GemmKernel : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (!kernels::supported(*kernel_, cpu_)) GTEST_SKIP() << "cannot run here: " << kernel_->name;
  }
  const Kernel* kernel_ = &kernels::find(GetParam());
  const kernels::Cpu cpu_ = kernels::host_cpu();
};

TEST_P(GemmKernel, EqualsTheChainOnStructuredCases) {
  for (const GemmCase& c : structured_cases(extents(*kernel_))) {
    const std::string failure = run(*kernel_, c, cpu_);
    ASSERT_EQ(failure, "");
  }
}

TEST_P(GemmKernel, EqualsTheChainOnWeightedRandomCases) {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    const std::string failure = run(*kernel_, random_case(extents(*kernel_), seed), cpu_);
    ASSERT_EQ(failure, "");
  }
}

INSTANTIATE_TEST_SUITE_P(EveryKernel, GemmKernel, testing::ValuesIn(gemm_names()), kernel_name);

class NightlyGemmKernel : public GemmKernel {};

TEST_P(NightlyGemmKernel, EqualsTheChainOnManyRandomCases) {
  for (std::uint32_t seed = 1000; seed < 11000; ++seed) {
    const std::string failure = run(*kernel_, random_case(extents(*kernel_), seed), cpu_);
    ASSERT_EQ(failure, "");
  }
}

INSTANTIATE_TEST_SUITE_P(EveryKernel, NightlyGemmKernel, testing::ValuesIn(gemm_names()),
                         kernel_name);

/// Whether no input tells the two chains apart: both are plain sums of the same products.
bool equivalent(const Arith& a, const Arith& b) {
  return emu::is_plain_sum(a) && emu::is_plain_sum(b) && a.lhs_offset == b.lhs_offset;
}

TEST(GemmCases, TellEveryTwoChainsApart) {
  for (const Kernel& a : kernels::kernels()) {
    for (const Kernel& b : kernels::kernels()) {
      if (a.arith == nullptr || b.arith == nullptr || equivalent(*a.arith, *b.arith)) continue;
      if (*a.arith == *b.arith) continue;
      bool differs = false;
      for (const GemmCase& c : structured_cases(extents(a))) {
        for (std::size_t i = 0; i < c.m && !differs; ++i)
          for (std::size_t j = 0; j < c.n && !differs; ++j)
            differs = expected(*a.arith, c, i, j) != expected(*b.arith, c, i, j);
        if (differs) break;
      }
      EXPECT_TRUE(differs) << a.obeys << " and " << b.obeys << " agree on every structured case";
    }
  }
}

}  // namespace

/// The result of one pasted case with every other code zero; used by CaseLine tests.
std::string replay(const GemmLine& line) {
  const Kernel& kernel = kernels::find(line.kernel);
  const kernels::Cpu cpu = kernels::host_cpu();
  if (!kernels::supported(kernel, cpu)) return "cannot run here: " + line.kernel;
  if (line.lhs.size() != line.rhs.size()) return "lhs and rhs differ in length";
  GemmCase c;
  c.what = "replayed";
  c.m = line.row + 1;
  c.n = line.column + 1;
  c.k = line.lhs.size();
  c.lhs.assign(c.m * c.k, 0);
  c.rhs.assign(c.k * c.n, 0);
  c.initial.assign(c.m * c.n, 0);
  for (std::size_t t = 0; t < c.k; ++t) {
    c.lhs[line.row * c.k + t] = line.lhs[t];
    c.rhs[t * c.n + line.column] = line.rhs[t];
  }
  c.initial[line.row * c.n + line.column] = line.initial;
  return run(kernel, c, cpu);
}

}  // namespace qsim::test
