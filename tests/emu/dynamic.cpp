#include "qsim/emu/dynamic.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "num/host.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::emu {
namespace {

using Ints = std::vector<std::int32_t>;

std::vector<F32> f32(const std::vector<float>& x) {
  std::vector<F32> out;
  for (const float v : x) out.push_back(test::as_f32(v));
  return out;
}

const Profile sse = find_profile("ort-1.30.x64.sse");
const Profile avx = find_profile("ort-1.30.x64.avx2");
const Profile arm = find_profile("ort-1.30.arm64.neon");

/// A row with per-row scales as matrix products of signed activations use them.
Profile signed_row() {
  Profile p = arm;
  p.dynamic = {.scheme = DynamicScheme::signed_255};
  return p;
}

struct Result {
  Ints codes;
  float scale;
  int zero;
};
Result run(const Profile& row, const std::vector<F32>& x) {
  Ints codes(x.size());
  const DynamicParameters p = dynamic_quantize<std::int32_t>(row, x, codes);
  return {codes, test::as_float(p.scale), p.zero};
}

TEST(EmuDynamic, FourNumbersByHand) {
  const Result r = run(arm, f32({-1.0f, 0.0f, 0.5f, 4.1f}));  // 5.1/255 = 0.02
  EXPECT_FLOAT_EQ(r.scale, 0.02f);
  EXPECT_EQ(r.zero, 50);
  EXPECT_EQ(r.codes, (Ints{0, 50, 75, 255}));
}

TEST(EmuDynamic, TheRangeHoldsZero) {
  EXPECT_EQ(run(avx, f32({2.0f, 5.1f})).zero, 0);
  EXPECT_EQ(run(avx, f32({-2.0f, -5.1f})).zero, 255);
  const Result flat = run(avx, f32({0.0f, 0.0f}));
  EXPECT_EQ(flat.scale, 1.0f);
  EXPECT_EQ(flat.zero, 0);
  EXPECT_EQ(run(avx, {}).scale, 1.0f);
}

/// A maximum of 9 in lane 0, a NaN `at`, ones elsewhere.
float largest(const Profile& row, std::size_t n, std::size_t at) {
  std::vector<F32> x(n, num::f32_one);
  x[0] = test::as_f32(9.0f);
  x[at] = num::f32_nan;
  return test::as_float(extremes(row.dynamic, x).high);
}

TEST(EmuDynamic, ANaNErasesWhatItsLaneHeldAndTheNextElementErasesTheNaN) {
  EXPECT_EQ(largest(sse, 12, 4), 1.0f);  // lane 0 of 4 held 9, then NaN, then 1
  EXPECT_EQ(largest(sse, 12, 5), 9.0f);  // lane 1
  EXPECT_EQ(largest(avx, 12, 5), 9.0f);  // lane 5 of 8
}

TEST(EmuDynamic, HalvesOfAVectorMeetWithTheUpperOneSecond) {
  EXPECT_EQ(largest(avx, 12, 4), 1.0f);  // max(lane 0, lane 4) is NaN, max(that, lane 2) is 1
  EXPECT_EQ(largest(sse, 4, 2), 1.0f);
  for (const std::size_t last : {3, 7})  // nothing comes after the last lane
    EXPECT_TRUE(std::isnan(largest(last == 7 ? avx : sse, last + 1, last)));
}

TEST(EmuDynamic, ANaNAfterTheLastVectorIsDropped) {
  for (const Profile& row : {sse, avx, arm}) EXPECT_EQ(largest(row, 9, 8), 9.0f);
  for (std::size_t at = 1; at < 8; ++at) EXPECT_TRUE(std::isnan(largest(arm, 9, at))) << at;
}

TEST(EmuDynamic, FourAccumulatorsMergeInPairs) {
  EXPECT_EQ(largest(sse, 16, 4), 1.0f);   // vector 1 into 0: NaN; then vector 2 into that: 1
  EXPECT_EQ(largest(sse, 16, 8), 9.0f);   // vector 3 into 2 erases the NaN before 2 meets 0
  EXPECT_EQ(largest(sse, 16, 12), 1.0f);  // vector 3 into 2, 2 into 0: NaN; then lane 2: 1
  EXPECT_TRUE(std::isnan(largest(sse, 16, 15)));
  EXPECT_EQ(largest(sse, 20, 15), 9.0f);  // a single vector follows and erases it
}

TEST(EmuDynamic, InfinitiesAndNaNMakeTheWholeTensorZero) {
  const Result inf = run(arm, {num::f32_one, num::f32_infinity});
  EXPECT_EQ(inf.scale, HUGE_VALF);
  EXPECT_EQ(inf.zero, 0);
  EXPECT_EQ(inf.codes, (Ints{0, 0}));
  const Result nan = run(arm, std::vector<F32>(4, num::f32_nan));
  EXPECT_TRUE(std::isnan(nan.scale));
  EXPECT_EQ(nan.zero, 255);
  EXPECT_EQ(nan.codes, Ints(4, 0));
}

TEST(EmuDynamic, SignedCodesAreMultipliedNotDivided) {
  const Profile row = signed_row();
  const Result r = run(row, f32({-1.0f, 0.0f, 0.5f, 4.1f}));  // 255/5.1 = 50, -128 + 50 = -78
  EXPECT_FLOAT_EQ(r.scale, 0.02f);
  EXPECT_EQ(r.zero, -78);
  EXPECT_EQ(r.codes, (Ints{-128, -78, -53, 127}));
  EXPECT_EQ(dynamic_range(row.dynamic).type_low, -128);
}
// codes -128 + 85.5 = -42.5 and 127 - 169.5 = -42.5: one zero point, ties to even.
TEST(EmuDynamic, TheSignedZeroPointIsRoundedHalfToEven) {
  EXPECT_EQ(run(signed_row(), f32({-85.5f, 169.5f})).zero, -42);
  EXPECT_EQ(run(signed_row(), f32({-3.0f, -1.0f})).zero, 127);
  EXPECT_EQ(run(signed_row(), {num::f32_nan}).zero, -128);
}

TEST(EmuDynamic, RowsWithoutARuleRefuse) {
  Profile p = avx;
  p.dynamic.scheme = DynamicScheme::none;
  EXPECT_THROW(run(p, {num::f32_one}), NotSupported);
}

}  // namespace
}  // namespace qsim::emu
