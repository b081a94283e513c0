// binary32 -> int8 on AVX-512: product and sum rounded once, clamp in binary32, +-0.5, truncate.

#include <immintrin.h>

#include <xsimd/xsimd.hpp>

#include "qsim/kernels/abi.hpp"

//   values   16 x f32
//   vfmadd, vminps(t, high), vmaxps(t, low): NaN takes the second operand: high
//   vaddps +-0.5, vcvttps2dq   16 x s32
//   vpmovsdb                   16 x s8
QSIM_KERNEL_ENTRY quantize_f32s8_avx512_fma_addhalf_16(std::size_t tiles, const float* values,
                                                       const qsim::kernels::QuantizeArgs* args,
                                                       std::int8_t* codes) {
  using Batch = xsimd::batch<float, xsimd::avx512f>;
  const Batch multiplier(args->multiplier);
  const Batch zero(static_cast<float>(args->zero));
  const Batch low(static_cast<float>(args->low));
  const Batch high(static_cast<float>(args->high));
  const Batch half(0.5f);
  for (; tiles != 0; --tiles, values += 16, codes += 16) {
    const Batch t = _mm512_fmadd_ps(Batch::load_unaligned(values), multiplier, zero);
    const Batch limited = xsimd::max(xsimd::min(t, high), low);
    const __m512i word = _mm512_cvttps_epi32(limited + xsimd::copysign(half, limited));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(codes), _mm512_cvtsepi32_epi8(word));
  }
}
