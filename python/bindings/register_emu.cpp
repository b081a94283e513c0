// Single operations on NumPy arrays, by a profile.

#include <pybind11/stl.h>

#include "arrays.hpp"
#include "qsim/base/checked.hpp"
#include "qsim/emu/activation.hpp"
#include "qsim/emu/cast.hpp"
#include "qsim/emu/convolve.hpp"
#include "qsim/emu/eltwise.hpp"
#include "qsim/emu/pool.hpp"
#include "register.hpp"

namespace qsim::python {

namespace {

using Codes8 = py::array_t<std::int8_t, py::array::c_style>;
using Floats = py::array_t<float, py::array::c_style>;
using Pair = std::array<int, 2>;

QInfo qinfo(const Floats& q, py::ssize_t row) {
  std::uint32_t word[4];
  std::memcpy(word, q.data(row, 0), sizeof word);
  return {{word[0]}, {word[1]}, {word[2]}, {word[3]}};
}

void need_rank(const py::array& a, py::ssize_t rank, const char* argument) {
  if (a.ndim() != rank)
    fail<BadArgument>(argument, ": expected rank ", rank, ", got rank ", a.ndim());
}

int out_extent(int in, int kernel, int stride, int pad_begin, int pad_end, int dilation) {
  const std::int64_t span = std::int64_t{in} + pad_begin + pad_end -
                            std::int64_t{dilation} * (std::int64_t{kernel} - 1) - 1;
  if (kernel < 1 || stride < 1 || dilation < 1 || pad_begin < 0 || pad_end < 0 || span < 0)
    fail<BadArgument>("kernel, stride, pad, dilation: expected a window that fits the input, got ",
                      "input ", in, ", kernel ", kernel, ", stride ", stride, ", pads ", pad_begin,
                      " and ", pad_end, ", dilation ", dilation);
  static_cast<void>(checked_cast<int>(span + dilation + stride, "pad"));  // positions are int
  return static_cast<int>(span / stride + 1);
}

struct ConvOptions {
  Pair stride, pad, dilation;
  bool depthwise, relu, overflow_aware;
};

emu::ConvShape conv_shape(const Codes8& x, const Codes8& w, const ConvOptions& o) {
  const auto extent = [](const Codes8& a, int i) { return checked_cast<int>(a.shape(i), "shape"); };
  emu::ConvShape s;
  s.batch = extent(x, 0), s.in = extent(x, 1), s.h = extent(x, 2), s.w = extent(x, 3);
  s.out = extent(w, 0), s.kh = extent(w, 2), s.kw = extent(w, 3);
  s.stride_h = o.stride[0], s.stride_w = o.stride[1];
  s.pad_h = o.pad[0], s.pad_w = o.pad[1];
  s.dilation_h = o.dilation[0], s.dilation_w = o.dilation[1];
  s.out_h = out_extent(s.h, s.kh, s.stride_h, s.pad_h, s.pad_h, s.dilation_h);
  s.out_w = out_extent(s.w, s.kw, s.stride_w, s.pad_w, s.pad_w, s.dilation_w);
  if (s.in < 1 || s.out < 1)
    fail<BadArgument>("x, weights: expected at least one channel each, got ", s.in, " and ", s.out);
  const std::int64_t pixels[] = {s.batch, s.out_h, s.out_w};
  static_cast<void>(checked_cast<int>(element_count(pixels), "pixels"));
  const int depth = o.depthwise ? 1 : s.in;
  if (extent(w, 1) != depth || (o.depthwise && s.out != s.in))
    fail<BadArgument>("weights: expected [", o.depthwise ? s.in : s.out, ", ", depth,
                      ", kh, kw] for ", s.in, " input channels, got [", s.out, ", ", extent(w, 1),
                      ", ", s.kh, ", ", s.kw, "]");
  return s;
}

py::tuple conv2d(const Profile& profile, const py::object& x_in, const py::object& w_in,
                 const py::object& alpha_in, const py::object& bias_in, const py::object& q_in,
                 const ConvOptions& o) {
  const Codes8 x = exact<std::int8_t>(x_in, "x");
  const Codes8 w = exact<std::int8_t>(w_in, "weights");
  const Floats alpha = exact<float>(alpha_in, "alpha");
  const Floats bias = exact<float>(bias_in, "bias");
  const Floats q = exact<float>(q_in, "q");
  need_rank(x, 4, "x");
  need_rank(w, 4, "weights");
  if (q.ndim() != 2 || q.shape(0) != 2 || q.shape(1) != 4)
    fail<BadArgument>("q: expected shape [2, 4], (scale, zero, min, max) of input and output");
  const emu::ConvShape s = conv_shape(x, w, o);
  if (alpha.size() != s.out || bias.size() != s.out)
    fail<BadArgument>("alpha, bias: expected ", s.out, " values each, got ", alpha.size(), " and ",
                      bias.size());
  const QInfo in = qinfo(q, 0);
  const QInfo out = qinfo(q, 1);
  const std::vector<std::int32_t> sums = emu::kernel_sums(
      {w.data(), static_cast<std::size_t>(w.size())}, static_cast<std::size_t>(s.out));
  const emu::Fused fused = emu::fuse(profile, in, out, bits_of(alpha), bits_of(bias), sums,
                                     o.depthwise ? profile.depthwise.bias : profile.epilogue.bias);
  emu::ConvOperands a{.input = {x.data(), static_cast<std::size_t>(x.size())},
                      .weights = {w.data(), static_cast<std::size_t>(w.size())},
                      .fused = &fused,
                      .overflow_aware = o.overflow_aware};
  const std::int32_t zero = emu::int_zero(in.zero);
  a.pad_code = static_cast<std::int8_t>(emu::byte_zero(in.zero));
  a.lane_code = static_cast<std::int8_t>(emu::detail::clamp_ordered(
      zero, emu::int_limit(in.low), emu::int_limit(in.high), ClampOrder::high_first));
  a.range = {o.relu ? emu::byte_zero(out.zero) : emu::int_limit(out.low), emu::int_limit(out.high)};
  emu::Codes y;
  {
    const py::gil_scoped_release free;
    y = o.depthwise ? emu::depthwise(profile, s, a) : emu::convolve(profile, s, a);
  }
  if (!fused.written) y.unspecified.assign(y.code.size(), 1);
  if (y.unspecified.empty()) y.unspecified.resize(y.code.size());
  const std::vector<std::int64_t> shape{s.batch, s.out, s.out_h, s.out_w};
  return py::make_tuple(to_numpy<std::int8_t>(y.code, shape),
                        to_numpy<float>(fused.scale, {s.out}),
                        to_numpy<std::int32_t>(fused.bias, {s.out}),
                        to_numpy<bool>(y.unspecified, shape));
}

py::array_t<std::int8_t> quantize(const Profile& profile, const py::object& x_in, float multiplier,
                                  int zero, int low, int high) {
  const Floats x = exact<float>(x_in, "x");
  const F32 m{std::bit_cast<std::uint32_t>(multiplier)};
  std::vector<std::int8_t> out;
  out.reserve(static_cast<std::size_t>(x.size()));
  for (const F32 v : bits_of(x)) out.push_back(emu::quantize(profile, v, m, zero, {low, high}));
  return to_numpy<std::int8_t>(out, shape_of(x));
}

py::array_t<float> dequantize(const Profile& profile, const py::object& q_in, float scale,
                              int zero) {
  const Codes8 q = exact<std::int8_t>(q_in, "q");
  const F32 s{std::bit_cast<std::uint32_t>(scale)};
  std::vector<F32> out;
  out.reserve(static_cast<std::size_t>(q.size()));
  for (const std::int8_t v : values_of(q)) out.push_back(emu::dequantize(profile, v, s, zero));
  return to_numpy<float>(out, shape_of(q));
}

py::array_t<std::int8_t> pool2d(const Profile& profile, const std::string& kind,
                                const py::object& x_in, Pair kernel, Pair stride, Pair pad,
                                Pair out) {
  const Codes8 x = exact<std::int8_t>(x_in, "x");
  need_rank(x, 4, "x");
  if (kind != "max" && kind != "average")
    fail<BadArgument>("kind: expected max or average, got ", kind);
  const auto extent = [&](int i) { return checked_cast<int>(x.shape(i), "shape"); };
  const emu::PoolShape s{extent(0), extent(1), extent(2),  extent(3), kernel[0], kernel[1],
                         stride[0], stride[1], pad[0], pad[1], out[0], out[1]};
  if (kernel[0] < 1 || kernel[1] < 1 || stride[0] < 1 || stride[1] < 1 || out[0] < 1 || out[1] < 1)
    fail<BadArgument>("kernel, stride, out: expected values >= 1");
  for (std::size_t d = 0; d < 2; ++d) {  // positions in the image are int
    const std::int64_t reach = (std::int64_t{out[d]} - 1) * stride[d] + kernel[d];
    if (pad[d] < 0 || reach > INT32_MAX)
      fail<BadArgument>("kernel, stride, pad, out: expected pads >= 0 and windows within 31 bits, ",
                        "got pad ", pad[d], " and a last window that ends at ", reach);
  }
  const std::span<const std::int8_t> in{x.data(), static_cast<std::size_t>(x.size())};
  const std::vector<std::int8_t> y = kind == "max" ? emu::max_pool(profile.pool, s, in)
                                                   : emu::average_pool(profile.pool, s, in);
  return to_numpy<std::int8_t>(y, {s.batch, s.channels, s.out_h, s.out_w});
}

emu::Binary binary_op(const std::string& name) {
  static constexpr const char* names[] = {"add", "sub", "mul", "sqd", "min", "max"};
  for (int i = 0; i < 6; ++i)
    if (name == names[i]) return static_cast<emu::Binary>(i);
  fail<BadArgument>("op: expected add, sub, mul, sqd, min or max, got ", name);
}

py::tuple binary(const Profile& profile, const std::string& op, const py::object& a_in,
                 const py::object& b_in, const py::object& q_in, bool relu, bool packed) {
  const Codes8 a = exact<std::int8_t>(a_in, "a");
  const Codes8 b = exact<std::int8_t>(b_in, "b");
  const Floats q = exact<float>(q_in, "q");
  if (q.ndim() != 2 || q.shape(0) != 3 || q.shape(1) != 4)
    fail<BadArgument>("q: expected shape [3, 4], (scale, zero, min, max) of a, b and the output");
  if (a.size() != b.size() && a.size() != 1 && b.size() != 1)
    fail<BadArgument>("b: expected as many elements as a or one, got ", b.size(), " for ",
                      a.size());
  const auto scaled = [&](int row) {
    const QInfo info = qinfo(q, row);
    return emu::Scaled{info.scale, emu::int_zero(info.zero)};
  };
  const QInfo out = qinfo(q, 2);
  const emu::Scaled s0 = scaled(0);
  const emu::Scaled s1 = scaled(1);
  const F32 multiplier = emu::eltwise_multiplier(profile, out.scale);
  const emu::CodeRange range{relu ? 0 : emu::int_limit(out.low), emu::int_limit(out.high)};
  const emu::Binary kind = binary_op(op);
  const bool by_a = a.size() != 1 || b.size() == 1;
  const py::array& shaped = by_a ? static_cast<const py::array&>(a) : b;
  const std::size_t n = static_cast<std::size_t>(shaped.size());
  std::vector<std::int8_t> y(n);
  std::vector<std::uint8_t> unspecified(n);
  for (std::size_t i = 0; i < n; ++i) {
    if (!packed && i >= emu::written_elements(profile.eltwise, n)) {
      unspecified[i] = 1;
      continue;
    }
    y[i] = emu::binary(profile, kind, a.data()[a.size() == 1 ? 0 : i],
                       b.data()[b.size() == 1 ? 0 : i], s0, s1, multiplier,
                       emu::int_zero(out.zero), range);
  }
  return py::make_tuple(to_numpy<std::int8_t>(y, shape_of(shaped)),
                        to_numpy<bool>(unspecified, shape_of(shaped)));
}

py::array_t<float> unary(const Profile& profile, const std::string& op, const py::object& x_in) {
  const Floats x = exact<float>(x_in, "x");
  const std::vector<F32> in = bits_of(x);
  std::vector<F32> out(in.size());
  if (op != "sigmoid" && op != "tanh" && op != "exp")
    fail<BadArgument>("op: expected sigmoid, tanh or exp, got ", op);
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (op == "sigmoid") out[i] = emu::sigmoid(profile, in[i], i, in.size());
    else if (op == "tanh") out[i] = emu::tanh(profile, in[i], i, in.size());
    else out[i] = emu::exp(profile, in[i]);
  }
  return to_numpy<float>(out, shape_of(x));
}

py::array_t<float> reciprocal_estimate(const Profile& profile, const py::object& x_in) {
  const Floats x = exact<float>(x_in, "x");
  std::vector<F32> out = bits_of(x);
  for (F32& v : out) v = num::estimate(v, profile.fuse.estimate, profile.float_mode);
  return to_numpy<float>(out, shape_of(x));
}

}  // namespace

void register_emu(py::module_& module) {
  py::module_ ops = module.def_submodule("ops", "Single operations by a profile.");
  ops.def(
      "conv2d",
      [](const Profile& p, const py::object& x, const py::object& w, const py::object& alpha,
         const py::object& bias, const py::object& q, Pair stride, Pair pad, Pair dilation,
         bool depthwise, bool relu, bool overflow_aware) {
        return conv2d(p, x, w, alpha, bias, q,
                      {stride, pad, dilation, depthwise, relu, overflow_aware});
      },
      py::arg("profile"), py::arg("x"), py::arg("weights"), py::arg("alpha"), py::arg("bias"),
      py::arg("q"), py::kw_only(), py::arg("stride") = Pair{1, 1}, py::arg("pad") = Pair{0, 0},
      py::arg("dilation") = Pair{1, 1}, py::arg("depthwise") = false, py::arg("relu") = false,
      py::arg("overflow_aware") = false,
      "int8 convolution: (codes, fused scale, fused int32 bias, unspecified mask).");
  ops.def("quantize", &quantize, py::arg("profile"), py::arg("x"), py::arg("multiplier"),
          py::arg("zero"), py::arg("low") = -128, py::arg("high") = 127);
  ops.def("dequantize", &dequantize, py::arg("profile"), py::arg("q"), py::arg("scale"),
          py::arg("zero"));
  ops.def("pool2d", &pool2d, py::arg("profile"), py::arg("kind"), py::arg("x"), py::arg("kernel"),
          py::arg("stride"), py::arg("pad"), py::arg("out"));
  ops.def("binary", &binary, py::arg("profile"), py::arg("op"), py::arg("a"), py::arg("b"),
          py::arg("q"), py::arg("relu") = false, py::arg("packed") = false);
  ops.def("reciprocal_estimate", &reciprocal_estimate, py::arg("profile"), py::arg("x"),
          "The estimate of 1/x that the profile's fused parameters start from.");
  ops.def("unary", &unary, py::arg("profile"), py::arg("op"), py::arg("x"));
}

}  // namespace qsim::python
