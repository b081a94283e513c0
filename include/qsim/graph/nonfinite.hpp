#pragma once
// Where non-finite values are born, which ops hide them, how they reach the outputs, what helps.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "qsim/graph/graph.hpp"
#include "qsim/graph/run.hpp"

namespace qsim::graph {

/// Why a value is not finite.
enum class Cause : std::uint8_t {
  zero_range_scale,     ///< a quantization scale made from a range of zero: 0, inf or NaN
  nonfinite_parameter,  ///< a weight, bias, scale or constant that is NaN or infinite
  zero_times_inf, inf_minus_inf, zero_by_zero, inf_by_inf,
  division_by_zero,     ///< finite / 0
  overflow_fp32,
  overflow_fp16,        ///< a float32 result that the profile stores as binary16
  unwritten_memory,     ///< finite, but unspecified: the engine reads or leaves memory it never set
  nan_input,            ///< the caller's own input
};
std::string_view cause_name(Cause cause);

/// An op whose operands read as finite but whose result does not; or a NaN made of infinities.
struct Origin {
  int node = -1;              ///< -1: a graph input
  TensorId tensor = no_tensor;
  std::int64_t element = 0;   ///< flat index of the first non-finite element
  std::uint64_t count = 0;    ///< non-finite (or unspecified) elements born here
  bool unspecified = false;   ///< the engine answers with memory it never wrote
  Cause cause = Cause::nan_input;
  std::string parameter;      ///< the parameter to blame; empty: none
  double value = 0.0;         ///< its value
  int batch = -1;             ///< calibration batch that made it; -1: unknown
  std::vector<std::string> words;  ///< the chain of causes, one sentence each
};

/// An op that read NaN or inf and answered something finite.
struct Laundering {
  int node = -1;
  TensorId tensor = no_tensor;  ///< what it read
  bool cast = false;            ///< hidden by the cast to int8 in front of the node
  std::uint64_t nan = 0, inf = 0;
  std::vector<std::pair<double, std::uint64_t>> answers;  ///< distinct answers and counts, <= 8
};

/// What a tensor on the path carries.
enum class Taint : std::uint8_t { none, laundered, nonfinite };

struct PathStep {
  int node = -1;
  TensorId tensor = no_tensor;
  Taint taint = Taint::none;
};

/// From the nearest origin to one graph output; empty when the output is clean.
struct Path {
  TensorId output = no_tensor;
  std::vector<PathStep> steps;
};

struct Fix {
  std::string kind;   ///< "guard_zero_range", "repair_parameter", "clean_input", ...
  std::string words;
};

struct NonfiniteReport {
  std::string profile;
  std::vector<Origin> origins;
  std::vector<Laundering> laundered;
  std::vector<Path> paths;
  std::vector<std::pair<std::string, int>> shared_constants;  ///< name, number of users
  std::vector<Fix> fixes;
  std::vector<Taint> taint;  ///< by TensorId
};

/// Explains every non-finite value of a finished run of `graph` under `profile` (null: reference).
NonfiniteReport trace_nonfinite(const Graph& graph, const Trace& trace, const Profile* profile);

}  // namespace qsim::graph
