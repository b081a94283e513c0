// binary32 -> int8 on SSE4.1: product and sum rounded apart, clamp in binary32, +-0.5, truncate.

#include <smmintrin.h>

#include <xsimd/xsimd.hpp>

#include "qsim/kernels/abi.hpp"

//   values   4 x f32 | 4 x f32 | 4 x f32 | 4 x f32
//   mulps, addps, minps(t, high), maxps(t, low): NaN takes the second operand, so it becomes high
//   addps +-0.5, cvttps2dq     4 x s32 | 4 x s32 | 4 x s32 | 4 x s32
//   packssdw, packsswb         16 x s8
QSIM_KERNEL_ENTRY quantize_f32s8_sse41_addhalf_16(std::size_t tiles, const float* values,
                                                  const qsim::kernels::QuantizeArgs* args,
                                                  std::int8_t* codes) {
  using Batch = xsimd::batch<float, xsimd::sse4_1>;
  const Batch multiplier(args->multiplier);
  const Batch zero(static_cast<float>(args->zero));
  const Batch low(static_cast<float>(args->low));
  const Batch high(static_cast<float>(args->high));
  const Batch half(0.5f);
  for (; tiles != 0; --tiles, values += 16, codes += 16) {
    __m128i word[4];
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
      const Batch t = Batch::load_unaligned(values + 4 * v) * multiplier + zero;
      const Batch limited = xsimd::max(xsimd::min(t, high), low);
      word[v] = _mm_cvttps_epi32(limited + xsimd::copysign(half, limited));
    }
    const __m128i all =
        _mm_packs_epi16(_mm_packs_epi32(word[0], word[1]), _mm_packs_epi32(word[2], word[3]));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(codes), all);
  }
}
