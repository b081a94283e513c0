// The drivers around the kernels: strides, edges, refusals, and the floating-point environment.

#include <gtest/gtest.h>

#include <cfenv>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/emu/chain.hpp"
#include "qsim/kernels/gemm.hpp"
#include "qsim/kernels/quantize.hpp"

namespace qsim::kernels {
namespace {

/// The first kernel of each kind that runs here; every 64-bit Arm and x86 with SSE4.1 has one.
const Kernel& any_gemm() {
  for (const Kernel& k : kernels())
    if (k.arith != nullptr && supported(k, host_cpu())) return k;
  throw NotSupported("no gemm kernel runs here");
}
const Kernel& any_quantize() {
  for (const Kernel& k : kernels())
    if (k.cast != nullptr && supported(k, host_cpu())) return k;
  throw NotSupported("no quantize kernel runs here");
}

std::vector<std::int8_t> codes(std::size_t n, int step) {
  std::vector<std::int8_t> all;
  for (std::size_t i = 0; i < n; ++i)
    all.push_back(static_cast<std::int8_t>(static_cast<int>(i) * step % 251 - 125));
  return all;
}

TEST(GemmDriver, TakesAnyStrides) {
  constexpr std::size_t m = 7, n = 19, k = 21;
  const Kernel& kernel = any_gemm();
  const std::vector<std::int8_t> a = codes(m * k, 7), b = codes(k * n, 11);
  std::vector<std::int32_t> plain(m * n, 5), turned(m * n, 5), reversed(m * n, 5);
  const Cpu cpu = host_cpu();
  gemm(kernel, {m, n, k}, {a.data(), k, 1}, {b.data(), n, 1}, plain.data(), n, cpu);

  std::vector<std::int8_t> a_turned(m * k), b_turned(k * n);
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t t = 0; t < k; ++t) a_turned[t * m + i] = a[i * k + t];
  for (std::size_t t = 0; t < k; ++t)
    for (std::size_t j = 0; j < n; ++j) b_turned[j * k + t] = b[t * n + j];
  gemm(kernel, {m, n, k}, {a_turned.data(), 1, m}, {b_turned.data(), 1, k}, turned.data(), n, cpu);
  EXPECT_EQ(plain, turned);

  const std::vector<std::int8_t> a_reversed(a.rbegin(), a.rend());
  gemm(kernel, {m, n, k}, {a_reversed.data() + (m * k - 1), -std::ptrdiff_t{k}, -1},
       {b.data(), n, 1}, reversed.data(), n, cpu);
  EXPECT_EQ(plain, reversed);
}

TEST(GemmDriver, APackedRightSideServesManyLeftSides) {
  constexpr std::size_t n = 33, k = 40;
  const Kernel& kernel = any_gemm();
  const std::vector<std::int8_t> b = codes(k * n, 3);
  const PackedRhs packed = pack_rhs(kernel, k, n, {b.data(), n, 1});
  for (const std::size_t m : {1, 2, 5, 13}) {
    const std::vector<std::int8_t> a = codes(m * k, static_cast<int>(m) + 2);
    std::vector<std::int32_t> acc(m * n, -9);
    gemm(packed, m, {a.data(), k, 1}, acc.data(), n, host_cpu());
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t j = 0; j < n; ++j)
        ASSERT_EQ(acc[i * n + j],
                  emu::dot(*kernel.arith, a.data() + i * k, 1, b.data() + j, n, k, -9));
  }
}

TEST(GemmDriver, AnEmptyDepthLeavesTheAccumulators) {
  std::vector<std::int32_t> acc(6, 42);
  gemm(any_gemm(), {2, 3, 0}, {}, {}, acc.data(), 3, host_cpu());
  EXPECT_EQ(acc, std::vector<std::int32_t>(6, 42));
  gemm(any_gemm(), {0, 0, 5}, {}, {}, nullptr, 0, host_cpu());
}

TEST(GemmDriver, RefusesWhatCannotRun) {
  const std::int8_t code = 1;
  std::int32_t acc = 0;
  const Codes one{&code, 1, 1};
  EXPECT_THROW(gemm(any_gemm(), {1, 1, 1}, one, one, &acc, 1, Cpu{}), NotSupported);
  EXPECT_THROW(gemm(any_quantize(), {1, 1, 1}, one, one, &acc, 1, host_cpu()), BadArgument);
}

TEST(QuantizeDriver, RefusesWhatItCannotServe) {
  const std::vector<float> values(3, 1.0f);
  std::vector<std::int8_t> out(3), short_out(2);
  const Cpu cpu = host_cpu();
  const Kernel& kernel = any_quantize();
  EXPECT_THROW(quantize(kernel, {}, values, {}, short_out, cpu), BadArgument);
  EXPECT_THROW(quantize(kernel, {}, values, {.low = -129}, out, cpu), BadArgument);
  EXPECT_THROW(quantize(kernel, {}, values, {.high = 128}, out, cpu), BadArgument);
  EXPECT_THROW(quantize(any_gemm(), {}, values, {}, out, cpu), BadArgument);
  EXPECT_THROW(quantize(kernel, {}, values, {}, out, Cpu{}), NotSupported);
}

TEST(QuantizeDriver, DoesNotDependOnTheCallersRoundingMode) {
  const std::vector<float> values{0.1f, 0.3f, 2.4999998f, -7.7f, 1e-3f};
  const QuantizeArgs args{3.3333333f, 1, -128, 127};
  std::vector<std::int8_t> nearest(values.size()), upward(values.size());
  quantize(any_quantize(), {}, values, args, nearest, host_cpu());
  ASSERT_EQ(std::fesetround(FE_UPWARD), 0);
  quantize(any_quantize(), {}, values, args, upward, host_cpu());
  EXPECT_EQ(std::fegetround(), FE_UPWARD) << "the caller's mode must come back";
  std::fesetround(FE_TONEAREST);
  EXPECT_EQ(nearest, upward);
}

}  // namespace
}  // namespace qsim::kernels
