#pragma once
// XNNPACK of 2026, as the delegate of LiteRT 2.3 runs it: x64, arm64, ARMv7 and portable C.
//
// File names cite google/XNNPACK, src/. On Arm uint8 (`qu8`) products round by an integer factor;
// int8 ones (`qs8`), per tensor and per channel alike, in binary32 everywhere. Not in the Arm rows:
// weights of -128, of which no delegate has any. PyTorch has, and then pairs of (-128)*(-128) wrap
// in int16 without dot products, and in depthwise kernels always.

#include <array>

#include "qsim/profile/catalogue/arith.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::xnnpack {

namespace detail {

inline constexpr Convert x86_even{NanRule::lowest, RangeRule::lowest, RangeRule::saturate,
                                  Ties::half_even};
inline constexpr Convert arm_even{NanRule::zero, RangeRule::saturate, RangeRule::saturate,
                                  Ties::half_even};

/// minps(t, high - zero), cvtps2dq, packssdw, paddsw zero, packsswb, max: NaN becomes the highest
/// code. qs8-gemm/MRx4c8-sse.c.in, f32-qs8-vcvt/sse2.c.in.
inline constexpr Narrow x86_narrow{.clamp = ClampStage::real_high,
                                   .minmax = MinMaxNan::second_operand,
                                   .convert = x86_even,
                                   .zero = ZeroStage::int16_saturate};
/// fcvtns, sqxtn, sqadd zero, sqxtn, smax, smin: NaN becomes the zero point.
/// qs8-gemm/neon-mlal-lane.c.in, f32-qs8-vcvt/neonv8.c.in.
inline constexpr Narrow arm_narrow{.clamp = ClampStage::int8,
                                   .order = ClampOrder::low_first,
                                   .convert = arm_even,
                                   .zero = ZeroStage::int16_saturate};
/// Limits in binary32, lrintf: qs8-gemm/scalar.c.in.
inline constexpr Narrow scalar_narrow{.clamp = ClampStage::real,
                                      .order = ClampOrder::low_first,
                                      .minmax = MinMaxNan::number,
                                      .convert = arm_even,
                                      .zero = ZeroStage::int32_wrap,
                                      .through_int16 = false};
/// `rndnu`: the 24 bits of the binary32 factor, one rounding, up. qu8-gemm/neon-mlal-lane.c.in.
inline constexpr Fixed rndnu{
    .multiplier = Multiplier::f32_exact, .single_rounding = true, .shift = Ties::half_up};

constexpr Arith bytes(Arith a) {
  a.lhs_unsigned = true;
  return a;
}

/// What is the same on every processor; `narrow` is that of real numbers.
constexpr Profile make(std::string_view name, const Narrow& narrow, Evidence evidence) {
  Profile p;
  p.name = {name};
  p.requant = {.scheme = Rescale::fp32, .narrow = narrow};
  // 20 bits and one rounding, up; QNNPACK had 21, away. microparams-init.c xnn_init_qs8_add_*.
  p.add = {.scheme = AddScheme::shifted, .bits = 20, .shift = Ties::half_up, .narrow = arm_narrow};
  p.mul = {.scheme = MulScheme::ratio, .narrow = narrow};
  // 8 fractional bits: microparams-init.c xnn_init_qs8_cvt_*, xnn_init_qs8_lrelu_*.
  p.requantize = {
      .scheme = Recoding::fraction_8, .factor = Factor::f32, .narrow = arm_narrow};
  p.leaky_relu = p.requantize;
  // The zero point joins before rounding: operators/reduce-nd.c, reference/unary-elementwise.cc.
  p.mean = {.scheme = MeanScheme::folded_f32, .narrow = narrow};
  p.mean.narrow.zero = ZeroStage::included;
  p.evidence = evidence;
  return p;
}

/// SSE2 to AVX-512, with or without VNNI: all exact.
constexpr Profile make_x64() {
  Profile p = make("xnnpack.x64", x86_narrow, Evidence::silicon);
  p.float_mode.negative_nan = true;
  p.products = {.u8u8 = bytes(arith::exact_i32), .s8s8 = arith::exact_i32};
  p.quantize.vector = {Scaling::reciprocal, x86_narrow};
  return p;
}

constexpr Profile make_arm(std::string_view name, bool u8, bool v8) {
  Profile p = make(name, arm_narrow, v8 ? Evidence::emulated : Evidence::documented);
  p.products = u8 ? Products{.u8u8 = bytes(arith::exact_i32)}
                  : Products{.s8s8 = arith::exact_i32};
  const Narrow integer = arm_narrow;
  if (u8)
    p.requant = {
        .scheme = Rescale::fixed, .factor = Factor::f32, .fixed = rndnu, .narrow = integer};
  // qs8-vmul/neon.c.in, for both types.
  p.mul = {.scheme = MulScheme::fixed, .factor = Factor::f32, .fixed = rndnu, .narrow = integer};
  if (!v8) return p;  // ARMv7 quantizes by a magic number: a NaN's code depends on its sign
  p.quantize.vector = {Scaling::reciprocal, arm_narrow};
  p.mean.fused = true;  // contracted by the compiler
  return p;
}

/// Portable C: differs from x64 in the answers to NaN and infinities only.
constexpr Profile make_scalar() {
  Profile p = make("xnnpack.scalar", scalar_narrow, Evidence::documented);
  p.products = {.u8u8 = bytes(arith::exact_i32), .s8s8 = arith::exact_i32};
  return p;
}

}  // namespace detail

inline constexpr std::array rows{
    detail::make_x64(),
    detail::make_arm("xnnpack.arm64.qs8", false, true),
    detail::make_arm("xnnpack.arm64.qu8", true, true),
    detail::make_arm("xnnpack.armv7.qs8", false, false),
    detail::make_arm("xnnpack.armv7.qu8", true, false),
    detail::make_scalar(),
};

}  // namespace qsim::xnnpack
