// Matrix products, convolutions and rescaling of NumPy arrays, by a profile.

#include <pybind11/stl.h>

#include <optional>

#include "arrays.hpp"
#include "operators.hpp"
#include "qsim/base/checked.hpp"
#include "qsim/emu/fuse.hpp"
#include "qsim/emu/rescale.hpp"
#include "qsim/emu/window.hpp"
#include "register.hpp"
#include "window_arguments.hpp"

namespace qsim::python {

namespace {

using Ints = std::vector<std::int64_t>;

/// binary32 values as one per channel: a scalar is repeated.
std::vector<F32> per_channel(const py::handle& object, std::size_t count, const char* argument) {
  std::vector<F32> all = bits_of(exact<float>(object, argument));
  if (all.size() != 1 && all.size() != count)
    fail<BadArgument>(argument, ": expected 1 or ", count, " values, got ", all.size());
  if (all.size() != count) all.assign(count, all[0]);
  return all;
}

py::object sums_array(const std::vector<std::int64_t>& sums, const Ints& shape, bool wide) {
  if (wide) return to_numpy<std::int64_t>(sums, shape);
  std::vector<std::int32_t> words;
  words.reserve(sums.size());
  for (const std::int64_t v : sums) words.push_back(static_cast<std::int32_t>(v));
  return to_numpy<std::int32_t>(words, shape);
}

/// [results, 4]: overflows of steps 0..2 and of the accumulator.
py::array overflow_array(const std::vector<emu::Overflows>& counts, Ints shape) {
  std::vector<std::uint32_t> words;
  words.reserve(counts.size() * 4);
  for (const emu::Overflows& o : counts) {
    words.insert(words.end(), o.step.begin(), o.step.end());
    words.push_back(o.accumulator);
  }
  shape.push_back(4);
  return to_numpy<std::uint32_t>(words, shape);
}

py::tuple accumulate(const Profile& profile, const py::object& lhs_in, const py::object& rhs_in,
                     const py::object& lhs_zero, const py::object& rhs_zero,
                     const py::object& initial_in, bool count) {
  const Operand lhs = operand(lhs_in, "lhs");
  const Operand rhs = operand(rhs_in, "rhs");
  if (lhs.shape.size() != 2 || rhs.shape.size() != 2 || lhs.shape[1] != rhs.shape[0])
    fail<BadArgument>("lhs, rhs: expected [m, k] and [k, n], got ", shape_text(lhs.shape), " and ",
                      shape_text(rhs.shape));
  const Arith& arith = emu::gemm_product_of(
      profile, lhs.type, rhs.type, static_cast<std::size_t>(lhs.shape[0]),
      static_cast<std::size_t>(rhs.shape[1]), static_cast<std::size_t>(lhs.shape[1]));
  emu::GemmOperands a;
  a.m = static_cast<std::size_t>(lhs.shape[0]), a.k = static_cast<std::size_t>(lhs.shape[1]);
  a.n = static_cast<std::size_t>(rhs.shape[1]);
  const std::vector<std::int32_t> za = zeros(lhs_zero, a.m, "lhs_zero");
  const std::vector<std::int32_t> zb = zeros(rhs_zero, a.n, "rhs_zero");
  std::vector<std::int64_t> initial;
  if (!initial_in.is_none()) initial = values_of(exact<std::int64_t>(initial_in, "initial"));
  if (!initial.empty() && initial.size() != a.n && initial.size() != a.m * a.n)
    fail<BadArgument>("initial: expected ", a.n, " or ", a.m * a.n, " values, got ",
                      initial.size());
  if (arith.halves_rhs)
    for (const std::int32_t z : zb)
      if (z != 0)
        fail<BadArgument>("rhs_zero: expected 0, as profile ", profile.name.view(),
                          " halves weights, got ", z);
  a.lhs = lhs.codes, a.rhs = rhs.codes, a.lhs_zero = za, a.rhs_zero = zb, a.initial = initial;
  std::vector<emu::Overflows> counts;
  std::vector<std::int64_t> sums;
  {
    const py::gil_scoped_release free;
    sums = emu::gemm(arith, a, count ? &counts : nullptr);
  }
  const Ints shape{lhs.shape[0], rhs.shape[1]};
  return py::make_tuple(sums_array(sums, shape, arith.acc_bits == 64),
                        count ? py::object(overflow_array(counts, shape)) : py::none());
}

py::tuple convolve(const Profile& profile, const py::object& x_in, const py::object& w_in,
                   int x_zero, const py::object& w_zero, const ConvolveOptions& o,
                   bool count) {
  const Operand x = operand(x_in, "x");
  const Operand w = operand(w_in, "weights");
  const emu::WindowShape s = window_shape(x, w, o);
  const std::vector<std::int32_t> wz = zeros(w_zero, s.out_channels, "weight_zero");
  const emu::WindowOperands a = window_operands(x, w, x_zero, wz, o);
  Ints shape{x.shape[0], w.shape[0]};
  shape.insert(shape.end(), s.out.begin(), s.out.end());
  static_cast<void>(element_count(shape));
  const bool wide = emu::route_of(profile, s, a).arith->acc_bits == 64;
  std::vector<emu::Overflows> counts;
  std::vector<std::int64_t> sums;
  {
    const py::gil_scoped_release free;
    sums = emu::convolve_window(profile, s, a, count ? &counts : nullptr);
  }
  return py::make_tuple(sums_array(sums, shape, wide),
                        count ? py::object(overflow_array(counts, shape)) : py::none());
}

emu::SumKind sum_kind(const std::string& kind) {
  if (kind == "convolution") return emu::SumKind::convolution;
  if (kind == "grouped") return emu::SumKind::grouped;
  if (kind == "depthwise") return emu::SumKind::depthwise;
  if (kind == "product") return emu::SumKind::product;
  if (kind == "row") return emu::SumKind::row;
  if (kind == "wide") return emu::SumKind::wide;
  if (kind == "wide_product") return emu::SumKind::wide_product;
  fail<BadArgument>("kind: expected convolution, grouped, depthwise, product, row, wide or "
                    "wide_product, got ", kind);
}

/// Whether a product of m rows, or a convolution of m pixels, is one that `row_gate` is for.
bool passes_row_gate(const Profile& profile, const std::string& dtype, std::size_t m,
                     std::size_t n, std::size_t k, bool convolution) {
  const emu::CodeType type = dtype == "int16"  ? emu::CodeType::s16
                             : dtype == "int8" ? emu::CodeType::s8
                                               : emu::CodeType::u8;
  return convolution ? emu::convolution_passes_row_gate(profile, type, m, n, k)
                     : emu::passes_row_gate(profile, type, m, n, k);
}

void need_rule(const Profile& profile, const Requant& rule) {
  if (rule.scheme == Rescale::none)
    fail<NotSupported>("profile ", profile.name.view(), " has no rule from sums to codes of this "
                       "kind; choose a profile whose requant.scheme is not none");
}

/// Sums that a rule can take: 32 bits, or 48 for int64 accumulators.
void check_sums(const std::vector<std::int64_t>& sums, const Requant& rule) {
  const int bits = rule.scheme == Rescale::fixed && rule.fixed.bits == 16 ? 48 : 32;
  for (const std::int64_t v : sums)
    if (num::wrap(v, bits) != v)
      fail<BadArgument>("acc: expected sums of at most ", bits, " bits, got ", v);
}

/// Sums as [outer, channels, inner].
struct Sums {
  std::vector<std::int64_t> values;
  std::size_t outer, channels, inner;
  Ints shape;
};
Sums sums_of(const py::handle& object, int axis) {
  const py::array array = as_array(object, "acc");
  Sums s{{}, 1, 1, 1, {}};
  if (array.dtype().equal(py::dtype::of<std::int64_t>())) {
    s.values = values_of(exact<std::int64_t>(object, "acc"));
  } else {
    const std::vector<std::int32_t> words = values_of(exact<std::int32_t>(object, "acc"));
    s.values.assign(words.begin(), words.end());
  }
  const int rank = static_cast<int>(array.ndim());
  const int at = axis < 0 ? axis + rank : axis;
  if (rank == 0 || at < 0 || at >= rank)
    fail<BadArgument>("axis: expected an axis of an array of rank ", rank, ", got ", axis);
  for (int d = 0; d < rank; ++d) {
    const std::size_t extent = static_cast<std::size_t>(array.shape(d));
    (d < at ? s.outer : d == at ? s.channels : s.inner) *= extent;
    s.shape.push_back(array.shape(d));
  }
  return s;
}

template <class Code>
py::array requantize_channels(const Sums& s, const std::string& dtype, const Code& code) {
  std::vector<std::int32_t> codes(s.values.size());
  {
    const py::gil_scoped_release free;
    for (std::size_t i = 0; i < codes.size(); ++i)
      codes[i] = code(s.values[i], i / s.inner % s.channels);
  }
  return codes_array(codes, s.shape, dtype);
}

py::array requantize(const Profile& profile, const py::object& acc, const std::string& kind_name,
                     float lhs_scale, const py::object& rhs_scale, float out_scale, int zero,
                     const std::string& dtype, std::optional<int> low, std::optional<int> high,
                     int axis, const py::object& bias_in) {
  const emu::SumKind kind = sum_kind(kind_name);
  const Sums s = sums_of(acc, axis);
  const std::vector<F32> rhs = per_channel(rhs_scale, s.channels, "rhs_scale");
  const bool per_channel_scale = exact<float>(rhs_scale, "rhs_scale").size() != 1;
  std::vector<F32> bias;
  if (!bias_in.is_none()) bias = per_channel(bias_in, s.channels, "bias");
  const emu::CodeRange range = code_range(dtype, low, high);
  check_zero(zero, range, "out_zero");
  const F32 in{std::bit_cast<std::uint32_t>(lhs_scale)};
  const F32 out{std::bit_cast<std::uint32_t>(out_scale)};
  std::vector<emu::PreparedFactor> factors;
  const bool depthwise = kind == emu::SumKind::depthwise;
  const Epilogue& epilogue = depthwise ? profile.depthwise : profile.epilogue;
  std::vector<emu::Fused> engine;
  for (std::size_t c = 0; c < s.channels; ++c) {
    const Requant& rule = emu::requant_of(profile, kind, c, s.channels);
    need_rule(profile, rule);
    if (c == 0) check_sums(s.values, rule);
    if (!bias.empty() && rule.bias == RealBias::refused)
      fail<NotSupported>("profile ", profile.name.view(), " adds an int32 bias to the sums, got a "
                         "float32 one; divide it by lhs_scale*rhs_scale and round");
    if (rule.scheme != Rescale::engine) {
      factors.push_back(
          emu::prepare(rule, {in, rhs[c], out, per_channel_scale}, profile.float_mode));
      continue;
    }
    if (dtype != "int8")
      fail<NotSupported>("profile ", profile.name.view(), " makes int8 codes only, got ", dtype);
    const QInfo from{in, num::f32_zero, num::from_int(-128), num::from_int(127)};
    const QInfo to{out, num::from_int(zero), num::from_int(range.low), num::from_int(range.high)};
    const F32 none = num::f32_zero;
    const std::int32_t sum = 0;
    engine.push_back(
        emu::fuse(profile, from, to, {&rhs[c], 1}, {&none, 1}, {&sum, 1}, epilogue.bias));
    if (!engine.back().written)
      fail<BadArgument>("lhs_scale, out_scale: expected nonzero scales: profile ",
                        profile.name.view(), " leaves results unspecified for a zero scale");
  }
  return requantize_channels(s, dtype, [&](std::int64_t v, std::size_t c) {
    const Requant& rule = emu::requant_of(profile, kind, c, s.channels);
    if (rule.scheme != Rescale::engine)
      return emu::requantize_sum(rule, v, factors[c], zero, range, profile.float_mode,
                                 bias.empty() ? nullptr : &bias[c]);
    return std::int32_t{emu::requantize(epilogue, static_cast<std::int32_t>(num::wrap(v, 32)),
                                        engine[c], 0, range, profile.float_mode)};
  });
}

py::array real(const Profile& profile, const py::object& acc, float lhs_scale,
               const py::object& rhs_scale, const py::object& bias_in, int axis) {
  const Sums s = sums_of(acc, axis);
  const std::vector<F32> rhs = per_channel(rhs_scale, s.channels, "rhs_scale");
  std::vector<F32> bias;
  if (!bias_in.is_none()) bias = per_channel(bias_in, s.channels, "bias");
  const F32 lhs{std::bit_cast<std::uint32_t>(lhs_scale)};
  const FloatMode& mode = profile.float_mode;
  std::vector<F32> out(s.values.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t c = i / s.inner % s.channels;
    const F32 factor = num::mul(lhs, rhs[c], mode);
    out[i] = emu::real_sum(profile, s.values[i], factor, bias.empty() ? nullptr : &bias[c]);
  }
  return to_numpy<float>(out, s.shape);
}

py::array rescale(const Profile& profile, const py::object& acc, const std::string& kind_name,
                  const py::object& multiplier, const py::object& exponent, int zero,
                  const std::string& dtype, std::optional<int> low, std::optional<int> high,
                  int axis) {
  const emu::SumKind kind = sum_kind(kind_name);
  const Sums s = sums_of(acc, axis);
  const std::vector<std::int32_t> m = zeros(multiplier, s.channels, "multiplier");
  const std::vector<std::int32_t> e = zeros(exponent, s.channels, "shift");
  const emu::CodeRange range = code_range(dtype, low, high);
  for (const std::int32_t x : e)
    if (x < -62 || x > 31) fail<BadArgument>("shift: expected -62..31, got ", x);
  for (std::size_t c = 0; c < s.channels; ++c) {
    const Requant& rule = emu::requant_of(profile, kind, c, s.channels);
    need_rule(profile, rule);
    if (c == 0) check_sums(s.values, rule);
    if (rule.scheme != Rescale::fixed)
      fail<NotSupported>("profile ", profile.name.view(), " rescales by binary32 factors, not by "
                         "multiplier and shift; use requantize with scales");
  }
  return requantize_channels(s, dtype, [&](std::int64_t v, std::size_t c) {
    const Requant& rule = emu::requant_of(profile, kind, c, s.channels);
    emu::PreparedFactor factor;
    factor.multiple = {m[c], e[c]};
    return emu::requantize_sum(rule, v, factor, zero, range, profile.float_mode);
  });
}

}  // namespace

void register_products(py::module_& module) {
  py::module_ ops = module.def_submodule("operators", "Single operators by a profile's rules.");
  ops.def("accumulate", &accumulate, py::arg("profile"), py::arg("lhs"), py::arg("rhs"),
          py::arg("lhs_zero"), py::arg("rhs_zero"), py::arg("initial") = py::none(),
          py::arg("count") = false, "Sums of a matrix product, and overflow counts if asked for.");
  ops.def(
      "convolve",
      [](const Profile& profile, const py::object& x, const py::object& w, int x_zero,
         const py::object& w_zero, const Ints& stride, const Ints& pads, const Ints& dilation,
         std::int64_t groups, bool constant_filter, bool returns_integers, bool count) {
        return convolve(profile, x, w, x_zero, w_zero,
                        {stride, pads, dilation, groups, constant_filter, returns_integers},
                        count);
      },
      py::arg("profile"), py::arg("x"), py::arg("weights"), py::arg("x_zero"),
      py::arg("weight_zero"), py::arg("stride"), py::arg("pads"), py::arg("dilation"),
      py::arg("groups"), py::arg("constant_filter"), py::arg("returns_integers"),
      py::arg("count") = false, "Sums of a convolution, and overflow counts if asked for.");
  ops.def("passes_row_gate", &passes_row_gate, py::arg("profile"), py::arg("dtype"),
          py::arg("rows"), py::arg("columns"), py::arg("depth"), py::arg("convolution"),
          "Whether a product, or a convolution of `rows` pixels, is one that `row_gate` is for.");
  ops.def("requantize", &requantize, py::arg("profile"), py::arg("acc"), py::arg("kind"),
          py::arg("lhs_scale"), py::arg("rhs_scale"), py::arg("out_scale"), py::arg("out_zero"),
          py::arg("dtype"), py::arg("low"), py::arg("high"), py::arg("axis"),
          py::arg("bias") = py::none(), "Codes of sums by three scales.");
  ops.def("real", &real, py::arg("profile"), py::arg("acc"), py::arg("lhs_scale"),
          py::arg("rhs_scale"), py::arg("bias"), py::arg("axis"),
          "float32 values of sums: fl(acc) * fl(lhs*rhs) + bias.");
  ops.def("rescale", &rescale, py::arg("profile"), py::arg("acc"), py::arg("kind"),
          py::arg("multiplier"), py::arg("shift"), py::arg("out_zero"), py::arg("dtype"),
          py::arg("low"), py::arg("high"), py::arg("axis"),
          "Codes of sums by integer multipliers and exponents.");
}

}  // namespace qsim::python
