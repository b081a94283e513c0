#pragma once
// The intermediate representation: a closed list of ops, named tensors, nodes in topological order.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "qsim/num/f32.hpp"
#include "qsim/quant/spec.hpp"

namespace qsim::graph {

/// Every op a graph may hold. Names follow ONNX in lower_snake.
enum class Op : std::uint8_t {
  conv, matmul, gemm, add, sub, mul, div, sigmoid, tanh, relu, clip, softmax,
  average_pool, max_pool, global_average_pool, split, concat, slice, reshape, transpose,
  squeeze, unsqueeze, flatten, identity, batch_normalization
};

/// The ONNX spelling ("MatMul").
std::string_view op_name(Op op);
/// The op of an ONNX spelling; NotSupported naming the node otherwise.
Op op_from_name(std::string_view onnx_name, std::string_view node);

using Shape = std::vector<std::int64_t>;
using TensorId = std::int32_t;
inline constexpr TensorId no_tensor = -1;

/// A dense row-major float32 array.
struct Array {
  Shape shape;
  std::vector<float> data;
};

/// A value that flows between nodes, or a constant.
struct Tensor {
  std::string name;
  std::shared_ptr<const Array> constant;  ///< null for values computed or fed at run time
  std::optional<Shape> shape;             ///< declared shape; -1 for an extent known only at run
};

/// How a window's padding is found.
enum class AutoPad : std::uint8_t { explicit_pads, same_upper, same_lower };

/// The attributes of all ops in one place; a node uses those of its op, in ONNX's meaning.
struct Attributes {
  Shape kernel, strides, pads, dilations;  ///< conv and pools; pads: begins, then ends
  std::int64_t group = 1;
  std::int64_t axis = 0;
  Shape ints;                       ///< shape, perm, axes or split sizes of a movement op
  Shape starts, ends, axes, steps;  ///< slice
  bool trans_a = false, trans_b = false;
  bool ceil_mode = false, count_include_pad = false, allow_zero = false;
  float alpha = 1.0f, beta = 1.0f, epsilon = 1e-5f;
  float low = 0.0f, high = 0.0f;    ///< clip
  AutoPad auto_pad = AutoPad::explicit_pads;
};

/// The int8 form of a convolution, as a quantizer stores it.
struct QuantConv {
  std::vector<std::int8_t> weights;  ///< [out, in/group, kh, kw]
  std::vector<F32> alpha;            ///< weight scale per output channel
  std::vector<F32> bias;             ///< real units, per output channel
  int bits = 8;
  bool overflow_aware = false;       ///< asks for the runtime's fast kernel
  F32 scale_in{}, scale_out{};       ///< the convolution's own copies, as stored
};

struct Node {
  std::string name;
  Op op = Op::identity;
  Attributes attributes;
  std::vector<TensorId> inputs;   ///< no_tensor marks an omitted optional input
  std::vector<TensorId> outputs;
  bool fused_relu = false;        ///< conv: max(x, 0) is part of the op
  std::optional<float> fused_limit;  ///< conv: min(x, limit) too; int8 forms ignore it
  std::shared_ptr<const QuantConv> quant;  ///< set on a quantized convolution
  std::string source;             ///< op it was converted from, e.g. "MatMul"; empty: as imported
  std::string shared_constant;    ///< the constant its weights were copied from
  int shared_by = 0;              ///< number of nodes that shared that constant
};

/// A network. Nodes are stored in an order in which every value is made before it is read.
class Graph {
 public:
  /// Adds a tensor; BadArgument when the name is empty or taken.
  TensorId add_tensor(std::string name);
  /// Adds a constant. Data length must equal the shape's element count.
  TensorId add_constant(std::string name, Shape shape, std::vector<float> data);
  /// Declares a run-time input with its shape (-1: any extent).
  TensorId add_input(std::string name, Shape shape);
  /// Adds a node; its inputs must exist, its outputs must not have a producer yet. BadArgument,
  /// and the graph as it was, otherwise or when the op takes another number of either.
  void add_node(Node node);
  /// Notes what is known of a computed tensor's shape before the run (-1: unknown extent).
  void declare_shape(TensorId id, Shape shape);
  void mark_output(TensorId id);
  /// BadArgument unless every input is made before it is read and every output is made.
  void validate() const;

  const std::vector<Tensor>& tensors() const { return tensors_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<TensorId>& inputs() const { return inputs_; }
  const std::vector<TensorId>& outputs() const { return outputs_; }
  const Tensor& tensor(TensorId id) const;
  /// The tensor of that name; UnknownName with close matches otherwise.
  TensorId find(std::string_view name) const;
  bool has(std::string_view name) const;

  /// Quantization info stored for tensors, with where it came from.
  std::map<TensorId, Describe> describes;
  /// What a pass or quantizer did that a reader should know, in order.
  std::vector<std::string> notes;

 private:
  std::vector<Tensor> tensors_;
  std::vector<Node> nodes_;
  std::vector<TensorId> inputs_, outputs_;
  std::unordered_map<std::string, TensorId> by_name_;
  std::vector<bool> made_;
};

/// Index of the node that makes each tensor; -1 for inputs and constants.
std::vector<int> producers(const Graph& graph);
/// Indices of the nodes that read each tensor, in order, once per use.
std::vector<std::vector<int>> consumers(const Graph& graph);

}  // namespace qsim::graph
