#pragma once
// The table of kernels, made from kernels/kernels.def: their names, what they obey, where they run.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "qsim/kernels/abi.hpp"
#include "qsim/kernels/cpu.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::kernels {

enum class Arch : std::uint8_t { x86, arm64 };

/// One row of kernels.def. Exactly one of `arith`, `cast` is set; it names the operation's kind.
struct Kernel {
  std::string_view name;         ///< "gemm_u8s8s32_avx2_madd_6x16"
  std::string_view op;           ///< "gemm_u8s8s32"
  std::string_view isa;          ///< "avx2"
  std::string_view instruction;  ///< "madd"
  std::string_view tile;         ///< "6x16"
  std::string_view obeys;        ///< name of the row below: "x86_madd"
  Arch arch = Arch::x86;
  const Arith* arith = nullptr;  ///< chain of a gemm kernel
  const Cast* cast = nullptr;    ///< cast of a quantize kernel
  bool Cpu::*needs = nullptr;    ///< feature without which it stops the program
  std::uint16_t mr = 0;          ///< gemm: rows of a tile; quantize: values of a tile
  std::uint16_t nr = 0;          ///< gemm: columns of a tile
  std::uint16_t kr = 0;          ///< gemm: codes of a row per block (the chain's block)
  std::uint8_t lhs_bytes = 1;    ///< gemm: bytes of a packed left code
  std::uint16_t rate = 0;        ///< nominal multiply-adds (values) per cycle; for ranking
  GemmTile* gemm = nullptr;      ///< null when built for another architecture
  QuantizeTile* quantize = nullptr;

  constexpr bool built() const { return gemm != nullptr || quantize != nullptr; }
};

/// Extents of a product: m x k times k x n.
struct GemmShape {
  std::size_t m = 0, n = 0, k = 0;
};

/// Every row, in the order of kernels.def, for all architectures.
std::span<const Kernel> kernels();

/// The kernel with exactly this name. UnknownName with close matches otherwise.
const Kernel& find(std::string_view name);

/// Whether the kernel is built here and `cpu` has its instructions.
constexpr bool supported(const Kernel& kernel, const Cpu& cpu) {
  return kernel.built() && cpu.*kernel.needs;
}
/// The same by name on this processor. UnknownName.
bool supported(std::string_view name);

/// The fastest supported kernel that cites an Arith equal to `arith`; null when there is none.
/// The environment variable QSIM_KERNEL_FORCE=<name of a gemm kernel> overrides: UnknownName when
/// no kernel has that name, NotSupported when it cannot run here or obeys another chain.
const Kernel* select_gemm(const Arith& arith, const GemmShape& shape, const Cpu& cpu);

/// The same for casts; QSIM_KERNEL_FORCE=<name of a quantize kernel>.
const Kernel* select_quantize(const Cast& cast, const Cpu& cpu);

}  // namespace qsim::kernels
