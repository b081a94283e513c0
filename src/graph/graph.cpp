// The graph container: names, producers, validation.

#include "qsim/graph/graph.hpp"

#include <algorithm>
#include <array>

#include "qsim/base/check.hpp"
#include "qsim/base/close.hpp"
#include "qsim/base/checked.hpp"

namespace qsim::graph {

namespace {

constexpr std::array<std::string_view, 25> onnx_names{
    "Conv",        "MatMul",      "Gemm",    "Add",     "Sub",       "Mul",        "Div",
    "Sigmoid",     "Tanh",        "Relu",    "Clip",    "Softmax",   "AveragePool", "MaxPool",
    "GlobalAveragePool", "Split", "Concat",  "Slice",   "Reshape",   "Transpose",  "Squeeze",
    "Unsqueeze",   "Flatten",     "Identity", "BatchNormalization"};

}  // namespace

std::string_view op_name(Op op) { return onnx_names[static_cast<std::size_t>(op)]; }

Op op_from_name(std::string_view onnx_name, std::string_view node) {
  const auto at = std::find(onnx_names.begin(), onnx_names.end(), onnx_name);
  if (at == onnx_names.end())
    fail<NotSupported>("node \"", node, "\": op ", onnx_name,
                       " is not in the closed list of qsim; rewrite it with the supported ops "
                       "(docs/arithmetic.md lists them) or cut the model before it");
  return static_cast<Op>(at - onnx_names.begin());
}

TensorId Graph::add_tensor(std::string name) {
  if (name.empty()) fail<BadArgument>("tensor name: expected at least one character");
  const TensorId id = static_cast<TensorId>(tensors_.size());
  if (!by_name_.emplace(name, id).second)
    fail<BadArgument>("tensor \"", name, "\": the name is taken; names must be unique");
  tensors_.push_back({std::move(name), nullptr, std::nullopt});
  made_.push_back(false);
  return id;
}

TensorId Graph::add_constant(std::string name, Shape shape, std::vector<float> data) {
  if (element_count(shape) != data.size())
    fail<BadArgument>("constant \"", name, "\": expected ", element_count(shape),
                      " values for its shape, got ", data.size());
  const TensorId id = add_tensor(std::move(name));
  Tensor& t = tensors_[static_cast<std::size_t>(id)];
  t.shape = shape;
  t.constant = std::make_shared<const Array>(Array{std::move(shape), std::move(data)});
  made_[static_cast<std::size_t>(id)] = true;
  return id;
}

TensorId Graph::add_input(std::string name, Shape shape) {
  const TensorId id = add_tensor(std::move(name));
  tensors_[static_cast<std::size_t>(id)].shape = std::move(shape);
  made_[static_cast<std::size_t>(id)] = true;
  inputs_.push_back(id);
  return id;
}

void Graph::add_node(Node node) {
  for (const TensorId in : node.inputs) {
    if (in == no_tensor) continue;
    if (!made_[static_cast<std::size_t>(in)])
      fail<BadArgument>("node \"", node.name, "\": input \"", tensor(in).name,
                        "\" is read before anything makes it; nodes must be in topological order");
  }
  if (node.outputs.empty()) fail<BadArgument>("node \"", node.name, "\": expected an output");
  for (const TensorId out : node.outputs) {
    if (made_[static_cast<std::size_t>(out)])
      fail<BadArgument>("node \"", node.name, "\": output \"", tensor(out).name,
                        "\" is already made by another node, an input or a constant");
    made_[static_cast<std::size_t>(out)] = true;
  }
  nodes_.push_back(std::move(node));
}

void Graph::mark_output(TensorId id) {
  tensor(id);
  outputs_.push_back(id);
}

void Graph::validate() const {
  if (outputs_.empty()) fail<BadArgument>("graph: expected at least one output");
  for (const TensorId out : outputs_)
    if (!made_[static_cast<std::size_t>(out)])
      fail<BadArgument>("output \"", tensor(out).name, "\": no node makes it");
}

const Tensor& Graph::tensor(TensorId id) const {
  QSIM_ASSERT(id >= 0 && static_cast<std::size_t>(id) < tensors_.size());
  return tensors_[static_cast<std::size_t>(id)];
}

TensorId Graph::find(std::string_view name) const {
  const auto at = by_name_.find(std::string(name));
  if (at == by_name_.end()) {
    std::vector<std::string_view> names;
    for (const Tensor& t : tensors_) names.push_back(t.name);
    fail<UnknownName>("tensor \"", name, "\" is not in the graph; close matches: ",
                      close_matches(name, names));
  }
  return at->second;
}

bool Graph::has(std::string_view name) const { return by_name_.contains(std::string(name)); }

std::vector<int> producers(const Graph& graph) {
  std::vector<int> made_by(graph.tensors().size(), -1);
  for (std::size_t n = 0; n < graph.nodes().size(); ++n)
    for (const TensorId out : graph.nodes()[n].outputs)
      made_by[static_cast<std::size_t>(out)] = static_cast<int>(n);
  return made_by;
}

std::vector<std::vector<int>> consumers(const Graph& graph) {
  std::vector<std::vector<int>> read_by(graph.tensors().size());
  for (std::size_t n = 0; n < graph.nodes().size(); ++n)
    for (const TensorId in : graph.nodes()[n].inputs)
      if (in != no_tensor) read_by[static_cast<std::size_t>(in)].push_back(static_cast<int>(n));
  return read_by;
}

}  // namespace qsim::graph
