#pragma once
// The host's own FPU as a witness: its control register, and binary32 operations by instruction.

#include <bit>
#include <cfenv>
#include <cmath>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "qsim/num/f32.hpp"

namespace qsim::test {

#if defined(__x86_64__)
inline constexpr bool on_x86 = true;
inline constexpr bool on_arm64 = false;
/// FTZ and DAZ.
inline constexpr std::uint64_t flush_bits = 0x8040;
inline std::uint64_t fpu_control() { return _mm_getcsr(); }
inline void set_fpu_control(std::uint64_t word) { _mm_setcsr(static_cast<unsigned>(word)); }
#elif defined(__aarch64__)
inline constexpr bool on_x86 = false;
inline constexpr bool on_arm64 = true;
/// FZ.
inline constexpr std::uint64_t flush_bits = std::uint64_t{1} << 24;
inline std::uint64_t fpu_control() {
  std::uint64_t word = 0;
  asm volatile("mrs %0, fpcr" : "=r"(word));
  return word;
}
inline void set_fpu_control(std::uint64_t word) { asm volatile("msr fpcr, %0" : : "r"(word)); }
#else
inline constexpr bool on_x86 = false;
inline constexpr bool on_arm64 = false;
inline constexpr std::uint64_t flush_bits = 0;
inline std::uint64_t fpu_control() { return 0; }
inline void set_fpu_control(std::uint64_t) {}
#endif

/// The mode of this host while its flush bits are set.
inline constexpr FloatMode host_flush_mode{
    .flush_inputs = true,
    .flush_results = on_x86 ? Flush::after_rounding : Flush::before_rounding,
    .negative_nan = on_x86};
/// The mode of this host otherwise.
inline constexpr FloatMode host_mode{.negative_nan = on_x86};

/// Sets flush bits and a rounding direction of the host's FPU for one scope.
class HostMode {
 public:
  explicit HostMode(bool flush, int rounding = FE_TONEAREST) : saved_(fpu_control()) {
    std::fesetround(rounding);
    if (flush) set_fpu_control(fpu_control() | flush_bits);
  }
  ~HostMode() {
    std::fesetround(FE_TONEAREST);
    set_fpu_control(saved_);
  }
  HostMode(const HostMode&) = delete;
  HostMode& operator=(const HostMode&) = delete;

 private:
  std::uint64_t saved_;
};

inline float as_float(F32 x) { return std::bit_cast<float>(x.bits); }
inline F32 as_f32(float x) { return {std::bit_cast<std::uint32_t>(x)}; }

// One instruction each, opaque to the optimiser: operand order and mode are the host's.
#if defined(__x86_64__)
#define QSIM_HOST_OP(name, instruction)                               \
  inline F32 name(F32 a, F32 b) {                                     \
    float x = as_float(a);                                            \
    asm volatile(instruction " %1, %0" : "+x"(x) : "x"(as_float(b))); \
    return as_f32(x);                                                 \
  }
QSIM_HOST_OP(host_add, "addss")
QSIM_HOST_OP(host_sub, "subss")
QSIM_HOST_OP(host_mul, "mulss")
QSIM_HOST_OP(host_div, "divss")
QSIM_HOST_OP(host_min, "minss")
QSIM_HOST_OP(host_max, "maxss")
#undef QSIM_HOST_OP
inline bool host_has_fma() { return __builtin_cpu_supports("fma") != 0; }
inline F32 host_fma(F32 a, F32 b, F32 c) {
  float x = as_float(a);
  asm volatile("vfmadd213ss %2, %1, %0" : "+x"(x) : "x"(as_float(b)), "x"(as_float(c)));
  return as_f32(x);
}
#elif defined(__aarch64__)
#define QSIM_HOST_OP(name, instruction)                                                     \
  inline F32 name(F32 a, F32 b) {                                                           \
    float x = 0;                                                                            \
    asm volatile(instruction " %s0, %s1, %s2" : "=w"(x) : "w"(as_float(a)), "w"(as_float(b))); \
    return as_f32(x);                                                                       \
  }
QSIM_HOST_OP(host_add, "fadd")
QSIM_HOST_OP(host_sub, "fsub")
QSIM_HOST_OP(host_mul, "fmul")
QSIM_HOST_OP(host_div, "fdiv")
QSIM_HOST_OP(host_min, "fmin")
QSIM_HOST_OP(host_max, "fmax")
QSIM_HOST_OP(host_min_number, "fminnm")
QSIM_HOST_OP(host_max_number, "fmaxnm")
#undef QSIM_HOST_OP
inline bool host_has_fma() { return true; }
inline F32 host_fma(F32 a, F32 b, F32 c) {
  float x = 0;
  asm volatile("fmadd %s0, %s1, %s2, %s3"
               : "=w"(x)
               : "w"(as_float(a)), "w"(as_float(b)), "w"(as_float(c)));
  return as_f32(x);
}
#endif

/// SplitMix64: the only source of random numbers in the tests.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) : state_(seed) {}
  constexpr std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// 0 .. n-1.
  constexpr std::uint32_t below(std::uint32_t n) {
    return static_cast<std::uint32_t>((next() >> 32) * n >> 32);
  }
  constexpr F32 pattern() { return {static_cast<std::uint32_t>(next() >> 32)}; }

 private:
  std::uint64_t state_;
};

}  // namespace qsim::test
