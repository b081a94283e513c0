#pragma once
// Walks every field of a profile by its dotted path: the one place that lists them all.

#include <string>
#include <type_traits>

#include "qsim/profile/names.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim {

namespace detail {

template <class T>
inline constexpr bool is_leaf = std::is_enum_v<std::remove_const_t<T>> ||
                                std::is_integral_v<std::remove_const_t<T>>;

template <class T, class U>
using SameConst = std::conditional_t<std::is_const_v<T>, const U, U>;

template <class T, class Visit>
void walk(const std::string& path, T& value, Visit& visit);

/// Calls member(name, field) for every field of one struct. A new field is added here too.
template <class T, class Member>
void members(T& s, Member member) {
  using S = std::remove_const_t<T>;
  if constexpr (std::is_same_v<S, Step>) {
    member("fan_in", s.fan_in), member("stride", s.stride), member("bits", s.bits);
    member("overflow", s.overflow);
  } else if constexpr (std::is_same_v<S, Arith>) {
    member("lhs_unsigned", s.lhs_unsigned), member("lhs_offset", s.lhs_offset);
    member("rhs_offset", s.rhs_offset), member("zero_points", s.zero_points);
    member("halves_rhs", s.halves_rhs);
    member("block", s.block), member("n_steps", s.n_steps);
    member("step0", s.step[0]), member("step1", s.step[1]), member("step2", s.step[2]);
    member("acc_bits", s.acc_bits), member("acc_lanes", s.acc_lanes);
    member("acc_overflow", s.acc_overflow), member("spill", s.spill);
  } else if constexpr (std::is_same_v<S, Tile>) {
    member("rows", s.rows), member("doubled_rows", s.doubled_rows);
    member("unclamped_rows", s.unclamped_rows);
  } else if constexpr (std::is_same_v<S, Patch>) {
    member("walk", s.walk), member("block", s.block), member("pixels", s.pixels);
  } else if constexpr (std::is_same_v<S, Convert>) {
    member("nan", s.nan), member("too_high", s.too_high), member("too_low", s.too_low);
    member("ties", s.ties);
  } else if constexpr (std::is_same_v<S, Narrow>) {
    member("clamp", s.clamp), member("order", s.order), member("minmax", s.minmax);
    member("convert", s.convert), member("zero", s.zero), member("cap", s.cap);
    member("offset", s.offset), member("through_int16", s.through_int16);
  } else if constexpr (std::is_same_v<S, Fixed>) {
    member("multiplier", s.multiplier), member("bits", s.bits);
    member("single_rounding", s.single_rounding), member("multiply", s.multiply);
    member("shift", s.shift), member("product", s.product), member("left", s.left);
  } else if constexpr (std::is_same_v<S, Epilogue>) {
    member("scheme", s.scheme), member("bias", s.bias), member("narrow", s.narrow);
  } else if constexpr (std::is_same_v<S, Fuse>) {
    member("zero_offset", s.zero_offset), member("fused_multiply_add", s.fused_multiply_add);
    member("quotient", s.quotient), member("reciprocal", s.reciprocal);
    member("estimate", s.estimate), member("group", s.group);
    member("nan_alpha_in_tail", s.nan_alpha_in_tail), member("nan_scale", s.nan_scale);
    member("stored_scales", s.stored_scales), member("convert", s.convert);
  } else if constexpr (std::is_same_v<S, Cast>) {
    member("fused_multiply_add", s.fused_multiply_add), member("narrow", s.narrow);
  } else if constexpr (std::is_same_v<S, Pool>) {
    member("max_order", s.max_order), member("average_offset", s.average_offset);
  } else if constexpr (std::is_same_v<S, Eltwise>) {
    member("products_first", s.products_first), member("convert", s.convert);
    member("zero_after_int16", s.zero_after_int16), member("min_max_shift", s.min_max_shift);
    member("whole_quads_only", s.whole_quads_only), member("nan_scale", s.nan_scale);
  } else if constexpr (std::is_same_v<S, FloatMode>) {
    member("flush_inputs", s.flush_inputs), member("flush_results", s.flush_results);
    member("negative_nan", s.negative_nan);
  } else if constexpr (std::is_same_v<S, FloatDot>) {
    member("lanes", s.lanes), member("fused", s.fused), member("tree", s.tree);
  } else if constexpr (std::is_same_v<S, FloatMath>) {
    member("conv", s.conv), member("conv_single", s.conv_single);
    member("matmul_row", s.matmul_row);
    member("minmax", s.minmax), member("clamps_convolutions", s.clamps_convolutions);
    member("exp_clamp", s.exp_clamp), member("exp_range", s.exp_range);
    member("exp_reduce_fused", s.exp_reduce_fused), member("exp_poly_fused", s.exp_poly_fused);
    member("exp_power", s.exp_power), member("reciprocal", s.reciprocal);
    member("estimate", s.estimate), member("group", s.group);
    member("storage", s.storage);
  } else if constexpr (std::is_same_v<S, Products>) {
    member("u8u8", s.u8u8), member("u8s8", s.u8s8), member("s8u8", s.s8u8);
    member("s8s8", s.s8s8), member("s16s8", s.s16s8), member("s16s16", s.s16s16);
  } else if constexpr (std::is_same_v<S, Window>) {
    member("order", s.order), member("integer_filter_lhs", s.integer_filter_lhs);
    member("constant", s.constant), member("indirect", s.indirect);
    member("indirect_channels", s.indirect_channels);
    member("channel_multiple", s.channel_multiple);
    member("tap_block", s.tap_block), member("skips_padding", s.skips_padding);
  } else if constexpr (std::is_same_v<S, Taps>) {
    member("nine", s.nine), member("other", s.other), member("rest", s.rest);
    member("rest_multiplies", s.rest_multiplies);
  } else if constexpr (std::is_same_v<S, Requant>) {
    member("scheme", s.scheme), member("factor", s.factor), member("bias", s.bias);
    member("fused", s.fused), member("codes_per_unit", s.codes_per_unit);
    member("fixed", s.fixed), member("narrow", s.narrow);
  } else if constexpr (std::is_same_v<S, RowGate>) {
    member("columns", s.columns), member("depth", s.depth);
    member("convolutions", s.convolutions), member("exact", s.exact);
  } else if constexpr (std::is_same_v<S, Dequantize>) {
    member("folded", s.folded), member("fused", s.fused), member("group", s.group);
  } else if constexpr (std::is_same_v<S, Quantizer>) {
    member("scaling", s.scaling), member("fused", s.fused), member("narrow", s.narrow);
  } else if constexpr (std::is_same_v<S, Quantize>) {
    member("vector", s.vector), member("rest", s.rest), member("single", s.single);
    member("half", s.half), member("group", s.group);
    member("axis_by_single", s.axis_by_single);
  } else if constexpr (std::is_same_v<S, Dynamic>) {
    member("scheme", s.scheme), member("lanes", s.lanes), member("unroll", s.unroll);
    member("minmax", s.minmax), member("tail", s.tail);
  } else if constexpr (std::is_same_v<S, Add>) {
    member("scheme", s.scheme), member("fused", s.fused), member("bits", s.bits);
    member("shift", s.shift), member("gives_up", s.gives_up), member("left", s.left);
    member("left16", s.left16), member("folds_exponent", s.folds_exponent);
    member("fixed", s.fixed), member("narrow", s.narrow), member("plain", s.plain);
  } else if constexpr (std::is_same_v<S, Recode>) {
    member("scheme", s.scheme), member("factor", s.factor), member("fixed", s.fixed);
    member("body", s.body), member("group", s.group), member("narrow", s.narrow);
  } else if constexpr (std::is_same_v<S, Mean>) {
    member("scheme", s.scheme), member("fixed", s.fixed), member("image_sums", s.image_sums);
    member("image", s.image), member("group", s.group), member("fused", s.fused);
    member("narrow", s.narrow);
  } else if constexpr (std::is_same_v<S, Mul>) {
    member("scheme", s.scheme), member("factor", s.factor), member("fused", s.fused);
    member("fixed", s.fixed), member("narrow", s.narrow);
  } else if constexpr (std::is_same_v<S, Average>) {
    member("scheme", s.scheme), member("ties", s.ties);
    member("whole_image_requant", s.whole_image_requant), member("narrow", s.narrow);
  } else if constexpr (std::is_same_v<S, Table> || std::is_same_v<S, Softmax>) {
    member("scheme", s.scheme);
  } else {
    static_assert(std::is_same_v<S, Profile>, "a new struct of a profile needs its fields here");
    member("conv", s.conv), member("conv_fast", s.conv_fast), member("tile", s.tile);
    member("patch", s.patch), member("epilogue", s.epilogue), member("depthwise", s.depthwise);
    member("fuse", s.fuse), member("cast", s.cast), member("pool", s.pool);
    member("eltwise", s.eltwise), member("float_mode", s.float_mode);
    member("float_math", s.float_math);
    member("products", s.products), member("window", s.window), member("taps", s.taps);
    member("requant", s.requant), member("requant_product", s.requant_product);
    member("requant_row", s.requant_row), member("row_gate", s.row_gate);
    member("requant16", s.requant16), member("requant16_product", s.requant16_product);
    member("grouped", s.grouped), member("channelwise", s.channelwise);
    member("channelwise_rest", s.channelwise_rest), member("channel_group", s.channel_group);
    member("signed_to_unsigned", s.signed_to_unsigned), member("quantize", s.quantize);
    member("dequantize", s.dequantize);
    member("dynamic", s.dynamic), member("add", s.add), member("mul", s.mul);
    member("average", s.average), member("table", s.table), member("softmax", s.softmax);
    member("requantize", s.requantize), member("leaky_relu", s.leaky_relu);
    member("mean", s.mean);
    member("placement", s.placement);
    member("evidence", s.evidence);
  }
}

template <class T, class Visit>
void walk(const std::string& path, T& value, Visit& visit) {
  if constexpr (is_leaf<T>) {
    visit(path, value);
  } else {
    members(value, [&](const char* name, auto& field) {
      walk(path.empty() ? std::string(name) : path + "." + name, field, visit);
    });
  }
}

}  // namespace detail

/// Calls visit(path, field) for every leaf, e.g. ("conv.step0.overflow", Overflow&). The name is
/// not a field: two rows that differ by name alone compute the same.
template <class P, class Visit>
void for_each_field(P& profile, Visit visit) {
  static_assert(std::is_same_v<std::remove_const_t<P>, Profile>);
  detail::walk("", profile, visit);
}

}  // namespace qsim
