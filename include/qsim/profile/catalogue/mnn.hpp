#pragma once
// MNN 2.9.0, int8 on CPU: x86-64 and arm64 tiers, their emulator twins, and variants with the
// engine's own defects mended. GCC builds with -ffast-math (see docs/profiles.md).
//
// File names cite the engine's sources at tag 2.9.0, below source/backend/cpu/.

#include <array>

#include "qsim/profile/catalogue/arith.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::mnn {

namespace detail {

/// cvttps2dq after adding +-0.5: half away except 0.49999997; NaN and overflow give INT_MIN.
inline constexpr Convert x86_add_half{NanRule::lowest, RangeRule::lowest, RangeRule::saturate,
                                      Ties::add_half};
inline constexpr Convert x86_trunc{NanRule::lowest, RangeRule::lowest, RangeRule::saturate,
                                   Ties::toward_zero};
/// fcvtas: half away, saturating, NaN gives 0.
inline constexpr Convert arm_half_away{NanRule::zero, RangeRule::saturate, RangeRule::saturate,
                                       Ties::half_away};
inline constexpr Convert arm_trunc{NanRule::zero, RangeRule::saturate, RangeRule::saturate,
                                   Ties::toward_zero};

/// minps(f, max) then maxps(f, min): NaN becomes max. x86_x64/sse/GemmInt8.cpp 17-197.
inline constexpr Narrow x86_narrow{.clamp = ClampStage::real,
                                   .order = ClampOrder::high_first,
                                   .minmax = MinMaxNan::second_operand,
                                   .convert = x86_add_half,
                                   .offset = 128};
/// Converted without a clamp, limited in int16: NaN, +inf and 2^31 all end at min.
/// x86_x64/sse/GemmInt8.cpp 323-428.
inline constexpr Narrow x86_depthwise{.clamp = ClampStage::int16,
                                      .order = ClampOrder::high_first,
                                      .convert = x86_add_half,
                                      .offset = 128};
/// fcvtas, sqxtn twice, smin(max), smax(min). arm/arm64/MNNFloat2Int8.S.
inline constexpr Narrow arm_high_first{.clamp = ClampStage::int8,
                                       .order = ClampOrder::high_first,
                                       .convert = arm_half_away};
/// ...ARMV82_Unit.S, ...ARMV86_Unit.S: smax(min) before smin(max).
inline constexpr Narrow arm_low_first{.clamp = ClampStage::int8,
                                      .order = ClampOrder::low_first,
                                      .convert = arm_half_away};

inline constexpr Fuse x86_fuse{
    .zero_offset = 128,
    .fused_multiply_add = false,
    .quotient = Quotient::int32,  // real cvttps2dq per quotient
    .reciprocal = Reciprocal::estimate_newton,  // -ffast-math vectorises both divisions
    .estimate = Estimate::intel_11,
    .group = 4,
    .nan_alpha_in_tail = true,
    .nan_scale = NanIsZero::yes,  // comiss + je without a parity check
    .convert = x86_trunc};
inline constexpr Fuse arm_fuse{.fused_multiply_add = true,  // fmls
                               .quotient = Quotient::real,  // frintz: no int32 range in between
                               .convert = arm_trunc};

inline constexpr Eltwise x86_eltwise{.products_first = true,
                                     .convert = {NanRule::lowest, RangeRule::lowest,
                                                 RangeRule::saturate, Ties::half_away},
                                     .min_max_shift = Ties::half_away,
                                     .nan_scale = NanIsZero::yes};
inline constexpr Eltwise arm_eltwise{.convert = arm_half_away,
                                     .zero_after_int16 = true,
                                     .min_max_shift = Ties::half_up,  // sqrshrn #16
                                     .whole_quads_only = true};       // CPUBinaryInt8.cpp 108-112

/// Loading the library sets MXCSR 0x9fc0 (FTZ and DAZ) or FPCR.FZ.
inline constexpr FloatMode x86_mode{
    .flush_inputs = true, .flush_results = Flush::after_rounding, .negative_nan = true};
inline constexpr FloatMode arm_mode{.flush_inputs = true, .flush_results = Flush::before_rounding};

/// x86_x64/sse/MathFunctions.cpp 16-57: no fma, 2^n multiplied in, rcpps and Newton for 1/(1+e).
inline constexpr FloatMath sse_math{.matmul_row = {4, false, Tree::halves},
                                    .minmax = MinMaxNan::second_operand,
                                    .clamps_convolutions = true,
                                    .exp_clamp = ClampOrder::low_first,
                                    .exp_range = Ties::half_even,
                                    .reciprocal = Reciprocal::estimate_newton,
                                    .estimate = Estimate::intel_11,
                                    .group = 2};
/// The AVX2 and AVX512 tiers share exp; only AVX2 splits the sum of a left-over pixel.
constexpr FloatMath with_fma(FloatMath math, FloatDot conv_single) {
  math.conv = {.fused = true};
  math.conv_single = conv_single;
  math.matmul_row = {8, true, Tree::pairs};
  math.exp_reduce_fused = true;
  math.exp_poly_fused = true;
  return math;
}
/// arm/arm64/MNNExpC8.S: x/ln2 truncated, fma throughout, exponent added as an integer, fdiv.
inline constexpr FloatMath arm_math{.conv = {.fused = true},
                                    .conv_single = {.fused = true},
                                    .matmul_row = {4, true, Tree::from_one},
                                    .clamps_convolutions = true,  // NaN passes, inf does not
                                    .exp_clamp = ClampOrder::high_first,
                                    .exp_range = Ties::toward_zero,
                                    .exp_reduce_fused = true,
                                    .exp_poly_fused = true,
                                    .exp_power = PowerOfTwo::add_exponent};

inline constexpr Profile x64_sse{
    .name = {"mnn-2.9.0.x64.sse"},
    .conv = arith::x86_madd,
    .conv_fast = arith::x86_madd,
    .patch = {PatchWalk::word_stride, 16, 4},  // compute/Int8FunctionsOpt.cpp 1932-2003
    .epilogue = {.narrow = x86_narrow},
    .depthwise = {.narrow = x86_depthwise},
    .fuse = x86_fuse,
    .cast = {.narrow = x86_narrow},
    .pool = {.max_order = MaxOrder::biased_bytes,  // FunctionDispatcher.cpp 105-126
             .average_offset = 128},
    .eltwise = x86_eltwise,
    .float_mode = x86_mode,
    .float_math = sse_math,
    .products = {.s8s8 = arith::x86_madd},
    .requant = {.scheme = Rescale::engine},
    .quantize = {.vector = {.scaling = Scaling::engine}},
    .add = {.scheme = AddScheme::engine},
    .mul = {.scheme = MulScheme::engine},
    .average = {.scheme = AverageScheme::engine},
    .placement = Placement::describes,
    .evidence = Evidence::silicon};

constexpr Profile make_avx2() {
  Profile p = x64_sse;
  p.name = {"mnn-2.9.0.x64.avx2"};
  p.patch = {};
  p.conv_fast = arith::x86_maddubs;  // avx/GemmInt8.cpp 303-508, when nbits <= 7
  p.float_math = with_fma(sse_math, {4, true, Tree::halves});
  return p;
}
constexpr Profile make_avx512(bool vnni) {
  Profile p = make_avx2();
  p.name = {vnni ? "mnn-2.9.0.x64.avx512vnni" : "mnn-2.9.0.x64.avx512"};
  // Without VNNI vpmaddubsw runs twice with every other weight masked to 0, which is exact.
  p.conv = vnni ? arith::x86_vpdpbusds : arith::x86_madd;
  p.products.s8s8 = p.conv;
  p.conv_fast = vnni ? arith::x86_vpdpbusds : arith::x86_maddubs;
  p.cast.fused_multiply_add = true;  // avx512/GemmInt8.cpp 203-231 as GCC contracts it
  p.float_math = with_fma(sse_math, {.fused = true});
  return p;
}
inline constexpr Profile arm64_neon{
    .name = {"mnn-2.9.0.arm64.neon"},
    .conv = arith::neon_smlal,
    .conv_fast = arith::neon_smlal_deep,
    .tile = {.rows = 4, .doubled_rows = 3, .unclamped_rows = 2},  // ...16x4_Unit.S 346-353, 526-539
    .patch = {PatchWalk::word_stride, 16, 4},
    .epilogue = {.narrow = arm_high_first},
    .depthwise = {.narrow = arm_high_first},
    .fuse = arm_fuse,
    .cast = {.narrow = arm_high_first},
    .eltwise = arm_eltwise,
    .float_mode = arm_mode,
    .float_math = arm_math,
    .products = {.s8s8 = arith::neon_smlal},
    .requant = {.scheme = Rescale::engine},
    .quantize = {.vector = {.scaling = Scaling::engine}},
    .add = {.scheme = AddScheme::engine},
    .mul = {.scheme = MulScheme::engine},
    .average = {.scheme = AverageScheme::engine},
    .placement = Placement::describes,
    .evidence = Evidence::emulated};

constexpr Profile make_sdot() {
  Profile p = arm64_neon;
  p.name = {"mnn-2.9.0.arm64.sdot"};
  p.conv = arith::neon_sdot;
  p.products.s8s8 = p.conv;
  p.conv_fast = arith::neon_sdot;
  p.tile = {};
  p.patch = {};
  p.epilogue.narrow = arm_low_first;
  return p;
}
constexpr Profile make_i8mm() {
  Profile p = make_sdot();
  p.name = {"mnn-2.9.0.arm64.i8mm"};
  p.conv = arith::neon_smmla;
  p.products.s8s8 = p.conv;
  p.conv_fast = arith::neon_smmla;
  p.patch = {PatchWalk::word_stride, 8, 20};
  return p;
}

/// The same binary under an instruction emulator, whose rcpps is correctly rounded.
constexpr Profile emulated(Profile p, std::string_view name) {
  p.name = {name};
  p.fuse.estimate = Estimate::exact;
  p.float_math.estimate = Estimate::exact;
  p.evidence = Evidence::emulated;
  return p;
}
/// Tile remainders and patch packing mended; everything else as in the engine.
constexpr Profile mended(Profile p, std::string_view name) {
  p.name = {name};
  p.tile = {};
  p.patch = {};
  p.evidence = Evidence::documented;
  return p;
}

}  // namespace detail

inline constexpr std::array rows{
    detail::x64_sse,
    detail::make_avx2(),
    detail::make_avx512(false),
    detail::make_avx512(true),
    detail::arm64_neon,
    detail::make_sdot(),
    detail::make_i8mm(),
    detail::emulated(detail::x64_sse, "mnn-2.9.0.x64.sse.emulated"),
    detail::emulated(detail::make_avx2(), "mnn-2.9.0.x64.avx2.emulated"),
    detail::mended(detail::x64_sse, "mnn-2.9.0.x64.sse.fixed"),
    detail::mended(detail::arm64_neon, "mnn-2.9.0.arm64.neon.fixed"),
    detail::mended(detail::make_i8mm(), "mnn-2.9.0.arm64.i8mm.fixed"),
};

}  // namespace qsim::mnn
