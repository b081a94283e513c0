#include "sweep/quantizers.hpp"

#include <algorithm>
#include <cmath>

#include "qsim/base/check.hpp"
#include "sweep/host_pack.hpp"

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace qsim::sweep {
namespace {

QSIM_CLONES void divide_wide(const Reals& x, float scale, Wides& v) {
  for (std::size_t i = 0; i < lanes; ++i)
    v[i] = static_cast<double>(x[i]) / static_cast<double>(scale);
}

/// Sign and round(16*log2|x|) above the origin z. Numbers in
/// [-2^((z+1)/16 - 1), 2^(z/16 - 1)) are 0, whose byte is 0x80.
std::int32_t logarithmic(float x, double z) {
  if (x != x) return 0x80;
  const double magnitude = std::fabs(static_cast<double>(x));
  const bool negative = std::signbit(x);
  const double band = std::exp2((z + (negative ? 1.0 : 0.0)) / 16.0 - 1.0);
  if (negative ? magnitude <= band : magnitude < band) return 0x80;
  const double k = std::floor(16.0 * std::log2(magnitude) + 0.5) - z;
  const double kept = std::min(std::max(k, negative ? 1.0 : 0.0), 127.0);
  return static_cast<std::int32_t>(kept) + (negative ? 128 : 0);
}

std::int32_t limited(std::int64_t v, const emu::CodeRange& r) {
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(v, r.low, r.high));
}
[[maybe_unused]] std::int32_t wrapping_sum(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}

// ------------------------------------------------------------------- sequences of every host

/// ONNX Runtime, WebAssembly: nearbyint, then the zero point and both limits in binary32; the cast
/// of a NaN is 0.
void ort_wasm(const Reals& x, const Setting& s, Codes& out) {
  const float low = static_cast<float>(s.range.low), high = static_cast<float>(s.range.high);
  for (std::size_t i = 0; i < lanes; ++i) {
    float v = std::nearbyint(x[i] / s.scale) + static_cast<float>(s.zero);
    v = std::max(v, low);
    v = std::min(v, high);
    out[i] = v != v ? 0 : static_cast<std::int32_t>(v);
  }
}

#if defined(__x86_64__)

// ---------------------------------------------------------------------------------------- x86

inline __m128 four(const Reals& x, std::size_t i) { return _mm_loadu_ps(x.data() + i); }
inline void put(Codes& out, std::size_t i, __m128i v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out.data() + i), v);
}
inline __m128i limited_int(__m128i v, const emu::CodeRange& r) {
  const __m128i low = _mm_set1_epi32(r.low), high = _mm_set1_epi32(r.high);
  __m128i over = _mm_cmpgt_epi32(v, high);
  v = _mm_or_si128(_mm_and_si128(over, high), _mm_andnot_si128(over, v));
  over = _mm_cmplt_epi32(v, low);
  return _mm_or_si128(_mm_and_si128(over, low), _mm_andnot_si128(over, v));
}

/// divps, maxps, minps, cvtps2dq, paddd.
void ort_x64(const Reals& x, const Setting& s, Codes& out) {
  const __m128 scale = _mm_set1_ps(s.scale);
  const __m128 low = _mm_set1_ps(static_cast<float>(s.range.low - s.zero));
  const __m128 high = _mm_set1_ps(static_cast<float>(s.range.high - s.zero));
  for (std::size_t i = 0; i < lanes; i += 4) {
    __m128 t = _mm_div_ps(four(x, i), scale);
    t = _mm_max_ps(t, low);
    t = _mm_min_ps(t, high);
    put(out, i, _mm_add_epi32(_mm_cvtps_epi32(t), _mm_set1_epi32(s.zero)));
  }
}

/// divps, cvtps2dq, paddd, limits in int32.
void ort_x64_single(const Reals& x, const Setting& s, Codes& out) {
  const __m128 scale = _mm_set1_ps(s.scale);
  for (std::size_t i = 0; i < lanes; i += 4) {
    const __m128i v = _mm_cvtps_epi32(_mm_div_ps(four(x, i), scale));
    put(out, i, limited_int(_mm_add_epi32(v, _mm_set1_epi32(s.zero)), s.range));
  }
}

/// cvttss2si of std::round(x / scale), + zero point, limits.
void tflite_ref_x64(const Reals& x, const Setting& s, Codes& out) {
  for (std::size_t i = 0; i < lanes; ++i) {
    const std::int32_t v = _mm_cvttss_si32(_mm_set_ss(std::round(x[i] / s.scale)));
    out[i] = limited(wrapping_sum(v, s.zero), s.range);
  }
}

/// mulps by the reciprocal, cvtps2dq, paddd, limits in int32.
void ruy_x64_body(const Reals& x, const Setting& s, Codes& out) {
  const __m128 inverse = _mm_set1_ps(1.0f / s.scale);
  for (std::size_t i = 0; i < lanes; i += 4) {
    const __m128i v = _mm_cvtps_epi32(_mm_mul_ps(four(x, i), inverse));
    put(out, i, limited_int(_mm_add_epi32(v, _mm_set1_epi32(s.zero)), s.range));
  }
}

/// cvttsd2si of std::round(x / (double)scale), + zero point, limits.
void ruy_x64_tail(const Reals& x, const Setting& s, Codes& out) {
  for (std::size_t i = 0; i < lanes; ++i) {
    const double t = std::round(static_cast<double>(x[i]) / static_cast<double>(s.scale));
    out[i] = limited(wrapping_sum(_mm_cvttsd_si32(_mm_set_sd(t)), s.zero), s.range);
  }
}

/// mulps by the reciprocal, minps(t, 2147483520), cvtps2dq, paddd, limits in int32.
void fbgemm_x64(const Reals& x, const Setting& s, Codes& out) {
  const __m128 inverse = _mm_set1_ps(1.0f / s.scale), cap = _mm_set1_ps(2147483520.0f);
  for (std::size_t i = 0; i < lanes; i += 4) {
    const __m128i v = _mm_cvtps_epi32(_mm_min_ps(_mm_mul_ps(four(x, i), inverse), cap));
    put(out, i, limited_int(_mm_add_epi32(v, _mm_set1_epi32(s.zero)), s.range));
  }
}
/// vfmadd of the zero point, minps(t, 2147483520), cvtps2dq, limits in int32.
[[gnu::target("fma")]] void pytorch_x64(const Reals& x, const Setting& s, Codes& out) {
  const __m128 inverse = _mm_set1_ps(1.0f / s.scale), cap = _mm_set1_ps(2147483520.0f);
  const __m128 zero = _mm_set1_ps(static_cast<float>(s.zero));
  for (std::size_t i = 0; i < lanes; i += 4) {
    const __m128 t = _mm_fmadd_ps(four(x, i), inverse, zero);
    put(out, i, limited_int(_mm_cvtps_epi32(_mm_min_ps(t, cap)), s.range));
  }
}

/// mulps by the reciprocal, minps, cvtps2dq, packssdw, paddsw, packsswb or packuswb, pmax. int8 and
/// uint8 only.
void xnnpack_x64(const Reals& x, const Setting& s, Codes& out) {
  const __m128 inverse = _mm_set1_ps(1.0f / s.scale);
  const __m128 high = _mm_set1_ps(static_cast<float>(s.range.high - s.zero));
  for (std::size_t i = 0; i < lanes; i += 4) {
    const __m128i words = _mm_cvtps_epi32(_mm_min_ps(_mm_mul_ps(four(x, i), inverse), high));
    put_packed(words, s, out, i);
  }
}

/// minps, maxps, +-0.5, cvttps2dq, + 128, packssdw, packuswb, - 128.
inline void mnn_finish(__m128 t, const Setting& s, Codes& out, std::size_t i) {
  t = _mm_min_ps(t, _mm_set1_ps(static_cast<float>(s.range.high)));
  t = _mm_max_ps(t, _mm_set1_ps(static_cast<float>(s.range.low)));
  const __m128 below = _mm_cmplt_ps(t, _mm_setzero_ps());
  const __m128 half = _mm_or_ps(_mm_and_ps(below, _mm_set1_ps(-0.5f)),
                                _mm_andnot_ps(below, _mm_set1_ps(0.5f)));
  __m128i v = _mm_add_epi32(_mm_cvttps_epi32(_mm_add_ps(t, half)), _mm_set1_epi32(128));
  v = _mm_packs_epi32(v, v);
  v = _mm_packus_epi16(v, v);
  alignas(16) std::uint8_t bytes[16];
  _mm_store_si128(reinterpret_cast<__m128i*>(bytes), v);
  for (std::size_t k = 0; k < 4; ++k) out[i + k] = bytes[k] - 128;
}
/// mulps, addps, ... with MXCSR as the engine sets it: FTZ and DAZ.
void mnn_x64(const Reals& x, const Setting& s, Codes& out) {
  const test::HostMode flushing(true);
  const __m128 by = _mm_set1_ps(1.0f / s.scale), zero = _mm_set1_ps(static_cast<float>(s.zero));
  for (std::size_t i = 0; i < lanes; i += 4)
    mnn_finish(_mm_add_ps(_mm_mul_ps(four(x, i), by), zero), s, out, i);
}
/// The same with vfmadd.
[[gnu::target("fma")]] void mnn_x64_fma(const Reals& x, const Setting& s, Codes& out) {
  const test::HostMode flushing(true);
  const __m128 by = _mm_set1_ps(1.0f / s.scale), zero = _mm_set1_ps(static_cast<float>(s.zero));
  for (std::size_t i = 0; i < lanes; i += 4) {
    const __m128 t = _mm_fmadd_ps(four(x, i), by, zero);
    mnn_finish(t, s, out, i);
  }
}

#elif defined(__aarch64__)

// ---------------------------------------------------------------------------------------- Arm

inline int32x4_t limited_int(int32x4_t v, const emu::CodeRange& r) {
  return vminq_s32(vmaxq_s32(v, vdupq_n_s32(r.low)), vdupq_n_s32(r.high));
}

/// fdiv, fmaxnm, fminnm, fcvtns, add.
void ort_arm(const Reals& x, const Setting& s, Codes& out) {
  const float32x4_t scale = vdupq_n_f32(s.scale);
  const float32x4_t low = vdupq_n_f32(static_cast<float>(s.range.low - s.zero));
  const float32x4_t high = vdupq_n_f32(static_cast<float>(s.range.high - s.zero));
  for (std::size_t i = 0; i < lanes; i += 4) {
    const float32x4_t t = vdivq_f32(vld1q_f32(x.data() + i), scale);
    const int32x4_t v = vcvtnq_s32_f32(vminnmq_f32(vmaxnmq_f32(t, low), high));
    vst1q_s32(out.data() + i, vaddq_s32(v, vdupq_n_s32(s.zero)));
  }
}
/// fdiv, fcvtns, add, limits in int32.
void ort_arm_single(const Reals& x, const Setting& s, Codes& out) {
  for (std::size_t i = 0; i < lanes; i += 4) {
    const float32x4_t t = vdivq_f32(vld1q_f32(x.data() + i), vdupq_n_f32(s.scale));
    const int32x4_t v = vaddq_s32(vcvtnq_s32_f32(t), vdupq_n_s32(s.zero));
    vst1q_s32(out.data() + i, limited_int(v, s.range));
  }
}
/// fdiv, frinta, fcvtzs, add, limits.
void tflite_ref_arm(const Reals& x, const Setting& s, Codes& out) {
  for (std::size_t i = 0; i < lanes; i += 4) {
    const float32x4_t t = vrndaq_f32(vdivq_f32(vld1q_f32(x.data() + i), vdupq_n_f32(s.scale)));
    const int32x4_t v = vaddq_s32(vcvtq_s32_f32(t), vdupq_n_s32(s.zero));
    vst1q_s32(out.data() + i, limited_int(v, s.range));
  }
}
/// fmul by the reciprocal, fcvtns, add, limits.
void ruy_arm_body(const Reals& x, const Setting& s, Codes& out) {
  const float32x4_t inverse = vdupq_n_f32(1.0f / s.scale);
  for (std::size_t i = 0; i < lanes; i += 4) {
    const int32x4_t v = vcvtnq_s32_f32(vmulq_f32(vld1q_f32(x.data() + i), inverse));
    vst1q_s32(out.data() + i, limited_int(vaddq_s32(v, vdupq_n_s32(s.zero)), s.range));
  }
}
/// fmul by the reciprocal, fcvtns, sqxtn, sqadd, sqxtn or sqxtun, smax, smin. int8 and uint8 only.
void xnnpack_arm(const Reals& x, const Setting& s, Codes& out) {
  const float32x4_t inverse = vdupq_n_f32(1.0f / s.scale);
  const int16x4_t zero = vdup_n_s16(static_cast<std::int16_t>(s.zero));
  for (std::size_t i = 0; i < lanes; i += 4) {
    const int32x4_t words = vcvtnq_s32_f32(vmulq_f32(vld1q_f32(x.data() + i), inverse));
    const int16x4_t v = vqadd_s16(vqmovn_s32(words), zero);
    const int16x8_t both = vcombine_s16(v, v);
    std::int16_t kept[8];
    vst1q_s16(kept, s.range.type_low == 0 ? vreinterpretq_s16_u16(vmovl_u8(vqmovun_s16(both)))
                                          : vmovl_s8(vqmovn_s16(both)));
    for (std::size_t k = 0; k < 4; ++k) out[i + k] = limited(kept[k], s.range);
  }
}
/// fcvtzs of std::round(x / (double)scale), + zero point, limits.
void ruy_arm_tail(const Reals& x, const Setting& s, Codes& out) {
  for (std::size_t i = 0; i < lanes; ++i) {
    const double t = std::round(static_cast<double>(x[i]) / static_cast<double>(s.scale));
    std::int32_t v = 0;
    asm("fcvtzs %w0, %d1" : "=r"(v) : "w"(t));
    out[i] = limited(wrapping_sum(v, s.zero), s.range);
  }
}
/// fmul, fadd, fcvtas, sqxtn twice, smin, smax, with FPCR.FZ as the engine sets it.
void mnn_arm(const Reals& x, const Setting& s, Codes& out) {
  const test::HostMode flushing(true);
  const float32x4_t by = vdupq_n_f32(1.0f / s.scale);
  const float32x4_t zero = vdupq_n_f32(static_cast<float>(s.zero));
  for (std::size_t i = 0; i < lanes; i += 4) {
    const float32x4_t t = vaddq_f32(vmulq_f32(vld1q_f32(x.data() + i), by), zero);
    const int16x4_t words = vqmovn_s32(vcvtaq_s32_f32(t));
    int8x8_t bytes = vqmovn_s16(vcombine_s16(words, words));
    bytes = vmin_s8(bytes, vdup_n_s8(static_cast<std::int8_t>(s.range.high)));
    bytes = vmax_s8(bytes, vdup_n_s8(static_cast<std::int8_t>(s.range.low)));
    std::int8_t kept[8];
    vst1_s8(kept, bytes);
    std::copy_n(kept, 4, out.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

#endif

}  // namespace

void host_codes(const QuantizerOf& q, const Setting& s, const Reals& x, Codes& out) {
  const FloatMode& mode = q.row.float_mode;
  Narrowing how{q.rule.narrow, s.zero, s.range};
  Reals t;
  switch (q.rule.scaling) {
    case Scaling::none: break;
    case Scaling::engine: {
      how.rule = q.row.cast.narrow;
      const float zero = static_cast<float>(s.zero);
      if (q.row.cast.fused_multiply_add) {
        multiply_add(x, 1.0f / s.scale, zero, mode, t);
      } else {
        multiply(x, 1.0f / s.scale, mode, t);
        add(t, zero);
      }
      narrow_reals(how, t, out);
      return;
    }
    case Scaling::divide:
      divide(x, s.scale, mode, t);
      narrow_reals(how, t, out);
      return;
    case Scaling::reciprocal:
      if (q.rule.fused) {
        how.rule.zero = ZeroStage::included;
        multiply_add(x, 1.0f / s.scale, static_cast<float>(s.zero), mode, t);
      } else {
        multiply(x, 1.0f / s.scale, mode, t);
      }
      narrow_reals(how, t, out);
      return;
    case Scaling::divide_f64: {
      Wides v;
      divide_wide(x, s.scale, v);
      narrow_wides(how, v, out);
      return;
    }
    case Scaling::log2_16:
      for (std::size_t i = 0; i < lanes; ++i) {
        const std::int32_t byte = logarithmic(x[i], static_cast<double>(s.scale));
        out[i] = byte > s.range.type_high ? byte - 256 : byte;
      }
      return;
  }
  QSIM_ASSERT(false);
}

std::vector<Sequence> sequences() {
  std::vector<Sequence> all{{"ort-1.30.wasm.simd", "vector", ort_wasm}};
#if defined(__x86_64__)
  all.insert(all.end(), {{"ort-1.30.x64.avx2", "vector", ort_x64},
                         {"ort-1.30.x64.avx2", "single", ort_x64_single},
                         {"tflite.ref.x64", "vector", tflite_ref_x64},
                         {"tflite.ruy.x64", "vector", ruy_x64_body},
                         {"tflite.ruy.x64", "rest", ruy_x64_tail},
                         {"xnnpack.x64", "vector", xnnpack_x64, true},
                         {"fbgemm.x64.avx2", "vector", fbgemm_x64},
                         {"mnn-2.9.0.x64.avx2", "vector", mnn_x64}});
  if (test::host_has_fma())
    all.insert(all.end(), {{"mnn-2.9.0.x64.avx512", "vector", mnn_x64_fma},
                           {"pytorch-2.13.x64.avx2", "vector", pytorch_x64}});
#elif defined(__aarch64__)
  all.insert(all.end(), {{"ort-1.30.arm64.dotprod", "vector", ort_arm},
                         {"ort-1.30.arm64.dotprod", "single", ort_arm_single},
                         {"tflite.ref.arm64", "vector", tflite_ref_arm},
                         {"tflite.ruy.arm64", "vector", ruy_arm_body},
                         {"tflite.ruy.arm64", "rest", ruy_arm_tail},
                         {"xnnpack.arm64.qs8", "vector", xnnpack_arm, true},
                         {"mnn-2.9.0.arm64.neon", "vector", mnn_arm}});
#endif
  return all;
}

}  // namespace qsim::sweep
