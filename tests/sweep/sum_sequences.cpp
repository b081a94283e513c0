// Engines' instructions from int32 sums to codes.

#include <algorithm>
#include <bit>

#include "sweep/host_pack.hpp"
#include "sweep/requantizers.hpp"

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace qsim::sweep {
namespace {

/// MLAS's portable code: limits in binary32, then 12582912 puts the integer into the low bits.
void magic_number(std::uint32_t first, float factor, const SumSetting& s, Codes& out) {
  const float low = static_cast<float>(s.range.low - s.zero);
  const float high = static_cast<float>(s.range.high - s.zero);
  for (std::size_t i = 0; i < lanes; ++i) {
    const std::int32_t acc = static_cast<std::int32_t>(first + static_cast<std::uint32_t>(i));
    float t = static_cast<float>(acc) * factor;
    t = std::max(t, low);
    t = std::min(t, high);
    const std::int32_t bits = std::bit_cast<std::int32_t>(t + 12582912.0f);
    out[i] = bits - 0x4b400000 + s.zero;
  }
}

#if defined(__x86_64__)

inline __m128i four(std::uint32_t first, std::size_t i) {
  const std::int32_t base = static_cast<std::int32_t>(first + static_cast<std::uint32_t>(i));
  return _mm_add_epi32(_mm_set1_epi32(base), _mm_setr_epi32(0, 1, 2, 3));
}
inline __m128 scaled(std::uint32_t first, std::size_t i, float factor) {
  return _mm_mul_ps(_mm_cvtepi32_ps(four(first, i)), _mm_set1_ps(factor));
}

/// cvtdq2ps, mulps, maxps, minps, cvtps2dq, paddd.
void ort_x64(std::uint32_t first, float factor, const SumSetting& s, Codes& out) {
  const __m128 low = _mm_set1_ps(static_cast<float>(s.range.low - s.zero));
  const __m128 high = _mm_set1_ps(static_cast<float>(s.range.high - s.zero));
  for (std::size_t i = 0; i < lanes; i += 4) {
    const __m128 t = _mm_min_ps(_mm_max_ps(scaled(first, i, factor), low), high);
    const __m128i v = _mm_add_epi32(_mm_cvtps_epi32(t), _mm_set1_epi32(s.zero));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out.data() + i), v);
  }
}

/// cvtdq2ps, mulps, minps, cvtps2dq, packs.
void xnnpack_x64(std::uint32_t first, float factor, const SumSetting& s, Codes& out) {
  const __m128 high = _mm_set1_ps(static_cast<float>(s.range.high - s.zero));
  for (std::size_t i = 0; i < lanes; i += 4)
    put_packed(_mm_cvtps_epi32(_mm_min_ps(scaled(first, i, factor), high)), s, out, i);
}
/// cvtdq2ps, mulps, cvtps2dq, packs.
void fbgemm_x64(std::uint32_t first, float factor, const SumSetting& s, Codes& out) {
  for (std::size_t i = 0; i < lanes; i += 4)
    put_packed(_mm_cvtps_epi32(scaled(first, i, factor)), s, out, i);
}
/// cvtdq2ps, mulps to real units, mulps by the reciprocal, addps, maxps, minps, cvtps2dq.
void onednn_x64(std::uint32_t first, float, const SumSetting& s, Codes& out) {
  const __m128 low = _mm_set1_ps(static_cast<float>(s.range.low));
  const __m128 high = _mm_set1_ps(static_cast<float>(s.range.high));
  for (std::size_t i = 0; i < lanes; i += 4) {
    __m128 t = _mm_mul_ps(scaled(first, i, s.lhs * s.rhs), _mm_set1_ps(1.0f / s.out));
    t = _mm_add_ps(t, _mm_set1_ps(static_cast<float>(s.zero)));
    t = _mm_min_ps(_mm_max_ps(t, low), high);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out.data() + i), _mm_cvtps_epi32(t));
  }
}

inline __m128 half_with_sign(__m128 t) {
  const __m128 below = _mm_cmplt_ps(t, _mm_setzero_ps());
  return _mm_or_ps(_mm_and_ps(below, _mm_set1_ps(-0.5f)),
                   _mm_andnot_ps(below, _mm_set1_ps(0.5f)));
}
inline void put_biased_bytes(__m128i v, Codes& out, std::size_t i) {
  v = _mm_packus_epi16(v, v);
  alignas(16) std::uint8_t codes[16];
  _mm_store_si128(reinterpret_cast<__m128i*>(codes), v);
  for (std::size_t k = 0; k < 4; ++k) out[i + k] = codes[k] - 128;
}

/// cvtdq2ps, mulps, minps, maxps, +-0.5, cvttps2dq, + 128, packs; FTZ and DAZ are set.
void mnn_x64(std::uint32_t first, float factor, const SumSetting& s, Codes& out) {
  const test::HostMode flushing(true);
  for (std::size_t i = 0; i < lanes; i += 4) {
    __m128 t = _mm_min_ps(scaled(first, i, factor), _mm_set1_ps(static_cast<float>(s.range.high)));
    t = _mm_max_ps(t, _mm_set1_ps(static_cast<float>(s.range.low)));
    const __m128i v = _mm_add_epi32(_mm_cvttps_epi32(_mm_add_ps(t, half_with_sign(t))),
                                    _mm_set1_epi32(128));
    put_biased_bytes(_mm_packs_epi32(v, v), out, i);
  }
}
/// Without limits in binary32; pminsw and pmaxsw instead.
void mnn_x64_depthwise(std::uint32_t first, float factor, const SumSetting& s, Codes& out) {
  const test::HostMode flushing(true);
  for (std::size_t i = 0; i < lanes; i += 4) {
    const __m128 t = scaled(first, i, factor);
    __m128i v = _mm_add_epi32(_mm_cvttps_epi32(_mm_add_ps(t, half_with_sign(t))),
                              _mm_set1_epi32(128));
    v = _mm_packs_epi32(v, v);
    v = _mm_min_epi16(v, _mm_set1_epi16(static_cast<std::int16_t>(s.range.high + 128)));
    v = _mm_max_epi16(v, _mm_set1_epi16(static_cast<std::int16_t>(s.range.low + 128)));
    put_biased_bytes(v, out, i);
  }
}

#elif defined(__aarch64__)

inline float32x4_t scaled(std::uint32_t first, std::size_t i, float factor) {
  const std::int32_t ramp[] = {0, 1, 2, 3};
  const std::int32_t base = static_cast<std::int32_t>(first + static_cast<std::uint32_t>(i));
  return vmulq_n_f32(vcvtq_f32_s32(vaddq_s32(vdupq_n_s32(base), vld1q_s32(ramp))), factor);
}
inline void put(int16x4_t v, const SumSetting& s, Codes& out, std::size_t i) {
  const int16x8_t both = vcombine_s16(v, v);
  const int16x8_t bytes = s.range.type_low == 0
                              ? vreinterpretq_s16_u16(vmovl_u8(vqmovun_s16(both)))
                              : vmovl_s8(vqmovn_s16(both));
  std::int16_t kept[8];
  vst1q_s16(kept, s.range.high > 255 ? both : bytes);
  std::copy_n(kept, 4, out.begin() + static_cast<std::ptrdiff_t>(i));
}

/// scvtf, fmul, fcvtns, sqxtn, sqadd, sqxtn or sqxtun.
void ort_arm(std::uint32_t first, float factor, const SumSetting& s, Codes& out) {
  const int16x4_t zero = vdup_n_s16(static_cast<std::int16_t>(s.zero));
  for (std::size_t i = 0; i < lanes; i += 4)
    put(vqadd_s16(vqmovn_s32(vcvtnq_s32_f32(scaled(first, i, factor))), zero), s, out, i);
}
/// scvtf, fmul, fcvtas, sqxtn twice; the range is the word's.
void mnn_arm(std::uint32_t first, float factor, const SumSetting& s, Codes& out) {
  const test::HostMode flushing(true);
  for (std::size_t i = 0; i < lanes; i += 4)
    put(vqmovn_s32(vcvtaq_s32_f32(scaled(first, i, factor))), s, out, i);
}

#endif

}  // namespace

std::vector<SumSequence> sum_sequences() {
  std::vector<SumSequence> all{{"ort-1.30.wasm.simd", "requant", magic_number}};
#if defined(__x86_64__)
  all.insert(all.end(), {{"ort-1.30.x64.avx2", "requant", ort_x64},
                         {"xnnpack.x64", "requant", xnnpack_x64, true},
                         {"fbgemm.x64.avx2", "requant", fbgemm_x64, true},
                         {"onednn-3.x64.avx2", "requant", onednn_x64},
                         {"mnn-2.9.0.x64.avx2", "epilogue", mnn_x64},
                         {"mnn-2.9.0.x64.avx2", "depthwise", mnn_x64_depthwise}});
#elif defined(__aarch64__)
  all.insert(all.end(), {{"ort-1.30.arm64.dotprod", "requant", ort_arm},
                         {"xnnpack.arm64.qs8", "requant", ort_arm, true},
                         {"mnn-2.9.0.arm64.neon", "epilogue", mnn_arm},
                         {"mnn-2.9.0.arm64.sdot", "epilogue", mnn_arm}});
#endif
  return all;
}

}  // namespace qsim::sweep
