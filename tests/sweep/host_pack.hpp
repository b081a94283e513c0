#pragma once
// The packing that x86 kernels of 8-bit codes share, by the instructions themselves.

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>

#include "sweep/lanes.hpp"

namespace qsim::sweep {

/// Four codes of `setting` (zero, range): packssdw, paddsw, packsswb or packuswb, pmax.
template <class Setting>
void put_packed(__m128i words, const Setting& setting, Codes& out, std::size_t i) {
  const bool bytes = setting.range.type_low == 0;
  __m128i v = _mm_packs_epi32(words, words);
  v = _mm_adds_epi16(v, _mm_set1_epi16(static_cast<std::int16_t>(setting.zero)));
  v = bytes ? _mm_packus_epi16(v, v) : _mm_packs_epi16(v, v);
  alignas(16) std::uint8_t codes[16];
  _mm_store_si128(reinterpret_cast<__m128i*>(codes), v);
  for (std::size_t k = 0; k < 4; ++k)
    out[i + k] = std::max(bytes ? std::int32_t{codes[k]}
                                : std::int32_t{static_cast<std::int8_t>(codes[k])},
                          setting.range.low);
}

}  // namespace qsim::sweep

#endif
