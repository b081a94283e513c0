// u8 x s8 -> s32 on AVX2: vpmovsxbw and vpmaddwd, exact.

#include <immintrin.h>

#include "qsim/kernels/abi.hpp"

// 12 accumulators, 2 right operands, 1 left operand, 1 product: all 16 ymm registers.
//
//                          right: vpmovsxbw of 16 bytes, cols 0-7 | cols 8-15, 2 codes each
//                             +-----------+-----------+
//   left: two int16 words     | acc[0][0] | acc[0][1] |
//   of one row, in all        |    ...    |    ...    |
//   eight lanes               | acc[5][0] | acc[5][1] |
//                             +-----------+-----------+
QSIM_KERNEL_ENTRY gemm_u8s8s32_avx2_madd_6x16(std::size_t blocks, const void* lhs, const void* rhs,
                                              std::int32_t* acc, std::ptrdiff_t acc_stride) {
  constexpr int mr = 6, nv = 2;  // nv vectors of 8 columns
  const auto* left = static_cast<const char*>(lhs);
  const auto* right = static_cast<const char*>(rhs);
  __m256i sum[mr][nv];
#pragma GCC unroll 6
  for (int i = 0; i < mr; ++i)
#pragma GCC unroll 2
    for (int j = 0; j < nv; ++j)
      sum[i][j] =
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(acc + i * acc_stride + 8 * j));
  for (; blocks != 0; --blocks) {
    __m256i b[nv];
#pragma GCC unroll 2
    for (int j = 0; j < nv; ++j)
      b[j] =
          _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(right + 16 * j)));
#pragma GCC unroll 6
    for (int i = 0; i < mr; ++i) {
      std::int32_t pair;
      __builtin_memcpy(&pair, left + 4 * i, 4);
      const __m256i a = _mm256_set1_epi32(pair);
#pragma GCC unroll 2
      for (int j = 0; j < nv; ++j)
        sum[i][j] = _mm256_add_epi32(sum[i][j], _mm256_madd_epi16(a, b[j]));
    }
    left += 4 * mr;
    right += 16 * nv;
  }
#pragma GCC unroll 6
  for (int i = 0; i < mr; ++i)
#pragma GCC unroll 2
    for (int j = 0; j < nv; ++j)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(acc + i * acc_stride + 8 * j), sum[i][j]);
}
