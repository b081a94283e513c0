#pragma once
// The search for origins, node by node.

#include <optional>
#include <vector>

#include "qsim/graph/nonfinite.hpp"

namespace qsim::graph::detail {

/// Read access to one run.
struct RunView {
  const Graph& graph;
  const Trace& trace;
  const Profile* profile;

  const std::vector<float>& real(TensorId id) const {
    const auto& constant = graph.tensor(id).constant;
    return constant != nullptr ? constant->data
                               : trace.values[static_cast<std::size_t>(id)].real;
  }
  const Shape& shape(TensorId id) const {
    const auto& constant = graph.tensor(id).constant;
    return constant != nullptr ? constant->shape
                               : trace.values[static_cast<std::size_t>(id)].shape;
  }
  const Value& value(TensorId id) const { return trace.values[static_cast<std::size_t>(id)]; }
};

/// Counts of a tensor's elements by kind.
struct Census {
  std::uint64_t nan = 0, inf = 0, unspecified = 0;
  std::uint64_t bad() const { return nan + inf + unspecified; }
};
Census census(const std::vector<float>& real, const std::vector<std::uint8_t>* unspecified);

/// The origin at this node, if it is one.
std::optional<Origin> origin_at(const RunView& run, const NodeRun& record);

/// What this node hides of non-finite inputs.
std::vector<Laundering> laundering_at(const RunView& run, const NodeRun& record);

/// Whether the op answers element by element (after broadcasting).
bool is_elementwise(Op op);

}  // namespace qsim::graph::detail
