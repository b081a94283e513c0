#pragma once
// A dictionary of arrays as the feeds of a run.

#include "arrays.hpp"
#include "qsim/graph/run.hpp"

namespace qsim::python {

/// {"name": float32 array} checked by dtype; names and shapes are checked by the run.
inline graph::Feeds feeds_of(const graph::Graph& graph, const py::dict& feeds) {
  graph::Feeds out;
  for (const auto& [key, value] : feeds) {
    const std::string name = py::str(key).cast<std::string>();
    bool known = false;
    std::string legal;
    for (const auto id : graph.inputs()) {
      known = known || graph.tensor(id).name == name;
      legal += " \"" + graph.tensor(id).name + "\"";
    }
    if (!known) fail<BadArgument>("feed \"", name, "\": expected one of the inputs", legal);
    const auto array = exact<float>(value, name.c_str());
    out.emplace_back(name, graph::Array{shape_of(array), values_of(array)});
  }
  return out;
}

}  // namespace qsim::python
