// u8 x s8 -> s32 on AVX512-VNNI: vpdpbusds, four products exact, accumulator saturates.

#include <immintrin.h>

#include "qsim/kernels/abi.hpp"

// 24 accumulators, 4 right operands, 1 left operand: 29 of 32 zmm registers.
// One accumulator per result: a second one would meet the limits of int32 at another time.
//
//                          right: 64 bytes each, cols 0-15 | 16-31 | 32-47 | 48-63, 4 codes each
//                             +-----------+-----------+-----------+-----------+
//   left: four bytes of       | acc[0][0] | acc[0][1] | acc[0][2] | acc[0][3] |
//   one row, in all           |    ...    |    ...    |    ...    |    ...    |
//   sixteen lanes             | acc[5][0] | acc[5][1] | acc[5][2] | acc[5][3] |
//                             +-----------+-----------+-----------+-----------+
QSIM_KERNEL_ENTRY gemm_u8s8s32_avx512vnni_dpbusds_6x64(std::size_t blocks, const void* lhs,
                                                       const void* rhs, std::int32_t* acc,
                                                       std::ptrdiff_t acc_stride) {
  constexpr int mr = 6, nv = 4;  // nv vectors of 16 columns
  const auto* left = static_cast<const char*>(lhs);
  const auto* right = static_cast<const char*>(rhs);
  __m512i sum[mr][nv];
#pragma GCC unroll 6
  for (int i = 0; i < mr; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < nv; ++j) sum[i][j] = _mm512_loadu_si512(acc + i * acc_stride + 16 * j);
  for (; blocks != 0; --blocks) {
    __m512i b[nv];
#pragma GCC unroll 4
    for (int j = 0; j < nv; ++j) b[j] = _mm512_loadu_si512(right + 64 * j);
#pragma GCC unroll 6
    for (int i = 0; i < mr; ++i) {
      std::int32_t quad;
      __builtin_memcpy(&quad, left + 4 * i, 4);
      const __m512i a = _mm512_set1_epi32(quad);
#pragma GCC unroll 4
      for (int j = 0; j < nv; ++j) sum[i][j] = _mm512_dpbusds_epi32(sum[i][j], a, b[j]);
    }
    left += 4 * mr;
    right += 64 * nv;
  }
#pragma GCC unroll 6
  for (int i = 0; i < mr; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < nv; ++j) _mm512_storeu_si512(acc + i * acc_stride + 16 * j, sum[i][j]);
}
