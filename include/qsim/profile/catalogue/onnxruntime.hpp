#pragma once
// ONNX Runtime 1.30, CPU execution provider: x64 tiers, arm64 tiers and WebAssembly.
//
// File names cite the engine's MLAS sources, onnxruntime/core/mlas/.

#include <array>

#include "qsim/profile/catalogue/arith.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::onnxruntime {

namespace detail {

/// cvtps2dq: NaN and whatever int32 cannot hold become INT_MIN.
inline constexpr Convert x86_even{NanRule::lowest, RangeRule::lowest, RangeRule::saturate,
                                  Ties::half_even};
/// fcvtns, and wasm's trunc_sat after rounding: NaN becomes 0, the rest saturates.
inline constexpr Convert arm_even{NanRule::zero, RangeRule::saturate, RangeRule::saturate,
                                  Ties::half_even};

/// maxps(t, low - zero), minps(., high - zero), cvtps2dq, + zero: NaN becomes the lowest code.
/// lib/quantize.cpp 409-515.
inline constexpr Narrow x86_narrow{.clamp = ClampStage::real,
                                   .order = ClampOrder::low_first,
                                   .minmax = MinMaxNan::second_operand,
                                   .convert = x86_even,
                                   .zero = ZeroStage::int32_wrap,
                                   .through_int16 = false};
/// fcvtns, sqxtn, sqadd zero, sqxtn: NaN becomes the zero point. lib/quantize.cpp 708-765.
inline constexpr Narrow arm_narrow{.clamp = ClampStage::none,
                                   .convert = arm_even,
                                   .zero = ZeroStage::int16_saturate,
                                   .through_int16 = false};
/// Limits in binary32, then the magic number 12582912: NaN becomes the zero point.
/// lib/quantize.cpp 1087-1135.
inline constexpr Narrow wasm_narrow{.clamp = ClampStage::real,
                                    .order = ClampOrder::low_first,
                                    .minmax = MinMaxNan::first_operand,
                                    .convert = arm_even,
                                    .zero = ZeroStage::int32_wrap,
                                    .through_int16 = false};

constexpr Quantizer divided(const Narrow& narrow) { return {Scaling::divide, narrow}; }
/// (int32)rint(x / scale) + zero point, limited as an integer: binary16 input, blocks, odd nibbles.
constexpr Quantizer one_by_one(const Convert& convert) {
  return {Scaling::divide, {.clamp = ClampStage::int32,
                            .order = ClampOrder::low_first,
                            .convert = convert,
                            .zero = ZeroStage::int32_wrap,
                            .through_int16 = false}};
}
/// fmaxnm(t, low - zero), fminnm: a NaN becomes the lowest code here, unlike in arm_narrow.
inline constexpr Narrow arm_quantize{.clamp = ClampStage::real,
                                     .order = ClampOrder::low_first,
                                     .minmax = MinMaxNan::number,
                                     .convert = arm_even,
                                     .zero = ZeroStage::int32_wrap,
                                     .through_int16 = false};
/// rint(x / scale) + (float)zero point, std::max, std::min, cast: NaN becomes 0, not the zero
/// point.
/// lib/quantize.cpp 350-358.
inline constexpr Narrow wasm_quantize{.clamp = ClampStage::real,
                                      .order = ClampOrder::low_first,
                                      .minmax = MinMaxNan::first_operand,
                                      .convert = arm_even,
                                      .zero = ZeroStage::real_integral,
                                      .through_int16 = false};

/// nearbyint(limited + (float)zero point) cast to int, std::max and std::min: lib/qladd.cpp 41-58.
inline constexpr Narrow plain_narrow{.clamp = ClampStage::real,
                                     .order = ClampOrder::low_first,
                                     .minmax = MinMaxNan::first_operand,
                                     .convert = arm_even,
                                     .zero = ZeroStage::real,
                                     .through_int16 = false};
/// (int32)nearbyint(y / scale + zero point), limited as an integer:
/// contrib_ops/cpu/quantization/qlinear_pool.cc.
constexpr Narrow average_narrow(const Convert& convert) {
  return {.clamp = ClampStage::int32,
          .order = ClampOrder::high_first,
          .convert = convert,
          .zero = ZeroStage::real,
          .through_int16 = false};
}

/// cvtps2dq, packssdw, packs(u)swb: the zero point is in the sum already, NaN becomes lowest.
inline constexpr Narrow x86_packs{.clamp = ClampStage::none, .convert = x86_even};
inline constexpr Narrow x86_mul{
    .clamp = ClampStage::none, .convert = x86_even, .zero = ZeroStage::real};
inline constexpr Narrow arm_mul{
    .clamp = ClampStage::none, .convert = arm_even, .zero = ZeroStage::real};

/// u8 codes as they are.
constexpr Arith unsigned_lhs(Arith a) {
  a.lhs_unsigned = true;
  a.lhs_offset = 0;
  return a;
}
/// u8 codes XOR 0x80.
constexpr Arith flipped_to_signed(Arith a) {
  a.lhs_unsigned = false;
  a.lhs_offset = -128;
  return a;
}

inline constexpr Arith exact_u8 = unsigned_lhs(arith::exact_i32);

inline constexpr Profile x64_sse{
    .name = {"ort-1.30.x64.sse"},
    .float_mode = {.negative_nan = true},
    .products = {.u8u8 = exact_u8,
                 .u8s8 = exact_u8,  // pmaddwd on words, lib/qgemm_kernel_sse.cpp
                 .s8u8 = arith::exact_i32,
                 .s8s8 = arith::exact_i32},
    .window = {.integer_filter_lhs = true},
    .taps = {.rest = arith::exact_i32},  // 16-bit products, 32-bit sums
    .requant = {.scheme = Rescale::fp32, .narrow = x86_narrow},
    .signed_to_unsigned = true,  // core/optimizer/qdq_transformer/qdq_s8_to_u8.cc
    .quantize = {.vector = divided(x86_narrow),
                 .single = one_by_one(x86_even),
                 .half = one_by_one(x86_even)},
    .dynamic = {.scheme = DynamicScheme::unsigned_255,
                .lanes = 4,
                .unroll = 4,
                .minmax = MinMaxNan::second_operand},  // maxps(kept, new): a NaN erases the lane
    .add = {.scheme = AddScheme::folded_f32, .narrow = x86_packs},  // lib/qladd.cpp 353-402
    .mul = {.scheme = MulScheme::ratio, .narrow = x86_mul},         // lib/qlmul.cpp 205-214
    .average = {.scheme = AverageScheme::f32,
                .whole_image_requant = true,
                .narrow = average_narrow(x86_even)},
    .table = {.scheme = TableScheme::quantized},
    .softmax = {.scheme = SoftmaxScheme::f32_table},
    .evidence = Evidence::emulated};

constexpr Profile make_avx2(std::string_view name) {
  Profile p = x64_sse;
  p.name = {name};
  // Neighbours along K saturate to int16: lib/x86_64/QgemmU8X8KernelAvx2.S 70-80, 122-126.
  p.products.u8s8 = unsigned_lhs(arith::x86_maddubs);
  p.dynamic.lanes = 8;
  p.add.fused = true;  // lib/intrinsics/avx2/qladd_avx2.cpp 143-172
  return p;
}
constexpr Profile make_vnni() {
  Profile p = make_avx2("ort-1.30.x64.avx512vnni");
  // ...Avx512Core.S 101-105. A slice of at most 384 products cannot saturate, and slices meet in
  // a wrapping add: 70000 products of 255*127 came back wrapped.
  p.products.u8s8 = unsigned_lhs(arith::x86_vpdpbusds);
  p.products.u8s8.acc_overflow = Overflow::wrap;
  p.evidence = Evidence::silicon;
  return p;
}
/// AVX-512 without VNNI: the core of lib/x86_64/QgemmU8X8KernelAvx512Core.S 93-99 pairs as AVX2.
constexpr Profile make_avx512() {
  Profile p = make_avx2("ort-1.30.x64.avx512");
  p.evidence = Evidence::silicon;
  return p;
}

/// Depthwise taps meet in int16 on every arm64: DepthwiseQConvKernelSize9Neon.S,
/// ...SymS8KernelNeon.S.
inline constexpr Taps arm_taps{
    .nine = {.block = 4, .n_steps = 1, .step = {Step{2, 2, 16, Overflow::wrap}}},
    .other = {.block = 2, .n_steps = 1, .step = {Step{2, 1, 16, Overflow::wrap}}},
    .rest = arith::exact_i32};

inline constexpr Profile arm64_dotprod{
    .name = {"ort-1.30.arm64.dotprod"},
    .products = {.u8u8 = exact_u8,
                 .u8s8 = flipped_to_signed(arith::neon_sdot),
                 .s8u8 = {.lhs_unsigned = true, .lhs_offset = 128},
                 .s8s8 = arith::neon_sdot},
    .window = {.integer_filter_lhs = true},
    .taps = arm_taps,
    .requant = {.scheme = Rescale::fp32,
                .fused = true,  // MatMulIntegerToFloat, contracted by the compiler
                .narrow = arm_narrow},
    .quantize = {.vector = divided(arm_quantize),
                 .single = one_by_one(arm_even),
                 .half = one_by_one(arm_even)},
    .dynamic = {.scheme = DynamicScheme::unsigned_255, .lanes = 4, .unroll = 4},
    .add = {.scheme = AddScheme::shifted,  // lib/qladd.cpp 63-86, 186-206
            .fused = true,
            .gives_up = true,
            .narrow = arm_narrow,
            .plain = plain_narrow},
    .mul = {.scheme = MulScheme::ratio,
            .fused = true,  // vmulq and vaddq, contracted by the compiler
            .narrow = arm_mul},
    .average = {.scheme = AverageScheme::f32,
                .whole_image_requant = true,
                .narrow = average_narrow(arm_even)},
    .table = {.scheme = TableScheme::quantized},
    .softmax = {.scheme = SoftmaxScheme::f32_table},
    .evidence = Evidence::emulated};

constexpr Profile make_neon() {
  Profile p = arm64_dotprod;
  p.name = {"ort-1.30.arm64.neon"};
  // Lanes i and i+8 of 16 meet in int16: lib/aarch64/QgemmS8S8KernelNeon.S 147-170.
  p.products.u8s8 = flipped_to_signed(arith::neon_smlal);
  p.products.s8s8 = arith::neon_smlal;
  p.window.constant = arith::exact_i32;   // SymmQgemm is exact in 1.30
  p.window.indirect = arith::neon_smlal;  // ConvSymS8KernelNeon.S 158-165
  return p;
}
constexpr Profile make_i8mm() {
  Profile p = arm64_dotprod;
  p.name = {"ort-1.30.arm64.i8mm"};
  p.products.u8s8 = flipped_to_signed(arith::neon_smmla);
  p.products.s8s8 = arith::neon_smmla;
  return p;
}
constexpr Profile make_wasm() {
  Profile p = arm64_dotprod;
  p.name = {"ort-1.30.wasm.simd"};
  p.products = {exact_u8, exact_u8, arith::exact_i32, arith::exact_i32};
  p.taps = {.rest = arith::exact_i32};
  p.requant = {.scheme = Rescale::fp32, .narrow = wasm_narrow};
  p.quantize.vector = divided(wasm_quantize);
  p.add = {.scheme = AddScheme::plain_f32, .narrow = plain_narrow};
  p.mul = {.scheme = MulScheme::plain_f32, .narrow = plain_narrow};  // lib/qlmul.cpp 405-415
  return p;
}

}  // namespace detail

inline constexpr std::array rows{
    detail::make_vnni(),
    detail::make_avx512(),
    detail::make_avx2("ort-1.30.x64.avx2"),
    detail::x64_sse,
    detail::make_neon(),
    detail::arm64_dotprod,
    detail::make_i8mm(),
    detail::make_wasm(),
};

}  // namespace qsim::onnxruntime
