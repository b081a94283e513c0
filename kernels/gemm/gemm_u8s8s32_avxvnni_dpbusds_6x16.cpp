// u8 x s8 -> s32 on AVX-VNNI: vpdpbusds, four products exact, accumulator saturates.

#include <immintrin.h>

#include "qsim/kernels/abi.hpp"

// 12 accumulators, 2 right operands, 1 left operand: 15 of 16 ymm registers.
// One accumulator per result: a second one would meet the limits of int32 at another time.
//
//                          right: 32 bytes, cols 0-7 | cols 8-15, 4 codes each
//                             +-----------+-----------+
//   left: four bytes of       | acc[0][0] | acc[0][1] |
//   one row, in all           |    ...    |    ...    |
//   eight lanes               | acc[5][0] | acc[5][1] |
//                             +-----------+-----------+
QSIM_KERNEL_ENTRY gemm_u8s8s32_avxvnni_dpbusds_6x16(std::size_t blocks, const void* lhs,
                                                    const void* rhs, std::int32_t* acc,
                                                    std::ptrdiff_t acc_stride) {
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
      b[j] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(right + 32 * j));
#pragma GCC unroll 6
    for (int i = 0; i < mr; ++i) {
      std::int32_t quad;
      __builtin_memcpy(&quad, left + 4 * i, 4);
      const __m256i a = _mm256_set1_epi32(quad);
#pragma GCC unroll 2
      for (int j = 0; j < nv; ++j) sum[i][j] = _mm256_dpbusds_avx_epi32(sum[i][j], a, b[j]);
    }
    left += 4 * mr;
    right += 32 * nv;
  }
#pragma GCC unroll 6
  for (int i = 0; i < mr; ++i)
#pragma GCC unroll 2
    for (int j = 0; j < nv; ++j)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(acc + i * acc_stride + 8 * j), sum[i][j]);
}
