// The executor: one node after the other, on codes where the plan says so, else in float.

#include "qsim/graph/run.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <utility>

#include "float_node.hpp"
#include "float_ops.hpp"
#include "hook.hpp"
#include "int_ops.hpp"
#include "movement.hpp"
#include "parallel.hpp"
#include "placement.hpp"
#include "qsim/base/check.hpp"
#include "qsim/base/checked.hpp"
#include "qsim/profile/text.hpp"

namespace qsim::graph {

namespace {

using detail::Floats;

class Runner {
 public:
  Runner(const Graph& graph, const Profile* profile, const detail::ConvHook* hook)
      : graph_(graph), profile_(profile), hook_(hook), plan_(detail::make_plan(graph, profile)) {
    trace_.profile = profile == nullptr ? "" : std::string(profile->name.view());
    trace_.values.resize(graph.tensors().size());
  }

  Trace operator()(const Feeds& feeds) {
    feed(feeds);
    for (std::size_t n = 0; n < graph_.nodes().size(); ++n) step(n);
    for (const Value& v : trace_.values)
      trace_.nonfinite += static_cast<std::uint64_t>(
          std::count_if(v.real.begin(), v.real.end(), [](float x) { return !std::isfinite(x); }));
    return std::move(trace_);
  }

  /// Node n alone, on the values of `recorded`.
  Trace again(const Trace& recorded, std::size_t n) {
    trace_.values = recorded.values;
    step(n);
    return std::move(trace_);
  }

 private:
  void feed(const Feeds& feeds) {
    for (const auto& [name, array] : feeds) {
      const TensorId id = graph_.find(name);
      if (std::find(graph_.inputs().begin(), graph_.inputs().end(), id) == graph_.inputs().end())
        fail<BadArgument>("feed \"", name, "\": the tensor is not an input of the graph");
      if (std::find(fed_.begin(), fed_.end(), id) != fed_.end())
        fail<BadArgument>("feed \"", name, "\": the input was given twice");
      check_feed(name, array, graph_.tensor(id));
      value(id).shape = array.shape;
      value(id).real = array.data;
      fed_.push_back(id);
    }
    for (const TensorId id : graph_.inputs())
      if (std::find(fed_.begin(), fed_.end(), id) == fed_.end())
        fail<BadArgument>("feed \"", graph_.tensor(id).name, "\": the input was not given");
  }

  static void check_feed(const std::string& name, const Array& array, const Tensor& tensor) {
    if (element_count(array.shape) != array.data.size())
      fail<BadArgument>("feed \"", name, "\": data does not fill its shape");
    const Shape& wanted = *tensor.shape;
    bool fits = wanted.size() == array.shape.size();
    for (std::size_t d = 0; fits && d < wanted.size(); ++d)
      fits = wanted[d] < 0 || wanted[d] == array.shape[d];
    if (!fits)
      fail<BadArgument>("feed \"", name, "\": expected shape ", detail::shape_text(wanted),
                        " (-1: any), got ", detail::shape_text(array.shape));
  }

  Value& value(TensorId id) { return trace_.values[static_cast<std::size_t>(id)]; }
  const Array* constant(TensorId id) const {
    return id == no_tensor ? nullptr : graph_.tensor(id).constant.get();
  }
  const Shape& shape(TensorId id) {
    const Array* c = constant(id);
    return c != nullptr ? c->shape : value(id).shape;
  }
  const Floats& real(TensorId id) {
    const Array* c = constant(id);
    return c != nullptr ? c->data : value(id).real;
  }

  void step(std::size_t n) {
    const Node& node = graph_.nodes()[n];
    NodeRun record;
    record.node = static_cast<int>(n);
    record.integer = plan_.integer[n];
    std::optional<Value> hooked;
    if (hook_ != nullptr && node.op == Op::conv) hooked = (*hook_)(n, value(node.inputs[0]));
    if (hooked) {
      value(node.outputs[0]) = std::move(*hooked);
    } else if (detail::is_movement(node.op)) {
      move(node, record);
    } else if (record.integer) {
      value(node.outputs[0]) = integer(n, node, record);
    } else {
      value(node.outputs[0]) = floating(node);
    }
    trace_.nodes.push_back(std::move(record));
  }

  void move(const Node& node, NodeRun& record) {
    const Value source = constant(node.inputs[0]) == nullptr
                             ? value(node.inputs[0])
                             : Value{shape(node.inputs[0]), real(node.inputs[0]),
                                     {}, {}, {}, false};
    const std::vector<detail::Gather> parts = detail::move(node, source.shape);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (node.outputs[i] == no_tensor) continue;
      Value& out = value(node.outputs[i]);
      out.shape = parts[i].shape;
      out.real = detail::gathered(parts[i].index, source.real);
      if (!source.codes.empty()) out.codes = detail::gathered(parts[i].index, source.codes);
      if (!source.unspecified.empty())
        out.unspecified = detail::gathered(parts[i].index, source.unspecified);
      if (!source.unspecified_codes.empty())
        out.unspecified_codes = detail::gathered(parts[i].index, source.unspecified_codes);
      out.info = source.info;
      record.integer = record.integer || !source.codes.empty();
    }
  }

  /// The operand as codes: its own, or cast by the plan's info.
  detail::Operand operand(std::size_t n, TensorId id, std::vector<std::int8_t>& storage) {
    Value& v = value(id);
    if (!v.codes.empty()) return {&v.codes, &v.code_mask(), *v.info};
    const QInfo info = *plan_.info[static_cast<std::size_t>(id)];
    storage = detail::cast_codes(*profile_, v.real, info);
    trace_.casts.push_back({id, static_cast<int>(n), info, storage});
    return {&storage, &v.unspecified, info};
  }

  Value integer(std::size_t n, const Node& node, NodeRun& record) {
    std::vector<std::int8_t> first, second;
    const detail::Operand x = operand(n, node.inputs[0], first);
    const QInfo out = *plan_.info[static_cast<std::size_t>(node.outputs[0])];
    const Shape& in_shape = shape(node.inputs[0]);
    if (node.op == Op::conv) {
      detail::check_weights(node, shape(node.inputs[1]), detail::window(node, in_shape), in_shape);
      return detail::int_conv(*profile_, node, x, in_shape, out, record);
    }
    if (node.op == Op::relu) {
      Value v = detail::int_relu(x, in_shape, out, value(node.inputs[0]).packed);
      detail::read_codes(*profile_, v);
      return v;
    }
    if (node.op == Op::max_pool || node.op == Op::average_pool ||
        node.op == Op::global_average_pool)
      return detail::int_pool(*profile_, node, x, in_shape, out);
    const detail::Operand y = operand(n, node.inputs[1], second);
    const Shape joint = detail::broadcast_shape(in_shape, shape(node.inputs[1]), node.name);
    const bool packed = value(node.inputs[0]).packed && value(node.inputs[1]).packed;
    std::vector<std::int8_t> wide_x, wide_y;
    std::vector<std::uint8_t> mask_x, mask_y;
    const detail::Operand a = widen(x, in_shape, joint, wide_x, mask_x);
    const detail::Operand b = widen(y, shape(node.inputs[1]), joint, wide_y, mask_y);
    return detail::int_binary(*profile_, node.op, a, b, joint, out, packed);
  }

  static detail::Operand widen(const detail::Operand& o, const Shape& from, const Shape& to,
                               std::vector<std::int8_t>& codes, std::vector<std::uint8_t>& mask) {
    if (from == to) return o;
    const std::vector<std::int64_t> index = detail::broadcast_index(from, to);
    codes = detail::gathered(index, *o.codes);
    if (o.unspecified != nullptr && !o.unspecified->empty())
      mask = detail::gathered(index, *o.unspecified);
    return {&codes, &mask, o.info};
  }

  Value floating(const Node& node) {
    std::vector<detail::Source> inputs;
    for (const TensorId in : node.inputs) {
      if (in == no_tensor) inputs.push_back({});
      else inputs.push_back({&shape(in), &real(in), constant(in) ? nullptr : &value(in).unspecified,
                             graph_.tensor(in).name});
    }
    Value out = detail::float_node(node, inputs, profile_);
    if (profile_ != nullptr) detail::profiled::store(*profile_, out.real);
    for (std::size_t i = 0; i < out.unspecified.size(); ++i)
      if (out.unspecified[i] != 0) out.real[i] = 0.0f;
    return out;
  }

  const Graph& graph_;
  const Profile* profile_;
  const detail::ConvHook* hook_;
  detail::Plan plan_;
  Trace trace_;
  std::vector<TensorId> fed_;
};

}  // namespace

Trace run(const Graph& graph, const Feeds& feeds, const Profile* profile) {
  if (profile != nullptr) validate(*profile);
  graph.validate();
  const detail::DefaultFloatMode mode;
  return Runner(graph, profile, nullptr)(feeds);
}

Trace rerun(const Graph& graph, const Trace& recorded, std::size_t node, const Profile& profile) {
  validate(profile);
  QSIM_ASSERT(recorded.values.size() == graph.tensors().size() && node < graph.nodes().size());
  const detail::DefaultFloatMode mode;
  return Runner(graph, &profile, nullptr).again(recorded, node);
}

namespace detail {
Trace run_hooked(const Graph& graph, const Feeds& feeds, const Profile* profile,
                 const ConvHook& hook) {
  const DefaultFloatMode mode;
  return Runner(graph, profile, &hook)(feeds);
}
}  // namespace detail

}  // namespace qsim::graph
