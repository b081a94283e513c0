// The graph container: names, producers, validation.

#include "qsim/graph/graph.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

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

/// Fewest and most inputs of an op; those up to the fewest may not be omitted.
std::pair<std::size_t, std::size_t> arity(Op op) {
  switch (op) {
    case Op::matmul: case Op::add: case Op::sub: case Op::mul: case Op::div: return {2, 2};
    case Op::conv: case Op::gemm: return {2, 3};
    case Op::batch_normalization: return {5, 5};
    case Op::concat: return {1, SIZE_MAX};
    case Op::sigmoid: case Op::tanh: case Op::relu: case Op::clip: case Op::softmax:
    case Op::average_pool: case Op::max_pool: case Op::global_average_pool: case Op::split:
    case Op::slice: case Op::reshape: case Op::transpose: case Op::squeeze: case Op::unsqueeze:
    case Op::flatten: case Op::identity:
      return {1, 1};
  }
  return {1, 1};
}

void check_arity(const Node& node) {
  const auto [least, most] = arity(node.op);
  if (node.inputs.size() < least || node.inputs.size() > most)
    fail<BadArgument>("node \"", node.name, "\": ", op_name(node.op), " expects ", least,
                      most == least ? " inputs" : " inputs or more", ", got ", node.inputs.size());
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    if (node.inputs[i] == no_tensor && (i < least || node.op == Op::concat))
      fail<BadArgument>("node \"", node.name, "\": input ", i, " may not be omitted");
  if (node.outputs.empty() || (node.op != Op::split && node.outputs.size() != 1))
    fail<BadArgument>("node \"", node.name, "\": ", op_name(node.op), " has ",
                      node.op == Op::split ? "one output or more" : "one output", ", got ",
                      node.outputs.size());
  for (const TensorId out : node.outputs)
    if (out == no_tensor)
      fail<BadArgument>("node \"", node.name, "\": expected a name for every output, also unused "
                        "ones");
}

void check_lists(const Node& node) {
  const Attributes& a = node.attributes;
  const auto same = [&](const char* what, const Shape& list, std::size_t count) {
    if (list.size() != count && !(list.empty() && count > 0))
      fail<BadArgument>("node \"", node.name, "\": ", what, ": expected ", count, " values, got ",
                        list.size());
  };
  if (node.op == Op::slice) {
    if (a.ends.size() != a.starts.size())
      fail<BadArgument>("node \"", node.name, "\": expected as many ends as starts, got ",
                        a.ends.size(), " and ", a.starts.size());
    same("axes", a.axes, a.starts.size());
    same("steps", a.steps, a.starts.size());
    for (const std::int64_t step : a.steps)
      if (step == 0 || step > INT32_MAX || step < -INT32_MAX)
        fail<BadArgument>("node \"", node.name, "\": steps: expected a step within 31 bits and "
                          "not 0, got ", step);
  }
}

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
  check_arity(node);
  check_lists(node);
  const auto check_known = [&](TensorId id, const char* what) {
    if (id < 0 || static_cast<std::size_t>(id) >= tensors_.size())
      fail<BadArgument>("node \"", node.name, "\": ", what, ": tensor ", id,
                        " is not in the graph");
  };
  for (const TensorId in : node.inputs) {
    if (in == no_tensor) continue;
    check_known(in, "input");
    if (!made_[static_cast<std::size_t>(in)])
      fail<BadArgument>("node \"", node.name, "\": input \"", tensor(in).name,
                        "\" is read before anything makes it; nodes must be in topological order");
  }
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    const TensorId out = node.outputs[i];
    check_known(out, "output");
    const auto before = node.outputs.begin() + static_cast<std::ptrdiff_t>(i);
    if (made_[static_cast<std::size_t>(out)] ||
        std::find(node.outputs.begin(), before, out) != before)
      fail<BadArgument>("node \"", node.name, "\": output \"", tensor(out).name,
                        "\" is already made by a node, an input or a constant");
  }
  for (const TensorId out : node.outputs) made_[static_cast<std::size_t>(out)] = true;
  nodes_.push_back(std::move(node));
}

void Graph::declare_shape(TensorId id, Shape shape) {
  const Tensor& known = tensor(id);
  if (known.constant != nullptr)
    fail<BadArgument>("tensor \"", known.name, "\": a constant has the shape of its data");
  tensors_[static_cast<std::size_t>(id)].shape = std::move(shape);
}

void Graph::mark_output(TensorId id) {
  if (id < 0 || static_cast<std::size_t>(id) >= tensors_.size())
    fail<BadArgument>("output: tensor ", id, " is not in the graph");
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
