// s8 x s8 -> s32 on Armv8.0: smlal and smlal2 over the whole depth in eight int16 lanes that wrap,
// widened once at the end. The depth must reach one call whole.

#include <arm_neon.h>

#include "qsim/kernels/abi.hpp"

// 16 accumulators of eight int16 lanes each, 4 right operands, 1 left operand: 21 of 32 registers.
//
//                        right: col 0 | col 1 | col 2 | col 3, 16 codes each
//                            +-------+-------+-------+-------+
//   left: 16 codes of row 0  | s16x8 | s16x8 | s16x8 | s16x8 |   low halves   smlal   wraps
//                     row 1  |  ...  |  ...  |  ...  |  ...  |   high halves  smlal2  wraps
//                     row 2  |  ...  |  ...  |  ...  |  ...  |
//                     row 3  |  ...  |  ...  |  ...  |  ...  |   at the end   saddlp, addp: one s32
//                            +-------+-------+-------+-------+
QSIM_KERNEL_ENTRY gemm_s8s8s32_neon_smlal_deep_4x4(std::size_t blocks, const void* lhs,
                                                   const void* rhs, std::int32_t* acc,
                                                   std::ptrdiff_t acc_stride) {
  constexpr int mr = 4, nr = 4;
  const auto* left = static_cast<const std::int8_t*>(lhs);
  const auto* right = static_cast<const std::int8_t*>(rhs);
  int16x8_t sum[mr][nr];
#pragma GCC unroll 4
  for (int i = 0; i < mr; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < nr; ++j) sum[i][j] = vdupq_n_s16(0);
  for (; blocks != 0; --blocks) {
    int8x16_t b[nr];
#pragma GCC unroll 4
    for (int j = 0; j < nr; ++j) b[j] = vld1q_s8(right + 16 * j);
#pragma GCC unroll 4
    for (int i = 0; i < mr; ++i) {
      const int8x16_t a = vld1q_s8(left + 16 * i);
#pragma GCC unroll 4
      for (int j = 0; j < nr; ++j) {
        sum[i][j] = vmlal_s8(sum[i][j], vget_low_s8(a), vget_low_s8(b[j]));
        sum[i][j] = vmlal_high_s8(sum[i][j], a, b[j]);
      }
    }
    left += 16 * mr;
    right += 16 * nr;
  }
#pragma GCC unroll 4
  for (int i = 0; i < mr; ++i) {
    std::int32_t* row = acc + i * acc_stride;
    const int32x4_t total = vpaddq_s32(vpaddq_s32(vpaddlq_s16(sum[i][0]), vpaddlq_s16(sum[i][1])),
                                       vpaddq_s32(vpaddlq_s16(sum[i][2]), vpaddlq_s16(sum[i][3])));
    const uint32x4_t start = vreinterpretq_u32_s32(vld1q_s32(row));  // unsigned: the sum wraps
    vst1q_s32(row, vreinterpretq_s32_u32(vaddq_u32(start, vreinterpretq_u32_s32(total))));
  }
}
