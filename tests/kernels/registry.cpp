// The table of kernels: names, what they obey, which one is chosen, and what forcing does.

#include "qsim/kernels/registry.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/kernels/gemm.hpp"
#include "qsim/profile/catalogue/arith.hpp"
#include "qsim/profile/catalogue/cast.hpp"
#include "qsim/profile/catalogue/mnn.hpp"

namespace qsim::kernels {
namespace {

#define QSIM_KERNEL(op, token, tile, arch, obeys) #op "_" #token "_" #tile,
constexpr const char* listed[] = {
#include "kernels/kernels.def"
};
#undef QSIM_KERNEL

/// QSIM_KERNEL_FORCE for the lifetime of the object.
class Force {
 public:
  explicit Force(std::string_view name) {
    setenv("QSIM_KERNEL_FORCE", std::string(name).c_str(), 1);
  }
  ~Force() { unsetenv("QSIM_KERNEL_FORCE"); }
  Force(const Force&) = delete;
  Force& operator=(const Force&) = delete;
};

constexpr GemmShape some_shape{64, 64, 64};

std::string message_of_find(std::string_view name) {
  try {
    find(name);
  } catch (const UnknownName& e) {
    return e.what();
  }
  return "";
}

TEST(Registry, HoldsEveryRowOfTheListInOrder) {
  ASSERT_EQ(kernels().size(), std::size(listed));
  for (std::size_t i = 0; i < std::size(listed); ++i) EXPECT_EQ(kernels()[i].name, listed[i]);
}

/// Lower-case words and digits, joined by single underscores.
bool is_token(std::string_view text) {
  bool in_word = false;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!letter && (c != '_' || !in_word)) return false;
    in_word = letter;
  }
  return in_word;
}

TEST(Registry, NamesFollowTheGrammar) {
  std::set<std::string_view> seen;
  for (const Kernel& k : kernels()) {
    const std::string rest = std::string(k.isa) + "_" + std::string(k.instruction);
    EXPECT_EQ(k.name, std::string(k.op) + "_" + rest + "_" + std::string(k.tile));
    EXPECT_TRUE(is_token(k.op) && is_token(k.isa) && is_token(k.instruction)) << k.name;
    EXPECT_EQ(k.isa.find('_'), std::string_view::npos) << k.name;
    EXPECT_TRUE(k.op.starts_with(k.arith != nullptr ? "gemm_" : "quantize_")) << k.name;
    EXPECT_TRUE(seen.insert(k.name).second) << k.name;
  }
}

TEST(Registry, TheTileInTheNameIsTheTileOfTheKernel) {
  for (const Kernel& k : kernels()) {
    const std::string tile = k.arith != nullptr ? std::to_string(k.mr) + "x" + std::to_string(k.nr)
                                                : std::to_string(k.mr);
    EXPECT_EQ(k.tile.substr(0, tile.size()), tile) << k.name;
  }
}

TEST(Registry, OneTokenObeysOneRow) {
  for (const Kernel& a : kernels()) {
    for (const Kernel& b : kernels()) {
      if (a.op != b.op || a.isa != b.isa || a.instruction != b.instruction) continue;
      EXPECT_EQ(a.obeys, b.obeys) << a.name << " and " << b.name;
    }
  }
}

TEST(Registry, TheLeftTypeInTheNameIsWhatTheChainMultiplies) {
  for (const Kernel& k : kernels()) {
    if (k.arith == nullptr) continue;
    EXPECT_EQ(k.op == "gemm_u8s8s32", k.arith->lhs_unsigned) << k.name;
    EXPECT_EQ(k.arith->lhs_offset, k.arith->lhs_unsigned ? 128 : 0) << k.name;
  }
}

TEST(Registry, ServesEveryChainAndCastOfMnn) {
  for (const Profile& p : mnn::rows) {
    bool conv = false, fast = false, cast = false;
    for (const Kernel& k : kernels()) {
      conv = conv || (k.arith != nullptr && *k.arith == p.conv);
      fast = fast || (k.arith != nullptr && *k.arith == p.conv_fast);
      cast = cast || (k.cast != nullptr && *k.cast == p.cast);
    }
    EXPECT_TRUE(conv && fast && cast) << p.name.view();
  }
}

TEST(Registry, BuildsTheKernelsOfThisArchitectureOnly) {
#if defined(__x86_64__)
  constexpr Arch here = Arch::x86;
#else
  constexpr Arch here = Arch::arm64;
#endif
  for (const Kernel& k : kernels()) EXPECT_EQ(k.built(), k.arch == here) << k.name;
}

TEST(FindKernel, IsExact) {
  for (const Kernel& k : kernels()) EXPECT_EQ(&find(k.name), &k);
  EXPECT_THROW(find("gemm_u8s8s32_avx2_madd"), UnknownName);
  EXPECT_THROW(find("GEMM_u8s8s32_avx2_madd_6x16"), UnknownName);
  EXPECT_THROW(find(""), UnknownName);
}

TEST(FindKernel, AnUnknownNameOffersCloseMatches) {
  const std::string message = message_of_find("gemm_u8s8s32_avx2_mad_6x16");
  EXPECT_NE(message.find("close matches: gemm_u8s8s32_avx2_madd_6x16"), std::string::npos)
      << message;
}

TEST(SelectGemm, PicksTheFastestOfEqualChains) {
  const Cpu cpu = host_cpu();
  for (const Kernel& k : kernels()) {
    if (k.arith == nullptr || !supported(k, cpu)) continue;
    const Kernel* chosen = select_gemm(*k.arith, some_shape, cpu);
    ASSERT_NE(chosen, nullptr) << k.name;
    EXPECT_EQ(*chosen->arith, *k.arith);
    EXPECT_GE(chosen->rate, k.rate);
  }
}

TEST(SelectGemm, NeverNamesAKernelTheProcessorLacks) {
  EXPECT_EQ(select_gemm(arith::x86_madd, some_shape, Cpu{}), nullptr);
  for (const Kernel& k : kernels()) {
    if (k.arith == nullptr || !k.built()) continue;
    Cpu only;
    only.*k.needs = true;
    const Kernel* chosen = select_gemm(*k.arith, some_shape, only);
    ASSERT_NE(chosen, nullptr) << k.name;
    EXPECT_EQ(chosen->needs, k.needs);
  }
}

TEST(SelectGemm, ASmallProductTakesTheTileThatWastesLess) {
  Cpu cpu;
  cpu.avx_vnni = cpu.avx512_vnni = true;
  const Kernel& narrow = find("gemm_u8s8s32_avxvnni_dpbusds_6x16");
  if (!narrow.built()) GTEST_SKIP() << "cannot run here: " << narrow.name;
  EXPECT_EQ(select_gemm(arith::x86_vpdpbusds, {6, 16, 64}, cpu), &narrow);
  EXPECT_EQ(select_gemm(arith::x86_vpdpbusds, {96, 256, 64}, cpu)->tile, "6x64");
}

TEST(SelectGemm, AChainThatNobodyCitesHasNoKernel) {
  Arith odd = arith::x86_madd;
  odd.acc_bits = 24;
  EXPECT_EQ(select_gemm(odd, some_shape, host_cpu()), nullptr);
}

TEST(SelectQuantize, PicksAKernelThatCitesAnEqualCast) {
  const Cpu cpu = host_cpu();
  for (const Kernel& k : kernels()) {
    if (k.cast == nullptr || !supported(k, cpu)) continue;
    const Kernel* chosen = select_quantize(*k.cast, cpu);
    ASSERT_NE(chosen, nullptr) << k.name;
    EXPECT_EQ(*chosen->cast, *k.cast);
  }
  EXPECT_EQ(select_quantize(Cast{}, cpu), nullptr);
}

TEST(ForceKernel, TheForcedKernelIsTheOneThatRuns) {
  const Cpu cpu = host_cpu();
  int forced = 0;
  for (const Kernel& k : kernels()) {
    if (k.arith == nullptr || !supported(k, cpu)) continue;
    const Force force(k.name);
    const Kernel* chosen = select_gemm(*k.arith, some_shape, cpu);
    ASSERT_EQ(chosen, &k);
    const std::int8_t one = 1, two = 2;
    std::int32_t acc = 0;
    const PackedRhs packed = pack_rhs(*chosen, 1, 1, {&two, 1, 1});
    gemm(packed, 1, {&one, 1, 1}, &acc, 1, cpu);
    EXPECT_EQ(packed.kernel->name, k.name);
    EXPECT_EQ(acc, (1 + k.arith->lhs_offset) * 2) << k.name;
    ++forced;
  }
  EXPECT_GT(forced, 0);
}

TEST(ForceKernel, AnUnknownNameIsAnError) {
  const Force force("gemm_u8s8s32_avx3_madd_6x16");
  EXPECT_THROW(select_gemm(arith::x86_madd, some_shape, host_cpu()), UnknownName);
  EXPECT_THROW(select_quantize(cast::x86_add_half, host_cpu()), UnknownName);
}

TEST(ForceKernel, AKernelThatCannotRunIsAnError) {
  for (const Kernel& k : kernels()) {
    if (k.arith == nullptr) continue;
    const Force force(k.name);
    EXPECT_THROW(select_gemm(*k.arith, some_shape, Cpu{}), NotSupported) << k.name;
  }
}

TEST(ForceKernel, AKernelThatObeysAnotherChainIsAnError) {
  const Cpu cpu = host_cpu();
  Arith odd = arith::exact_i32;
  odd.acc_bits = 24;
  for (const Kernel& k : kernels()) {
    if (k.arith == nullptr || !supported(k, cpu)) continue;
    const Force force(k.name);
    EXPECT_THROW(select_gemm(odd, some_shape, cpu), NotSupported) << k.name;
  }
}

TEST(ForceKernel, LeavesOtherOperationsAlone) {
  const Cpu cpu = host_cpu();
  for (const Kernel& k : kernels()) {
    if (k.cast == nullptr || !supported(k, cpu)) continue;
    const Force force(k.name);
    EXPECT_EQ(select_quantize(*k.cast, cpu), &k);
    EXPECT_NO_THROW(select_gemm(arith::x86_madd, some_shape, cpu));
  }
}

TEST(HostCpu, AgreesWithTheCompilersOwnQuestion) {
  const Cpu cpu = host_cpu();
  EXPECT_EQ(cpu, host_cpu());
#if defined(__x86_64__)
  EXPECT_EQ(cpu.sse41, __builtin_cpu_supports("sse4.1") != 0);
  EXPECT_EQ(cpu.avx2, __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ(cpu.avx512, __builtin_cpu_supports("avx512bw") != 0 &&
                            __builtin_cpu_supports("avx512vl") != 0 &&
                            __builtin_cpu_supports("avx512dq") != 0);
  EXPECT_EQ(cpu.avx512_vnni, cpu.avx512 && __builtin_cpu_supports("avx512vnni") != 0);
  EXPECT_FALSE(cpu.neon || cpu.dotprod || cpu.i8mm);
#elif defined(__aarch64__)
  EXPECT_TRUE(cpu.neon);
  EXPECT_FALSE(cpu.sse41 || cpu.avx2 || cpu.avx512 || cpu.avx_vnni || cpu.avx512_vnni);
#endif
}

}  // namespace
}  // namespace qsim::kernels
