// Graph rewrites: MatMul to convolution, batch-norm folding, relu fusion.

#include "qsim/graph/passes.hpp"

#include <algorithm>
#include <cmath>

#include "movement.hpp"
#include "parallel.hpp"
#include "qsim/base/check.hpp"

namespace qsim::graph {

namespace {

/// Copies a graph node by node, tensor ids kept by name.
class Rewriter {
 public:
  explicit Rewriter(const Graph& source) : source_(source) {
    for (const TensorId id : source.inputs())
      out_.add_input(source.tensor(id).name, *source.tensor(id).shape);
    for (std::size_t i = 0; i < source.tensors().size(); ++i) {
      const Tensor& t = source.tensors()[i];
      if (t.constant != nullptr) out_.add_constant(t.name, t.constant->shape, t.constant->data);
    }
    out_.notes = source.notes;
  }

  const Graph& source() const { return source_; }

  /// The new id of a tensor of the source, added when first seen.
  TensorId keep(TensorId id) {
    if (id == no_tensor) return no_tensor;
    const Tensor& t = source_.tensor(id);
    if (out_.has(t.name)) return out_.find(t.name);
    const TensorId kept = out_.add_tensor(t.name);
    if (t.shape) out_.declare_shape(kept, *t.shape);
    return kept;
  }

  /// `name`, or with the first number behind it that makes it a name nobody has.
  std::string unused(const std::string& name) const {
    std::string unique = name;
    for (int i = 2; out_.has(unique) || source_.has(unique); ++i)
      unique = name + "_" + std::to_string(i);
    return unique;
  }

  TensorId fresh(const std::string& name) { return out_.add_tensor(unused(name)); }

  void copy(const Node& node) {
    Node copy = node;
    for (TensorId& id : copy.inputs) id = keep(id);
    for (TensorId& id : copy.outputs) id = keep(id);
    out_.add_node(std::move(copy));
  }

  Graph& graph() { return out_; }

  Graph finish() {
    for (const TensorId id : source_.outputs()) out_.mark_output(keep(id));
    for (const auto& [id, describe] : source_.describes)
      if (out_.has(source_.tensor(id).name))
        out_.describes[out_.find(source_.tensor(id).name)] = describe;
    out_.validate();
    return std::move(out_);
  }

 private:
  const Graph& source_;
  Graph out_;
};

/// Number of nodes that read a tensor (a node that reads it twice counts once).
std::size_t users(const std::vector<std::vector<int>>& readers, TensorId id) {
  std::vector<int> list = readers[static_cast<std::size_t>(id)];
  std::sort(list.begin(), list.end());
  return static_cast<std::size_t>(std::unique(list.begin(), list.end()) - list.begin());
}

bool is_constant(const Graph& g, TensorId id) {
  return id != no_tensor && g.tensor(id).constant != nullptr;
}

/// Ranks of all tensors as far as declared shapes and ops tell them; -1: unknown.
std::vector<int> ranks(const Graph& g) {
  std::vector<int> rank(g.tensors().size(), -1);
  for (std::size_t i = 0; i < rank.size(); ++i)
    if (g.tensors()[i].shape) rank[i] = static_cast<int>(g.tensors()[i].shape->size());
  for (const Node& n : g.nodes()) {
    const int in = rank[static_cast<std::size_t>(n.inputs[0])];
    int out = in;
    if (n.op == Op::reshape) out = static_cast<int>(n.attributes.ints.size());
    if (n.op == Op::gemm || n.op == Op::flatten) out = 2;
    if (n.op == Op::unsqueeze) out = in < 0 ? -1 : in + static_cast<int>(n.attributes.ints.size());
    if (n.op == Op::squeeze)
      out = in < 0 || n.attributes.ints.empty() ? -1
                                                : in - static_cast<int>(n.attributes.ints.size());
    if (n.op == Op::matmul || n.op == Op::add || n.op == Op::sub || n.op == Op::mul ||
        n.op == Op::div) {
      const int other = rank[static_cast<std::size_t>(n.inputs[1])];
      out = in < 0 || other < 0 ? -1 : std::max(in, other);
      if (n.op == Op::matmul && (in == 1 || other == 1)) out = std::max(out - 1, -1);
    }
    for (const TensorId o : n.outputs)
      if (o != no_tensor && rank[static_cast<std::size_t>(o)] < 0)
        rank[static_cast<std::size_t>(o)] = out;
  }
  return rank;
}

/// One MatMul or Gemm about to become a convolution.
struct Conversion {
  const Array* weights = nullptr;  // as in the graph
  bool weights_out_in = false;     // already [out, in]
  std::int64_t in = 0, out = 0;
  std::vector<float> bias;
  int rank = 2;                    // of the left side
};

/// Whether the node can be converted; fills `c`.
bool convertible(const Graph& g, const Node& node, const std::vector<int>& rank, Conversion& c) {
  if (node.op != Op::matmul && node.op != Op::gemm) return false;
  if (is_constant(g, node.inputs[0]) || !is_constant(g, node.inputs[1])) return false;
  const Attributes& a = node.attributes;
  if (node.op == Op::gemm && (a.trans_a || a.alpha != 1.0f || a.beta != 1.0f)) return false;
  c.weights = g.tensor(node.inputs[1]).constant.get();
  if (c.weights->shape.empty() || c.weights->shape.size() > 2) return false;
  c.weights_out_in = node.op == Op::gemm && a.trans_b;
  const std::int64_t rows = c.weights->shape[0];
  const std::int64_t columns = c.weights->shape.size() == 2 ? c.weights->shape[1] : 1;
  c.in = c.weights_out_in ? columns : rows;
  c.out = c.weights_out_in ? rows : columns;
  c.rank = rank[static_cast<std::size_t>(node.inputs[0])];
  if (c.in < 1 || c.out < 1 || c.rank < 2 || c.weights->shape.size() == 1) return false;
  if (node.op == Op::gemm && c.rank != 2) return false;
  // A left side that does not fit stays a product, which the run refuses.
  const std::optional<Shape>& left = g.tensor(node.inputs[0]).shape;
  if (left && left->back() >= 0 && left->back() != c.in) return false;
  c.bias.assign(static_cast<std::size_t>(c.out), 0.0f);
  if (node.inputs.size() > 2 && node.inputs[2] != no_tensor) {
    const Array* bias = g.tensor(node.inputs[2]).constant.get();
    if (bias == nullptr) return false;
    const bool per_column = bias->data.size() == c.bias.size() && !bias->shape.empty() &&
                            bias->shape.back() == c.out;  // [out, 1] would be one value per row
    if (bias->data.size() != 1 && !per_column) return false;
    for (std::size_t i = 0; i < c.bias.size(); ++i)
      c.bias[i] = bias->data[bias->data.size() == 1 ? 0 : i];
  }
  return true;
}

/// This convolution's own copy of the weights, [out, in, 1, 1].
std::vector<float> own_weights(const Conversion& c) {
  std::vector<float> w(c.weights->data.size());
  for (std::int64_t o = 0; o < c.out; ++o)
    for (std::int64_t i = 0; i < c.in; ++i)
      w[static_cast<std::size_t>(o * c.in + i)] =
          c.weights->data[static_cast<std::size_t>(c.weights_out_in ? o * c.in + i
                                                                    : i * c.out + o)];
  return w;
}

/// The shape that gives a flat [rows, out] result its leading extents back.
Shape restored_shape(const Graph& g, const Node& node, const Conversion& c) {
  if (c.rank == 2) return {-1, c.out};
  const std::optional<Shape>& declared = g.tensor(node.inputs[0]).shape;
  Shape shape;
  if (declared) shape = Shape(declared->begin(), declared->end() - 1);
  if (!declared || std::count_if(shape.begin(), shape.end(), [](auto e) { return e < 0; }) > 1)
    fail<NotSupported>("node \"", node.name, "\": cannot convert a MatMul whose left side has ",
                       "rank ", c.rank, " and more than one extent unknown before the run; ",
                       "give the model static shapes");
  for (std::int64_t& e : shape) e = e < 0 ? -1 : e;
  shape.push_back(c.out);
  return shape;
}

void convert(Rewriter& rewrite, const Node& node, const Conversion& c, int shared_by) {
  Graph& g = rewrite.graph();
  const std::string out_name = rewrite.source().tensor(node.outputs[0]).name;
  const auto movement = [&](const std::string& suffix, Shape shape, TensorId from, TensorId to) {
    Node n;
    n.name = out_name + suffix;
    n.op = Op::reshape;
    n.attributes.ints = std::move(shape);
    n.inputs = {from};
    n.outputs = {to};
    n.source = std::string(op_name(node.op));
    g.add_node(std::move(n));
  };
  const TensorId flat = rewrite.fresh(out_name + "__matmul_input");
  movement("__matmul_input", {-1, c.in, 1, 1}, rewrite.keep(node.inputs[0]), flat);

  Node conv;
  conv.name = out_name + "__matmul_converted";
  conv.op = Op::conv;
  conv.attributes.kernel = {1, 1};
  conv.source = std::string(op_name(node.op));
  conv.shared_constant = rewrite.source().tensor(node.inputs[1]).name;
  conv.shared_by = shared_by;
  conv.inputs = {flat,
                 g.add_constant(rewrite.unused(conv.name + "__weight"), {c.out, c.in, 1, 1},
                                own_weights(c)),
                 g.add_constant(rewrite.unused(conv.name + "__bias"), {c.out}, c.bias)};
  const TensorId converted = rewrite.fresh(conv.name);
  conv.outputs = {converted};
  g.add_node(std::move(conv));
  movement("__matmul_output", restored_shape(rewrite.source(), node, c), converted,
           rewrite.keep(node.outputs[0]));
}

/// The only reader of a tensor, or null if there are several or it is an output.
const Node* only_reader(const Graph& g, const std::vector<std::vector<int>>& readers, TensorId id) {
  const auto& list = readers[static_cast<std::size_t>(id)];
  const bool is_output =
      std::find(g.outputs().begin(), g.outputs().end(), id) != g.outputs().end();
  return list.size() == 1 && !is_output ? &g.nodes()[static_cast<std::size_t>(list[0])] : nullptr;
}

}  // namespace

Graph matmul_to_conv(const Graph& graph, std::int64_t max_consumers) {
  if (max_consumers < 1)
    fail<BadArgument>("max_consumers: expected >= 1, got ", max_consumers);
  const std::vector<std::vector<int>> readers = consumers(graph);
  const std::vector<int> rank = ranks(graph);
  Rewriter rewrite(graph);
  int converted = 0;
  for (const Node& node : graph.nodes()) {
    Conversion c;
    if (!convertible(graph, node, rank, c) ||
        users(readers, node.inputs[1]) > static_cast<std::size_t>(max_consumers)) {
      rewrite.copy(node);
      continue;
    }
    convert(rewrite, node, c, static_cast<int>(users(readers, node.inputs[1])));
    ++converted;
  }
  rewrite.graph().notes.push_back(text("matmul_to_conv(max_consumers=", max_consumers,
                                       "): converted ", converted, " products"));
  return rewrite.finish();
}

Graph fold_batchnorm(const Graph& graph) {
  const detail::DefaultFloatMode mode;
  const std::vector<std::vector<int>> readers = consumers(graph);
  Rewriter rewrite(graph);
  std::vector<bool> done(graph.nodes().size(), false);
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    if (done[n]) continue;
    const Node& node = graph.nodes()[n];
    const Node* bn = node.op == Op::conv && is_constant(graph, node.inputs[1]) && !node.quant &&
                             !node.fused_relu
                         ? only_reader(graph, readers, node.outputs[0])
                         : nullptr;
    if (bn == nullptr || bn->op != Op::batch_normalization) {
      rewrite.copy(node);
      continue;
    }
    const auto data = [&](std::size_t i) { return graph.tensor(bn->inputs[i]).constant; };
    bool foldable = bn->inputs.size() >= 5;
    for (std::size_t i = 1; foldable && i < 5; ++i) foldable = data(i) != nullptr;
    const bool has_bias = node.inputs.size() > 2 && node.inputs[2] != no_tensor;
    const Array& w = *graph.tensor(node.inputs[1]).constant;
    const std::size_t channels = w.shape.empty() ? 0 : static_cast<std::size_t>(w.shape[0]);
    for (std::size_t i = 1; foldable && i < 5; ++i) foldable = data(i)->data.size() == channels;
    if (!foldable || channels == 0 ||
        (has_bias && (!is_constant(graph, node.inputs[2]) ||
                      graph.tensor(node.inputs[2]).constant->data.size() != channels))) {
      rewrite.copy(node);
      continue;
    }
    std::vector<float> weights = w.data;
    std::vector<float> bias(channels, 0.0f);
    for (std::size_t c = 0; c < channels; ++c) {
      const float a =
          data(1)->data[c] / std::sqrt(data(4)->data[c] + bn->attributes.epsilon);
      const float b = has_bias ? graph.tensor(node.inputs[2]).constant->data[c] : 0.0f;
      bias[c] = (b - data(3)->data[c]) * a + data(2)->data[c];
      const std::size_t depth = weights.size() / channels;
      for (std::size_t k = 0; k < depth; ++k) weights[c * depth + k] *= a;
    }
    Node conv = node;
    Graph& g = rewrite.graph();
    conv.inputs = {rewrite.keep(node.inputs[0]),
                   g.add_constant(rewrite.unused(node.name + "__folded_weight"), w.shape,
                                  std::move(weights)),
                   g.add_constant(rewrite.unused(node.name + "__folded_bias"),
                                  {static_cast<std::int64_t>(channels)}, std::move(bias))};
    conv.outputs = {rewrite.keep(bn->outputs[0])};
    g.add_node(std::move(conv));
    done[static_cast<std::size_t>(bn - graph.nodes().data())] = true;
  }
  return rewrite.finish();
}

Graph fuse_relu(const Graph& graph) {
  const std::vector<std::vector<int>> readers = consumers(graph);
  Rewriter rewrite(graph);
  std::vector<bool> done(graph.nodes().size(), false);
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    if (done[n]) continue;
    const Node& node = graph.nodes()[n];
    const Node* next =
        node.op == Op::conv ? only_reader(graph, readers, node.outputs[0]) : nullptr;
    const bool clips = next != nullptr && next->op == Op::clip && next->attributes.low == 0.0f;
    if (next == nullptr || (next->op != Op::relu && !clips)) {
      rewrite.copy(node);
      continue;
    }
    Node conv = node;
    for (TensorId& id : conv.inputs) id = rewrite.keep(id);
    conv.outputs = {rewrite.keep(next->outputs[0])};
    conv.fused_relu = true;
    if (clips)  // a limit that is there already stays in force
      conv.fused_limit = std::min(next->attributes.high, node.fused_limit.value_or(
                                                             next->attributes.high));
    rewrite.graph().add_node(std::move(conv));
    done[static_cast<std::size_t>(next - graph.nodes().data())] = true;
  }
  return rewrite.finish();
}

}  // namespace qsim::graph
