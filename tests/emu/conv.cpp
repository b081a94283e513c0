#include "qsim/emu/convolve.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "num/host.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::emu {
namespace {

using Codes8 = std::vector<std::int8_t>;

/// Operands of one convolution with unit scales, so that codes show sums directly.
struct Problem {
  ConvShape shape;
  Codes8 input, weights;
  Fused fused;
  CodeRange range{};
  std::int8_t pad_code = 0, lane_code = 0;
  bool fast = false;

  Codes run(const Profile& row) const {
    const ConvOperands a{input, weights, pad_code, lane_code, &fused, range, fast};
    return convolve(row, shape, a);
  }
  Codes run_depthwise(const Profile& row) const {
    const ConvOperands a{input, weights, pad_code, lane_code, &fused, range, fast};
    return depthwise(row, shape, a);
  }
};

Codes8 random_codes(test::Random& random, std::size_t n) {
  Codes8 codes(n);
  for (std::int8_t& q : codes) q = static_cast<std::int8_t>(random.below(256));
  return codes;
}

Problem make(const ConvShape& s, std::uint64_t seed, bool per_channel = false) {
  test::Random random(seed);
  Problem p;
  p.shape = s;
  p.input = random_codes(random, static_cast<std::size_t>(s.batch * s.in * s.h * s.w));
  p.weights =
      random_codes(random, static_cast<std::size_t>(s.out * s.taps() * (per_channel ? 1 : s.in)));
  p.fused.scale.assign(static_cast<std::size_t>(s.out), test::as_f32(0.0009765625f));
  p.fused.bias.assign(static_cast<std::size_t>(s.out), 5);
  return p;
}

/// round-half-away((sum + bias) * scale) by loops over the definition. Offset: x86 adds 128*K.
std::int8_t naive(const Problem& p, int n, int o, int oy, int ox, bool per_channel,
                  std::int32_t offset) {
  const ConvShape& s = p.shape;
  std::int64_t sum = p.fused.bias[static_cast<std::size_t>(o)];
  for (int c = 0; c < (per_channel ? 1 : s.in); ++c)
    for (int ky = 0; ky < s.kh; ++ky)
      for (int kx = 0; kx < s.kw; ++kx) {
        const int y = oy * s.stride_h - s.pad_h + ky * s.dilation_h;
        const int x = ox * s.stride_w - s.pad_w + kx * s.dilation_w;
        const bool inside = y >= 0 && y < s.h && x >= 0 && x < s.w;
        const int channel = per_channel ? o : c;
        const int q =
            inside ? p.input[static_cast<std::size_t>(((n * s.in + channel) * s.h + y) * s.w + x)]
                   : p.pad_code;
        const int depth = per_channel ? 1 : s.in;
        sum += (q + offset) *
               p.weights[static_cast<std::size_t>(((o * depth + c) * s.kh + ky) * s.kw + kx)];
      }
  const std::int64_t v = num::shift_right(sum, 10, Ties::half_away);
  return static_cast<std::int8_t>(num::saturate(v, 8));
}

void expect_naive(const Problem& p, const Codes& got, bool per_channel, std::int32_t offset) {
  const ConvShape& s = p.shape;
  std::size_t at = 0;
  for (int n = 0; n < s.batch; ++n)
    for (int o = 0; o < s.out; ++o)
      for (int oy = 0; oy < s.out_h; ++oy)
        for (int ox = 0; ox < s.out_w; ++ox)
          ASSERT_EQ(int{got.code[at++]}, int{naive(p, n, o, oy, ox, per_channel, offset)})
              << "image " << n << " channel " << o << " at " << oy << ',' << ox;
}

constexpr ConvShape padded_3x3{.batch = 2, .in = 5, .h = 6, .w = 5, .out = 3, .kh = 3, .kw = 3,
                               .pad_h = 1, .pad_w = 1, .out_h = 6, .out_w = 5};
constexpr ConvShape strided{.in = 7, .h = 9, .w = 8, .out = 4, .kh = 2, .kw = 3, .stride_h = 2,
                            .stride_w = 3, .pad_w = 2, .dilation_h = 3, .out_h = 3, .out_w = 4};

TEST(EmuConv, EqualsTheDefinitionOnExactRows) {
  for (const char* name : {"ieee.fp32", "mnn-2.9.0.arm64.sdot", "mnn-2.9.0.x64.avx2"})
    for (const ConvShape& s : {padded_3x3, strided}) {
      Problem p = make(s, 11);
      p.pad_code = -9;
      const Profile row = find_profile(name);
      expect_naive(p, p.run(row), false, row.conv.lhs_offset);
    }
}

TEST(EmuConv, AnExactRowSpecifiesEveryOutput) {
  const Codes y = make(padded_3x3, 1).run(find_profile("mnn-2.9.0.arm64.sdot"));
  EXPECT_TRUE(y.unspecified.empty());
}

TEST(EmuConv, ThePadCodeIsReadOutsideTheImage) {
  Problem p = make({.kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1}, 1);
  p.input = {0};
  p.weights = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  p.fused = {{num::f32_one}, {0}};
  p.pad_code = 7;
  EXPECT_EQ(p.run(find_profile("ieee.fp32")).code[0], 56);
}

TEST(EmuConv, UnusedLanesMeetZeroWeights) {
  for (const char* name : {"mnn-2.9.0.arm64.sdot", "mnn-2.9.0.x64.avx2"}) {
    Problem p = make(padded_3x3, 3);
    const Codes zero = p.run(find_profile(name));
    p.lane_code = -128;
    EXPECT_EQ(p.run(find_profile(name)).code, zero.code) << name;
  }
}

/// A 1x1 convolution of `pixels` pixels and depth 32 with large codes and a narrow range.
Problem remainder(int pixels) {
  Problem p = make({.in = 32, .h = 1, .w = pixels, .out = 8, .out_w = pixels}, 21);
  p.range = {-10, 10};
  return p;
}

TEST(EmuConvTile, OneAndFourPixelsLeftAreExactOnNeon) {
  const Profile neon = find_profile("mnn-2.9.0.arm64.neon");
  const Profile sdot = find_profile("mnn-2.9.0.arm64.sdot");
  for (const int pixels : {1, 4, 5, 8, 9})
    EXPECT_EQ(remainder(pixels).run(neon).code, remainder(pixels).run(sdot).code) << pixels;
}

TEST(EmuConvTile, TwoPixelsLeftAreNotClampedOnNeon) {
  const Profile neon = find_profile("mnn-2.9.0.arm64.neon");
  for (const int pixels : {2, 6, 10}) {
    const Problem p = remainder(pixels);
    Problem open = p;
    open.range = {};
    const Codes got = p.run(neon);
    const Codes want = open.run(neon);
    for (int o = 0; o < 8; ++o)
      for (int x = 0; x < pixels; ++x) {
        const std::size_t at = static_cast<std::size_t>(o * pixels + x);
        const int clamped = std::clamp<int>(want.code[at], -10, 10);
        EXPECT_EQ(got.code[at], x < pixels - 2 ? clamped : want.code[at]);
      }
  }
}

TEST(EmuConvTile, OfThreePixelsLeftTheLastCountsUpperHalvesTwiceOnNeon) {
  const Profile neon = find_profile("mnn-2.9.0.arm64.neon");
  for (const int pixels : {3, 7}) {
    Problem p = remainder(pixels);
    p.range = {};
    Problem doubled = p;  // the same sum with the second block's upper half added to the weights
    for (std::int8_t& w : p.weights) w = static_cast<std::int8_t>(w / 2);
    doubled.weights = p.weights;
    for (std::size_t o = 0; o < 8; ++o)
      for (std::size_t k = 24; k < 32; ++k)
        doubled.weights[o * 32 + k] = static_cast<std::int8_t>(2 * p.weights[o * 32 + k]);
    const Codes got = p.run(neon);
    const Codes plain = p.run(find_profile("mnn-2.9.0.arm64.sdot"));
    const Codes twice = doubled.run(find_profile("mnn-2.9.0.arm64.sdot"));
    for (int o = 0; o < 8; ++o)
      for (int x = 0; x < pixels; ++x) {
        const std::size_t at = static_cast<std::size_t>(o * pixels + x);
        EXPECT_EQ(got.code[at], x == pixels - 1 ? twice.code[at] : plain.code[at]) << o << ' ' << x;
      }
  }
}

TEST(EmuConvTile, ADepthOfOneBlockHasNothingToDouble) {
  Problem p = make({.in = 16, .h = 1, .w = 3, .out = 4, .out_w = 3}, 5);
  EXPECT_EQ(p.run(find_profile("mnn-2.9.0.arm64.neon")).code,
            p.run(find_profile("mnn-2.9.0.arm64.sdot")).code);
}

TEST(EmuConvTile, RemaindersCountPixelsOfTheWholeBatch) {
  Problem p = make({.batch = 3, .in = 32, .out = 8}, 9);  // 3 pixels in 3 images
  const Codes neon = p.run(find_profile("mnn-2.9.0.arm64.neon"));
  const Codes exact = p.run(find_profile("mnn-2.9.0.arm64.sdot"));
  for (std::size_t at = 0; at < 16; ++at) EXPECT_EQ(neon.code[at], exact.code[at]);
  EXPECT_FALSE(std::equal(neon.code.begin() + 16, neon.code.end(), exact.code.begin() + 16));
}

TEST(EmuConvTile, TheOverflowAwareKernelHasNoRemainderDefects) {
  const Profile neon = find_profile("mnn-2.9.0.arm64.neon");
  for (const int pixels : {2, 3}) {
    Problem p = remainder(pixels);
    for (std::int8_t& w : p.weights) w = static_cast<std::int8_t>(w / 64);
    for (std::int8_t& q : p.input) q = static_cast<std::int8_t>(q / 4);
    const Codes exact = p.run(find_profile("mnn-2.9.0.arm64.sdot"));
    p.fast = true;
    EXPECT_EQ(p.run(neon).code, exact.code);
  }
}

TEST(EmuConvTile, RowFateNamesOnlyRowsOfThePartialTile) {
  const Tile tile{4, 3, 2};
  for (int rows = 1; rows <= 12; ++rows)
    for (int p = 0; p < rows; ++p) {
      const RowFate fate = row_fate(tile, p, rows);
      EXPECT_EQ(fate.doubled, rows % 4 == 3 && p == rows - 1);
      EXPECT_EQ(fate.unclamped, rows % 4 == 2 && p >= rows - 2);
    }
  EXPECT_FALSE(row_fate({}, 2, 3).doubled);
}

TEST(EmuConv, TheOverflowAwareKernelUsesTheFastChain) {
  Problem p = make({.in = 2, .h = 1, .w = 1, .out = 1}, 1);
  p.input = {127, 127};
  p.weights = {127, 127};
  p.fused = {{test::as_f32(1.0f / 1024.0f)}, {0}};
  const Profile avx2 = find_profile("mnn-2.9.0.x64.avx2");
  EXPECT_EQ(p.run(avx2).code[0], 63);  // 64770 / 1024
  p.fast = true;
  EXPECT_EQ(p.run(avx2).code[0], 32);  // 32767 / 1024
}

TEST(EmuConv, BiasJoinsTheSumWithWrap) {
  Problem p = make({.in = 1, .out = 1}, 1);
  p.input = {100};
  p.weights = {1};
  p.fused = {{num::f32_one}, {2147483647}};
  EXPECT_EQ(p.run(find_profile("mnn-2.9.0.arm64.sdot")).code[0], -128);
}

TEST(EmuDepthwise, EqualsTheDefinitionOnEveryRow) {
  ConvShape s = padded_3x3;
  s.out = s.in;
  for (const Profile& row : catalogue()) {
    if (row.name.view().find("ieee") == 0) continue;  // its ties go to even
    Problem p = make(s, 13, true);
    p.pad_code = 4;
    expect_naive(p, p.run_depthwise(row), true, row.conv.lhs_offset);
  }
}

}  // namespace
}  // namespace qsim::emu
