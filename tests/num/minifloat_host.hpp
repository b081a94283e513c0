#pragma once
// The host's own conversions to and from 16-bit floats, one instruction each.

#include <cstdint>

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

#include "num/host.hpp"

namespace qsim::test {

#if defined(__x86_64__)
inline bool host_has_f16() {
  return __builtin_cpu_supports("avx2") != 0;  // Clang knows no name for F16C, which is older
}
inline std::uint16_t host_to_f16(F32 x) {
  std::uint32_t out = 0;
  asm volatile("vcvtps2ph $0, %1, %%xmm0\n\tvmovd %%xmm0, %0"
               : "=r"(out)
               : "x"(as_float(x))
               : "xmm0");
  return static_cast<std::uint16_t>(out);
}
inline F32 host_from_f16(std::uint16_t code) {
  float out = 0;
  asm volatile("vmovd %1, %0\n\tvcvtph2ps %0, %0" : "=&x"(out) : "r"(std::uint32_t{code}));
  return as_f32(out);
}
inline bool host_has_bf16() {
  return __builtin_cpu_supports("avx512bf16") != 0 && __builtin_cpu_supports("avx512vl") != 0;
}
inline std::uint16_t host_to_bf16(F32 x) {
  std::uint32_t out = 0;
  asm volatile("vcvtneps2bf16 %1, %%xmm0\n\tvmovd %%xmm0, %0"
               : "=r"(out)
               : "x"(as_float(x))
               : "xmm0");
  return static_cast<std::uint16_t>(out);
}
/// The operand as that instruction reads it: subnormals are zeros whatever the mode.
inline F32 host_reads_bf16(F32 x) { return num::read(x, {.flush_inputs = true}); }
/// Only binary32 is converted.
inline bool host_has_f16_of_binary64() { return false; }
inline std::uint16_t host_to_f16(std::uint64_t) { return 0; }
#elif defined(__aarch64__)
inline bool host_has_f16() { return true; }
inline std::uint16_t host_to_f16(F32 x) {
  float out = 0;
  asm volatile("fcvt %h0, %s1" : "=w"(out) : "w"(as_float(x)));
  return static_cast<std::uint16_t>(as_f32(out).bits);
}
inline F32 host_from_f16(std::uint16_t code) {
  float out = 0;
  asm volatile("fmov %s0, %w1\n\tfcvt %s0, %h0" : "=&w"(out) : "r"(std::uint32_t{code}));
  return as_f32(out);
}
inline bool host_has_bf16() {
  constexpr std::uint64_t hwcap2_bf16 = 1u << 14;
  return (getauxval(AT_HWCAP2) & hwcap2_bf16) != 0;
}
inline std::uint16_t host_to_bf16(F32 x) {
  std::uint32_t out = 0;
  asm volatile("fmov s0, %w1\n\t.inst 0x1e634000\n\tfmov %w0, s0"  // bfcvt h0, s0
               : "=r"(out)
               : "r"(x.bits)
               : "v0");
  return static_cast<std::uint16_t>(out);
}
inline F32 host_reads_bf16(F32 x) { return x; }
inline bool host_has_f16_of_binary64() { return true; }
inline std::uint16_t host_to_f16(std::uint64_t x) {
  double out = 0;
  asm volatile("fmov %d0, %x1\n\tfcvt %h0, %d0" : "=&w"(out) : "r"(x));
  return static_cast<std::uint16_t>(std::bit_cast<std::uint64_t>(out));
}
#else
inline bool host_has_f16() { return false; }
inline std::uint16_t host_to_f16(F32) { return 0; }
inline F32 host_from_f16(std::uint16_t) { return {}; }
inline bool host_has_bf16() { return false; }
inline std::uint16_t host_to_bf16(F32) { return 0; }
inline F32 host_reads_bf16(F32 x) { return x; }
inline bool host_has_f16_of_binary64() { return false; }
inline std::uint16_t host_to_f16(std::uint64_t) { return 0; }
#endif

}  // namespace qsim::test
