#pragma once
// TensorFlow Lite (LiteRT 2.3): reference kernels, and the optimized kernels on ruy.
//
// File names cite google-ai-edge/LiteRT, tflite/kernels/internal/ unless a folder is given, and
// google/ruy, ruy/. Rows ending in `u8` are the legacy uint8 operators; the others take int8, and
// int16 activations with int8 weights. Rounding: "up" is half up, "away" half away from zero.

#include <array>

#include "qsim/profile/catalogue/arith.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::tflite {

namespace detail {

/// Zero points are taken off before the product: reference/integer_ops/conv.h 117-130.
constexpr Arith subtracted(Arith a) {
  a.zero_points = ZeroPoints::subtracted;
  return a;
}
/// Codes of 0..255 as they are.
constexpr Arith bytes(Arith a) {
  a.lhs_unsigned = true;
  return a;
}
/// Codes of 0..255 XORed with 0x80 on both sides: ruy/pack.h.
constexpr Arith flipped(Arith a) {
  a.lhs_offset = -128;
  a.rhs_offset = -128;
  return a;
}
inline constexpr Arith exact_s64{.zero_points = ZeroPoints::subtracted, .acc_bits = 64};
inline constexpr Products products{
    .s8s8 = subtracted(arith::exact_i32), .s16s8 = exact_s64, .s16s16 = exact_s64};
inline constexpr Products products_u8{.u8u8 = subtracted(bytes(arith::exact_i32))};

/// + zero point, then limits, in int32.
inline constexpr Narrow narrow{.clamp = ClampStage::int32,
                               .order = ClampOrder::low_first,
                               .zero = ZeroStage::int32_wrap,
                               .through_int16 = false};
/// A real number cast to int32 on the way: cvttsd2si answers INT_MIN to NaN and overflow, Arm
/// answers 0 and saturates.
constexpr Narrow narrow_real(Ties ties, bool x86) {
  Narrow n = narrow;
  n.convert = x86 ? Convert{NanRule::lowest, RangeRule::lowest, RangeRule::saturate, ties}
                  : Convert{NanRule::zero, RangeRule::saturate, RangeRule::saturate, ties};
  return n;
}

/// MultiplyByQuantizedMultiplier with two roundings, common.cc 86-94: up, then away.
inline constexpr Fixed two_roundings{};
/// The vector form, common.h 414-445: up, then up.
inline constexpr Fixed vector_roundings{.shift = Ties::half_up};
/// TFLITE_SINGLE_ROUNDING, and ruy on Arm: one rounding, up.
inline constexpr Fixed one_rounding{.single_rounding = true, .shift = Ties::half_up};
/// int64 sums, common.cc 52-76: the multiplier cut to 15 bits, one rounding, up.
inline constexpr Fixed wide{.bits = 16, .shift = Ties::half_up};

constexpr Requant rescaled(const Fixed& fixed, Factor factor = Factor::f64) {
  return {.scheme = Rescale::fixed, .factor = factor, .fixed = fixed, .narrow = narrow};
}
constexpr Quantizer quantizer(Scaling scaling, Ties ties, bool x86) {
  return {scaling, narrow_real(ties, x86)};
}

constexpr Profile make_ref(std::string_view name, bool x86, const Fixed& fixed, bool u8 = false) {
  // One weight scale: convolutions of uint8 and fully connected layers round it in binary32 first,
  // ../kernel_util.cc GetQuantizedConvolutionMultipler.
  const Factor factor = u8 ? Factor::f32_product : Factor::f64;
  Profile p;
  p.name = {name};
  p.float_mode.negative_nan = x86;
  p.products = u8 ? products_u8 : products;
  p.requant = rescaled(fixed, factor);
  // round(acc * factor) in binary64: reference/integer_ops/fully_connected.h.
  p.requant_product = {.scheme = Rescale::f64,
                       .factor = Factor::f64,
                       .narrow = narrow_real(Ties::half_away, x86)};
  p.requant16 = rescaled(wide);
  p.requant16_product = p.requant_product;
  p.quantize.vector = quantizer(Scaling::divide, Ties::half_away, x86);  // reference/quantize.h 46
  p.add = {.scheme = AddScheme::fixed, .fixed = fixed, .narrow = narrow};
  p.mul = {.scheme = MulScheme::fixed, .factor = Factor::f32, .fixed = fixed, .narrow = narrow};
  p.average = {.scheme = AverageScheme::integer, .ties = Ties::half_away, .narrow = narrow};
  p.table = {.scheme = TableScheme::reciprocal};  // common.h 531-552
  p.softmax = {.scheme = SoftmaxScheme::fixed};   // reference/softmax.h 69-150
  p.requantize = {.scheme = Recoding::fixed, .fixed = fixed, .narrow = narrow};
  p.leaky_relu = {
      .scheme = Recoding::fixed, .factor = Factor::f32, .fixed = fixed, .narrow = narrow};
  p.mean = {.scheme = MeanScheme::fixed, .fixed = fixed, .narrow = narrow};
  p.evidence = fixed.single_rounding ? Evidence::documented
               : x86                 ? Evidence::silicon
                                     : Evidence::emulated;
  return p;
}

/// Optimized kernels. x64 builds take the vector code by way of NEON_2_SSE, optimized/neon_check.h,
/// so that groups of 8 or 16 round up and up on every processor, and what is left up and away.
constexpr Profile make_optimized(std::string_view name, bool x86, const Fixed& gemm,
                                 bool u8 = false) {
  const Factor factor = u8 ? Factor::f32_product : Factor::f64;
  Profile p = make_ref(name, x86, two_roundings, u8);
  p.requant = rescaled(gemm, factor);
  p.requant_product = rescaled(gemm, Factor::f32_product);
  p.requant_row = rescaled(vector_roundings, u8 ? factor : Factor::f32_product);
  // Four rows of weights and eight columns: ../cpu_backend_gemm_custom_gemv.h.
  p.row_gate = {.columns = 4, .depth = 8, .convolutions = true};
  p.grouped = rescaled(two_roundings, factor);  // ../conv.cc: the reference kernel
  if (u8) {
    p.channelwise = rescaled(two_roundings, factor);  // optimized/depthwiseconv_uint8.h
  } else {
    p.channelwise = rescaled(vector_roundings);  // optimized/optimized_ops.h Quantize
    p.channelwise_rest = rescaled(two_roundings);
    p.channel_group = 8;
  }
  p.taps.rest = products.s8s8;  // depthwise sums are exact without dot products, too
  p.taps.rest_multiplies = true;
  p.row_gate.exact = true;  // the GEMV widens to int16: cpu_backend_gemm_custom_gemv.h
  p.quantize.single = p.quantize.vector;  // per axis: the reference kernel
  p.quantize.axis_by_single = true;
  p.quantize.vector = quantizer(Scaling::reciprocal, Ties::half_even, x86);
  p.quantize.rest = quantizer(Scaling::divide_f64, Ties::half_away, x86);
  p.quantize.group = 8;
  // The zero point is a constant, optimized/optimized_ops.h Dequantize; contracted on Arm.
  p.dequantize = {.folded = true, .fused = !x86, .group = 8};
  p.requantize.body = vector_roundings;  // MultiplyByQuantizedMultiplier4Rows
  p.requantize.group = 16;
  p.mean.image_sums = true;
  p.mean.image = vector_roundings;  // optimized/integer_ops/mean.h 95, 136
  p.mean.group = 16;
  p.softmax.scheme = x86 ? SoftmaxScheme::exp_f32 : SoftmaxScheme::exp_u16;
  return p;
}

/// Before AVX ruy runs its portable kernel, which rounds once (ruy/apply_multiplier.cc), and uint8
/// products go to gemmlowp (../cpu_backend_gemm_x86.h).
constexpr Profile make_sse(bool u8) {
  Profile p = make_optimized(u8 ? "tflite.ruy.x64.sse.u8" : "tflite.ruy.x64.sse", true,
                             u8 ? two_roundings : one_rounding, u8);
  p.evidence = Evidence::emulated;
  return p;
}

/// Without dot products codes i and i+8 of 16 meet in int16: ruy/kernel_arm64.cc.
constexpr Profile make_neon(bool u8) {
  Profile p = make_optimized(u8 ? "tflite.ruy.arm64.neon.u8" : "tflite.ruy.arm64.neon", false,
                             one_rounding, u8);
  if (u8)
    p.products.u8u8 = flipped(arith::neon_smlal);
  else
    p.products.s8s8 = arith::neon_smlal;
  return p;
}

}  // namespace detail

inline constexpr std::array rows{
    detail::make_ref("tflite.ref.x64", true, detail::two_roundings),
    detail::make_ref("tflite.ref.x64.u8", true, detail::two_roundings, true),
    detail::make_ref("tflite.ref.arm64", false, detail::two_roundings),
    detail::make_ref("tflite.ref.arm64.u8", false, detail::two_roundings, true),
    detail::make_ref("tflite.ref.single_rounding.x64", true, detail::one_rounding),
    detail::make_ref("tflite.ref.single_rounding.arm64", false, detail::one_rounding),
    // AVX2 and AVX-512 round twice, up and up: ruy/kernel_avx2_fma.cc 383-516.
    detail::make_optimized("tflite.ruy.x64", true, detail::vector_roundings),
    detail::make_optimized("tflite.ruy.x64.u8", true, detail::vector_roundings, true),
    detail::make_sse(false),
    detail::make_sse(true),
    // Arm rounds once: ruy/kernel_arm64.cc 535-561. 8.2 dot products and i8mm alike.
    detail::make_optimized("tflite.ruy.arm64", false, detail::one_rounding),
    detail::make_optimized("tflite.ruy.arm64.u8", false, detail::one_rounding, true),
    detail::make_neon(false),
    detail::make_neon(true),
};

}  // namespace qsim::tflite
