// binary32 -> int8 on 64-bit Arm: product and sum rounded apart, fcvtas, narrow, clamp.

#include <arm_neon.h>

#include <xsimd/xsimd.hpp>

#include "qsim/kernels/abi.hpp"

//   values   4 x f32 | 4 x f32 | 4 x f32 | 4 x f32
//   fmul, fadd, fcvtas: half away, saturates, NaN gives 0    4 x s32 | 4 x s32 | 4 x s32 | 4 x s32
//   sqxtn to s16, sqxtn to s8                                16 x s8
//   smin(high), smax(low)
QSIM_KERNEL_ENTRY quantize_f32s8_neon_fcvtas_16(std::size_t tiles, const float* values,
                                                const qsim::kernels::QuantizeArgs* args,
                                                std::int8_t* codes) {
  using Batch = xsimd::batch<float, xsimd::neon64>;
  const Batch multiplier(args->multiplier);
  const Batch zero(static_cast<float>(args->zero));
  const int8x16_t low = vdupq_n_s8(static_cast<std::int8_t>(args->low));
  const int8x16_t high = vdupq_n_s8(static_cast<std::int8_t>(args->high));
  for (; tiles != 0; --tiles, values += 16, codes += 16) {
    int16x4_t word[4];
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
      const Batch t = Batch::load_unaligned(values + 4 * v) * multiplier + zero;
      word[v] = vqmovn_s32(vcvtaq_s32_f32(t));
    }
    const int8x16_t all = vcombine_s8(vqmovn_s16(vcombine_s16(word[0], word[1])),
                                      vqmovn_s16(vcombine_s16(word[2], word[3])));
    vst1q_s8(codes, vmaxq_s8(vminq_s8(all, high), low));
  }
}
