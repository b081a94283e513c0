// Emulated products of 512^3 on every chain of the catalogue, as shipped (lifted) and interpreted.
//
// Lines are emu/<lifted|interpreted>/<row>.<types>; a chain that several rows share is measured
// once, the label counts them. After the lines, a table of nanoseconds of processor time per
// multiply-accumulate for every row. BENCH_ARGS=--benchmark_filter=^emu/ measures nothing else.

#include <benchmark/benchmark.h>

#include <cstdio>
#include <ctime>
#include <map>
#include <string>
#include <vector>

#include "sweep/chains.hpp"

namespace {

using qsim::sweep::ChainOf;
using qsim::sweep::Product;

constexpr std::size_t extent = 512;

/// Nanoseconds per product, by row and types: the best run so far.
struct Costs {
  double lifted = 0, interpreted = 0;
};
std::map<std::string, Costs>& costs() {
  static std::map<std::string, Costs> all;
  return all;
}

void note(double& best, double ns) {
  if (best == 0 || ns < best) best = ns;
}

void run(benchmark::State& state, const ChainOf& chain, bool lifted) {
  const Product product(chain, extent, extent, extent);
  if (lifted && !product.is_lifted()) {
    state.SkipWithError("no lifted form: the interpreter runs");
    return;
  }
  double best = 0;
  for (auto _ : state) {
    const std::clock_t start = std::clock();
    benchmark::DoNotOptimize(lifted ? product.run() : product.run_interpreted());
    const double took = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    state.SetIterationTime(took);
    note(best, took * 1e9 / product.products());
  }
  state.counters["ns/MAC"] = best;
  state.SetLabel(std::to_string(chain.others.size() + 1) + " rows");
  const std::string types = chain.name.substr(chain.name.rfind('.'));
  std::vector<std::string> names{chain.name};
  for (const std::string& row : chain.others) names.push_back(row + types);
  for (const std::string& name : names)
    note(lifted ? costs()[name].lifted : costs()[name].interpreted, best);
}

/// Prints the table when the program ends.
struct Table {
  ~Table() {
    if (costs().empty()) return;
    std::printf("\n%-44s %12s %12s   ns per multiply-accumulate\n", "row", "lifted",
                "interpreted");
    for (const auto& [name, cost] : costs()) {
      std::printf("%-44s", name.c_str());
      for (const double ns : {cost.lifted, cost.interpreted})
        ns == 0 ? std::printf(" %12s", "-") : std::printf(" %12.3f", ns);
      std::printf("\n");
    }
  }
};

/// Registers before main, as the BENCHMARK macro does.
[[maybe_unused]] const bool registered = [] {
  costs();  // outlives the table
  static const Table table;
  for (const ChainOf& chain : qsim::sweep::distinct_chains())
    for (const bool lifted : {true, false}) {
      const std::string name =
          std::string("emu/") + (lifted ? "lifted/" : "interpreted/") + chain.name;
      benchmark::RegisterBenchmark(name.c_str(), run, chain, lifted)
          ->UseManualTime()
          ->Unit(benchmark::kMillisecond);
    }
  return true;
}();

}  // namespace
