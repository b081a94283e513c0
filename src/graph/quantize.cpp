// From a calibration to a quantized graph: int8 weights, describes and their provenance.

#include <bit>

#include "bits.hpp"
#include "movement.hpp"
#include "placement.hpp"
#include "qsim/base/check.hpp"
#include "qsim/graph/calibrate.hpp"
#include "qsim/graph/passes.hpp"

namespace qsim::graph {

namespace {

std::string limit_text(F32 x) {
  return num::is_nan(x) ? "nan" : text(std::bit_cast<float>(x.bits));
}

std::string range_text(const calib::Range& r) {
  return text("[", limit_text(r.low), ", ", limit_text(r.high), "]");
}

/// A tensor by the name its values have in the user's network: reshapes and splits are looked
/// through.
std::string source_name(const Graph& graph, const std::string& tensor) {
  const std::vector<int> made_by = producers(graph);
  TensorId id = graph.find(tensor);
  for (;;) {
    const int n = made_by[static_cast<std::size_t>(id)];
    if (n < 0) break;
    const Node& node = graph.nodes()[static_cast<std::size_t>(n)];
    if (!detail::is_movement(node.op)) break;
    id = node.inputs[0];
  }
  return graph.tensor(id).name;
}

/// What happened to one range in its first incident, in words.
std::string explain(const Graph& graph, const Calibration& c, const ConvRange& range,
                    const Incident& first) {
  const std::string where = text("calibration batch ", first.batch, ": ");
  const std::string zero_input =
      text("\"", source_name(graph, range.input), "\", the input of ", range.node,
           ", was all zero: range 0, scale 0/254 = 0, zero point 0/0");
  if (first.guarded) return where + zero_input + "; guarded: the batch was left out";
  const std::string now = range_text(first.running);
  if (!first.output)
    return first.health == calib::Health::zero_range
               ? where + zero_input + " = NaN; running range " + now
               : where + "the input was not finite; running range " + now;
  for (const Incident& other : c.incidents)
    if (other.batch == first.batch && other.node == first.node && !other.output &&
        other.health == calib::Health::zero_range)
      return where + zero_input + " = NaN; the fake-quantized output turned non-finite and the "
             "moving average keeps " + now;
  if (first.health == calib::Health::zero_range)
    return where + "the output was all zero: range 0, scale 0, zero point 0/0; running range " +
           now;
  return where + "the output was not finite; running range " + now;
}

Describe describe(const Graph& graph, const Calibration& c, const ConvRange& range, bool output,
                  const QInfo& info) {
  Describe d{info, c.recipe, -1, ""};
  for (const Incident& i : c.incidents) {
    if (i.node != range.node || i.output != output) continue;
    d.batch = i.batch;
    d.reason = explain(graph, c, range, i);
    break;
  }
  return d;
}

/// The ranges of a convolution; null unless it reads and makes the tensors that were calibrated.
const ConvRange* find_range(const Graph& graph, const Node& node, const Calibration& c) {
  if (!detail::quantizable(graph, node)) return nullptr;
  for (const ConvRange& r : c.ranges)
    if (r.node == node.name && r.input == graph.tensor(node.inputs[0]).name &&
        r.output == graph.tensor(node.outputs[0]).name)
      return &r;
  return nullptr;
}

std::shared_ptr<const QuantConv> quant_conv(const Graph& graph, const Node& node,
                                            const Calibration& c, const calib::Stored& stored) {
  const Array& w = *graph.tensor(node.inputs[1]).constant;
  const std::size_t channels = static_cast<std::size_t>(w.shape[0]);
  calib::WeightCodes codes = calib::ema::quantize_weights(c.rule, detail::bits(w.data), channels);
  QuantConv q;
  q.weights = std::move(codes.codes);
  q.alpha = std::move(codes.alpha);
  q.bits = c.rule.weight_bits;
  q.scale_in = stored.scale_in;
  q.scale_out = stored.scale_out;
  q.bias.resize(channels);
  if (node.inputs.size() > 2 && node.inputs[2] != no_tensor)
    q.bias = detail::bits(graph.tensor(node.inputs[2]).constant->data);
  return std::make_shared<const QuantConv>(std::move(q));
}

}  // namespace

Graph quantize(const Graph& graph, const Calibration& calibration) {
  const Graph prepared = fuse_relu(fold_batchnorm(graph));
  Graph out;
  for (const TensorId id : prepared.inputs())
    out.add_input(prepared.tensor(id).name, *prepared.tensor(id).shape);
  for (const Tensor& t : prepared.tensors())
    if (t.constant != nullptr) out.add_constant(t.name, t.constant->shape, t.constant->data);
  const auto keep = [&](TensorId id) {
    if (id == no_tensor) return no_tensor;
    const Tensor& t = prepared.tensor(id);
    if (out.has(t.name)) return out.find(t.name);
    const TensorId kept = out.add_tensor(t.name);
    if (t.shape) out.declare_shape(kept, *t.shape);
    return kept;
  };
  out.notes = prepared.notes;
  int quantized = 0;
  for (const Node& node : prepared.nodes()) {
    Node copy = node;
    for (TensorId& id : copy.inputs) id = keep(id);
    for (TensorId& id : copy.outputs) id = keep(id);
    if (const ConvRange* range = find_range(prepared, node, calibration); range != nullptr) {
      const calib::Stored stored =
          calib::ema::stored(calibration.rule, range->in, range->out);
      copy.quant = quant_conv(prepared, node, calibration, stored);
      // A float tensor read by several convolutions is described once per reader: the last wins.
      out.describes[copy.inputs[0]] = describe(prepared, calibration, *range, false,
                                                stored.in_describe);
      out.describes[copy.outputs[0]] = describe(prepared, calibration, *range, true,
                                                 stored.out_describe);
      ++quantized;
    }
    out.add_node(std::move(copy));
  }
  if (quantized != static_cast<int>(calibration.ranges.size()))
    fail<BadArgument>("calibration: holds ranges of ", calibration.ranges.size(),
                      " convolutions, the graph has ", quantized,
                      " of that name; calibrate the graph that you quantize");
  for (const TensorId id : prepared.outputs()) out.mark_output(keep(id));
  int guarded = 0;
  for (const Incident& i : calibration.incidents) guarded += i.guarded ? 1 : 0;
  out.notes.push_back(text(calibration.recipe, ": ", quantized, " convolutions to int8 from ",
                           calibration.batches, " batches, ", guarded,
                           " zero or non-finite ranges guarded"));
  out.validate();
  return out;
}

}  // namespace qsim::graph
