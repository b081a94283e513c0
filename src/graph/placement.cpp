// Propagates quantization info the way Pipeline.cpp of MNN does, and decides who runs on integers.

#include "placement.hpp"

#include "movement.hpp"

namespace qsim::graph {

namespace {

/// Ops through which a tensor's quantization info travels unchanged.
bool carries_info(Op op) {
  return detail::is_movement(op) || op == Op::relu || op == Op::max_pool ||
         op == Op::average_pool || op == Op::global_average_pool;
}

}  // namespace

std::vector<std::optional<QInfo>> propagate_describes(const Graph& graph) {
  std::vector<std::optional<QInfo>> info(graph.tensors().size());
  for (const auto& [id, describe] : graph.describes)
    info[static_cast<std::size_t>(id)] = describe.info;
  const std::vector<std::vector<int>> readers = consumers(graph);
  for (int round = 0; round < 3; ++round) {
    const auto before = info;
    for (const Node& node : graph.nodes()) {  // forward: a producer's info replaces its movers'
      if (!carries_info(node.op)) continue;
      const auto& from = info[static_cast<std::size_t>(node.inputs[0])];
      if (!from) continue;
      for (const TensorId out : node.outputs) info[static_cast<std::size_t>(out)] = from;
    }
    for (std::size_t n = graph.nodes().size(); n-- > 0;) {  // backward, where only one reads
      const Node& node = graph.nodes()[n];
      if (!carries_info(node.op) || node.outputs.size() != 1) continue;
      const std::size_t in = static_cast<std::size_t>(node.inputs[0]);
      if (info[in] || readers[in].size() != 1) continue;
      info[in] = info[static_cast<std::size_t>(node.outputs[0])];
    }
    if (info == before) break;
  }
  return info;
}

namespace detail {

namespace {

/// Ops that have an integer form at all.
bool has_integer_form(const Node& node) {
  if (node.op == Op::conv) return node.quant != nullptr;
  return node.op == Op::add || node.op == Op::sub || node.op == Op::mul || node.op == Op::relu ||
         node.op == Op::max_pool || node.op == Op::average_pool ||
         node.op == Op::global_average_pool;
}

}  // namespace

bool quantizable(const Graph& graph, const Node& node) {
  if (node.op != Op::conv || node.quant != nullptr) return false;
  const auto constant = [&](std::size_t i) { return graph.tensor(node.inputs[i]).constant.get(); };
  if (constant(0) != nullptr || constant(1) == nullptr) return false;
  const Array& weights = *constant(1);
  if (weights.shape.size() < 3 || weights.data.empty()) return false;
  if (node.inputs.size() < 3 || node.inputs[2] == no_tensor) return true;
  return constant(2) != nullptr &&
         static_cast<std::int64_t>(constant(2)->data.size()) == weights.shape[0];
}

Plan make_plan(const Graph& graph, const Profile* profile) {
  Plan plan;
  plan.info.resize(graph.tensors().size());
  plan.integer.assign(graph.nodes().size(), false);
  if (profile == nullptr || profile->placement == Placement::none) return plan;
  plan.info = propagate_describes(graph);
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    const Node& node = graph.nodes()[n];
    if (!has_integer_form(node)) continue;
    bool all = plan.info[static_cast<std::size_t>(node.outputs[0])].has_value();
    const std::size_t data_inputs = node.op == Op::conv ? 1 : node.inputs.size();
    for (std::size_t i = 0; i < data_inputs; ++i)  // a constant has no codes to compute on
      all = all && plan.info[static_cast<std::size_t>(node.inputs[i])].has_value() &&
            graph.tensor(node.inputs[i]).constant == nullptr;
    plan.integer[n] = all;
  }
  return plan;
}

}  // namespace detail
}  // namespace qsim::graph
