#pragma once
// What a kernel file may include: the types of its one extern "C" function, in plain words.
//
// Packed operands of a GEMM tile, K cut into `blocks` blocks of kr codes, zero codes in the rest:
//
//            block 0                    block 1
//   lhs   | row 0: kr | row 1: kr | .. mr rows | row 0: kr | ...      codes of 8 or 16 bits
//   rhs   | col 0: kr | col 1: kr | .. nr cols | col 0: kr | ...      codes of 8 bits
//   acc   mr x nr int32, rows acc_stride apart, read and written
//
// mr and nr are the tile in the kernel's name, kr is the block of the chain it cites; the width of
// a left code belongs to its instruction token (16 where the instruction multiplies int16 words).

#include <cstddef>
#include <cstdint>

namespace qsim::kernels {

/// One tile: acc[i][j] becomes the chain over all blocks of lhs row i and rhs column j, started
/// from acc[i][j]. `blocks` may be 0. No pointer needs an alignment beyond its own type's.
using GemmTile = void(std::size_t blocks, const void* lhs, const void* rhs, std::int32_t* acc,
                      std::ptrdiff_t acc_stride);

/// Integers of a cast to int8; -128 <= low, high <= 127.
struct QuantizeArgs {
  float multiplier = 1;   ///< 1 / scale
  std::int32_t zero = 0;  ///< added in binary32
  std::int32_t low = -128;
  std::int32_t high = 127;
};

/// codes[i] = cast of values[i] for `tiles` whole tiles of the length in the kernel's name.
using QuantizeTile = void(std::size_t tiles, const float* values, const QuantizeArgs* args,
                          std::int8_t* codes);

// The operation of a name fixes the type of its function: one line per operation.
using gemm_s8s8s32 = GemmTile;
using gemm_u8s8s32 = GemmTile;
using quantize_f32s8 = QuantizeTile;

}  // namespace qsim::kernels

/// Opens a kernel's definition: QSIM_KERNEL_ENTRY name(arguments) { ... }
#define QSIM_KERNEL_ENTRY extern "C" void
