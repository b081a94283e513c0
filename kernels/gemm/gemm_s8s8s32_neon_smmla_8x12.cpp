// s8 x s8 -> s32 on Armv8.6: smmla, eight products exact, int32 wraps.

#include <arm_neon.h>

#include "qsim/kernels/abi.hpp"

// 24 accumulators, 4 left operands, 1 right operand: 29 of 32 registers.
//
//                            right p: cols 2p and 2p+1, 8 codes each; p = 0..5
//                            +---------------------------+
//   left q: rows 2q, 2q+1    | sum[q][p] =               |
//   8 codes each; q = 0..3   |   row 2q:   cols 2p, 2p+1 |  lanes 0 1
//                            |   row 2q+1: cols 2p, 2p+1 |  lanes 2 3
//                            +---------------------------+
QSIM_KERNEL_ENTRY gemm_s8s8s32_neon_smmla_8x12(std::size_t blocks, const void* lhs, const void* rhs,
                                               std::int32_t* acc, std::ptrdiff_t acc_stride) {
  constexpr int row_pairs = 4, column_pairs = 6;
  const auto* left = static_cast<const std::int8_t*>(lhs);
  const auto* right = static_cast<const std::int8_t*>(rhs);
  int32x4_t sum[row_pairs][column_pairs];
#pragma GCC unroll 4
  for (int q = 0; q < row_pairs; ++q)
#pragma GCC unroll 6
    for (int p = 0; p < column_pairs; ++p) {
      const std::int32_t* at = acc + 2 * q * acc_stride + 2 * p;
      sum[q][p] = vcombine_s32(vld1_s32(at), vld1_s32(at + acc_stride));
    }
  for (; blocks != 0; --blocks) {
    int8x16_t a[row_pairs];
#pragma GCC unroll 4
    for (int q = 0; q < row_pairs; ++q) a[q] = vld1q_s8(left + 16 * q);
#pragma GCC unroll 6
    for (int p = 0; p < column_pairs; ++p) {
      const int8x16_t b = vld1q_s8(right + 16 * p);
#pragma GCC unroll 4
      for (int q = 0; q < row_pairs; ++q) sum[q][p] = vmmlaq_s32(sum[q][p], a[q], b);
    }
    left += 16 * row_pairs;
    right += 16 * column_pairs;
  }
#pragma GCC unroll 4
  for (int q = 0; q < row_pairs; ++q)
#pragma GCC unroll 6
    for (int p = 0; p < column_pairs; ++p) {
      std::int32_t* at = acc + 2 * q * acc_stride + 2 * p;
      vst1_s32(at, vget_low_s32(sum[q][p]));
      vst1_s32(at + acc_stride, vget_high_s32(sum[q][p]));
    }
}
