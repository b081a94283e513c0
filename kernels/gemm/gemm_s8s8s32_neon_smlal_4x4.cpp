// s8 x s8 -> s32 on Armv8.0: smull, smlal2 and sadalp. Lanes i and i+8 of a block of 16 meet in
// int16 and wrap.

#include <arm_neon.h>

#include "qsim/kernels/abi.hpp"

// 16 accumulators of four partial sums each, 4 right operands, 1 left operand, products.
//
//                        right: col 0 | col 1 | col 2 | col 3, 16 codes each
//                            +-------+-------+-------+-------+
//   left: 16 codes of row 0  | s32x4 | s32x4 | s32x4 | s32x4 |   low halves   smull   s16x8
//                     row 1  |  ...  |  ...  |  ...  |  ...  |   high halves  smlal2  s16x8 wraps
//                     row 2  |  ...  |  ...  |  ...  |  ...  |   neighbours   sadalp  s32x4
//                     row 3  |  ...  |  ...  |  ...  |  ...  |   at the end   addp    one s32
//                            +-------+-------+-------+-------+
QSIM_KERNEL_ENTRY gemm_s8s8s32_neon_smlal_4x4(std::size_t blocks, const void* lhs, const void* rhs,
                                              std::int32_t* acc, std::ptrdiff_t acc_stride) {
  constexpr int mr = 4, nr = 4;
  const auto* left = static_cast<const std::int8_t*>(lhs);
  const auto* right = static_cast<const std::int8_t*>(rhs);
  int32x4_t sum[mr][nr];
#pragma GCC unroll 4
  for (int i = 0; i < mr; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < nr; ++j) sum[i][j] = vdupq_n_s32(0);
  for (; blocks != 0; --blocks) {
    int8x16_t b[nr];
#pragma GCC unroll 4
    for (int j = 0; j < nr; ++j) b[j] = vld1q_s8(right + 16 * j);
#pragma GCC unroll 4
    for (int i = 0; i < mr; ++i) {
      const int8x16_t a = vld1q_s8(left + 16 * i);
#pragma GCC unroll 4
      for (int j = 0; j < nr; ++j) {
        const int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(b[j]));
        sum[i][j] = vpadalq_s16(sum[i][j], vmlal_high_s8(low, a, b[j]));
      }
    }
    left += 16 * mr;
    right += 16 * nr;
  }
#pragma GCC unroll 4
  for (int i = 0; i < mr; ++i) {
    std::int32_t* row = acc + i * acc_stride;
    const int32x4_t total =
        vpaddq_s32(vpaddq_s32(sum[i][0], sum[i][1]), vpaddq_s32(sum[i][2], sum[i][3]));
    const uint32x4_t start = vreinterpretq_u32_s32(vld1q_s32(row));  // unsigned: the sum wraps
    vst1q_s32(row, vreinterpretq_s32_u32(vaddq_u32(start, vreinterpretq_u32_s32(total))));
  }
}
