// Judges single nodes: born here, hidden here, and why.

#include "origins.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>

#include "movement.hpp"
#include "qsim/base/check.hpp"

namespace qsim::graph::detail {

namespace {

/// A value for words: a NaN without its sign.
double shown(float v) { return std::isnan(v) ? std::numeric_limits<double>::quiet_NaN() : v; }
double number(F32 x) { return shown(std::bit_cast<float>(x.bits)); }

bool bad(float v) { return !std::isfinite(v); }

/// The value of input i of an element-wise node at output element `at`.
std::vector<std::vector<float>> widened_inputs(const RunView& run, const Node& node,
                                               const Shape& to) {
  std::vector<std::vector<float>> out;
  for (const TensorId in : node.inputs) {
    if (in == no_tensor) continue;
    out.push_back(run.shape(in) == to ? run.real(in)
                                      : gathered(broadcast_index(run.shape(in), to), run.real(in)));
  }
  return out;
}

Cause pairwise_cause(const RunView& run, Op op, float x, float y) {
  if (op == Op::mul && (std::isinf(x) || std::isinf(y)) && (x == 0.0f || y == 0.0f))
    return Cause::zero_times_inf;
  if ((op == Op::add || op == Op::sub) && std::isinf(x) && std::isinf(y))
    return Cause::inf_minus_inf;
  if (op == Op::div && y == 0.0f) return x == 0.0f ? Cause::zero_by_zero : Cause::division_by_zero;
  if (op == Op::div && std::isinf(x) && std::isinf(y)) return Cause::inf_by_inf;
  const bool half =
      run.profile != nullptr && run.profile->float_math.storage == Storage::fp16;
  const double wide = op == Op::mul ? double{x} * y : op == Op::div ? double{x} / y
                      : op == Op::sub ? double{x} - y : double{x} + y;
  const bool fits = std::fabs(wide) <= double{std::numeric_limits<float>::max()};
  return half && fits ? Cause::overflow_fp16 : Cause::overflow_fp32;
}

const char* pairwise_words(Cause cause) {
  switch (cause) {
    case Cause::zero_times_inf: return "0 * inf is NaN";
    case Cause::inf_minus_inf: return "inf - inf is NaN";
    case Cause::zero_by_zero: return "0 / 0 is NaN";
    case Cause::inf_by_inf: return "inf / inf is NaN";
    case Cause::division_by_zero: return "a finite value divided by 0 is infinite";
    case Cause::overflow_fp32: return "the result exceeds the range of float32";
    case Cause::overflow_fp16: return "the result exceeds 65504, the range of the stored float16";
    case Cause::zero_range_scale: case Cause::nonfinite_parameter: case Cause::unwritten_memory:
    case Cause::nan_input: break;
  }
  return "";
}

/// A constant input that holds NaN or inf, or no_tensor.
TensorId bad_constant(const RunView& run, const Node& node) {
  for (const TensorId in : node.inputs) {
    if (in == no_tensor || run.graph.tensor(in).constant == nullptr) continue;
    const auto& data = run.graph.tensor(in).constant->data;
    if (std::any_of(data.begin(), data.end(), bad)) return in;
  }
  return no_tensor;
}

float first_bad(const std::vector<float>& data) {
  return *std::find_if(data.begin(), data.end(), bad);
}

void blame_constant(const RunView& run, TensorId id, Origin& o) {
  o.cause = Cause::nonfinite_parameter;
  o.parameter = run.graph.tensor(id).name;
  o.value = shown(first_bad(run.real(id)));
  o.words.push_back(text("the constant \"", o.parameter, "\" holds ", o.value));
}

std::optional<Origin> elementwise_origin(const RunView& run, const Node& node, Origin o) {
  const std::vector<float>& out = run.real(o.tensor);
  const auto inputs = widened_inputs(run, node, run.shape(o.tensor));
  bool found = false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!bad(out[i])) continue;
    bool nan_in = false, inf_in = false;
    for (const auto& in : inputs) {
      nan_in = nan_in || std::isnan(in[i]);
      inf_in = inf_in || std::isinf(in[i]);
    }
    if (nan_in || (inf_in && !std::isnan(out[i]))) continue;
    ++o.count;
    if (found) continue;
    found = true;
    o.element = static_cast<std::int64_t>(i);
    const float y = inputs.size() > 1 ? inputs[1][i] : 0.0f;
    o.cause = pairwise_cause(run, node.op, inputs[0][i], y);
    o.words = {text(op_name(node.op), " of ", shown(inputs[0][i]),
                    inputs.size() > 1 ? text(" and ", shown(y)) : std::string(), " answered ",
                    shown(out[i]),
                    ": ", pairwise_words(o.cause))};
  }
  if (!found) return std::nullopt;
  return o;
}

/// Matrix products, convolutions, pools, softmax, normalization: judged as a whole.
std::optional<Origin> mixing_origin(const RunView& run, const Node& node, Origin o) {
  Census in{};
  for (const TensorId id : node.inputs) {
    if (id == no_tensor || run.graph.tensor(id).constant != nullptr) continue;
    const Census c = census(run.real(id), &run.value(id).unspecified);
    in.nan += c.nan, in.inf += c.inf, in.unspecified += c.unspecified;
  }
  const Census out = census(run.real(o.tensor), nullptr);
  const bool born_nan = out.nan > 0 && in.nan == 0;
  const bool born_inf = out.inf > 0 && in.nan == 0 && in.inf == 0;
  if ((!born_nan && !born_inf) || in.unspecified > 0) return std::nullopt;
  o.count = out.nan + out.inf;
  if (const TensorId id = bad_constant(run, node); id != no_tensor) {
    blame_constant(run, id, o);
    return o;
  }
  if (in.inf > 0) {
    bool has_zero = false;
    for (const TensorId id : node.inputs)
      if (id != no_tensor) {
        const auto& data = run.real(id);
        has_zero = has_zero || std::find(data.begin(), data.end(), 0.0f) != data.end();
      }
    o.cause = node.op != Op::softmax && has_zero ? Cause::zero_times_inf : Cause::inf_minus_inf;
  } else {
    o.cause = pairwise_cause(run, Op::add, 1.0f, 1.0f);
  }
  o.words.push_back(text(op_name(node.op), " over finite constants answered ",
                         shown(first_bad(run.real(o.tensor))), ": ", pairwise_words(o.cause)));
  return o;
}

/// The info by which an integer node reads its first operand.
std::optional<QInfo> input_info(const RunView& run, const NodeRun& record, TensorId in) {
  for (const CastRun& cast : run.trace.casts)
    if (cast.node == record.node && cast.tensor == in) return cast.info;
  return run.value(in).info;
}

bool any_bad_input(const RunView& run, const Node& node) {
  return std::any_of(node.inputs.begin(), node.inputs.end(), [&](TensorId in) {
    return in != no_tensor && run.graph.tensor(in).constant == nullptr &&
           census(run.real(in), &run.value(in).code_mask()).bad() > 0;
  });
}

/// Unspecified elements behind healthy scales.
Origin unwritten_origin(const Value& v, const Node& node, Origin o) {
  o.cause = Cause::unwritten_memory;
  o.unspecified = true;
  o.element = std::find_if(v.unspecified.begin(), v.unspecified.end(),
                           [](std::uint8_t m) { return m != 0; }) - v.unspecified.begin();
  o.words.push_back(node.op == Op::conv
                        ? "the engine multiplies words of its patch buffer that it never wrote"
                        : "the engine writes only the leading elements of this result");
  return o;
}

/// An integer node: codes are always finite, so its scales are to blame, or memory the engine never
/// wrote.
std::optional<Origin> integer_origin(const RunView& run, const NodeRun& record, Origin o) {
  const Value& v = run.value(o.tensor);
  const Census c = census(v.real, &v.unspecified);
  if (c.bad() == 0) return std::nullopt;
  const Node& node = run.graph.nodes()[static_cast<std::size_t>(record.node)];
  const TensorId in = node.inputs[0];
  // Only a convolution has scales of its own; the others hand on what came in.
  if (node.op != Op::conv && any_bad_input(run, node)) return std::nullopt;
  o.count = c.bad();
  if (record.fused_written && c.nan + c.inf == 0) {
    if (any_bad_input(run, node)) return std::nullopt;  // unspecified codes came in
    return unwritten_origin(v, node, o);
  }
  o.unspecified = c.unspecified > 0;
  const auto stops = [](const QInfo& q) {  // the engine writes no fused parameters
    return num::is_nan(q.scale) || num::is_zero(q.scale) || num::is_subnormal(q.scale);
  };
  const std::optional<QInfo> reads = input_info(run, record, in);
  const bool output = record.fused_written || !reads || stops(*v.info) || !stops(*reads);
  const QInfo info = output ? *v.info : *reads;
  o.parameter = text(output ? "output" : "input", " scale of \"",
                     run.graph.tensor(output ? o.tensor : in).name, "\"");
  o.value = number(info.scale);
  o.cause = Cause::nonfinite_parameter;
  const auto describe = run.graph.describes.find(output ? o.tensor : in);
  if (describe != run.graph.describes.end()) {
    o.batch = describe->second.batch;
    if (o.batch >= 0 || num::is_zero(info.scale)) o.cause = Cause::zero_range_scale;
    if (!describe->second.reason.empty()) o.words.push_back(describe->second.reason);
  }
  o.words.push_back(text("stored ", output ? "output" : "input", " scale is ", o.value,
                         ", zero point ", number(info.zero)));
  if (!record.fused_written)
    o.words.push_back("the engine returns before it writes the fused scale and bias: the codes "
                      "come from memory that was never set (unspecified)");
  if (output && c.nan + c.inf > 0)
    o.words.push_back(text("a code q reads as (q - z) * ", o.value, ": ",
                           num::is_nan(info.scale) ? "NaN" : "NaN where q = z, else infinite"));
  return o;
}

}  // namespace

bool is_elementwise(Op op) {
  return op == Op::add || op == Op::sub || op == Op::mul || op == Op::div || op == Op::sigmoid ||
         op == Op::tanh || op == Op::relu || op == Op::clip;
}

Census census(const std::vector<float>& real, const std::vector<std::uint8_t>* unspecified) {
  Census c;
  for (const float v : real) {
    c.nan += std::isnan(v) ? 1u : 0u;
    c.inf += std::isinf(v) ? 1u : 0u;
  }
  if (unspecified != nullptr)
    for (const std::uint8_t m : *unspecified) c.unspecified += m != 0 ? 1u : 0u;
  return c;
}

std::optional<Origin> origin_at(const RunView& run, const NodeRun& record) {
  const Node& node = run.graph.nodes()[static_cast<std::size_t>(record.node)];
  Origin o;
  o.node = record.node;
  o.tensor = node.outputs[0];
  if (is_movement(node.op) || node.op == Op::concat) {
    const TensorId id = bad_constant(run, node);
    if (id == no_tensor) return std::nullopt;
    const Census c = census(run.real(o.tensor), nullptr);
    if (c.bad() == 0) return std::nullopt;
    o.count = c.bad();
    blame_constant(run, id, o);
  } else if (record.integer) {
    const auto found = integer_origin(run, record, o);
    if (!found) return std::nullopt;
    o = *found;
  } else if (is_elementwise(node.op)) {
    const auto found = elementwise_origin(run, node, o);
    const TensorId id = bad_constant(run, node);
    if (!found && id == no_tensor) return std::nullopt;
    if (found) o = *found;
    if (id != no_tensor) {
      o.words.clear();
      o.count = census(run.real(o.tensor), nullptr).bad();
      if (o.count == 0) return std::nullopt;
      blame_constant(run, id, o);
    }
  } else {
    const auto found = mixing_origin(run, node, o);
    if (!found) return std::nullopt;
    o = *found;
  }
  const std::vector<float>& out = run.real(o.tensor);
  const auto first = std::find_if(out.begin(), out.end(), bad);
  if (o.element == 0 && first != out.end()) o.element = first - out.begin();
  return o;
}

namespace {

/// Collects answers by value.
class Answers {
 public:
  void add(double answer, bool nan) {
    (nan ? found_.nan : found_.inf) += 1;
    ++counts_[answer];
  }
  std::vector<Laundering> finish(int node, TensorId tensor, bool cast) {
    if (found_.nan + found_.inf == 0) return {};
    found_.node = node;
    found_.tensor = tensor;
    found_.cast = cast;
    found_.answers.assign(counts_.begin(), counts_.end());
    std::sort(found_.answers.begin(), found_.answers.end(),
              [](const auto& a, const auto& b) { return a.second > b.second; });
    if (found_.answers.size() > 8) found_.answers.resize(8);
    return {found_};
  }

 private:
  Laundering found_;
  std::map<double, std::uint64_t> counts_;
};

}  // namespace

std::vector<Laundering> laundering_at(const RunView& run, const NodeRun& record) {
  const Node& node = run.graph.nodes()[static_cast<std::size_t>(record.node)];
  std::vector<Laundering> all;
  for (const CastRun& cast : run.trace.casts) {
    if (cast.node != record.node) continue;
    Answers answers;
    const std::vector<float>& in = run.real(cast.tensor);
    for (std::size_t i = 0; i < in.size(); ++i)
      if (bad(in[i])) answers.add(double{static_cast<float>(cast.codes[i])}, std::isnan(in[i]));
    for (Laundering& l : answers.finish(record.node, cast.tensor, true)) all.push_back(l);
  }
  if (record.integer || is_movement(node.op) || node.op == Op::concat) return all;
  const TensorId out_id = node.outputs[0];
  const std::vector<float>& out = run.real(out_id);
  Answers answers;
  if (is_elementwise(node.op)) {
    const auto inputs = widened_inputs(run, node, run.shape(out_id));
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (bad(out[i]) || (!run.value(out_id).unspecified.empty() &&
                          run.value(out_id).unspecified[i] != 0))
        continue;
      bool nan = false, inf = false;
      for (const auto& in : inputs) nan = nan || std::isnan(in[i]), inf = inf || std::isinf(in[i]);
      if (nan || inf) answers.add(double{out[i]}, nan);
    }
  } else if (std::none_of(out.begin(), out.end(), bad)) {
    const Census in = census(run.real(node.inputs[0]), nullptr);
    if (in.bad() > 0)
      for (const float v : out) answers.add(double{v}, in.nan > 0);
  }
  for (Laundering& l : answers.finish(record.node, node.inputs[0], false)) all.push_back(l);
  return all;
}

}  // namespace qsim::graph::detail
