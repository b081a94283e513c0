#pragma once
// One node in float: the result of an op from its inputs' real values.

#include <string>
#include <vector>

#include "float_ops.hpp"
#include "qsim/graph/run.hpp"

namespace qsim::graph::detail {

/// An input of a float node; shape is null for an omitted optional input.
struct Source {
  const Shape* shape = nullptr;
  const Floats* real = nullptr;
  const std::vector<std::uint8_t>* unspecified = nullptr;  ///< null for constants
  std::string name;
};

/// The value of a node that is not a movement op. Elements that depend on unspecified ones are
/// unspecified; an op that mixes elements passes that on to all of its result.
Value float_node(const Node& node, const std::vector<Source>& inputs, const Profile* profile);

}  // namespace qsim::graph::detail
