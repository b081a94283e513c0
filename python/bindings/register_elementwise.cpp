// Element-wise operators, pools, tables and softmax on NumPy arrays of codes, by a profile.

#include <pybind11/stl.h>

#include <algorithm>
#include <optional>

#include "arrays.hpp"
#include "code_arrays.hpp"
#include "operators.hpp"
#include "qsim/base/checked.hpp"
#include "qsim/emu/add.hpp"
#include "qsim/emu/average.hpp"
#include "qsim/emu/dynamic.hpp"
#include "qsim/emu/mean.hpp"
#include "qsim/emu/mul.hpp"
#include "qsim/emu/quantize_tensor.hpp"
#include "qsim/emu/recode.hpp"
#include "qsim/emu/softmax.hpp"
#include "qsim/emu/table.hpp"
#include "qsim/num/minifloat.hpp"
#include "register.hpp"

namespace qsim::python {

namespace {

using Ints = std::vector<std::int64_t>;
using Limit = std::optional<int>;

emu::Scaled scaled(float scale, int zero) { return {{std::bit_cast<std::uint32_t>(scale)}, zero}; }

F32 pattern(float x) { return {std::bit_cast<std::uint32_t>(x)}; }

emu::ScaleLayout layout_of(const std::array<std::size_t, 4>& extents, std::size_t elements,
                           std::size_t scales, std::size_t zeros) {
  const emu::ScaleLayout s{extents[0], extents[1], extents[2], extents[3]};
  if (s.size() != elements || s.scales() != scales || zeros != scales)
    fail<BadArgument>("scale, zero_point: expected ", s.scales(), " values each for ", s.size(),
                      " elements, got ", scales, " and ", zeros, " for ", elements);
  return s;
}

py::array quantize(const Profile& profile, const py::object& x_in, const py::object& scale_in,
                   const py::object& zero_in, const std::string& dtype, Limit low, Limit high,
                   const std::array<std::size_t, 4>& extents) {
  const RealArray x = real_array(x_in, "x");
  const std::vector<F32> scale = bits_of(exact<float>(scale_in, "scale"));
  const std::vector<std::int32_t> zero = values_of(exact<std::int32_t>(zero_in, "zero_point"));
  const emu::CodeRange range = code_range(dtype, low, high);
  for (const std::int32_t z : zero) check_zero(z, range, "zero_point");
  const emu::ScaleLayout layout =
      layout_of(extents, x.values.size(), scale.size(), zero.size());
  const emu::QuantizeOptions options{x.half, dtype == "int4" || dtype == "uint4"};
  std::vector<std::int32_t> codes(x.values.size());
  {
    const py::gil_scoped_release free;
    emu::quantize_tensor<std::int32_t>(profile, x.values, layout, scale, zero, range, options,
                                       codes);
  }
  return codes_array(codes, x.shape, dtype);
}

py::array dequantize(const Profile& profile, const py::object& q_in, const py::object& scale_in,
                     const py::object& zero_in, bool half,
                     const std::array<std::size_t, 4>& extents) {
  const CodeArray q = code_array(q_in, "q", true);
  const std::vector<F32> scale = bits_of(exact<float>(scale_in, "scale"));
  const std::vector<std::int32_t> zero = values_of(exact<std::int32_t>(zero_in, "zero_point"));
  const emu::ScaleLayout layout = layout_of(extents, q.codes.size(), scale.size(), zero.size());
  std::vector<F32> reals(q.codes.size());
  {
    const py::gil_scoped_release free;
    emu::dequantize_tensor<std::int32_t>(profile, q.codes, layout, scale, zero,
                                         q.dtype == "int8" || q.dtype == "uint8", reals);
  }
  if (!half) return to_numpy<float>(reals, q.shape);
  std::vector<std::uint16_t> words;
  words.reserve(reals.size());
  for (const F32 r : reals) words.push_back(static_cast<std::uint16_t>(num::encode(num::fp16, r)));
  return to_numpy<std::uint16_t>(words, q.shape).attr("view")("float16");
}

/// Codes of `rows` equal parts of x, each with its own scale and zero point.
py::tuple dynamic_quantize(const Profile& profile, const py::object& x_in, std::size_t rows) {
  const RealArray x = real_array(exact<float>(x_in, "x"), "x");
  const std::size_t length = rows == 0 ? 0 : x.values.size() / rows;
  if (length * rows != x.values.size())
    fail<BadArgument>("rows: expected a divisor of ", x.values.size(), " elements, got ", rows);
  std::vector<std::int32_t> codes(x.values.size()), zero(rows);
  std::vector<F32> scale(rows);
  for (std::size_t r = 0; r < rows; ++r) {
    const emu::DynamicParameters p = emu::dynamic_quantize<std::int32_t>(
        profile, std::span(x.values).subspan(r * length, length),
        std::span(codes).subspan(r * length, length));
    scale[r] = p.scale, zero[r] = p.zero;
  }
  const bool bytes = emu::dynamic_range(profile.dynamic).type_low == 0;
  const std::int64_t n = static_cast<std::int64_t>(rows);
  return py::make_tuple(codes_array(codes, x.shape, bytes ? "uint8" : "int8"),
                        to_numpy<float>(scale, {n}), to_numpy<std::int32_t>(zero, {n}));
}

using Scales = std::array<float, 3>;  // of a, b and the result
using Zeros = std::array<int, 3>;

/// out[i] = f(a[i], b[i]); through a table of all pairs of bytes where that is less work.
template <class F>
std::vector<std::int32_t> map_pairs(const CodeArray& a, const CodeArray& b, const emu::CodeRange& r,
                                    F f) {
  std::vector<std::int32_t> out(a.codes.size());
  if (emu::detail::is_wide(r) || out.size() <= 65536) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = f(a.codes[i], b.codes[i]);
    return out;
  }
  std::vector<std::int32_t> table(65536);
  for (std::int32_t i = 0; i < 65536; ++i)
    table[static_cast<std::size_t>(i)] = f(r.type_low + i / 256, r.type_low + i % 256);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = table[static_cast<std::size_t>((a.codes[i] - r.type_low) * 256 + b.codes[i] -
                                            r.type_low)];
  return out;
}

emu::Lone lone_operand(const std::string& name) {
  if (name == "a") return emu::Lone::a;
  if (name == "b") return emu::Lone::b;
  if (name != "neither") fail<BadArgument>("lone: expected neither, a or b, got ", name);
  return emu::Lone::neither;
}

py::array binary(const Profile& profile, const std::string& op, const py::object& a_in,
                 const py::object& b_in, const Scales& scales, const Zeros& zeros, Limit low,
                 Limit high, const std::string& lone_name) {
  const CodeArray a = code_array(a_in, "a");
  const CodeArray b = code_array(b_in, "b");
  if (a.dtype != b.dtype)
    throw py::type_error(text("b: expected ", a.dtype, " as a, got ", b.dtype,
                              "; use codes of one type"));
  if (a.shape != b.shape)
    fail<BadArgument>("b: expected shape ", shape_text(a.shape), ", got ", shape_text(b.shape));
  const emu::CodeRange range = code_range(a.dtype, low, high);
  for (const int z : zeros) check_zero(z, range, "a_zero, b_zero, out_zero");
  const emu::Scaled sa = scaled(scales[0], zeros[0]), sb = scaled(scales[1], zeros[1]),
                    so = scaled(scales[2], zeros[2]);
  const emu::Lone lone = lone_operand(lone_name);
  if (op != "add" && op != "sub" && op != "mul")
    fail<BadArgument>("op: expected add, sub or mul, got ", op);
  std::vector<std::int32_t> out;
  {
    const py::gil_scoped_release free;
    if (op == "mul") {
      const emu::PreparedMul p = emu::prepare_mul(profile, sa, sb, so, range);
      out = map_pairs(a, b, range,
                      [&](std::int32_t x, std::int32_t y) { return emu::code_of(p, x, y); });
    } else {
      const emu::PreparedAdd p =
          emu::prepare_add(profile, sa, sb, so, range, op == "sub", lone);
      out = map_pairs(a, b, range,
                      [&](std::int32_t x, std::int32_t y) { return emu::code_of(p, x, y); });
    }
  }
  return codes_array(out, a.shape, a.dtype);
}

struct PoolOptions {
  Ints kernel, stride, pads, dilation, out;
  bool count_include_pad = false;
};

/// A window of x [n, c, ...] with given output extents; BadArgument unless all of it is legal.
emu::WindowShape pool_window(const CodeArray& x, const PoolOptions& o) {
  if (x.shape.size() < 3)
    fail<BadArgument>("x: expected [n, c, ...], got ", shape_text(x.shape));
  const std::size_t axes = x.shape.size() - 2;
  for (const Ints* v : {&o.kernel, &o.stride, &o.dilation, &o.out})
    if (v->size() != axes)
      fail<BadArgument>("kernel, stride, dilation, out: expected ", axes, " values, got ",
                        v->size());
  if (o.pads.size() != 2 * axes)
    fail<BadArgument>("pads: expected ", 2 * axes, " values, got ", o.pads.size());
  constexpr std::int64_t most = 1 << 24;
  const auto within = [](std::int64_t v, std::int64_t least) { return v >= least && v <= most; };
  for (std::size_t d = 0; d < axes; ++d)
    if (!within(o.kernel[d], 1) || !within(o.stride[d], 1) || !within(o.dilation[d], 1) ||
        !within(o.pads[d], 0) || !within(o.pads[d + axes], 0) || !within(o.out[d], 0) ||
        !within(x.shape[d + 2], 1))
      fail<BadArgument>("kernel, stride, pads, dilation: expected steps >= 1 and pads >= 0 within "
                        "24 bits and an image of at least one pixel, got ", o.kernel[d], ", ",
                        o.stride[d], ", ", o.pads[d], ", ", o.dilation[d], " on ", x.shape[d + 2]);
  static_cast<void>(element_count(o.kernel));
  emu::WindowShape s;
  s.batch = static_cast<std::size_t>(x.shape[0]), s.channels = static_cast<std::size_t>(x.shape[1]);
  s.image.assign(x.shape.begin() + 2, x.shape.end());
  s.kernel = o.kernel, s.stride = o.stride, s.dilation = o.dilation, s.out = o.out;
  s.pad.assign(o.pads.begin(), o.pads.begin() + static_cast<std::ptrdiff_t>(axes));
  Ints shape{x.shape[0], x.shape[1]};
  shape.insert(shape.end(), o.out.begin(), o.out.end());
  static_cast<void>(element_count(shape));
  return s;
}

py::array pool(const Profile& profile, const std::string& kind, const py::object& x_in,
               const PoolOptions& o, const std::array<float, 2>& scales,
               const std::array<int, 2>& zeros, Limit low, Limit high) {
  const CodeArray x = code_array(x_in, "x");
  const emu::CodeRange range = code_range(x.dtype, low, high);
  for (const int z : zeros) check_zero(z, range, "in_zero, out_zero");
  if (kind != "max" && kind != "average")
    fail<BadArgument>("kind: expected max or average, got ", kind);
  emu::PoolOperands a{.window = pool_window(x, o),
                      .input = x.codes,
                      .in = scaled(scales[0], zeros[0]),
                      .out = scaled(scales[1], zeros[1]),
                      .range = range,
                      .count_include_pad = o.count_include_pad};
  for (const std::int64_t p : o.pads) a.padded = a.padded || p != 0;
  std::vector<std::int32_t> y;
  {
    const py::gil_scoped_release free;
    y = kind == "max" ? emu::max_pool(profile, a) : emu::average_pool(profile, a);
  }
  Ints shape{x.shape[0], x.shape[1]};
  shape.insert(shape.end(), o.out.begin(), o.out.end());
  return codes_array(y, shape, x.dtype);
}

/// Means of the rows of x [results, count].
py::array mean(const Profile& profile, const py::object& x_in, std::size_t channels, bool image,
               const std::array<float, 2>& scales, const std::array<int, 2>& zeros) {
  const CodeArray x = code_array(x_in, "x");
  const emu::CodeRange range = code_range(x.dtype, {}, {});
  for (const int z : zeros) check_zero(z, range, "in_zero, out_zero");
  if (x.shape.size() != 2 || x.shape[1] < 1 || channels < 1)
    fail<BadArgument>("x: expected [results, count] with count >= 1, got ", shape_text(x.shape));
  const emu::MeanOperands a{static_cast<std::size_t>(x.shape[1]), channels, x.codes,
                            scaled(scales[0], zeros[0]), scaled(scales[1], zeros[1]), range,
                            image && !emu::detail::is_wide(range)};
  return codes_array(emu::mean(profile, a), {x.shape[0]}, x.dtype);
}

emu::Function function_of(const std::string& name) {
  if (name == "identity") return emu::Function::identity;
  if (name == "sigmoid") return emu::Function::sigmoid;
  if (name == "tanh") return emu::Function::tanh;
  if (name == "leaky_relu") return emu::Function::leaky_relu;
  fail<BadArgument>("function: expected identity, sigmoid, tanh or leaky_relu, got ", name,
                    "; pass a table of 256 float32 values for any other");
}

/// A table, or the name of a function, applied to 8-bit codes; the output's type may differ.
py::array lut(const Profile& profile, const py::object& q_in, const py::object& function,
              float slope, const std::array<float, 2>& scales, const std::array<int, 2>& zeros,
              const std::string& dtype) {
  const CodeArray q = code_array(q_in, "q");
  const emu::CodeRange in = code_range(q.dtype, {}, {}), out = code_range(dtype, {}, {});
  emu::detail::need_bytes(profile, in, "lut");
  emu::detail::need_bytes(profile, out, "lut");
  check_zero(zeros[0], in, "in_zero");
  check_zero(zeros[1], out, "out_zero");
  emu::RealTable reals{};
  if (py::isinstance<py::str>(function)) {
    reals = emu::real_table(profile, function_of(function.cast<std::string>()),
                            scaled(scales[0], zeros[0]), in, pattern(slope));
  } else {
    const std::vector<F32> given = bits_of(exact<float>(function, "function"));
    if (given.size() != reals.size())
      fail<BadArgument>("function: expected 256 values, got ", given.size());
    std::copy(given.begin(), given.end(), reals.begin());
  }
  const emu::CodeTable table =
      emu::code_table(profile, reals, scaled(scales[1], zeros[1]), out);
  std::vector<std::int32_t> y;
  y.reserve(q.codes.size());
  for (const std::int32_t v : q.codes)
    y.push_back(table[static_cast<std::size_t>(v - in.type_low)]);
  return codes_array(y, q.shape, dtype);
}

/// Codes of another scale, or leaky relu with slope, by the row's integer factors; None where the
/// row has no such rule and answers by a table.
py::object recode(const Profile& profile, const std::string& kind, const py::object& q_in,
                  float slope, const std::array<float, 2>& scales, const std::array<int, 2>& zeros,
                  const std::string& dtype) {
  const bool leaky = kind == "leaky_relu";
  const Recode& rule = leaky ? profile.leaky_relu : profile.requantize;
  if (rule.scheme == Recoding::none) return py::none();
  const CodeArray q = code_array(q_in, "q");
  const emu::CodeRange in = code_range(q.dtype, {}, {}), out = code_range(dtype, {}, {});
  check_zero(zeros[0], in, "in_zero");
  check_zero(zeros[1], out, "out_zero");
  const emu::Scaled a = scaled(scales[0], zeros[0]), b = scaled(scales[1], zeros[1]);
  const emu::PreparedRecode p = leaky ? emu::prepare_leaky_relu(profile, a, b, pattern(slope), out)
                                      : emu::prepare_requantize(profile, a, b, out);
  const bool bytes = !emu::detail::is_wide(in) && !emu::detail::is_wide(out);
  std::vector<std::int32_t> y(q.codes.size());
  emu::recode<std::int32_t>(p, q.codes, bytes, y);
  return codes_array(y, q.shape, dtype);
}

/// Softmax of the rows of x [rows, depth].
py::array softmax(const Profile& profile, const py::object& x_in, float beta,
                  const std::array<float, 2>& scales, const std::array<int, 2>& zeros) {
  const CodeArray x = code_array(x_in, "x");
  const emu::CodeRange range = code_range(x.dtype, {}, {});
  for (const int z : zeros) check_zero(z, range, "in_zero, out_zero");
  if (x.shape.size() != 2 || x.shape[1] < 1)
    fail<BadArgument>("x: expected [rows, depth] with depth >= 1, got ", shape_text(x.shape));
  const emu::SoftmaxOperands a{static_cast<std::size_t>(x.shape[1]), x.codes,
                               scaled(scales[0], zeros[0]), scaled(scales[1], zeros[1]),
                               pattern(beta), range};
  std::vector<std::int32_t> y(x.codes.size());
  {
    const py::gil_scoped_release free;
    emu::softmax(profile, a, y);
  }
  return codes_array(y, x.shape, x.dtype);
}

}  // namespace

void register_elementwise(py::module_& module) {
  py::module_ ops = module.attr("operators").cast<py::module_>();  // register_products makes it
  ops.def("quantize", &quantize, py::arg("profile"), py::arg("x"), py::arg("scale"),
          py::arg("zero_point"), py::arg("dtype"), py::arg("low"), py::arg("high"),
          py::arg("extents"), "Codes of real values; extents: outer, axis, inner, block.");
  ops.def("dequantize", &dequantize, py::arg("profile"), py::arg("q"), py::arg("scale"),
          py::arg("zero_point"), py::arg("half"), py::arg("extents"), "Real values of codes.");
  ops.def("dynamic_quantize", &dynamic_quantize, py::arg("profile"), py::arg("x"),
          py::arg("rows"), "Codes, scales and zero points of equal parts of x.");
  ops.def("binary", &binary, py::arg("profile"), py::arg("op"), py::arg("a"), py::arg("b"),
          py::arg("scales"), py::arg("zeros"), py::arg("low"), py::arg("high"), py::arg("lone"),
          "Sum, difference or product of two code arrays of one shape.");
  ops.def(
      "pool",
      [](const Profile& profile, const std::string& kind, const py::object& x, const Ints& kernel,
         const Ints& stride, const Ints& pads, const Ints& dilation, const Ints& out,
         bool count_include_pad, const std::array<float, 2>& scales,
         const std::array<int, 2>& zeros, Limit low, Limit high) {
        return pool(profile, kind, x, {kernel, stride, pads, dilation, out, count_include_pad},
                    scales, zeros, low, high);
      },
      py::arg("profile"), py::arg("kind"), py::arg("x"), py::arg("kernel"), py::arg("stride"),
      py::arg("pads"), py::arg("dilation"), py::arg("out"), py::arg("count_include_pad"),
      py::arg("scales"), py::arg("zeros"), py::arg("low"), py::arg("high"),
      "Maxima or averages of windows of codes [n, c, ...].");
  ops.def("mean", &mean, py::arg("profile"), py::arg("x"), py::arg("channels"), py::arg("image"),
          py::arg("scales"), py::arg("zeros"), "Means of the rows of codes [results, count].");
  ops.def("lut", &lut, py::arg("profile"), py::arg("q"), py::arg("function"), py::arg("slope"),
          py::arg("scales"), py::arg("zeros"), py::arg("dtype"),
          "A function of 8-bit codes by a table.");
  ops.def("recode", &recode, py::arg("profile"), py::arg("kind"), py::arg("q"), py::arg("slope"),
          py::arg("scales"), py::arg("zeros"), py::arg("dtype"),
          "Codes of another scale, or leaky relu, by integer factors; None without such a rule.");
  ops.def("softmax", &softmax, py::arg("profile"), py::arg("x"), py::arg("beta"),
          py::arg("scales"), py::arg("zeros"), "Softmax of the rows of codes [rows, depth].");
}

}  // namespace qsim::python
