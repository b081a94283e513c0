#pragma once
// TensorFlow Lite (LiteRT): reference kernels, and the optimized kernels on ruy.
//
// File names cite google-ai-edge/LiteRT at f67457790c9c, tflite/kernels/internal/.

#include <array>

#include "qsim/profile/catalogue/arith.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::tflite {

namespace detail {

/// Integer arithmetic with zero points taken off first: reference/integer_ops/conv.h 117-130.
constexpr Arith subtracted(Arith a) {
  a.zero_points = ZeroPoints::subtracted;
  return a;
}
inline constexpr Products products{
    .s8s8 = subtracted(arith::exact_i32),
    .s16s8 = {.zero_points = ZeroPoints::subtracted, .acc_bits = 64},
    .s16s16 = {.zero_points = ZeroPoints::subtracted, .acc_bits = 64}};

/// + zero point, then limits, in int32.
inline constexpr Narrow narrow{.clamp = ClampStage::int32,
                               .order = ClampOrder::low_first,
                               .zero = ZeroStage::int32_wrap,
                               .through_int16 = false};
/// MultiplyByQuantizedMultiplier with two roundings, common.cc 86-94: up, then away from zero.
inline constexpr Fixed two_roundings{};
/// The NEON form, common.h 414-445: up, then up.
inline constexpr Fixed neon_two_roundings{.shift = Ties::half_up};
/// TFLITE_SINGLE_ROUNDING, and ruy on Arm: one rounding, up.
inline constexpr Fixed one_rounding{.single_rounding = true, .shift = Ties::half_up};
/// int64 accumulators, common.cc 52-76: the multiplier cut to 15 bits, one rounding, up.
inline constexpr Fixed wide{.bits = 16, .shift = Ties::half_up};

constexpr Requant rescaled(const Fixed& fixed) {
  return {.scheme = Rescale::fixed, .factor = Factor::f64, .fixed = fixed, .narrow = narrow};
}

/// TfLiteRound(x / scale) cast to int32: std::round, then the processor's cast.
constexpr Quantizer rounded(Scaling scaling, Ties ties, bool x86) {
  Narrow n = narrow;
  n.convert = x86 ? Convert{NanRule::lowest, RangeRule::lowest, RangeRule::saturate, ties}
                  : Convert{NanRule::zero, RangeRule::saturate, RangeRule::saturate, ties};
  return {scaling, n};
}

constexpr Profile make_ref(std::string_view name, bool x86, const Fixed& fixed) {
  Profile p;
  p.name = {name};
  p.float_mode.negative_nan = x86;
  p.products = products;
  p.requant = rescaled(fixed);
  p.requant16 = rescaled(wide);
  p.quantize.vector = rounded(Scaling::divide, Ties::half_away, x86);  // reference/quantize.h 46
  p.add = {.scheme = AddScheme::fixed, .fixed = fixed, .narrow = narrow};
  p.mul = {.scheme = MulScheme::fixed, .factor = Factor::f64, .fixed = fixed, .narrow = narrow};
  p.average = {.scheme = AverageScheme::integer, .ties = Ties::half_away, .narrow = narrow};
  p.table = {.scheme = TableScheme::reciprocal};  // common.h 531-552
  p.softmax = {.scheme = SoftmaxScheme::fixed};   // reference/softmax.h 69-150
  p.requantize = {.scheme = Recoding::fixed, .fixed = fixed, .narrow = narrow};
  p.leaky_relu = {
      .scheme = Recoding::fixed, .factor = Factor::f32, .fixed = fixed, .narrow = narrow};
  p.mean = {.scheme = MeanScheme::fixed, .fixed = fixed, .narrow = narrow};
  p.evidence = Evidence::documented;
  return p;
}

/// Optimized kernels. Bodies of 8 channels or elements follow the vector unit, the rest the scalar
/// code: optimized_ops.h 5396-5430 (depthwise), 6478-6532 (quantize).
constexpr Profile make_optimized(std::string_view name, bool x86) {
  Profile p = make_ref(name, x86, two_roundings);
  p.requant = rescaled(x86 ? neon_two_roundings : one_rounding);  // ruy: kernel_avx2_fma.cc, kernel_arm64.cc
  if (!x86) p.requant_row = rescaled(neon_two_roundings);  // cpu_backend_gemm_custom_gemv.h 569-578
  p.channelwise = rescaled(neon_two_roundings);
  p.channelwise_rest = rescaled(two_roundings);
  p.channel_group = 8;
  p.quantize.vector = rounded(Scaling::reciprocal, Ties::half_even, x86);
  p.quantize.rest = rounded(Scaling::divide_f64, Ties::half_away, x86);
  p.quantize.group = 8;
  p.mean.image_sums = true;
  p.mean.image = neon_two_roundings;  // optimized/integer_ops/mean.h 95, 136
  p.mean.group = 16;
  p.softmax.scheme = x86 ? SoftmaxScheme::exp_f32 : SoftmaxScheme::exp_u16;
  p.add.folds_exponent = true;  // optimized/integer_ops/add.h 46-126
  return p;
}

}  // namespace detail

inline constexpr std::array rows{
    detail::make_ref("tflite.ref.x64", true, detail::two_roundings),
    detail::make_ref("tflite.ref.arm64", false, detail::two_roundings),
    detail::make_ref("tflite.ref.single_rounding.x64", true, detail::one_rounding),
    detail::make_ref("tflite.ref.single_rounding.arm64", false, detail::one_rounding),
    detail::make_optimized("tflite.ruy.x64", true),
    detail::make_optimized("tflite.ruy.arm64", false),
};

}  // namespace qsim::tflite
