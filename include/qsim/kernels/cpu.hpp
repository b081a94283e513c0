#pragma once
// Which instructions this processor and its operating system let us use.

namespace qsim::kernels {

/// Features that a kernel may need. Plain data: a test may describe a processor it does not have.
struct Cpu {
  bool sse41 = false;
  bool avx2 = false;
  bool avx512 = false;       ///< F, BW, DQ and VL
  bool avx_vnni = false;     ///< VEX-encoded vpdpbusd(s)
  bool avx512_vnni = false;  ///< with `avx512`
  bool neon = false;
  bool dotprod = false;
  bool i8mm = false;
  friend constexpr bool operator==(const Cpu&, const Cpu&) = default;
};

/// Asks the processor, and the system whether it saves the wide registers. Some microseconds under
/// a hypervisor: ask once and pass the answer on.
Cpu host_cpu();

}  // namespace qsim::kernels
