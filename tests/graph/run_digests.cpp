// Whole networks keep their bits: float, calibrated and quantized, under every profile and host.
//
// QSIM_WRITE_GOLDEN=<file> writes the file that is compared otherwise
// (tests/data/graph/golden_runs.txt). A line: network, recipe, what ran, a digest of everything,
// then one byte per tensor that says where a difference begins.

#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "conformance/cases.hpp"
#include "graph/networks.hpp"
#include "profile/graph_rows.hpp"
#include "qsim/graph/calibrate.hpp"
#include "qsim/graph/passes.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::graph {
namespace {

using test::Network;

/// FNV-1a of numbers as little-endian bytes; every NaN counts as one.
class Digest {
 public:
  void word(std::uint64_t v) {
    court::Bytes bytes;
    for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
    fnv_.mix(bytes);
  }
  void number(F32 x) { word(num::is_nan(x) ? num::f32_nan.bits : x.bits); }
  void info(const QInfo& q) { number(q.scale), number(q.zero), number(q.low), number(q.high); }
  void codes(const std::vector<std::int8_t>& codes) {
    word(codes.size());
    for (const std::int8_t q : codes) word(static_cast<std::uint8_t>(q));
  }
  void marks(const std::vector<std::uint8_t>& marks) {
    word(marks.size());
    for (const std::uint8_t m : marks) word(m != 0 ? 1 : 0);
  }
  void value(const Value& v) {
    word(v.shape.size());
    for (const std::int64_t e : v.shape) word(static_cast<std::uint64_t>(e));
    word(v.real.size());
    for (const float x : v.real) number(test::f32(x));
    codes(v.codes), marks(v.unspecified), marks(v.unspecified_codes);
    word(v.info.has_value());
    if (v.info) info(*v.info);
  }
  std::uint64_t get() const { return fnv_.value(); }

 private:
  court::Fnv fnv_;
};

std::string hex(std::uint64_t v, int digits) {
  std::string out;
  for (int i = digits; i-- > 0;) out += "0123456789abcdef"[(v >> (4 * i)) & 15];
  return out;
}

/// Ids of computed tensors by name: the order in which they are told.
std::map<std::string, TensorId> computed(const Graph& graph) {
  std::map<std::string, TensorId> ids;
  for (const Tensor& t : graph.tensors())
    if (t.constant == nullptr) ids[t.name] = graph.find(t.name);
  return ids;
}

/// Key ("cnn qsim.ema ieee.fp32") to digest and bytes, and the graph that ran.
struct Lines {
  std::map<std::string, std::string> all;
  std::map<std::string, Graph> graphs;

  /// One byte per tensor in front, then everything else of the run.
  void add(const std::string& key, const Graph& graph, const Trace& trace) {
    Digest whole;
    std::string bytes;
    for (const auto& [name, id] : computed(graph)) {
      const Value& v = trace.values[static_cast<std::size_t>(id)];
      Digest own;
      own.value(v);
      whole.value(v);
      bytes += hex(own.get() >> 56, 2);
    }
    for (const CastRun& c : trace.casts) whole.info(c.info), whole.codes(c.codes);
    for (const NodeRun& n : trace.nodes) {
      whole.word((n.integer ? 1u : 0u) + (n.fused_written ? 2u : 0u));
      if (!n.fused_written) continue;
      for (const F32 s : n.fused_scale) whole.number(s);
      for (const std::int32_t b : n.fused_bias) whole.word(static_cast<std::uint32_t>(b));
    }
    whole.word(trace.nonfinite);
    all[key] = hex(whole.get(), 16) + " " + bytes;
    graphs[key] = graph;
  }
  /// Weights, scales and describes of a quantized graph.
  void add(const std::string& key, const Graph& graph) {
    Digest d;
    for (const Node& n : graph.nodes()) {
      if (n.quant == nullptr) continue;
      d.codes(n.quant->weights);
      for (const F32 a : n.quant->alpha) d.number(a);
      for (const F32 b : n.quant->bias) d.number(b);
      d.number(n.quant->scale_in), d.number(n.quant->scale_out);
    }
    for (const auto& [name, id] : computed(graph))
      if (const auto at = graph.describes.find(id); at != graph.describes.end())
        d.info(at->second.info);
    all[key] = hex(d.get(), 16) + " -";
  }
};

void run_everywhere(Lines& lines, const std::string& key, const Graph& graph, const Feeds& feeds) {
  lines.add(key + "reference", graph, run(graph, feeds));
  for (const Profile& p : qsim::test::graph_rows())
    lines.add(key + std::string(p.name.view()), graph, run(graph, feeds, &p));
}

/// The same graph with quantization info on every tensor: all that can runs on codes.
Graph described(Graph graph) {
  for (std::size_t i = 0; i < graph.tensors().size(); ++i)
    if (graph.tensors()[i].constant == nullptr)
      graph.describes.try_emplace(static_cast<TensorId>(i),
                                  Describe{test::info(0x1p-5f, 3), {}, -1, {}});
  return graph;
}

Lines compute() {
  Lines lines;
  for (const Network& net : {test::gru(), test::cnn()}) {
    const Graph graph = matmul_to_conv(net.graph, 100);
    lines.add(net.name + " float imported", net.graph, run(net.graph, net.sample));
    run_everywhere(lines, net.name + " float ", graph, net.sample);
    for (const auto& [name, host] : {std::pair{"qsim.ema", "x64"}, std::pair{"mnn.ema", "x64"},
                                     std::pair{"mnn.ema", "ieee"}}) {
      const std::string key =
          net.name + " " + name + (std::string(name) == "mnn.ema" ? text(":", host) : "") + " ";
      Calibrator calibrator(graph, recipe(name, host));
      for (std::size_t b = 0; b < net.batches.size(); ++b)
        lines.add(text(key, "batch", b), calibrator.graph(), calibrator.update(net.batches[b]));
      const Graph quantized = quantize(graph, calibrator.finalize());
      lines.add(key + "stored", quantized);
      run_everywhere(lines, key, quantized, net.sample);
      if (std::string(name) == "qsim.ema")
        run_everywhere(lines, net.name + " described ", described(quantized), net.sample);
    }
  }
  return lines;
}

std::map<std::string, std::string> golden() {
  const std::string path = QSIM_TEST_DATA "/graph/golden_runs.txt";
  std::ifstream file(path);
  if (!file) fail<BadFile>(path, ": cannot be read");
  std::map<std::string, std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string network, recipe_name, ran, digest, bytes;
    words >> network >> recipe_name >> ran >> digest >> bytes;
    lines[network + " " + recipe_name + " " + ran] = digest + " " + bytes;
  }
  return lines;
}

void write(const Lines& lines, const std::string& path) {
  std::ofstream file(path);
  file << "# Digests of whole runs, by tests/graph/run_digests.cpp with QSIM_WRITE_GOLDEN=<file>\n"
          "# network recipe what-ran digest byte-per-tensor\n";
  for (const auto& [key, line] : lines.all) file << key << ' ' << line << '\n';
  if (!file.flush()) fail<BadFile>(path, ": cannot be written");
}

/// The tensors whose byte differs.
std::string differences(const Graph& graph, const std::string& got, const std::string& want) {
  std::string all;
  std::size_t at = 17;
  for (const auto& [name, id] : computed(graph)) {
    if (at + 2 > want.size() || got.substr(at, 2) != want.substr(at, 2))
      all += (all.empty() ? "at " : ", ") + name;
    at += 2;
  }
  if (!all.empty()) return all;
  return "in scales, casts or fused parameters, or a later bit of a tensor";
}

TEST(RunDigests, EveryRunEqualsItsGoldenLine) {
  Lines lines = compute();
  if (const char* path = std::getenv("QSIM_WRITE_GOLDEN"); path != nullptr) {
    write(lines, path);
    GTEST_SKIP() << "wrote " << path;
  }
  const auto want = golden();
  for (const auto& [key, line] : lines.all) {
    if (!want.contains(key)) {
      ADD_FAILURE() << key << ": no golden line";
      continue;
    }
    EXPECT_EQ(line, want.at(key))
        << key << ": " << differences(lines.graphs[key], line, want.at(key));
  }
  for (const auto& [key, line] : want)
    EXPECT_TRUE(lines.all.contains(key)) << key << ": never ran";
}

TEST(RunDigests, TheNetworksUseEveryOp) {
  std::set<Op> used;
  for (const Network& net : {test::gru(), test::cnn()})
    for (const Node& n : net.graph.nodes()) used.insert(n.op);
  EXPECT_EQ(used.size(), 25u);
}

TEST(RunDigests, EveryIntegerFormRuns) {
  const Network net = test::cnn();
  Calibrator calibrator(net.graph, recipe("qsim.ema", ""));
  calibrator.update(net.sample);
  const Graph graph = quantize(net.graph, calibrator.finalize());
  const Profile p = find_profile("mnn-2.9.0.x64.avx2");
  std::set<Op> integer;
  for (const NodeRun& n : run(graph, net.sample, &p).nodes)
    if (n.integer) integer.insert(graph.nodes()[static_cast<std::size_t>(n.node)].op);
  for (const Op op : {Op::conv, Op::add, Op::sub, Op::mul, Op::relu, Op::max_pool,
                      Op::average_pool, Op::global_average_pool})
    EXPECT_TRUE(integer.contains(op)) << op_name(op);
}

TEST(RunDigests, AZeroInitialStateBreaksOneRecipeAndNotTheOther) {
  const Network net = test::gru();
  const Graph graph = matmul_to_conv(net.graph, 100);
  const Profile p = find_profile("mnn-2.9.0.arm64.sdot");
  const auto nonfinite = [&](const char* name) {
    Calibrator calibrator(graph, recipe(name, "x64"));
    for (const Feeds& feeds : net.batches) calibrator.update(feeds);
    return run(quantize(graph, calibrator.finalize()), net.sample, &p).nonfinite;
  };
  EXPECT_GT(nonfinite("mnn.ema"), 0u);
  EXPECT_EQ(nonfinite("qsim.ema"), 0u);
}

TEST(RunDigests, ProductsAndTheirConvolutionsAgreeInTheReference) {
  for (const Network& net : {test::gru(), test::cnn()}) {
    const Graph converted = matmul_to_conv(net.graph, 100);
    EXPECT_EQ(test::result(converted, net.sample, "y"), test::result(net.graph, net.sample, "y"));
  }
}

}  // namespace
}  // namespace qsim::graph
