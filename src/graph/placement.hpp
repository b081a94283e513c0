#pragma once
// Which nodes of a quantized graph run on integers.

#include <optional>
#include <vector>

#include "qsim/graph/run.hpp"

namespace qsim::graph::detail {

/// Quantization info per tensor and whether each node computes on codes.
struct Plan {
  std::vector<std::optional<QInfo>> info;  ///< by TensorId
  std::vector<bool> integer;               ///< by node
};

/// Whether calibration can make an int8 convolution of the node: a float one of a computed tensor,
/// with constant weights [out, in/group, ...] and, if any, a constant bias per output channel.
bool quantizable(const Graph& graph, const Node& node);

/// The plan of a run; nothing is integer without a profile or under Placement::none.
Plan make_plan(const Graph& graph, const Profile* profile);

}  // namespace qsim::graph::detail
