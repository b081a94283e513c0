#include "qsim/kernels/cpu.hpp"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

#include <cstdint>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace qsim::kernels {

#if defined(__x86_64__) || defined(__i386__)
namespace {

struct Leaf {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Leaf cpuid(unsigned leaf, unsigned subleaf) {
  Leaf r;
  if (__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return {};
  return r;
}

constexpr bool bit(unsigned word, int n) { return ((word >> n) & 1u) != 0; }

/// Register states that the operating system saves (XCR0).
std::uint64_t saved_states(const Leaf& leaf1) {
  if (!bit(leaf1.ecx, 27)) return 0;  // OSXSAVE
  std::uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return std::uint64_t{high} << 32 | low;
}

}  // namespace

Cpu host_cpu() {
  const Leaf leaf1 = cpuid(1, 0);
  const Leaf leaf7 = cpuid(7, 0);
  const Leaf leaf7_1 = leaf7.eax >= 1 ? cpuid(7, 1) : Leaf{};
  const std::uint64_t saved = saved_states(leaf1);
  const bool ymm = (saved & 0x06) == 0x06;  // xmm and upper ymm halves
  const bool zmm = (saved & 0xe6) == 0xe6;  // and masks, upper zmm halves, zmm16-31
  Cpu cpu;
  cpu.sse41 = bit(leaf1.ecx, 19);
  cpu.avx2 = ymm && bit(leaf1.ecx, 28) && bit(leaf7.ebx, 5);
  cpu.avx512 = zmm && cpu.avx2 && bit(leaf7.ebx, 16) && bit(leaf7.ebx, 17) && bit(leaf7.ebx, 30) &&
               bit(leaf7.ebx, 31);
  cpu.avx_vnni = cpu.avx2 && bit(leaf7_1.eax, 4);
  cpu.avx512_vnni = cpu.avx512 && bit(leaf7.ecx, 11);
  return cpu;
}

#elif defined(__aarch64__)

Cpu host_cpu() {
  Cpu cpu;
  cpu.neon = true;  // part of every 64-bit Arm
#if defined(__linux__)
  cpu.dotprod = (getauxval(AT_HWCAP) >> 20 & 1u) != 0;  // HWCAP_ASIMDDP, Linux asm/hwcap.h
  cpu.i8mm = (getauxval(AT_HWCAP2) >> 13 & 1u) != 0;    // HWCAP2_I8MM
#endif
  return cpu;
}

#else

Cpu host_cpu() { return {}; }

#endif

}  // namespace qsim::kernels
