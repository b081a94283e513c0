// binary32 -> int8 on AVX2: product and sum rounded apart, clamp in binary32, +-0.5, truncate.

#include <immintrin.h>

#include <xsimd/xsimd.hpp>

#include "qsim/kernels/abi.hpp"

//   values   8 x f32 | 8 x f32 | 8 x f32 | 8 x f32
//   vmulps, vaddps, vminps(t, high), vmaxps(t, low): NaN takes the second operand: high
//   vaddps +-0.5, vcvttps2dq   v0 | v1 | v2 | v3, 8 x s32 each
//   vpackssdw, vpacksswb       lower halves of v0 v1 v2 v3 | upper halves of v0 v1 v2 v3
//   vpermd                     v0 v1 v2 v3, 32 x s8
QSIM_KERNEL_ENTRY quantize_f32s8_avx2_addhalf_32(std::size_t tiles, const float* values,
                                                 const qsim::kernels::QuantizeArgs* args,
                                                 std::int8_t* codes) {
  using Batch = xsimd::batch<float, xsimd::avx2>;
  const Batch multiplier(args->multiplier);
  const Batch zero(static_cast<float>(args->zero));
  const Batch low(static_cast<float>(args->low));
  const Batch high(static_cast<float>(args->high));
  const Batch half(0.5f);
  const __m256i halves_together = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  for (; tiles != 0; --tiles, values += 32, codes += 32) {
    __m256i word[4];
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
      const Batch t = Batch::load_unaligned(values + 8 * v) * multiplier + zero;
      const Batch limited = xsimd::max(xsimd::min(t, high), low);
      word[v] = _mm256_cvttps_epi32(limited + xsimd::copysign(half, limited));
    }
    const __m256i all = _mm256_packs_epi16(_mm256_packs_epi32(word[0], word[1]),
                                           _mm256_packs_epi32(word[2], word[3]));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(codes),
                        _mm256_permutevar8x32_epi32(all, halves_together));
  }
}
