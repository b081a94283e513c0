#pragma once
// Casts from binary32 to int8 that machines share, named after what their instructions do.

#include "qsim/profile/profile.hpp"

namespace qsim::cast {

/// x*m and + z rounded apart; minps(t, high), maxps(., low), so NaN becomes high; +-0.5; cvttps2dq.
inline constexpr Cast x86_add_half{
    .narrow = {.clamp = ClampStage::real,
               .order = ClampOrder::high_first,
               .minmax = MinMaxNan::second_operand,
               .convert = {NanRule::lowest, RangeRule::lowest, RangeRule::saturate, Ties::add_half},
               .offset = 128}};

/// The same with x*m + z rounded once (vfmadd).
inline constexpr Cast x86_fma_add_half{.fused_multiply_add = true, .narrow = x86_add_half.narrow};

/// fmul, fadd, fcvtas (NaN gives 0), sqxtn twice, smin(high), smax(low).
inline constexpr Cast arm64_fcvtas{.narrow = {.clamp = ClampStage::int8,
                                              .order = ClampOrder::high_first,
                                              .convert = {NanRule::zero, RangeRule::saturate,
                                                          RangeRule::saturate, Ties::half_away}}};

}  // namespace qsim::cast
