// s8 x s8 -> s32 on Armv8.2: sdot by element, four products exact, int32 wraps.

#include <arm_neon.h>

#include "qsim/kernels/abi.hpp"

// 24 accumulators, 3 right and 2 left operands: 29 of 32 registers.
//
//                        right: cols 0-3 | cols 4-7 | cols 8-11, 4 codes each
//                            +-----------+-----------+-----------+
//   left 0, element i        | acc[0][0] | acc[0][1] | acc[0][2] |
//   (4 codes of row i)       |    ...    |    ...    |    ...    |
//   left 1, element i - 4    | acc[7][0] | acc[7][1] | acc[7][2] |
//                            +-----------+-----------+-----------+
QSIM_KERNEL_ENTRY gemm_s8s8s32_neon_sdot_8x12(std::size_t blocks, const void* lhs, const void* rhs,
                                              std::int32_t* acc, std::ptrdiff_t acc_stride) {
  constexpr int mr = 8, nv = 3;  // nv vectors of 4 columns
  const auto* left = static_cast<const std::int8_t*>(lhs);
  const auto* right = static_cast<const std::int8_t*>(rhs);
  int32x4_t sum[mr][nv];
#pragma GCC unroll 8
  for (int i = 0; i < mr; ++i)
#pragma GCC unroll 3
    for (int j = 0; j < nv; ++j) sum[i][j] = vld1q_s32(acc + i * acc_stride + 4 * j);
  for (; blocks != 0; --blocks) {
    const int8x16_t a0 = vld1q_s8(left);
    const int8x16_t a1 = vld1q_s8(left + 16);
#pragma GCC unroll 3
    for (int j = 0; j < nv; ++j) {
      const int8x16_t b = vld1q_s8(right + 16 * j);
      sum[0][j] = vdotq_laneq_s32(sum[0][j], b, a0, 0);
      sum[1][j] = vdotq_laneq_s32(sum[1][j], b, a0, 1);
      sum[2][j] = vdotq_laneq_s32(sum[2][j], b, a0, 2);
      sum[3][j] = vdotq_laneq_s32(sum[3][j], b, a0, 3);
      sum[4][j] = vdotq_laneq_s32(sum[4][j], b, a1, 0);
      sum[5][j] = vdotq_laneq_s32(sum[5][j], b, a1, 1);
      sum[6][j] = vdotq_laneq_s32(sum[6][j], b, a1, 2);
      sum[7][j] = vdotq_laneq_s32(sum[7][j], b, a1, 3);
    }
    left += 4 * mr;
    right += 16 * nv;
  }
#pragma GCC unroll 8
  for (int i = 0; i < mr; ++i)
#pragma GCC unroll 3
    for (int j = 0; j < nv; ++j) vst1q_s32(acc + i * acc_stride + 4 * j, sum[i][j]);
}
