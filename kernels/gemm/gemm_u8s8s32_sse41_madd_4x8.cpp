// u8 x s8 -> s32 on SSE4.1: pmovsxbw and pmaddwd, exact.

#include <smmintrin.h>

#include "qsim/kernels/abi.hpp"

// 8 accumulators, 2 right operands, 1 left operand, 1 product: 12 of 16 xmm registers.
//
//                          right: pmovsxbw of 8 bytes, cols 0-3 | cols 4-7, 2 codes each
//                             +-----------+-----------+
//   left: two int16 words     | acc[0][0] | acc[0][1] |
//   of one row, in all        | acc[1][0] | acc[1][1] |
//   four lanes                | acc[2][0] | acc[2][1] |
//                             | acc[3][0] | acc[3][1] |
//                             +-----------+-----------+
QSIM_KERNEL_ENTRY gemm_u8s8s32_sse41_madd_4x8(std::size_t blocks, const void* lhs, const void* rhs,
                                              std::int32_t* acc, std::ptrdiff_t acc_stride) {
  constexpr int mr = 4, nv = 2;  // nv vectors of 4 columns
  const auto* left = static_cast<const char*>(lhs);
  const auto* right = static_cast<const char*>(rhs);
  __m128i sum[mr][nv];
#pragma GCC unroll 4
  for (int i = 0; i < mr; ++i)
#pragma GCC unroll 2
    for (int j = 0; j < nv; ++j)
      sum[i][j] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(acc + i * acc_stride + 4 * j));
  for (; blocks != 0; --blocks) {
    __m128i b[nv];
#pragma GCC unroll 2
    for (int j = 0; j < nv; ++j)
      b[j] = _mm_cvtepi8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(right + 8 * j)));
#pragma GCC unroll 4
    for (int i = 0; i < mr; ++i) {
      std::int32_t pair;
      __builtin_memcpy(&pair, left + 4 * i, 4);
      const __m128i a = _mm_set1_epi32(pair);
#pragma GCC unroll 2
      for (int j = 0; j < nv; ++j) sum[i][j] = _mm_add_epi32(sum[i][j], _mm_madd_epi16(a, b[j]));
    }
    left += 4 * mr;
    right += 8 * nv;
  }
#pragma GCC unroll 4
  for (int i = 0; i < mr; ++i)
#pragma GCC unroll 2
    for (int j = 0; j < nv; ++j)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(acc + i * acc_stride + 4 * j), sum[i][j]);
}
