#pragma once
// Which rows can be interpreted: every other row is refused before it computes anything.

#include "qsim/base/check.hpp"
#include "qsim/profile/names.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim {

namespace detail {

/// `unsigned_codes`: the left codes are 0..255 already.
inline void validate_arith(const char* name, const Arith& a, bool unsigned_codes = false) {
  if (a.block < 1 || a.block > 64)
    fail<BadArgument>(name, ".block: expected 1..64, got ", int{a.block});
  if (a.n_steps > 3) fail<BadArgument>(name, ".n_steps: expected 0..3, got ", int{a.n_steps});
  if ((a.acc_bits < 8 || a.acc_bits > 32) && a.acc_bits != 64)
    fail<BadArgument>(name, ".acc_bits: expected 8..32 or 64, got ", int{a.acc_bits});
  if (a.acc_bits == 64 && a.acc_overflow != Overflow::wrap)
    fail<BadArgument>(name, ".acc_overflow: expected wrap for 64 bits, got saturate");
  if (a.acc_lanes < 1 || a.acc_lanes > 16)
    fail<BadArgument>(name, ".acc_lanes: expected 1..16, got ", int{a.acc_lanes});
  if (a.spill % a.block != 0)
    fail<BadArgument>(name, ".spill: expected a multiple of block ", int{a.block}, ", got ",
                      int{a.spill});
  const std::int16_t flip = unsigned_codes ? -128 : 128;
  if (a.lhs_offset != 0 && a.lhs_offset != flip)
    fail<BadArgument>(name, ".lhs_offset: expected 0 or ", flip, ", got ", a.lhs_offset);
  if (a.lhs_unsigned != (unsigned_codes == (a.lhs_offset == 0)))
    fail<BadArgument>(name, ".lhs_unsigned: expected ", !a.lhs_unsigned, " for lhs_offset ",
                      a.lhs_offset, ", got ", a.lhs_unsigned);
  if (a.rhs_offset != 0 && a.rhs_offset != 128 && a.rhs_offset != -128)
    fail<BadArgument>(name, ".rhs_offset: expected -128, 0 or 128, got ", a.rhs_offset);
  int count = a.block;
  for (int i = 0; i < a.n_steps; ++i) {
    const Step& s = a.step[static_cast<std::size_t>(i)];
    if (s.fan_in < 1 || s.stride < 1 || count % (s.fan_in * s.stride) != 0)
      fail<BadArgument>(name, ".step", i, ": expected fan_in*stride to divide the ", count,
                        " values of the block, got ", int{s.fan_in}, "*", int{s.stride});
    if ((s.bits < 8 || s.bits > 32) && s.bits != 64)
      fail<BadArgument>(name, ".step", i, ".bits: expected 8..32 or 64, got ", int{s.bits});
    if (s.bits == 64 && s.overflow != Overflow::wrap)
      fail<BadArgument>(name, ".step", i, ".overflow: expected wrap for 64 bits, got saturate");
    count /= s.fan_in;
  }
}

inline void validate_products(const Profile& p) {
  const struct {
    const char* name;
    const Arith& arith;
    bool unsigned_codes;
  } all[] = {{"products.u8u8", p.products.u8u8, true}, {"products.u8s8", p.products.u8s8, true},
             {"products.s8u8", p.products.s8u8, false}, {"products.s8s8", p.products.s8s8, false},
             {"products.s16s8", p.products.s16s8, false},
             {"products.s16s16", p.products.s16s16, false},
             {"window.constant", p.window.constant, false},
             {"window.indirect", p.window.indirect, false},
             {"taps.nine", p.taps.nine, false}, {"taps.other", p.taps.other, false},
             {"taps.rest", p.taps.rest, false}};
  for (const auto& [name, arith, unsigned_codes] : all)
    if (!(arith == no_product)) validate_arith(name, arith, unsigned_codes);
  if (p.window.indirect.rhs_offset != 0)
    fail<BadArgument>("window.indirect.rhs_offset: expected 0, as taps are padded with weights 0, "
                      "got ", p.window.indirect.rhs_offset);
  if (p.window.channel_multiple < 1)
    fail<BadArgument>("window.channel_multiple: expected >= 1, got 0");
}

inline void validate_fixed(const char* name, const Fixed& f) {
  if (f.bits != 16 && f.bits != 32)
    fail<BadArgument>(name, ", fixed.bits: expected 16 or 32, got ", int{f.bits});
  for (const Ties ties : {f.multiply, f.shift})
    if (ties == Ties::add_half)
      fail<BadArgument>(name, ", fixed.shift, fixed.multiply: expected a rule of integers, got "
                        "add_half");
}

inline void validate_requant(const char* name, const Requant& r) {
  validate_fixed(name, r.fixed);
  const ZeroStage zero = r.narrow.zero;
  if ((r.scheme == Rescale::fixed || r.scheme == Rescale::f64) &&
      (zero == ZeroStage::real || zero == ZeroStage::real_integral))
    fail<BadArgument>(name, ".narrow.zero: expected an integer stage for schemes fixed and f64, "
                      "got ", enum_name(zero));
  if (r.factor == Factor::in_turn && r.scheme != Rescale::real && r.scheme != Rescale::none)
    fail<BadArgument>(name, ".factor: expected in_turn with scheme real only");
  if (r.bias == RealBias::quotient && r.scheme != Rescale::fp32)
    fail<BadArgument>(name, ".bias: expected quotient with scheme fp32 only");
  if (r.bias == RealBias::real && r.scheme != Rescale::real)
    fail<BadArgument>(name, ".bias: expected real with scheme real only");
}

inline void validate_quantizer(const Quantizer& q) {
  if (q.scaling != Scaling::divide_f64 && q.scaling != Scaling::log2_16) return;
  const Narrow& n = q.narrow;
  if (n.cap != RealCap::none || n.clamp == ClampStage::real || n.clamp == ClampStage::real_high ||
      n.zero == ZeroStage::real || n.zero == ZeroStage::real_integral)
    fail<BadArgument>("quantize: expected integer stages only (cap none; clamp and zero not real) "
                      "with scaling ", enum_name(q.scaling));
}

}  // namespace detail

/// Throws BadArgument unless the row can be interpreted.
inline void validate(const Profile& p) {
  detail::validate_arith("conv", p.conv);
  detail::validate_arith("conv_fast", p.conv_fast);
  for (const Arith& a : {p.conv, p.conv_fast})
    if (a.acc_bits > 32 || a.rhs_offset != 0 || a.halves_rhs || a.spill != 0 ||
        a.zero_points != ZeroPoints::corrected)
      fail<BadArgument>("conv, conv_fast: expected a plain int32 chain, without rhs_offset, "
                        "halves_rhs, spill and subtracted zero points");
  if (p.conv.lhs_offset != p.conv_fast.lhs_offset)
    fail<BadArgument>("conv_fast.lhs_offset: expected conv.lhs_offset ", p.conv.lhs_offset,
                      ", got ", p.conv_fast.lhs_offset);
  detail::validate_products(p);
  detail::validate_requant("requant", p.requant);
  detail::validate_requant("requant_product", p.requant_product);
  detail::validate_requant("requant_row", p.requant_row);
  detail::validate_requant("requant16", p.requant16);
  detail::validate_requant("requant16_product", p.requant16_product);
  detail::validate_requant("grouped", p.grouped);
  detail::validate_requant("channelwise", p.channelwise);
  detail::validate_requant("channelwise_rest", p.channelwise_rest);
  detail::validate_fixed("add.fixed", p.add.fixed);
  detail::validate_fixed("mul.fixed", p.mul.fixed);
  detail::validate_fixed("requantize.fixed", p.requantize.fixed);
  detail::validate_fixed("leaky_relu.fixed", p.leaky_relu.fixed);
  detail::validate_fixed("mean.fixed", p.mean.fixed);
  detail::validate_fixed("mean.image", p.mean.image);
  detail::validate_fixed("requantize.body", p.requantize.body);
  detail::validate_fixed("leaky_relu.body", p.leaky_relu.body);
  for (const Quantizer& q :
       {p.quantize.vector, p.quantize.rest, p.quantize.single, p.quantize.half})
    detail::validate_quantizer(q);
  if (p.mean.group < 1 || p.requantize.group < 1 || p.leaky_relu.group < 1 ||
      p.dequantize.group < 1)
    fail<BadArgument>("group: expected >= 1 in mean, requantize, leaky_relu and dequantize");
  if (p.row_gate.columns < 1 || p.row_gate.depth < 1)
    fail<BadArgument>("row_gate: expected columns and depth >= 1");
  if (p.window.tap_block < 1) fail<BadArgument>("window.tap_block: expected >= 1, got 0");
  if (p.add.bits < 1 || p.add.bits > 24 || p.add.left > 22 || p.add.left16 > 15)
    fail<BadArgument>("add: expected bits 1..24, left 0..22, left16 0..15, got ", int{p.add.bits},
                      ", ", int{p.add.left}, ", ", int{p.add.left16});
  if (p.channel_group < 1 || p.quantize.group < 1 || p.dynamic.lanes < 1 || p.dynamic.unroll < 1)
    fail<BadArgument>("channel_group, quantize.group, dynamic.lanes, dynamic.unroll: expected "
                      ">= 1, got ", int{p.channel_group}, ", ", int{p.quantize.group}, ", ",
                      int{p.dynamic.lanes}, ", ", int{p.dynamic.unroll});
  if (p.patch.block < 4 || p.patch.block % 4 != 0 || p.patch.pixels < 1)
    fail<BadArgument>("patch: expected a block of whole 4-byte words and pixels >= 1, got block ",
                      int{p.patch.block}, ", pixels ", int{p.patch.pixels});
  if (p.fuse.group < 1 || p.float_math.group < 1)
    fail<BadArgument>("group: expected >= 1 in fuse and float_math, got ", int{p.fuse.group},
                      " and ", int{p.float_math.group});
  const FloatMath& math = p.float_math;
  for (const FloatDot& dot : {math.conv, math.conv_single, math.matmul_row}) {
    if (dot.lanes == 8 && dot.tree != Tree::pairs)
      fail<BadArgument>("float_math: expected the tree pairs for 8 lanes, got ",
                        enum_name(dot.tree));
    if (dot.lanes != 1 && dot.lanes != 4 && dot.lanes != 8)
      fail<BadArgument>("float_math: expected dot products with 1, 4 or 8 lanes, got ",
                        int{dot.lanes});
  }
}

}  // namespace qsim
