#pragma once
// Dot-product chains that machines share. A row reads aloud; each cites the instruction it states.

#include "qsim/profile/profile.hpp"

namespace qsim::arith {

/// Exact products, int32 accumulator that wraps: what a plain C loop computes.
inline constexpr Arith exact_i32{};

/// x86 bytes: left codes + 128 as uint8, widened to int16, pmaddwd pairs exact in int32, wrap.
inline constexpr Arith x86_madd{
    .lhs_unsigned = true, .lhs_offset = 128, .block = 2, .n_steps = 1, .step = {Step{2, 1, 32}}};

/// vpmaddubsw: neighbouring products saturate to int16, then pmaddwd with ones adds pairs in int32.
inline constexpr Arith x86_maddubs{.lhs_unsigned = true,
                                   .lhs_offset = 128,
                                   .block = 4,
                                   .n_steps = 2,
                                   .step = {Step{2, 1, 16, Overflow::saturate}, Step{2, 1, 32}}};

/// vpdpbusds: four products exact, added to an int32 accumulator that saturates.
inline constexpr Arith x86_vpdpbusds{.lhs_unsigned = true,
                                     .lhs_offset = 128,
                                     .block = 4,
                                     .n_steps = 1,
                                     .step = {Step{4, 1, 32}},
                                     .acc_overflow = Overflow::saturate};

/// Armv8.0 smull + smlal2 + sadalp: lanes i and i+8 of a 16-deep block meet in int16 and wrap
/// (only (-128)(-128) twice reaches that), then widen.
inline constexpr Arith neon_smlal{
    .block = 16, .n_steps = 2, .step = {Step{2, 8, 16, Overflow::wrap}, Step{2, 1, 32}}};

/// Armv8.0 smlal/smlal2 for the whole depth in eight int16 lanes, widened once at the end.
inline constexpr Arith neon_smlal_deep{.block = 16, .acc_bits = 16, .acc_lanes = 8};

/// Armv8.2 sdot: four products exact, int32 wraps.
inline constexpr Arith neon_sdot{.block = 4, .n_steps = 1, .step = {Step{4, 1, 32}}};

/// Armv8.6 smmla: eight products exact, int32 wraps.
inline constexpr Arith neon_smmla{.block = 8, .n_steps = 1, .step = {Step{8, 1, 32}}};

}  // namespace qsim::arith
