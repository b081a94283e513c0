// Every gemm kernel of kernels.def on the products of every model in benchmarks/shapes/.
//
// Lines are gemm/<kernel>/<model>/<layer>/<m>x<n>x<k>; GOPS counts a multiply and an add as two.
// The right side is packed beforehand, as a runtime packs its weights once.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "qsim/kernels/gemm.hpp"

namespace {

using qsim::kernels::GemmShape;
using qsim::kernels::Kernel;

struct Product {
  std::string name;  // <model>/<layer>/<m>x<n>x<k>
  GemmShape shape;
};

/// Lines "<layer> <m> <n> <k>"; '#' begins a comment.
std::vector<Product> read_shapes(const std::filesystem::path& file) {
  std::vector<Product> products;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string layer;
    GemmShape s;
    if (!(words >> layer)) continue;
    if (!(words >> s.m >> s.n >> s.k))
      throw std::runtime_error(file.string() + ": expected <layer> <m> <n> <k>, got \"" + line +
                               "\"");
    products.push_back({file.stem().string() + "/" + layer + "/" + std::to_string(s.m) + "x" +
                            std::to_string(s.n) + "x" + std::to_string(s.k),
                        s});
  }
  return products;
}

std::vector<std::int8_t> codes(std::size_t n) {
  std::vector<std::int8_t> all(n);
  std::uint32_t state = 1;
  for (std::int8_t& code : all) {
    state = state * 1664525u + 1013904223u;
    code = static_cast<std::int8_t>(state >> 24);
  }
  return all;
}

void run(benchmark::State& state, const Kernel& kernel, const GemmShape& s) {
  const qsim::kernels::Cpu cpu = qsim::kernels::host_cpu();
  if (!qsim::kernels::supported(kernel, cpu)) {
    state.SkipWithError("this processor lacks its instructions");
    return;
  }
  const auto n = static_cast<std::ptrdiff_t>(s.n), k = static_cast<std::ptrdiff_t>(s.k);
  const std::vector<std::int8_t> lhs = codes(s.m * s.k), rhs = codes(s.k * s.n);
  std::vector<std::int32_t> acc(s.m * s.n);
  const auto packed = qsim::kernels::pack_rhs(kernel, s.k, s.n, {rhs.data(), n, 1});
  for (auto _ : state) {
    qsim::kernels::gemm(packed, s.m, {lhs.data(), k, 1}, acc.data(), n, cpu);
    benchmark::DoNotOptimize(acc.data());
    benchmark::ClobberMemory();
  }
  const double ops =
      2.0 * static_cast<double>(s.m) * static_cast<double>(s.n) * static_cast<double>(s.k) * 1e-9;
  state.counters["GOPS"] = benchmark::Counter(ops, benchmark::Counter::kIsIterationInvariantRate);
}

/// Registers before main, as the BENCHMARK macro does.
[[maybe_unused]] const bool registered = [] {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(QSIM_BENCH_SHAPES))
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const Kernel& kernel : qsim::kernels::kernels()) {
    if (kernel.gemm == nullptr) continue;
    for (const auto& file : files)
      for (const Product& product : read_shapes(file)) {
        const std::string name = "gemm/" + std::string(kernel.name) + "/" + product.name;
        benchmark::RegisterBenchmark(name.c_str(), run, kernel, product.shape);
      }
  }
  return true;
}();

}  // namespace
