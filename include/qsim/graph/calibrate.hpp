#pragma once
// Calibrates a graph with the moving-average quantizer and turns its convolutions into int8.

#include <optional>
#include <string>
#include <vector>

#include "qsim/calib/ema.hpp"
#include "qsim/graph/graph.hpp"
#include "qsim/graph/run.hpp"

namespace qsim::graph {

/// A named way to calibrate: the quantizer's rule and the machine that runs the float network.
struct Recipe {
  std::string name;
  calib::EmaRule rule;
  std::optional<Profile> host;  ///< arithmetic of the calibrating host; none: the float reference
};

/// "mnn.ema" as a host quantizes ("x64": GCC -ffast-math, "ieee": arm64), or "qsim.ema": the same
/// moving average with batches of zero or non-finite range left out (host is ignored).
/// UnknownName for other recipes, BadArgument for other hosts.
Recipe recipe(const std::string& name, const std::string& host);

/// One batch that a range could not digest.
struct Incident {
  int batch = 0;
  std::string node;        ///< the convolution
  bool output = false;     ///< its output's range, else its input's
  calib::Health health = calib::Health::good;
  bool guarded = false;    ///< left out of the running range
  calib::Range running{};  ///< the running range after the batch
};

/// The running ranges of one convolution.
struct ConvRange {
  std::string node, input, output;
  std::optional<calib::Range> in, out;
};

/// The result of a calibration.
struct Calibration {
  std::string recipe;
  calib::EmaRule rule;
  int batches = 0;
  std::vector<ConvRange> ranges;      ///< in execution order
  std::vector<Incident> incidents;    ///< in the order they happened
};

/// Feeds batches through a graph whose convolutions are fake-quantized, as training would.
class Calibrator {
 public:
  /// Relu behind a convolution is fused and batch normalization folded first.
  Calibrator(const Graph& graph, Recipe recipe);
  /// One batch; returns the trace of the fake-quantized network. BadArgument when a feed holds a
  /// NaN or an infinity: such data must be cleaned, not averaged. A batch that throws changes
  /// nothing.
  Trace update(const Feeds& feeds);
  /// BadArgument when no batch was seen.
  Calibration finalize() const;
  const Graph& graph() const { return graph_; }

 private:
  Value convolve(std::size_t n, const Value& x);
  void note(std::size_t n, bool output, const calib::Observation& seen,
            std::optional<calib::Range>& running);

  Graph graph_;
  Recipe recipe_;
  Calibration state_;
  std::vector<int> range_of_;  // by node; -1: not a quantized convolution
  std::vector<std::vector<float>> fake_weights_;
};

/// The quantized graph: int8 weights per convolution, describes per tensor with their provenance.
/// `graph` must be the one that was calibrated (same convolutions by name).
Graph quantize(const Graph& graph, const Calibration& calibration);

}  // namespace qsim::graph
