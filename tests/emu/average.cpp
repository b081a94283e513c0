#include "qsim/emu/average.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "num/host.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::emu {
namespace {

using Ints = std::vector<std::int32_t>;

F32 f32(float x) { return test::as_f32(x); }

const Profile x86 = find_profile("ort-1.30.x64.avx2");
const Profile arm = find_profile("ort-1.30.arm64.neon");
const Profile tflite = find_profile("tflite.ref.x64");
const Profile mnn_x86 = find_profile("mnn-2.9.0.x64.avx2");
const Profile mnn_arm = find_profile("mnn-2.9.0.arm64.neon");

/// A window over one plane of two axes, stride 1.
PoolOperands window(const Ints& input, std::vector<std::int64_t> image,
                    std::vector<std::int64_t> kernel, std::int64_t pad = 0) {
  PoolOperands a;
  a.window.image = image;
  a.window.kernel = kernel;
  a.window.stride = a.window.dilation = {1, 1};
  a.window.pad = {pad, pad};
  for (std::size_t d = 0; d < 2; ++d) a.window.out.push_back(image[d] + 2 * pad - kernel[d] + 1);
  a.padded = pad != 0;
  a.input = input;
  a.in.scale = a.out.scale = num::f32_one;
  return a;
}

TEST(EmuAverage, FourNumbersByHand) {
  const Ints x{1, 2, 3, 6, 0};  // 12/4 = 3; of 2, 3, 6, 0: 11/4
  const PoolOperands a = window(x, {1, 5}, {1, 4});
  for (const Profile& row : {x86, arm, tflite, mnn_arm})
    EXPECT_EQ(average_pool(row, a), (Ints{3, row.average.scheme == AverageScheme::engine ? 2 : 3}))
        << row.name.view();
}

TEST(EmuAverage, TiesAreEvenInBinary32AndAwayInIntegers) {
  const Ints x{1, 4, 1, -4, -1};  // means 5/2, 5/2, -3/2, -5/2
  const PoolOperands a = window(x, {1, 5}, {1, 2});
  for (const Profile& row : {x86, arm}) EXPECT_EQ(average_pool(row, a), (Ints{2, 2, -2, -2}));
  EXPECT_EQ(average_pool(tflite, a), (Ints{3, 3, -2, -3}));
}

// 1/2 in the output's scale: with zero point 1 it rounds as 3/2, to 2.
TEST(EmuAverage, TheZeroPointJoinsBeforeRounding) {
  const Ints x{3, 4};
  PoolOperands a = window(x, {1, 2}, {1, 1});
  a.in = {f32(0.5f), 3};
  a.out = {num::f32_one, 1};
  EXPECT_EQ(average_pool(x86, a), (Ints{1, 2}));
}

TEST(EmuAverage, PadsCountOnRequest) {
  const Ints x{4, 8, 2, 6};
  PoolOperands a = window(x, {2, 2}, {2, 2}, 1);
  EXPECT_EQ(average_pool(x86, a), (Ints{4, 6, 8, 3, 5, 7, 2, 4, 6}));
  a.count_include_pad = true;
  EXPECT_EQ(average_pool(x86, a), (Ints{1, 3, 2, 2, 5, 4, 0, 2, 2}));
}

// (-15 - 21 - 28 - 30)/4 = -23.5: an integer sum ties to -24; four products with fl(0.4), summed
// and divided again, are above it. With zero point 1 a window of 1/2 is rounded as 3/2; an image is
// rounded first.
TEST(EmuAverage, AWindowOverTheWholeImageIsRescaled) {
  const Ints x{-15, -21, -28, -30};
  PoolOperands a = window(x, {2, 2}, {2, 2});
  a.in.scale = a.out.scale = f32(0.4f);
  PoolOperands padded = a;
  padded.padded = true;
  for (const Profile& row : {x86, arm}) {
    EXPECT_EQ(average_pool(row, a), Ints{-24}) << row.name.view();
    EXPECT_EQ(average_pool(row, padded), Ints{-23}) << row.name.view();
  }
  const Ints y{1, 0};
  PoolOperands b = window(y, {1, 2}, {1, 2});
  b.out.zero = 1;
  EXPECT_EQ(average_pool(x86, b), Ints{1});
  b.padded = true;
  EXPECT_EQ(average_pool(x86, b), Ints{2});
}

TEST(EmuAverage, IntegerAveragesKeepTheirScale) {
  const Ints x{1, 2};
  PoolOperands a = window(x, {1, 2}, {1, 2});
  a.out.scale = f32(0.5f);
  EXPECT_THROW(average_pool(tflite, a), BadArgument);
  EXPECT_THROW(max_pool(x86, a), BadArgument);
  a.out = {num::f32_one, 3};
  EXPECT_THROW(average_pool(tflite, a), BadArgument);
}

TEST(EmuAverage, AWindowWithoutAPixelIsRefusedByIntegers) {
  const Ints x{1};
  EXPECT_THROW(average_pool(tflite, window(x, {1, 1}, {1, 1}, 1)), BadArgument);
  EXPECT_EQ(average_pool(arm, window(x, {1, 1}, {1, 1}, 1)), (Ints{0, 0, 0, 0, 1, 0, 0, 0, 0}));
  EXPECT_EQ(average_pool(x86, window(x, {1, 1}, {1, 1}, 1))[0], -128);  // 0/0 cast to INT_MIN
}

TEST(EmuAverage, EngineRowsPoolAsBefore) {
  const Ints x{-100, 50, 7, 7, -3, 9};
  const std::vector<std::int8_t> codes(x.begin(), x.end());
  const PoolOperands a = window(x, {2, 3}, {2, 2});
  const PoolShape s{.h = 2, .w = 3, .kh = 2, .kw = 2, .out_h = 1, .out_w = 2};
  for (const Profile& row : {mnn_x86, mnn_arm}) {
    const std::vector<std::int8_t> mean = average_pool(row.pool, s, codes);
    const std::vector<std::int8_t> top = max_pool(row.pool, s, codes);
    EXPECT_EQ(average_pool(row, a), Ints(mean.begin(), mean.end())) << row.name.view();
    EXPECT_EQ(max_pool(row, a), Ints(top.begin(), top.end())) << row.name.view();
    PoolOperands counted = a;
    counted.count_include_pad = true;
    EXPECT_THROW(average_pool(row, counted), NotSupported);
    PoolOperands limited = a;
    limited.range.high = 5;
    EXPECT_THROW(max_pool(row, limited), NotSupported);
    PoolOperands bytes = a;
    bytes.range = {0, 255, false, 0, 255};
    EXPECT_THROW(max_pool(row, bytes), NotSupported);
  }
}

TEST(EmuMaxPool, TakesTheLargestCodeWithinLimits) {
  const Ints x{-5, 3, 100, -7};
  PoolOperands a = window(x, {2, 2}, {1, 2});
  EXPECT_EQ(max_pool(tflite, a), (Ints{3, 100}));
  a.range.high = 50;
  a.range.low = 10;
  EXPECT_EQ(max_pool(tflite, a), (Ints{10, 50}));
  EXPECT_EQ(max_pool(arm, window(x, {2, 2}, {1, 1}, 1))[0], -128);  // nothing inside
}

TEST(EmuAverage, PlanesAreIndependentAndDilationSkips) {
  const Ints x{1, 2, 3, 10, 20, 30};
  PoolOperands a = window(x, {1, 3}, {1, 2});
  a.window.channels = 2;
  a.window.dilation = {1, 2};
  a.window.out = {1, 1};
  EXPECT_EQ(average_pool(tflite, a), (Ints{2, 20}));
}

TEST(EmuAverage, RowsWithoutARuleRefuse) {
  const Profile none{.name = {"nobody"}};
  const Ints x{1};
  EXPECT_THROW(average_pool(none, window(x, {1, 1}, {1, 1})), NotSupported);
}

}  // namespace
}  // namespace qsim::emu
