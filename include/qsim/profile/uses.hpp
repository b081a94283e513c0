#pragma once
// Which fields of a row its own rules read: the others are left at their defaults and mean nothing.

#include <string>
#include <string_view>

#include "qsim/profile/fields.hpp"

namespace qsim {

/// Whether the row states a runtime that plans whole graphs (or plain float arithmetic, which has
/// no rule for codes), so that its graph fields (conv, fuse, cast, float_math, ...) are claims.
constexpr bool runs_graphs(const Profile& p) {
  return p.placement == Placement::describes ||
         (p.products == Products{} && p.quantize.vector.scaling == Scaling::none);
}

namespace detail {

/// Takes `prefix` and a dot off the front of `path`.
constexpr bool enter(std::string_view& path, std::string_view prefix) {
  if (path.substr(0, prefix.size()) != prefix) return false;
  if (path.size() == prefix.size()) {
    path = {};
    return true;
  }
  if (path[prefix.size()] != '.') return false;
  path.remove_prefix(prefix.size() + 1);
  return true;
}

constexpr bool uses(const Arith& a, std::string_view path) {
  if (a.acc_bits == 0) return path == "acc_bits";
  for (int i = 0; i < 3; ++i) {
    const std::string_view names[] = {"step0", "step1", "step2"};
    if (enter(path, names[i])) return i < a.n_steps;
  }
  if (path == "spill") return a.acc_bits < 32;
  if (path == "acc_overflow") return a.acc_bits < 64;
  return true;
}

constexpr bool uses(const Fixed& f, std::string_view path) {
  if (path == "multiply" || path == "product" || path == "left")
    return !f.single_rounding && f.bits != 16;
  return path != "single_rounding" || f.bits != 16;
}

/// `real`: a binary32 value arrives; else an integer.
constexpr bool uses(const Narrow& n, std::string_view path, bool real) {
  const bool clamps_real = n.clamp == ClampStage::real || n.clamp == ClampStage::real_high;
  if (path == "order") return n.clamp != ClampStage::none && n.clamp != ClampStage::real_high;
  if (path == "minmax") return real && (clamps_real || n.cap != RealCap::none);
  return real || !(enter(path, "convert") || path == "cap");
}

constexpr bool uses(const Quantizer& q, std::string_view path) {
  if (path == "scaling") return true;
  if (q.scaling == Scaling::none || q.scaling == Scaling::engine ||
      q.scaling == Scaling::log2_16)
    return false;
  if (path == "fused") return q.scaling == Scaling::reciprocal && q.narrow.zero == ZeroStage::real;
  enter(path, "narrow");
  return uses(q.narrow, path, true);
}

constexpr bool uses(const Requant& r, std::string_view path) {
  if (path == "scheme") return true;
  if (r.scheme == Rescale::none || r.scheme == Rescale::engine) return false;
  if (enter(path, "fixed")) return r.scheme == Rescale::fixed && uses(r.fixed, path);
  if (enter(path, "narrow")) {
    if (r.scheme == Rescale::f64 && path.substr(0, 8) == "convert.") return true;
    return uses(r.narrow, path, r.scheme == Rescale::fp32 || r.scheme == Rescale::real);
  }
  if (path == "codes_per_unit") return r.scheme == Rescale::real;
  if (path == "bias") return r.scheme == Rescale::fp32 || r.scheme == Rescale::real;
  if (path == "fused") return r.scheme == Rescale::real && r.bias == RealBias::real;
  return path != "factor" || !r.codes_per_unit;
}

constexpr bool uses(const Add& a, std::string_view path) {
  if (path == "scheme") return true;
  switch (a.scheme) {
    case AddScheme::none:
    case AddScheme::engine: return false;
    case AddScheme::folded_f32:
      return path == "fused" || (enter(path, "narrow") && uses(a.narrow, path, true));
    case AddScheme::plain_f32:
      return path == "fused" || (enter(path, "narrow") && uses(a.narrow, path, true));
    case AddScheme::shifted:
      if (enter(path, "narrow")) return uses(a.narrow, path, false);
      if (enter(path, "plain")) return a.gives_up && uses(a.plain, path, true);
      return path == "bits" || path == "shift" || path == "gives_up" ||
             (path == "fused" && a.gives_up);
    case AddScheme::fixed: break;
  }
  if (enter(path, "narrow")) return uses(a.narrow, path, false);
  if (enter(path, "fixed")) return uses(a.fixed, path);
  return path == "left" || path == "left16" || path == "folds_exponent";
}

constexpr bool uses(const Mul& m, std::string_view path) {
  if (path == "scheme") return true;
  if (m.scheme == MulScheme::none || m.scheme == MulScheme::engine) return false;
  const bool fixed = m.scheme == MulScheme::fixed;
  if (enter(path, "fixed")) return fixed && uses(m.fixed, path);
  if (enter(path, "narrow")) return uses(m.narrow, path, !fixed);
  return path == "factor" ? fixed : m.scheme == MulScheme::ratio;
}

constexpr bool uses(const Average& a, std::string_view path) {
  if (path == "scheme") return true;
  if (a.scheme == AverageScheme::none || a.scheme == AverageScheme::engine) return false;
  const bool real = a.scheme == AverageScheme::f32;
  if (enter(path, "narrow")) return uses(a.narrow, path, real);
  return path == "ties" ? !real : real;
}

constexpr bool uses(const Recode& r, std::string_view path) {
  if (path == "scheme") return true;
  if (r.scheme == Recoding::none) return false;
  const bool fixed = r.scheme == Recoding::fixed;
  if (enter(path, "fixed")) return fixed && uses(r.fixed, path);
  if (enter(path, "body")) return fixed && r.group > 1 && uses(r.body, path);
  if (enter(path, "narrow")) return uses(r.narrow, path, false);
  return (path != "group" && path != "factor") || fixed;
}

constexpr bool uses(const Mean& m, std::string_view path) {
  if (path == "scheme") return true;
  if (m.scheme == MeanScheme::none) return false;
  const bool fixed = m.scheme == MeanScheme::fixed;
  if (enter(path, "fixed")) return fixed && uses(m.fixed, path);
  if (enter(path, "image")) return fixed && m.image_sums && uses(m.image, path);
  if (enter(path, "narrow")) return uses(m.narrow, path, !fixed);
  if (path == "group") return fixed && m.image_sums;
  return path == "image_sums" ? fixed : !fixed;
}

constexpr bool uses_window(const Profile& p, std::string_view path) {
  const Window& w = p.window;
  if (p.products == Products{}) return false;
  if (enter(path, "constant")) return uses(w.constant, path);
  if (enter(path, "indirect")) return uses(w.indirect, path);
  if (path == "indirect_channels") return w.indirect.acc_bits != 0;
  if (path == "channel_multiple") return w.indirect.acc_bits != 0 || p.taps.other.acc_bits != 0;
  return true;
}

constexpr bool uses_quantize(const Quantize& q, std::string_view path) {
  const bool other = path.substr(0, 7) != "vector." && path.substr(0, 5) != "half.";
  if (q.vector.scaling == Scaling::none && other) return false;
  if (path == "group") return q.rest.scaling != Scaling::none;
  if (path == "axis_by_single") return q.single.scaling != Scaling::none;
  if (enter(path, "vector")) return uses(q.vector, path);
  if (enter(path, "rest")) return uses(q.rest, path);
  if (enter(path, "single")) return uses(q.single, path);
  return enter(path, "half") && uses(q.half, path);
}

}  // namespace detail

/// Whether the row's rules read the field at `path`. Evidence is never read.
constexpr bool uses(const Profile& p, std::string_view path) {
  for (const std::string_view graph : {"conv", "conv_fast", "tile", "patch", "epilogue",
                                       "depthwise", "fuse", "cast", "pool", "eltwise"})
    if (detail::enter(path, graph)) return p.placement == Placement::describes;
  if (detail::enter(path, "float_math") || path == "placement") return runs_graphs(p);
  if (detail::enter(path, "float_mode"))
    return runs_graphs(p) || !(p.products == Products{}) ||
           (p.quantize.vector.scaling != Scaling::none &&
            p.quantize.vector.scaling != Scaling::log2_16);
  if (detail::enter(path, "products")) {
    const struct { std::string_view name; const Arith& a; } all[] = {
        {"u8u8", p.products.u8u8}, {"u8s8", p.products.u8s8}, {"s8u8", p.products.s8u8},
        {"s8s8", p.products.s8s8}, {"s16s8", p.products.s16s8}, {"s16s16", p.products.s16s16}};
    for (const auto& [name, a] : all)
      if (detail::enter(path, name)) return detail::uses(a, path);
    return false;
  }
  if (detail::enter(path, "window")) return detail::uses_window(p, path);
  if (detail::enter(path, "taps")) {
    if (detail::enter(path, "nine")) return detail::uses(p.taps.nine, path);
    if (detail::enter(path, "other")) return detail::uses(p.taps.other, path);
    if (path == "rest_multiplies") return p.taps.rest.acc_bits != 0;
    return detail::enter(path, "rest") && detail::uses(p.taps.rest, path);
  }
  if (path == "requant.fused" && p.requant.scheme == Rescale::fp32) return true;  // of real sums
  if (detail::enter(path, "requant")) return detail::uses(p.requant, path);
  if (detail::enter(path, "requant_product")) return detail::uses(p.requant_product, path);
  if (detail::enter(path, "requant_row")) return detail::uses(p.requant_row, path);
  if (detail::enter(path, "row_gate")) return p.requant_row.scheme != Rescale::none;
  if (detail::enter(path, "requant16")) return detail::uses(p.requant16, path);
  if (detail::enter(path, "requant16_product")) return detail::uses(p.requant16_product, path);
  if (detail::enter(path, "grouped")) return detail::uses(p.grouped, path);
  if (detail::enter(path, "dequantize"))
    return path == "folded" ? p.quantize.vector.scaling != Scaling::none &&
                                  p.quantize.vector.scaling != Scaling::log2_16
                            : p.dequantize.folded;
  if (detail::enter(path, "channelwise")) return detail::uses(p.channelwise, path);
  if (detail::enter(path, "channelwise_rest")) return detail::uses(p.channelwise_rest, path);
  if (path == "channel_group") return p.channelwise_rest.scheme != Rescale::none;
  if (path == "signed_to_unsigned") return p.requant.scheme != Rescale::none;
  if (detail::enter(path, "quantize")) return detail::uses_quantize(p.quantize, path);
  if (detail::enter(path, "dynamic"))
    return path == "scheme" || (p.dynamic.scheme != DynamicScheme::none &&
                                p.quantize.vector.scaling != Scaling::none);
  if (detail::enter(path, "add")) return detail::uses(p.add, path);
  if (detail::enter(path, "mul")) return detail::uses(p.mul, path);
  if (detail::enter(path, "average")) return detail::uses(p.average, path);
  if (detail::enter(path, "table") || detail::enter(path, "softmax")) return true;
  if (detail::enter(path, "requantize")) return detail::uses(p.requantize, path);
  if (detail::enter(path, "leaky_relu")) return detail::uses(p.leaky_relu, path);
  if (detail::enter(path, "mean")) return detail::uses(p.mean, path);
  return false;
}

}  // namespace qsim
