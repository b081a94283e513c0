#include "qsim/emu/fuse.hpp"

#include <gtest/gtest.h>

#include "num/host.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::emu {
namespace {

F32 f32(float x) { return test::as_f32(x); }

struct Channel {
  float alpha = 1.0f, bias = 0.0f;
  std::int32_t sum = 0;
};

/// Fused parameters of `n` equal channels.
Fused fused(const char* profile, const QInfo& in, const QInfo& out, const Channel& c,
            std::size_t n = 1) {
  const std::vector<F32> alpha(n, f32(c.alpha));
  const std::vector<F32> bias(n, f32(c.bias));
  const std::vector<std::int32_t> sums(n, c.sum);
  const Profile row = find_profile(profile);
  return fuse(row, in, out, alpha, bias, sums, row.epilogue.bias);
}
QInfo info(float scale, float zero = 0.0f) { return {f32(scale), f32(zero)}; }

constexpr const char* x86 = "mnn-2.9.0.x64.avx2";
constexpr const char* exact_x86 = "mnn-2.9.0.x64.avx2.emulated";
constexpr const char* arm = "mnn-2.9.0.arm64.sdot";

TEST(EmuFuse, ScaleIsAlphaTimesTheRatioRoundedTwice) {
  const F32 ratio = num::div(f32(0.1f), f32(0.3f));
  EXPECT_EQ(fused(arm, info(0.1f), info(0.3f), {.alpha = 0.7f}).scale[0],
            num::mul(f32(0.7f), ratio));
}

TEST(EmuFuse, BiasAddsBothQuotientsAndSubtractsTheKernelSum) {
  // 6/(0.5*0.25) + 8/(0.25*0.5/1) - 10*3
  const Fused f = fused(arm, info(0.5f, 3.0f), info(1.0f, 8.0f), {0.25f, 6.0f, 10});
  EXPECT_EQ(f.bias[0], 48 + 64 - 30);
}

TEST(EmuFuse, X86SubtractsTheKernelSumTimesZeroPlus128) {
  const Fused f = fused(exact_x86, info(0.5f, 3.0f), info(1.0f, 8.0f), {0.25f, 6.0f, 10});
  EXPECT_EQ(f.bias[0], 48 + 64 - 10 * 131);
}

TEST(EmuFuse, QuotientsAreTruncatedOneByOne) {
  const Fused f = fused(arm, info(1.0f), info(1.0f, 0.75f), {1.0f, 0.75f, 0});
  EXPECT_EQ(f.bias[0], 0);
  EXPECT_EQ(fused(arm, info(1.0f), info(1.0f, -1.75f), {1.0f, 0.75f, 0}).bias[0], -1);
}

TEST(EmuFuse, AFractionalInputZeroEntersUnrounded) {
  EXPECT_EQ(fused(arm, info(1.0f, 0.5f), info(1.0f), {1.0f, 0.0f, -3}).bias[0], 1);  // +1.5
}

TEST(EmuFuse, PowerOfTwoDivisorLosesOneInAGroupOfFourOnX86) {
  const Fused f = fused(x86, info(1.0f, -128.0f), info(1.0f), {1.0f, 5.0f, 0}, 6);
  for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(f.bias[k], 4) << k;
  for (std::size_t k = 4; k < 6; ++k) EXPECT_EQ(f.bias[k], 5) << k;
}

TEST(EmuFuse, FewerThanFourChannelsAreDivided) {
  const Fused f = fused(x86, info(1.0f, -128.0f), info(1.0f), {1.0f, 5.0f, 0}, 3);
  for (const std::int32_t b : f.bias) EXPECT_EQ(b, 5);
}

TEST(EmuFuse, AnEmulatorsReciprocalLosesNothingAtPowersOfTwo) {
  const Fused f = fused(exact_x86, info(1.0f, -128.0f), info(1.0f), {1.0f, 5.0f, 0}, 4);
  for (const std::int32_t b : f.bias) EXPECT_EQ(b, 5);
}

TEST(EmuFuse, SmallAlphaIsReplacedByOneMillionth) {
  const F32 floor = f32(1e-6f);
  for (const float alpha : {0.0f, 1e-7f, -1e-7f, 1e-6f})
    EXPECT_EQ(fused(arm, info(1.0f), info(1.0f), {.alpha = alpha}).scale[0], floor) << alpha;
  const F32 above{floor.bits + 1};
  EXPECT_EQ(fused(arm, info(1.0f), info(1.0f), {.alpha = test::as_float(above)}).scale[0], above);
  EXPECT_EQ(fused(arm, info(1.0f), info(1.0f), {.alpha = -1e-5f}).scale[0], f32(-1e-5f));
}

TEST(EmuFuse, NanAlphaSurvivesOnlyInTheTailOfX86) {
  const float nan = std::bit_cast<float>(0x7fc00000u);
  const Fused f = fused(x86, info(1.0f), info(1.0f), {.alpha = nan}, 5);
  for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(f.scale[k], f32(1e-6f)) << k;
  EXPECT_TRUE(num::is_nan(f.scale[4]));
  for (const F32 s : fused(arm, info(1.0f), info(1.0f), {.alpha = nan}, 5).scale)
    EXPECT_EQ(s, f32(1e-6f));
}

TEST(EmuFuse, AZeroScaleLeavesTheBuffersUnwrittenOnEngineRows) {
  for (const Profile& row : catalogue()) {
    const std::vector<F32> ones(1, num::f32_one);
    const std::vector<std::int32_t> sums(1);
    EXPECT_FALSE(fuse(row, info(0.0f), info(1.0f), ones, ones, sums).written) << row.name.view();
    EXPECT_FALSE(fuse(row, info(1.0f), info(-0.0f), ones, ones, sums).written) << row.name.view();
  }
}

TEST(EmuFuse, ASubnormalScaleCountsAsZeroWhereInputsAreFlushed) {
  const QInfo tiny{F32{0x00700000u}};
  EXPECT_FALSE(fused(arm, tiny, info(1.0f), {}).written);
  EXPECT_TRUE(fused("ieee.fp32", tiny, info(1.0f), {}).written);
}

TEST(EmuFuse, ANanScaleCountsAsZeroOnX86AndFlowsOnArm) {
  const QInfo nan{num::f32_nan};
  EXPECT_FALSE(fused(x86, nan, info(1.0f), {}).written);
  EXPECT_FALSE(fused(x86, info(1.0f), nan, {}).written);
  const Fused f = fused(arm, nan, info(1.0f), {});
  EXPECT_TRUE(f.written);
  EXPECT_TRUE(num::is_nan(f.scale[0]));
  EXPECT_EQ(f.bias[0], 0);
}

TEST(EmuFuse, AQuotientBeyondInt32IsLowestOnX86AndRealOnArm) {
  const Channel big{1.0f, 4e9f, 0};
  EXPECT_EQ(fused(exact_x86, info(1.0f, -128.0f), info(1.0f), big).bias[0], -2147483647 - 1);
  EXPECT_EQ(fused(arm, info(1.0f), info(1.0f), big).bias[0], 2147483647);
  // two huge quotients of opposite signs cancel where they stay real
  EXPECT_EQ(fused(arm, info(1.0f), info(1.0f, -4e9f), big).bias[0], 0);
}

TEST(EmuFuse, TheKernelTermIsRoundedBeforeItIsSubtractedOnX86Only) {
  // 0x1001 * 4097 = 2^24 + 2^13 + 1 needs 25 bits; the bias brings it back to 1
  const float bias = 16777216.0f + 8192.0f;
  EXPECT_EQ(fused(exact_x86, info(1.0f, 4097.0f - 128.0f), info(1.0f), {1.0f, bias, 4097}).bias[0],
            0);
  EXPECT_EQ(fused(arm, info(1.0f, 4097.0f), info(1.0f), {1.0f, bias, 4097}).bias[0], -1);
}

TEST(EmuFuse, ALateBiasIsScaledByItselfOrReal) {
  const Fused scaled = fused("mnn-2.9.3.arm64.sdot", info(0.5f), info(1.0f), {0.25f, 6.3f, 10});
  EXPECT_EQ(scaled.bias[0], 50);  // 6.3/0.125 truncated
  EXPECT_EQ(scaled.real_bias[0], f32(6.25f));
  // 6.25 - 10*0.25*3*0.5, in codes of 0.5, plus the zero point
  const Fused real = fused("mnn-3.x.arm64.sdot", info(0.5f, 3.0f), info(0.5f, 8.0f),
                           {0.25f, 6.25f, 10});
  EXPECT_EQ(real.real_bias[0], f32(13.0f));
  EXPECT_EQ(real.scale[0], f32(0.25f));
  EXPECT_EQ(real.ratio, num::f32_one);
  const Fused later_x86 = fused("mnn-3.x.x64.avx2", info(0.5f, 3.0f), info(0.5f, 8.0f),
                          {0.25f, 6.25f, 10});
  EXPECT_EQ(later_x86.real_bias[0], f32(13.0f - 320.0f));
}

TEST(EmuFuse, AZeroScaleFallsBackToTheStoredOnesWhereTheRowSays) {
  const auto scale_of = [](const char* row, const QInfo& in, const QInfo& out) {
    const auto [from, to] = fused_infos(find_profile(row), in, out, f32(0.5f), f32(0.25f));
    return num::div(from.scale, to.scale);
  };
  EXPECT_EQ(scale_of("mnn-2.9.3.arm64.sdot", info(0.0f, 3.0f), info(1.0f)), f32(2.0f));
  EXPECT_EQ(scale_of("mnn-3.x.x64.avx2", info(1.0f), info(0.0f)), f32(2.0f));
  EXPECT_EQ(scale_of("mnn-2.9.3.arm64.sdot", info(3.0f), info(1.0f)), f32(3.0f));
  EXPECT_EQ(scale_of(arm, info(0.0f), info(1.0f)), f32(0.0f));
}

}  // namespace
}  // namespace qsim::emu
