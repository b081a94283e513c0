#pragma once
// Executes a graph: in float, or as a profile's machine would, keeping every intermediate.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "qsim/graph/graph.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::graph {

/// A tensor's value during a run.
struct Value {
  Shape shape;
  std::vector<float> real;          ///< as a float consumer reads it
  std::vector<std::int8_t> codes;   ///< empty unless the tensor is int8
  std::optional<QInfo> info;        ///< quantization info the codes are read by
  /// Nonzero where the engine answers with memory it never wrote; empty: nowhere. Values there
  /// are 0 and mean nothing.
  std::vector<std::uint8_t> unspecified;
  bool packed = false;              ///< stored in channel blocks (convolutions, pools)
  /// Like `unspecified`, of codes that mean nothing although their reals are known: with a NaN
  /// scale every code reads as NaN. Empty: as `unspecified`.
  std::vector<std::uint8_t> unspecified_codes{};
  const std::vector<std::uint8_t>& code_mask() const {
    return unspecified_codes.empty() ? unspecified : unspecified_codes;
  }
  std::size_t size() const { return real.size(); }
};

/// How one node ran.
struct NodeRun {
  int node = 0;
  bool integer = false;        ///< computed on int8 codes
  bool fused_written = true;   ///< false: its fused parameters stayed uninitialised
  std::vector<F32> fused_scale;
  std::vector<std::int32_t> fused_bias;
  std::vector<F32> fused_real_bias;  ///< in codes, added after scaling; empty: fused_bias joins
  F32 fused_ratio{};                 ///< where sums are scaled twice; else 0
};

/// A float tensor cast to int8 in front of an integer node.
struct CastRun {
  TensorId tensor = no_tensor;
  int node = 0;
  QInfo info;
  std::vector<std::int8_t> codes;
};

/// Everything a run produced.
struct Trace {
  std::string profile;             ///< empty: the float reference
  std::vector<Value> values;       ///< by TensorId; constants stay empty
  std::vector<NodeRun> nodes;      ///< in execution order
  std::vector<CastRun> casts;      ///< in execution order
  std::uint64_t nonfinite = 0;     ///< non-finite elements over all computed tensors
};

/// Named inputs of a run.
using Feeds = std::vector<std::pair<std::string, Array>>;

/// Runs `graph` on `feeds`. Without a profile every op is float32: products summed in index order,
/// exp and tanh in binary64 (the C library's) and rounded once; the same for any thread count.
/// BadArgument for a graph that does not validate and for missing, repeated or misshapen feeds,
/// UnknownName for a feed without a tensor;
/// NotSupported for an op the run cannot do.
Trace run(const Graph& graph, const Feeds& feeds, const Profile* profile = nullptr);

/// Runs one node of `graph` anew under `profile`, on the inputs that `recorded` (a trace of this
/// graph) holds. Values of other tensors stay as recorded; `nodes` and `casts` speak of this node.
Trace rerun(const Graph& graph, const Trace& recorded, std::size_t node, const Profile& profile);

/// Quantization info each tensor carries under Placement::describes: its own, or that of the tensor
/// it only moves, rectifies or pools. Index: TensorId.
std::vector<std::optional<QInfo>> propagate_describes(const Graph& graph);

}  // namespace qsim::graph
