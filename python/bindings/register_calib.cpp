// Calibration on NumPy arrays: moving-average quantizer, histograms, feature and weight scales.

#include <pybind11/stl.h>

#include <array>
#include <bit>

#include "arrays.hpp"
#include "qsim/base/checked.hpp"
#include "qsim/calib/admm.hpp"
#include "qsim/calib/ema.hpp"
#include "qsim/calib/histogram.hpp"
#include "qsim/calib/kl.hpp"
#include "qsim/calib/weights.hpp"
#include "qsim/emu/activation.hpp"
#include "register.hpp"

namespace qsim::python {

namespace {

using namespace calib;  // NOLINT(google-build-using-namespace): this file mirrors that namespace
using Floats = py::array_t<float, py::array::c_style>;
using Free = py::gil_scoped_release;

bool is_x64(const std::string& host) {
  if (host != "x64" && host != "ieee")
    fail<BadArgument>("host: expected x64 or ieee, got ", host);
  return host == "x64";
}

std::string health_name(Health health) {
  static constexpr const char* names[] = {"good", "zero_range", "nonfinite"};
  return names[static_cast<std::size_t>(health)];
}

// ---------------------------------------------------------------------- pairs and infos as arrays

std::vector<F32> floats(const py::object& in, py::ssize_t size, const char* argument) {
  const Floats a = exact<float>(in, argument);
  if (a.size() != size)
    fail<BadArgument>(argument, ": expected ", size, " values, got ", a.size());
  return bits_of(a);
}
Range range_of(const py::object& in, const char* argument) {
  const std::vector<F32> v = floats(in, 2, argument);
  return {v[0], v[1]};
}
std::optional<Range> maybe_range(const py::object& in, const char* argument) {
  if (in.is_none()) return std::nullopt;
  return range_of(in, argument);
}
py::array_t<float> to_array(const std::vector<F32>& v) {
  return to_numpy<float>(v, {static_cast<std::int64_t>(v.size())});
}
template <class... Values>
py::array_t<float> row(Values... v) {
  return to_array(std::vector<F32>{v...});
}
py::array_t<float> row(const Range& r) { return row(r.low, r.high); }
py::array_t<float> row(const QInfo& q) { return row(q.scale, q.zero, q.low, q.high); }
/// np.float32, which keeps the bits that a Python float would not.
py::object scalar(F32 v) { return row(v)[py::int_(0)]; }

// ------------------------------------------------------------------------------- moving average

EmaRule ema_rule(const std::string& host, int weight_bits, const std::string& update,
                 bool guarded) {
  EmaRule rule = is_x64(host) ? ema::x64 : ema::ieee;
  if (update != "moving_average" && update != "maximum")
    fail<BadArgument>("update: expected moving_average or maximum, got ", update);
  if (update == "maximum") rule.update = RangeUpdate::maximum;
  rule.weight_bits = weight_bits;
  static_cast<void>(ema::weight_limit(rule));
  return guarded ? ema::guarded(rule) : rule;
}

py::dict observe(const EmaRule& rule, const py::object& x_in) {
  const std::vector<F32> x = bits_of(exact<float>(x_in, "x"));
  const Observation seen = ema::observe(rule, x);
  py::dict out;
  out["raw"] = row(seen.raw);
  out["grid"] = row(seen.grid.scale, seen.grid.zero);
  out["nominal"] = row(seen.nominal);
  out["health"] = health_name(seen.grid.health);
  out["guarded"] = seen.grid.guarded;
  return out;
}

py::array_t<float> fake_quantize(const EmaRule& rule, const py::object& x_in,
                                 const py::object& grid_in) {
  const Floats x = exact<float>(x_in, "x");
  const std::vector<F32> grid = floats(grid_in, 2, "grid");
  std::vector<F32> y = bits_of(x);
  {
    const Free free;
    for (F32& v : y) v = ema::fake_quantize(rule, v, grid[0], grid[1]);
  }
  return to_numpy<float>(y, shape_of(x));
}

std::size_t channels_of(const py::array& w) {
  if (w.ndim() < 1) fail<BadArgument>("weights: expected [channels, ...], got a scalar");
  return static_cast<std::size_t>(w.shape(0));
}

py::tuple codes_tuple(const WeightCodes& made, const py::array& w) {
  return py::make_tuple(to_numpy<std::int8_t>(made.codes, shape_of(w)), to_array(made.alpha));
}

py::tuple quantize_weights(const EmaRule& rule, const py::object& w_in) {
  const Floats w = exact<float>(w_in, "weights");
  return codes_tuple(ema::quantize_weights(rule, bits_of(w), channels_of(w)), w);
}

py::array_t<float> fake_weights(const EmaRule& rule, const py::object& codes_in,
                                const py::object& alpha_in) {
  const auto codes = exact<std::int8_t>(codes_in, "codes");
  const std::size_t channels = channels_of(codes);
  const WeightCodes made{values_of(codes),
                         floats(alpha_in, static_cast<py::ssize_t>(channels), "alpha")};
  if (channels == 0) fail<BadArgument>("codes: expected at least one channel, got none");
  return to_numpy<float>(ema::fake_weights(rule, made), shape_of(codes));
}

py::dict stored(const EmaRule& rule, const py::object& in, const py::object& out) {
  const Stored s =
      ema::stored(rule, maybe_range(in, "running_in"), maybe_range(out, "running_out"));
  py::dict made;
  made["in_describe"] = row(s.in_describe);
  made["out_describe"] = row(s.out_describe);
  made["cast_in_multiplier"] = scalar(s.cast_in_multiplier);
  made["cast_out_scale"] = scalar(s.cast_out_scale);
  made["scale_in"] = scalar(s.scale_in);
  made["scale_out"] = scalar(s.scale_out);
  made["fake_info"] = s.fake_info;
  return made;
}

// ------------------------------------------------------------- the float layer that training runs

struct FloatConv {
  std::ptrdiff_t batch, in, h, w, out, kh, kw, pad, out_h, out_w;
};

FloatConv conv_shape(const Floats& x, const Floats& w, const Floats& bias, int pad) {
  if (x.ndim() != 4 || w.ndim() != 4)
    fail<BadArgument>("x, weights: expected rank 4 each, got ", x.ndim(), " and ", w.ndim());
  if (w.shape(1) != x.shape(1) || w.shape(1) == 0 || bias.size() != w.shape(0))
    fail<BadArgument>("weights, bias: expected [out, ", x.shape(1), ", kh, kw] and [out], got ",
                      w.shape(1), " input channels and ", bias.size(), " biases for ", w.shape(0));
  FloatConv s{x.shape(0), x.shape(1), x.shape(2), x.shape(3), w.shape(0),
              w.shape(2), w.shape(3), pad,        0,          0};
  s.out_h = s.h + 2 * s.pad - s.kh + 1;
  s.out_w = s.w + 2 * s.pad - s.kw + 1;
  if (pad < 0 || s.kh < 1 || s.kw < 1 || s.out_h < 1 || s.out_w < 1)
    fail<BadArgument>("weights, pad: expected a kernel that fits the padded input, got ", s.kh,
                      " x ", s.kw, " on ", s.h, " x ", s.w, " with pad ", pad);
  return s;
}

/// Weights as [out, kh, kw, in], the order in which a product is accumulated.
std::vector<F32> channels_last(const FloatConv& s, const std::vector<F32>& w) {
  std::vector<F32> out(w.size());
  const std::ptrdiff_t taps = s.kh * s.kw;
  std::size_t from = 0;
  for (std::ptrdiff_t o = 0; o < s.out; ++o)
    for (std::ptrdiff_t c = 0; c < s.in; ++c)
      for (std::ptrdiff_t t = 0; t < taps; ++t)
        out[static_cast<std::size_t>((o * taps + t) * s.in + c)] = w[from++];
  return out;
}

/// The patch of one output pixel as [kh, kw, in]; +0 outside the input.
void read_patch(const FloatConv& s, const std::vector<F32>& x, std::ptrdiff_t n, std::ptrdiff_t oy,
                std::ptrdiff_t ox, std::vector<F32>& patch) {
  std::size_t to = 0;
  for (std::ptrdiff_t ky = 0; ky < s.kh; ++ky)
    for (std::ptrdiff_t kx = 0; kx < s.kw; ++kx)
      for (std::ptrdiff_t c = 0; c < s.in; ++c) {
        const std::ptrdiff_t iy = oy + ky - s.pad;
        const std::ptrdiff_t ix = ox + kx - s.pad;
        const bool inside = iy >= 0 && iy < s.h && ix >= 0 && ix < s.w;
        const std::ptrdiff_t at = ((n * s.in + c) * s.h + iy) * s.w + ix;
        patch[to++] = inside ? x[static_cast<std::size_t>(at)] : F32{};
      }
}

py::array_t<float> float_convolution(const Profile& profile, const py::object& x_in,
                                     const py::object& w_in, const py::object& bias_in, int pad,
                                     bool relu) {
  const Floats x_array = exact<float>(x_in, "x");
  const Floats w_array = exact<float>(w_in, "weights");
  const Floats bias_array = exact<float>(bias_in, "bias");
  const FloatConv s = conv_shape(x_array, w_array, bias_array, pad);
  const std::vector<F32> x = bits_of(x_array);
  const std::vector<F32> w = channels_last(s, bits_of(w_array));
  const std::vector<F32> bias = bits_of(bias_array);
  const FloatMode& mode = profile.float_mode;
  const auto depth = static_cast<std::size_t>(s.in * s.kh * s.kw);
  const std::vector<std::int64_t> shape{s.batch, s.out, s.out_h, s.out_w};
  std::vector<F32> y(element_count(shape));
  const std::ptrdiff_t pixels = s.out_h * s.out_w;
  {
    const Free free;
    std::vector<F32> patch(depth);
    for (std::ptrdiff_t p = 0; p < s.batch * pixels; ++p) {
      const std::ptrdiff_t n = p / pixels;
      read_patch(s, x, n, p % pixels / s.out_w, p % s.out_w, patch);
      for (std::ptrdiff_t o = 0; o < s.out; ++o) {
        const auto channel = static_cast<std::size_t>(o);
        const F32 sum = emu::float_dot(profile.float_math.conv, patch.data(), 1,
                                       w.data() + channel * depth, 1, depth, mode);
        const F32 v = emu::finish_convolution(profile, num::add(sum, bias[channel], mode));
        y[static_cast<std::size_t>((n * s.out + o) * pixels + p % pixels)] =
            relu ? emu::relu(profile, v) : v;
      }
    }
  }
  return to_numpy<float>(y, shape);
}

// ----------------------------------------------------------------------------------- statistics

// The two hosts' float modes differ only in the last subnormal, so histograms take either.
constexpr FloatMode statistics_mode = ema::x64.mode;

py::tuple value_range(const py::object& x_in) {
  const std::vector<F32> x = bits_of(exact<float>(x_in, "x"));
  const ValueRange seen = update(ValueRange{}, x, statistics_mode);
  return py::make_tuple(row(seen.range), seen.finite, seen.nonfinite);
}

py::tuple histogram(const py::object& x_in, const py::object& range_in, std::size_t bins) {
  const std::vector<F32> x = bits_of(exact<float>(x_in, "x"));
  Histogram h = make_histogram(range_of(range_in, "range"), bins, statistics_mode);
  {
    const Free free;
    update(h, x, statistics_mode);
  }
  return py::make_tuple(to_numpy<std::uint64_t>(h.counts, {static_cast<std::int64_t>(bins)}),
                        scalar(h.interval), h.nonfinite);
}

py::tuple threshold(const py::object& counts_in, const py::object& interval,
                    const std::string& method, std::int64_t plane, std::int32_t limit) {
  if (method != "kl" && method != "maximum")
    fail<BadArgument>("method: expected kl or maximum, got ", method);
  const auto counts = exact<std::uint64_t>(counts_in, "counts");
  const Histogram h{floats(interval, 1, "interval")[0], values_of(counts), 0};
  if (h.counts.empty() || !num::is_finite(h.interval) || num::less(h.interval, F32{}))
    fail<BadArgument>("counts, interval: expected at least one bin and a finite interval >= 0, ",
                      "got ", h.counts.size(), " bins and ", std::bit_cast<float>(h.interval.bits));
  Threshold t;
  {
    const Free free;
    t = finalize(h, method == "kl" ? ThresholdMethod::kl : ThresholdMethod::maximum, plane, limit,
                 statistics_mode);
  }
  return py::make_tuple(t.bin, scalar(t.scale), t.zero);
}

py::object admm_scale(const std::string& host, const py::object& x_in, std::int32_t limit) {
  const AdmmRule rule = is_x64(host) ? admm::x64 : admm::ieee;
  const std::vector<F32> x = bits_of(exact<float>(x_in, "x"));
  F32 scale;
  {
    const Free free;
    scale = admm::scale(rule, x, limit);
  }
  return scalar(scale);
}

py::tuple weight_codes(const std::string& host, const py::object& w_in, const std::string& method,
                       std::int32_t limit) {
  if (method != "maximum" && method != "admm")
    fail<BadArgument>("method: expected maximum or admm, got ", method);
  const WeightRule rule = is_x64(host) ? weights::x64 : weights::ieee;
  const Floats w = exact<float>(w_in, "weights");
  const std::size_t channels = channels_of(w);
  const std::vector<F32> bits = bits_of(w);
  WeightCodes made;
  {
    const Free free;
    made = method == "admm" ? weights::by_admm(rule, bits, channels, limit)
                            : weights::by_maximum(rule, bits, channels, limit);
  }
  return codes_tuple(made, w);
}

void register_ema(py::module_& m) {
  py::class_<EmaRule>(m, "EmaRule", "One host's moving-average quantizer with its options.")
      .def_readonly("weight_bits", &EmaRule::weight_bits)
      .def_readonly("nan_restarts", &EmaRule::nan_restarts)
      .def_readonly("stores_nan_scale_as_zero", &EmaRule::stores_nan_scale_as_zero)
      .def_readonly("guards_zero_range", &EmaRule::guards_zero_range)
      .def("__eq__", [](const EmaRule& a, const EmaRule& b) { return a == b; });
  m.def("ema_rule", &ema_rule, py::arg("host"), py::kw_only(), py::arg("weight_bits") = 8,
        py::arg("update") = "moving_average", py::arg("guarded") = false,
        "The rule of `host` (x64 or ieee). `update` is moving_average or maximum; `guarded`\n"
        "answers batches without a usable range by scale 1 and keeps them out of the running\n"
        "range.");
  m.def("batch_range",
        [](const EmaRule& rule, const py::object& x) {
          return row(ema::batch_range(rule, bits_of(exact<float>(x, "x"))));
        },
        py::arg("rule"), py::arg("x"),
        "float32 [2]: minimum and maximum of `x` (float32, any shape, NCHW order) as the host\n"
        "reduces it; the order matters when `x` holds NaN.");
  m.def("grid",
        [](const EmaRule& rule, const py::object& raw) {
          const Grid g = ema::grid(rule, range_of(raw, "raw"));
          return py::make_tuple(row(g.scale, g.zero), health_name(g.health), g.guarded);
        },
        py::arg("rule"), py::arg("raw"),
        "(float32 [scale, zero], health, guarded) of a range, float32 [2]. Health is good,\n"
        "zero_range or nonfinite.");
  m.def("nominal",
        [](const EmaRule& rule, const py::object& grid) {
          const std::vector<F32> g = floats(grid, 2, "grid");
          return row(ema::nominal(rule, {g[0], g[1]}));
        },
        py::arg("rule"), py::arg("grid"),
        "float32 [2]: the reals that codes -127 and 127 mean, widened to hold 0.");
  m.def("observe", &observe, py::arg("rule"), py::arg("x"),
        "One batch `x` (float32, any shape) as a dict: raw, grid, nominal (float32 [2] each),\n"
        "health, guarded.");
  m.def("fake_quantize", &fake_quantize, py::arg("rule"), py::arg("x"), py::arg("grid"),
        "float32 of x's shape: x rounded to the grid (float32 [scale, zero]). NaN stays NaN.");
  m.def("update",
        [](const EmaRule& rule, const py::object& running, const py::object& fresh) {
          const Range nominal = range_of(fresh, "nominal");
          return row(ema::update(rule, maybe_range(running, "running"), nominal));
        },
        py::arg("rule"), py::arg("running").none(true), py::arg("nominal"),
        "float32 [2]: the running range (float32 [2], or None before the first batch) after a\n"
        "batch with this nominal range.");
  m.def("quantize_weights", &quantize_weights, py::arg("rule"), py::arg("weights"),
        "(int8 codes of the weights' shape, float32 scale per channel) of float32\n"
        "[channels, ...].");
  m.def("fake_weights", &fake_weights, py::arg("rule"), py::arg("codes"), py::arg("alpha"),
        "float32 of the codes' shape: code * alpha of its channel.");
  m.def("stored", &stored, py::arg("rule"), py::arg("running_in").none(true),
        py::arg("running_out").none(true),
        "What is written for a convolution whose input and output ran in these ranges\n"
        "(float32 [2]): in_describe and out_describe (float32 [4]: scale, zero, min, max),\n"
        "cast_in_multiplier, cast_out_scale, scale_in, scale_out (float32), fake_info (bool).");
  m.def("float_convolution", &float_convolution, py::arg("profile"), py::arg("x"),
        py::arg("weights"), py::arg("bias"), py::kw_only(), py::arg("pad") = 0,
        py::arg("relu") = false,
        "float32 [N, out, H, W]: the stride 1 convolution that training runs on `profile`, of\n"
        "float32 x [N, in, H, W], weights [out, in, kh, kw] and bias [out].");
}

}  // namespace

void register_calib(py::module_& module) {
  py::module_ m = module.def_submodule("calib", "Quantizers: from float batches to scales.");
  register_ema(m);
  m.def("value_range", &value_range, py::arg("x"),
        "(float32 [min, max], finite, nonfinite): range of the finite values of float32 `x`,\n"
        "and how many values were finite or not. Starts at 100000 and -100000.");
  m.def("histogram", &histogram, py::arg("x"), py::arg("range"), py::kw_only(),
        py::arg("bins") = std::size_t{2048},
        "(uint64 [bins], float32 interval, nonfinite): counts of |x| of float32 `x` in equal\n"
        "bins up to the largest magnitude of `range` (float32 [2]); interval is in bins per\n"
        "unit. Counts of parts of a tensor add up.");
  m.def("threshold", &threshold, py::arg("counts"), py::arg("interval"), py::kw_only(),
        py::arg("method") = "kl", py::arg("plane") = std::int64_t{100}, py::arg("limit") = 127,
        "(int bin, float32 scale, int zero) of a histogram (uint64 counts, float32 interval).\n"
        "`method` is kl or maximum, `plane` the tensor's height * width, `limit` the largest\n"
        "code. Bin -1, scale 0: the range was too small.");
  m.def("admm_scale", &admm_scale, py::arg("host"), py::arg("x"), py::kw_only(),
        py::arg("limit") = 127,
        "float32 scale of float32 features `x` (any shape) by alternating minimisation, in\n"
        "the summation order of `host` (x64 or ieee).");
  m.def("weight_codes", &weight_codes, py::arg("host"), py::arg("weights"), py::kw_only(),
        py::arg("method") = "maximum", py::arg("limit") = 127,
        "(int8 codes of the weights' shape, float32 scale per channel) of float32 [channels,\n"
        "...] by `method` maximum or admm, as `host` (x64 or ieee) computes it.");
}

}  // namespace qsim::python
