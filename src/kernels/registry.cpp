#include "qsim/kernels/registry.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/base/close.hpp"
#include "qsim/profile/catalogue/arith.hpp"
#include "qsim/profile/catalogue/cast.hpp"

// The functions of this architecture's rows; the row of another architecture holds a null.
#if defined(__x86_64__)
#define QSIM_BUILT_x86(symbol) &symbol
#else
#define QSIM_BUILT_x86(symbol) nullptr
#endif
#if defined(__aarch64__)
#define QSIM_BUILT_arm64(symbol) &symbol
#else
#define QSIM_BUILT_arm64(symbol) nullptr
#endif

// Where the rows live that an operation's kernels cite: one line per operation.
#define QSIM_ROW_gemm_s8s8s32(obeys) arith::obeys
#define QSIM_ROW_gemm_u8s8s32(obeys) arith::obeys
#define QSIM_ROW_quantize_f32s8(obeys) cast::obeys

namespace qsim::kernels {

extern "C" {
#define QSIM_KERNEL(op, token, tile, arch, obeys) op op##_##token##_##tile;
#include "kernels/kernels.def"
#undef QSIM_KERNEL
}

namespace {

/// What an instruction token stands for.
struct Token {
  std::string_view text;
  bool Cpu::*needs;
  std::uint8_t lhs_bytes;
  std::uint16_t rate;
};

// Rates of x86 as measured in registers, of Arm as the widest cores issue them.
constexpr std::array tokens{
    Token{"sse41_madd", &Cpu::sse41, 2, 12},
    Token{"sse41_addhalf", &Cpu::sse41, 1, 1},
    Token{"avx2_madd", &Cpu::avx2, 2, 23},
    Token{"avx2_maddubs", &Cpu::avx2, 1, 30},
    Token{"avx2_addhalf", &Cpu::avx2, 1, 2},
    Token{"avxvnni_dpbusds", &Cpu::avx_vnni, 1, 64},
    Token{"avx512vnni_dpbusds", &Cpu::avx512_vnni, 1, 128},
    Token{"avx512_fma_addhalf", &Cpu::avx512, 1, 4},
    Token{"neon_smlal", &Cpu::neon, 1, 16},
    Token{"neon_smlal_deep", &Cpu::neon, 1, 16},
    Token{"neon_sdot", &Cpu::dotprod, 1, 64},
    Token{"neon_smmla", &Cpu::i8mm, 1, 128},
    Token{"neon_fcvtas", &Cpu::neon, 1, 1},
};

constexpr const Token& token_of(std::string_view text) {
  for (const Token& token : tokens)
    if (token.text == text) return token;
  throw "kernels.def: instruction token without a row in `tokens`";  // stops the compiler
}

/// "6x16" -> {6, 16}, "32" -> {32, 0}. A core suffix after '_' is not part of the extents.
constexpr std::pair<std::uint16_t, std::uint16_t> extents(std::string_view tile) {
  std::uint16_t value[2] = {0, 0};
  int at = 0;
  for (const char c : tile.substr(0, tile.find('_'))) {
    if (c == 'x')
      ++at;
    else
      value[at] = static_cast<std::uint16_t>(value[at] * 10 + (c - '0'));
  }
  return {value[0], value[1]};
}

constexpr Kernel row(std::string_view name, std::string_view op, std::string_view token,
                     std::string_view tile, Arch arch, std::string_view obeys) {
  const Token& known = token_of(token);
  Kernel k;
  k.name = name;
  k.op = op;
  k.isa = token.substr(0, token.find('_'));
  k.instruction = token.substr(token.find('_') + 1);
  k.tile = tile;
  k.obeys = obeys;
  k.arch = arch;
  k.needs = known.needs;
  k.lhs_bytes = known.lhs_bytes;
  k.rate = known.rate;
  k.mr = extents(tile).first;
  k.nr = extents(tile).second;
  return k;
}
constexpr Kernel bind(Kernel k, const Arith& arith, GemmTile* function) {
  k.arith = &arith;
  k.kr = arith.block;
  k.gemm = function;
  return k;
}
constexpr Kernel bind(Kernel k, const Cast& cast, QuantizeTile* function) {
  k.cast = &cast;
  k.quantize = function;
  return k;
}

#define QSIM_KERNEL(op, token, tile, arch, obeys)                             \
  bind(row(#op "_" #token "_" #tile, #op, #token, #tile, Arch::arch, #obeys), \
       QSIM_ROW_##op(obeys), QSIM_BUILT_##arch(op##_##token##_##tile)),
constexpr Kernel table[] = {
#include "kernels/kernels.def"
};
#undef QSIM_KERNEL

/// A gemm row has a tile mr x nr and a block, a quantize row a length only.
constexpr bool is_sane(const Kernel& k) { return k.mr != 0 && (k.nr != 0) == (k.kr != 0); }
static_assert([] {
  for (const Kernel& k : table)
    if (!is_sane(k)) return false;
  return true;
}());

/// The kernel that QSIM_KERNEL_FORCE demands for this kind of operation, or null.
const Kernel* forced(bool gemm, const Cpu& cpu) {
  const char* name = std::getenv("QSIM_KERNEL_FORCE");
  if (name == nullptr || *name == '\0') return nullptr;
  const Kernel& k = find(name);
  if ((k.arith != nullptr) != gemm) return nullptr;
  if (!supported(k, cpu))
    fail<NotSupported>("QSIM_KERNEL_FORCE: expected a kernel that runs here, got ", k.name,
                       k.built() ? ", whose instructions this processor lacks"
                                 : ", which is for another architecture",
                       "; unset it or name a supported kernel");
  return &k;
}

[[noreturn]] void fail_other_row(const Kernel& k) {
  fail<NotSupported>("QSIM_KERNEL_FORCE: expected a kernel of the profile's arithmetic, got ",
                     k.name, ", which obeys ", k.obeys,
                     "; unset it or choose a profile with that row");
}

/// Multiply-adds of the padded product; what a tile computes beyond the shape is waste.
double padded_work(const Kernel& k, const GemmShape& shape) {
  const auto up = [](std::size_t extent, std::size_t unit) {
    return static_cast<double>((extent + unit - 1) / unit) * static_cast<double>(unit);
  };
  return up(shape.m, k.mr) * up(shape.n, k.nr) * up(shape.k, k.kr);
}

}  // namespace

std::span<const Kernel> kernels() { return table; }

const Kernel& find(std::string_view name) {
  for (const Kernel& k : table)
    if (k.name == name) return k;
  std::vector<std::string_view> names;
  for (const Kernel& k : table) names.push_back(k.name);
  fail<UnknownName>("kernel: no kernel is named \"", name,
                    "\"; close matches: ", close_matches(name, names));
}

bool supported(std::string_view name) { return supported(find(name), host_cpu()); }

const Kernel* select_gemm(const Arith& arith, const GemmShape& shape, const Cpu& cpu) {
  if (const Kernel* k = forced(true, cpu)) {
    if (!(*k->arith == arith)) fail_other_row(*k);
    return k;
  }
  const Kernel* best = nullptr;
  double best_cost = 0;
  for (const Kernel& k : table) {
    if (k.arith == nullptr || !(*k.arith == arith) || !supported(k, cpu)) continue;
    const double cost = padded_work(k, shape) / k.rate;
    if (best == nullptr || cost < best_cost) {
      best = &k;
      best_cost = cost;
    }
  }
  return best;
}

const Kernel* select_quantize(const Cast& cast, const Cpu& cpu) {
  if (const Kernel* k = forced(false, cpu)) {
    if (!(*k->cast == cast)) fail_other_row(*k);
    return k;
  }
  const Kernel* best = nullptr;
  for (const Kernel& k : table) {
    if (k.cast == nullptr || !(*k.cast == cast) || !supported(k, cpu)) continue;
    if (best == nullptr || k.rate > best->rate) best = &k;
  }
  return best;
}

}  // namespace qsim::kernels
