// Narrowing, and the NaN and infinity answers of every engine row.
#include "qsim/emu/narrow.hpp"

#include <gtest/gtest.h>

#include "num/host.hpp"
#include "profile/graph_rows.hpp"
#include "qsim/emu/cast.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::emu {
namespace {

const CodeRange symmetric{-127, 127};
constexpr F32 one = num::f32_one;
constexpr F32 nan = num::f32_nan;
constexpr F32 inf = num::f32_infinity;

bool is_x86(const Profile& p) { return p.name.view().find(".x64.") != std::string_view::npos; }
bool is_arm(const Profile& p) { return p.name.view().find(".arm64.") != std::string_view::npos; }

F32 f32(float x) { return test::as_f32(x); }

// mnn.md section 7, row "MNNFloat2Int8(NaN)".
TEST(EmuCast, NanBecomesTheHighestCodeOnX86) {
  for (const Profile& row : test::graph_rows())
    if (is_x86(row)) {
      EXPECT_EQ(quantize(row, nan, one, 0, symmetric), 127) << row.name.view();
    }
}

TEST(EmuCast, NanBecomesZeroOnArmWithoutTheZeroPoint) {
  for (const Profile& row : test::graph_rows())
    if (is_arm(row)) {
      EXPECT_EQ(quantize(row, nan, one, 5, symmetric), 0) << row.name.view();
    }
}

TEST(EmuCast, InfinitiesBecomeTheLimitsEverywhere) {
  for (const Profile& row : test::graph_rows()) {
    EXPECT_EQ(quantize(row, inf, one, 0, symmetric), 127) << row.name.view();
    EXPECT_EQ(quantize(row, num::negate(inf), one, 0, symmetric), -127) << row.name.view();
  }
}

TEST(EmuCast, ZeroTimesInfinityIsANan) {
  EXPECT_EQ(quantize(find_profile("mnn-2.9.0.x64.avx2"), num::f32_zero, inf, 0, symmetric), 127);
  EXPECT_EQ(quantize(find_profile("mnn-2.9.0.arm64.sdot"), num::f32_zero, inf, 0, symmetric), 0);
}

// mnn.md section 7, row "GEMM epilogue, S = NaN".
TEST(EmuRequantize, NanScaleAnswers127OnX86And0OnArm) {
  for (const Profile& row : test::graph_rows()) {
    const int code = requantize(row.epilogue, 100, nan, symmetric, row.float_mode);
    if (is_x86(row)) {
      EXPECT_EQ(code, 127) << row.name.view();
    }
    if (is_arm(row)) {
      EXPECT_EQ(code, 0) << row.name.view();
    }
  }
}

TEST(EmuRequantize, InfiniteScaleAnswersTheHighestForAPositiveSum) {
  for (const Profile& row : test::graph_rows()) {
    EXPECT_EQ(requantize(row.epilogue, 1, inf, symmetric, row.float_mode), 127) << row.name.view();
    EXPECT_EQ(requantize(row.epilogue, -1, inf, symmetric, row.float_mode), -127);
  }
}

// mnn.md section 7, row "depthwise, f = NaN / inf / 1e30".
TEST(EmuRequantize, DepthwiseNanInfAnd1e30AnswerTheLowestOnX86) {
  for (const Profile& row : test::graph_rows())
    if (is_x86(row))
      for (const F32 scale : {nan, inf, f32(1e30f)}) {
        EXPECT_EQ(requantize(row.depthwise, 1, scale, symmetric, row.float_mode), -127);
      }
}

TEST(EmuRequantize, DepthwiseNanInfAnd1e30Answer0And127OnArm) {
  for (const Profile& row : test::graph_rows())
    if (is_arm(row)) {
      EXPECT_EQ(requantize(row.depthwise, 1, nan, symmetric, row.float_mode), 0);
      EXPECT_EQ(requantize(row.depthwise, 1, inf, symmetric, row.float_mode), 127);
      EXPECT_EQ(requantize(row.depthwise, 1, f32(1e30f), symmetric, row.float_mode), 127);
    }
}

TEST(EmuRequantize, DepthwiseHugeNegativeAnswersTheLowestEverywhere) {
  for (const Profile& row : test::graph_rows()) {
    EXPECT_EQ(requantize(row.depthwise, -1, f32(1e30f), symmetric, row.float_mode), -127);
    EXPECT_EQ(requantize(row.depthwise, -1, inf, symmetric, row.float_mode), -127);
  }
}

TEST(EmuNarrow, AHairBelowOneHalfRoundsUpOnX86Only) {
  for (const Profile& row : test::graph_rows()) {
    const int plus = quantize(row, {0x3effffffu}, one, 0, symmetric);
    const int minus = quantize(row, {0xbeffffffu}, one, 0, symmetric);
    EXPECT_EQ(plus, is_x86(row) ? 1 : 0) << row.name.view();
    EXPECT_EQ(minus, -plus) << row.name.view();
  }
}

TEST(EmuNarrow, EngineRowsAgreeOnEveryOtherFiniteValue) {
  const Profile x86 = find_profile("mnn-2.9.0.x64.avx2");
  const Profile arm = find_profile("mnn-2.9.0.arm64.neon");
  for (int quarter = -700; quarter <= 700; ++quarter) {
    const F32 x = f32(static_cast<float>(quarter) / 4.0f);
    EXPECT_EQ(quantize(x86, x, one, 0, symmetric), quantize(arm, x, one, 0, symmetric)) << quarter;
  }
}

TEST(EmuNarrow, TiesGoAwayFromZeroOnEngineRows) {
  for (const Profile& row : test::graph_rows()) {
    if (!is_x86(row) && !is_arm(row)) continue;
    EXPECT_EQ(quantize(row, f32(2.5f), one, 0, symmetric), 3);
    EXPECT_EQ(quantize(row, f32(-2.5f), one, 0, symmetric), -3);
  }
}

TEST(EmuNarrow, TheClampIsSkippedOnRequestAndTheWordStillLimits) {
  for (const Profile& row : test::graph_rows()) {
    const CodeRange relu{10, 100, true};
    EXPECT_EQ(narrow(f32(-5.0f), relu, row.epilogue.narrow), -5) << row.name.view();
    EXPECT_EQ(narrow(f32(120.0f), relu, row.epilogue.narrow), 120) << row.name.view();
  }
  const Narrow arm = find_profile("mnn-2.9.0.arm64.neon").epilogue.narrow;
  EXPECT_EQ(narrow(f32(-1000.0f), {-127, 127, true}, arm), -128);
}

// A fused ReLU whose minimum lies above the maximum: mnn.md section 5, defects, item 3.
TEST(EmuNarrow, CrossedLimitsAnswerTheMinimumOnNeonAndTheMaximumOnSdot) {
  const CodeRange crossed{50, 20};
  const Profile neon = find_profile("mnn-2.9.0.arm64.neon");
  const Profile sdot = find_profile("mnn-2.9.0.arm64.sdot");
  const Profile i8mm = find_profile("mnn-2.9.0.arm64.i8mm");
  for (const float x : {-100.0f, 30.0f, 100.0f}) {
    EXPECT_EQ(narrow(f32(x), crossed, neon.epilogue.narrow), 50) << x;
    EXPECT_EQ(narrow(f32(x), crossed, sdot.epilogue.narrow), 20) << x;
    EXPECT_EQ(narrow(f32(x), crossed, i8mm.epilogue.narrow), 20) << x;
  }
}

TEST(EmuNarrow, CrossedLimitsAnswerTheMinimumOnX86) {
  const Narrow x86 = find_profile("mnn-2.9.0.x64.sse").epilogue.narrow;
  EXPECT_EQ(narrow(f32(0.0f), {50, 20}, x86), 50);
}

TEST(EmuNarrow, BytesStoredUnsignedReachBothRails) {
  const Narrow x86 = find_profile("mnn-2.9.0.x64.sse").epilogue.narrow;
  EXPECT_EQ(narrow(f32(-128.0f), {}, x86), -128);
  EXPECT_EQ(narrow(f32(127.0f), {}, x86), 127);
  EXPECT_EQ(narrow(f32(-1e9f), {}, x86), -128);
}

TEST(EmuNarrow, AWrappingOffsetTurnsTheHighestIntoTheLowest) {
  Narrow n = find_profile("mnn-2.9.0.x64.sse").depthwise.narrow;
  n.convert.too_high = RangeRule::saturate;
  EXPECT_EQ(narrow(f32(3e9f), {}, n), -128);  // 2^31 - 1 + 128 wraps
}

TEST(EmuRequantize, TheSumIsRoundedToBinary32BeforeItIsScaled) {
  const Epilogue& e = find_profile("mnn-2.9.0.arm64.sdot").epilogue;
  const FloatMode mode{};
  // 2^25 + 1 is not a binary32 number; times 2^-25 it is 1.00000003 or 1
  EXPECT_EQ(requantize(e, (1 << 25) + 1, f32(0.5f / (1 << 25)), {}, mode), 1);
  EXPECT_EQ(requantize(e, (1 << 24) - 1, f32(0.5f / (1 << 24)), {}, mode), 0);
  EXPECT_EQ(requantize(e, (1 << 25) - 1, f32(0.5f / (1 << 25)), {}, mode), 1);  // rounds to 2^25
}

}  // namespace
}  // namespace qsim::emu
