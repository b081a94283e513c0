// Float forms of the ops: shapes, broadcasting and unspecified elements around float_ops.

#include "float_node.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "bits.hpp"
#include "qsim/base/check.hpp"
#include "qsim/base/checked.hpp"

namespace qsim::graph::detail {

namespace {

class FloatNode {
 public:
  FloatNode(const Node& node, const std::vector<Source>& inputs, const Profile* profile)
      : node_(node), inputs_(inputs), profile_(profile) {}

  Value operator()() {
    switch (node_.op) {
      case Op::add: case Op::sub: case Op::mul: case Op::div: return arithmetic();
      case Op::sigmoid: case Op::tanh: case Op::relu: case Op::clip: return unary();
      case Op::concat: return concat();
      case Op::matmul: return mixed(matmul());
      case Op::gemm: return mixed(gemm());
      case Op::conv: return mixed(conv());
      case Op::max_pool: case Op::average_pool: case Op::global_average_pool: return mixed(pool());
      case Op::softmax: return mixed(softmax());
      case Op::batch_normalization: return mixed(batch_norm());
      case Op::split: case Op::slice: case Op::reshape: case Op::transpose: case Op::squeeze:
      case Op::unsqueeze: case Op::flatten: case Op::identity: break;
    }
    fail<Bug>("op ", op_name(node_.op), " of node \"", node_.name, "\" has no float form");
  }

 private:
  /// An op that mixes elements knows nothing of its result once any input element is unknown.
  Value mixed(Value out) const {
    for (const Source& in : inputs_)
      if (any(in.unspecified)) out.unspecified.assign(out.real.size(), 1);
    return out;
  }

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail<BadArgument>("node \"", node_.name, "\": ", parts...);
  }

  Floats combine(Arithmetic op, const Floats& a, const Floats& b) const {
    return profile_ == nullptr ? reference::arithmetic(op, a, b)
                               : profiled::arithmetic(*profile_, op, a, b);
  }
  Floats multiply(const Floats& a, const Floats& b, const MatShape& s) const {
    return profile_ == nullptr ? reference::matmul(a, b, s) : profiled::matmul(*profile_, a, b, s);
  }
  static Floats expanded(const Source& x, const Shape& to) {
    return *x.shape == to ? *x.real : gathered(broadcast_index(*x.shape, to), *x.real);
  }

  Value arithmetic() const {
    const Source& a = inputs_[0];
    const Source& b = inputs_[1];
    Value out;
    out.shape = broadcast_shape(*a.shape, *b.shape, node_.name);
    const auto op =
        static_cast<Arithmetic>(static_cast<int>(node_.op) - static_cast<int>(Op::add));
    out.real = combine(op, expanded(a, out.shape), expanded(b, out.shape));
    for (const Source* in : {&a, &b}) {
      if (in->unspecified == nullptr || in->unspecified->empty()) continue;
      const auto mask = gathered(broadcast_index(*in->shape, out.shape), *in->unspecified);
      out.unspecified.resize(mask.size());
      for (std::size_t i = 0; i < mask.size(); ++i) out.unspecified[i] |= mask[i];
    }
    return out;
  }

  Value unary() const {
    const Source& x = inputs_[0];
    Value out;
    out.shape = *x.shape;
    if (x.unspecified != nullptr) out.unspecified = *x.unspecified;
    const Attributes& a = node_.attributes;
    if (node_.op == Op::clip)
      out.real = profile_ == nullptr ? reference::clip(*x.real, a.low, a.high)
                                     : profiled::clip(*profile_, *x.real, a.low, a.high);
    else
      out.real = profile_ == nullptr ? reference::unary(node_.op, *x.real)
                                     : profiled::unary(*profile_, node_.op, *x.real);
    return out;
  }

  Value matmul() const {
    Shape a = *inputs_[0].shape;
    Shape b = *inputs_[1].shape;
    const bool row = a.size() == 1;
    const bool column = b.size() == 1;
    if (a.empty() || b.empty()) refuse("MatMul of a scalar");
    if (row) a.insert(a.begin(), 1);
    if (column) b.push_back(1);
    if (a.back() != b[b.size() - 2])
      refuse("cannot multiply ", shape_text(*inputs_[0].shape), " by ",
             shape_text(*inputs_[1].shape));
    Floats left = *inputs_[0].real;
    Floats right = *inputs_[1].real;
    const Shape lead_a(a.begin(), a.end() - 2);
    const Shape lead_b(b.begin(), b.end() - 2);
    const Shape lead = broadcast_shape(lead_a, lead_b, node_.name);
    MatShape s;
    s.m = static_cast<std::size_t>(a[a.size() - 2]);
    s.k = static_cast<std::size_t>(a.back());
    s.n = static_cast<std::size_t>(b.back());
    s.batch = element_count(lead);
    s.shared_right = element_count(lead_b) == 1;
    const auto widen = [&](Floats& data, const Shape& own, const Shape& own_lead) {
      Shape to = lead;
      to.insert(to.end(), own.end() - 2, own.end());
      if (own_lead != lead) data = gathered(broadcast_index(own, to), data);
    };
    widen(left, a, lead_a);
    if (!s.shared_right) widen(right, b, lead_b);
    if (s.shared_right && s.batch > 1) s.m *= s.batch, s.batch = 1;
    Value out;
    out.real = multiply(left, right, s);
    out.shape = lead;
    if (!row) out.shape.push_back(a[a.size() - 2]);
    if (!column) out.shape.push_back(b.back());
    return out;
  }

  /// A [rows, columns] matrix, transposed if asked.
  Floats matrix(const Source& x, bool transposed, Shape& out) const {
    out = *x.shape;
    if (out.size() != 2) refuse("Gemm expects matrices, got ", shape_text(out));
    if (!transposed) return *x.real;
    Node flip;
    flip.name = node_.name;
    flip.op = Op::transpose;
    const Gather g = move(flip, out)[0];
    out = g.shape;
    return gathered(g.index, *x.real);
  }

  Floats scaled(Floats v, float factor) const {
    if (factor == 1.0f) return v;
    const Floats factors(v.size(), factor);
    return combine(Arithmetic::mul, v, factors);
  }

  Value gemm() const {
    const Attributes& a = node_.attributes;
    Shape left, right;
    const Floats x = matrix(inputs_[0], a.trans_a, left);
    const Floats w = matrix(inputs_[1], a.trans_b, right);
    if (left[1] != right[0])
      refuse("cannot multiply ", shape_text(left), " by ", shape_text(right));
    Value out;
    out.shape = {left[0], right[1]};
    const auto extent = [](std::int64_t v) { return static_cast<std::size_t>(v); };
    out.real = scaled(multiply(x, w, {1, extent(left[0]), extent(left[1]), extent(right[1]), true}),
                      a.alpha);
    if (inputs_.size() > 2 && inputs_[2].shape != nullptr) {
      if (broadcast_shape(*inputs_[2].shape, out.shape, node_.name) != out.shape)
        refuse("C of shape ", shape_text(*inputs_[2].shape), " does not broadcast to ",
               shape_text(out.shape));
      out.real = combine(Arithmetic::add, out.real,
                         scaled(expanded(inputs_[2], out.shape), a.beta));
    }
    return out;
  }

  /// Real weights of a quantized convolution that runs in float: q * alpha.
  static Floats real_weights(const QuantConv& q) {
    Floats w(q.weights.size());
    const std::size_t depth = w.size() / q.alpha.size();
    for (std::size_t i = 0; i < w.size(); ++i)
      w[i] = static_cast<float>(q.weights[i]) *
             std::bit_cast<float>(q.alpha[i / depth].bits);
    return w;
  }

  Value conv() const {
    const Source& x = inputs_[0];
    const Source& w = inputs_[1];
    const Window g = window(node_, *x.shape);
    const Shape& ws = *w.shape;
    check_weights(node_, ws, g, *x.shape);
    Floats bias;
    if (inputs_.size() > 2 && inputs_[2].shape != nullptr) bias = *inputs_[2].real;
    if (!bias.empty() && static_cast<std::int64_t>(bias.size()) != ws[0])
      refuse("expected ", ws[0], " bias values, got ", bias.size());
    const Floats weights = node_.quant != nullptr ? real_weights(*node_.quant) : *w.real;
    const int out_channels = static_cast<int>(ws[0]);
    const int groups = static_cast<int>(node_.attributes.group);
    Value out;
    out.shape = g.out_shape(ws[0]);
    out.packed = true;
    out.real = profile_ == nullptr
                   ? reference::conv(*x.real, weights, bias, g, out_channels, groups)
                   : profiled::conv(*profile_, *x.real, weights, bias, g, out_channels, groups);
    if (node_.fused_relu) {
      const float limit = node_.fused_limit.value_or(std::numeric_limits<float>::infinity());
      out.real = profile_ == nullptr ? reference::clip(out.real, 0.0f, limit)
                                     : profiled::clip(*profile_, out.real, 0.0f, limit);
    }
    return out;
  }

  Value pool() const {
    const Source& x = inputs_[0];
    const Window g = window(node_, *x.shape);
    const bool pads = node_.attributes.count_include_pad;
    Value out;
    out.shape = g.out_shape(g.c);
    out.packed = true;
    out.real = profile_ == nullptr ? reference::pool(node_.op, *x.real, g, pads)
                                   : profiled::pool(*profile_, node_.op, *x.real, g, pads);
    return out;
  }

  Value softmax() const {
    const Source& x = inputs_[0];
    Value out;
    out.shape = *x.shape;
    const std::size_t axis = axis_of(node_.attributes.axis, out.shape.size(), node_.name);
    AxisShape s;
    for (std::size_t d = 0; d < out.shape.size(); ++d) {
      std::size_t& extent = d < axis ? s.outer : (d == axis ? s.count : s.inner);
      extent *= static_cast<std::size_t>(out.shape[d]);
    }
    if (x.real->empty()) return out;
    out.real = profile_ == nullptr ? reference::softmax(*x.real, s)
                                   : profiled::softmax(*profile_, *x.real, s);
    return out;
  }

  Value concat() const {
    std::vector<Shape> shapes;
    for (const Source& in : inputs_) shapes.push_back(*in.shape);
    const Concat c = detail::concat(node_, shapes);
    Value out;
    out.shape = c.shape;
    out.real.resize(c.index.size());
    std::vector<std::uint8_t> mask(c.index.size(), 0);
    for (std::size_t i = 0; i < c.index.size(); ++i) {
      const Source& in = inputs_[static_cast<std::size_t>(c.source[i])];
      const std::size_t at = static_cast<std::size_t>(c.index[i]);
      out.real[i] = (*in.real)[at];
      if (in.unspecified != nullptr && !in.unspecified->empty()) mask[i] = (*in.unspecified)[at];
    }
    if (any(&mask)) out.unspecified = std::move(mask);
    return out;
  }

  /// y = x*a + b per channel with a = gamma / sqrt(var + epsilon), b = beta - mean*a in float32.
  Value batch_norm() const {
    const Source& x = inputs_[0];
    Value out;
    out.shape = *x.shape;
    if (out.shape.size() < 2) refuse("expected [n, c, ...], got ", shape_text(out.shape));
    const std::size_t channels = static_cast<std::size_t>(out.shape[1]);
    for (std::size_t i = 1; i < 5; ++i)
      if (inputs_[i].real->size() != channels)
        refuse("expected ", channels, " values in \"", inputs_[i].name, "\", got ",
               inputs_[i].real->size());
    Floats a(channels), b(channels);
    for (std::size_t c = 0; c < channels; ++c) {
      a[c] = (*inputs_[1].real)[c] / std::sqrt((*inputs_[4].real)[c] + node_.attributes.epsilon);
      b[c] = (*inputs_[2].real)[c] - (*inputs_[3].real)[c] * a[c];
    }
    Shape per_channel(out.shape.size() - 1, 1);
    per_channel[0] = out.shape[1];
    const auto index = broadcast_index(per_channel, out.shape);
    out.real = combine(Arithmetic::add, combine(Arithmetic::mul, *x.real, gathered(index, a)),
                       gathered(index, b));
    return out;
  }

  const Node& node_;
  const std::vector<Source>& inputs_;
  const Profile* profile_;
};

}  // namespace

Value float_node(const Node& node, const std::vector<Source>& inputs, const Profile* profile) {
  return FloatNode(node, inputs, profile)();
}

}  // namespace qsim::graph::detail
