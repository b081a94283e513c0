// The packing routine that misplaces channels, by hand and against the dense order.
#include "qsim/emu/patch.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "qsim/emu/convolve.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::emu {
namespace {

constexpr Patch sse{PatchWalk::word_stride, 16, 4};
constexpr Patch i8mm{PatchWalk::word_stride, 8, 20};

struct Image {
  ConvShape shape;
  std::vector<std::int8_t> codes;
  std::int8_t pad_code = -1;
  ConvOperands operands() const {
    ConvOperands a;
    a.input = codes;
    a.pad_code = pad_code;
    return a;
  }
};

Image image(const ConvShape& s) {
  Image i{s, {}};
  for (int n = 0; n < s.batch * s.in * s.h * s.w; ++n)
    i.codes.push_back(static_cast<std::int8_t>(1 + n * 7 % 120));
  return i;
}

/// 1 x 3 taps over one row, no padding.
ConvShape row_of(int channels, int width) {
  return {.in = channels, .h = 1, .w = width, .out = 1, .kh = 1, .kw = 3, .out_h = 1,
          .out_w = width - 2};
}
ConvShape padded_3x3(int channels) {
  return {.batch = 2, .in = channels, .h = 4, .w = 5, .out = 1, .kh = 3, .kw = 3, .pad_h = 1,
          .pad_w = 1, .out_h = 4, .out_w = 5};
}

/// Whether the walk leaves every depth byte where the dense order has it.
bool walks_like_dense(const Patch& patch, const Image& i) {
  const Patches walked = walk_patches(patch, i.shape, i.operands());
  std::vector<std::int8_t> dense(detail::packed_depth(i.shape));
  for (int p = 0; p < i.shape.pixels(); ++p) {
    detail::pack_pixel(i.shape, i.operands(), p, dense.data());
    const std::size_t first = static_cast<std::size_t>(p) * walked.depth;
    for (std::size_t k = 0; k < dense.size(); ++k)
      if (walked.stale[first + k] != 0 || walked.bytes[first + k] != dense[k]) return false;
  }
  return true;
}

bool any_stale(const Patch& patch, const Image& i) {
  const Patches walked = walk_patches(patch, i.shape, i.operands());
  const std::size_t used = detail::packed_depth(i.shape);
  for (std::size_t at = 0; at < walked.stale.size(); ++at)
    if (at % walked.depth < used && walked.stale[at] != 0) return true;
  return false;
}

// Words per tap c: wrong on 16-byte blocks for c >= 3 and c % 4 != 0.
TEST(EmuPatch, SixteenByteBlocksMisplaceThreeWordsAndMoreUnlessWholeBlocks) {
  for (int channels = 1; channels <= 40; ++channels) {
    const int c = (channels + 3) / 4;
    const bool sound = c < 3 || c % 4 == 0;
    EXPECT_EQ(walks_like_dense(sse, image(row_of(channels, 7))), sound) << channels;
    EXPECT_EQ(walks_like_dense(sse, image(padded_3x3(channels))), sound) << channels;
  }
}

// Wrong on 8-byte blocks for odd c >= 3.
TEST(EmuPatch, EightByteBlocksMisplaceOddWordsFromThree) {
  for (int channels = 1; channels <= 40; ++channels) {
    const int c = (channels + 3) / 4;
    const bool sound = c < 3 || c % 2 == 0;
    EXPECT_EQ(walks_like_dense(i8mm, image(row_of(channels, 7))), sound) << channels;
    EXPECT_EQ(walks_like_dense(i8mm, image(padded_3x3(channels))), sound) << channels;
  }
}

/// Word w of tap t for pixel p of a row image: its first byte.
std::int8_t word(const Image& i, int p, int t, int w) {
  return detail::input_code(i.shape, i.operands(), 0, 4 * w, 0, p + t);
}

// Three words per tap, four words per slot. The walk writes, per pixel p:
//   tap 0: block 0, words 0 1 2           tap 1: block 0, word 3, then words 0 1 of slot p + 1
//   tap 2: block 1, words 2 3, then word 0 of slot p + 1
TEST(EmuPatch, WordsAfterAPartialBlockLandInTheNextPixelsSlot) {
  const Image i = image(row_of(12, 6));
  const Patches walked = walk_patches(sse, i.shape, i.operands());
  ASSERT_EQ(walked.depth, 48u);  // 9 words in 3 blocks
  const auto at = [&](int p, int w) {
    const std::size_t byte = static_cast<std::size_t>(p) * 48 + static_cast<std::size_t>(w) * 4;
    return walked.stale[byte] != 0 ? -1 : int{walked.bytes[byte]};
  };
  EXPECT_EQ(at(0, 0), word(i, 0, 0, 0));
  EXPECT_EQ(at(0, 1), word(i, 0, 0, 1));
  EXPECT_EQ(at(0, 4), word(i, 3, 1, 1));  // beyond the tile's last slot lies the next block
  EXPECT_EQ(at(0, 5), word(i, 3, 1, 2));
  EXPECT_EQ(at(0, 8), word(i, 3, 2, 2));
  EXPECT_EQ(at(1, 8), -1);  // written by nobody
  for (int p = 0; p < 4; ++p) {
    EXPECT_EQ(at(p, 2), word(i, p, 0, 2)) << p;
    EXPECT_EQ(at(p, 3), word(i, p, 1, 0)) << p;
    EXPECT_EQ(at(p, 6), word(i, p, 2, 0)) << p;
    EXPECT_EQ(at(p, 7), word(i, p, 2, 1)) << p;
  }
  for (int p = 1; p < 4; ++p) {  // strays of the pixel before
    EXPECT_EQ(at(p, 0), word(i, p - 1, 1, 1)) << p;
    EXPECT_EQ(at(p, 1), word(i, p - 1, 1, 2)) << p;
    EXPECT_EQ(at(p, 4), word(i, p - 1, 2, 2)) << p;
  }
}

TEST(EmuPatch, UnpaddedWalksLeaveStaleBytes) {
  EXPECT_TRUE(any_stale(sse, image(row_of(12, 6))));
  EXPECT_FALSE(any_stale(sse, image(row_of(16, 6))));
}

TEST(EmuPatch, APassThatTouchesTheBorderIsFilledWithThePadCode) {
  const Image i = image(padded_3x3(12));
  EXPECT_FALSE(any_stale(sse, i));
  EXPECT_FALSE(any_stale(i8mm, i));
}

TEST(EmuPatch, AColumnIsWalkedAsARow) {
  Image column = image(row_of(12, 6));
  std::swap(column.shape.h, column.shape.w);
  std::swap(column.shape.kh, column.shape.kw);
  std::swap(column.shape.out_h, column.shape.out_w);
  const Image row = image(row_of(12, 6));
  EXPECT_EQ(walk_patches(sse, column.shape, column.operands()).bytes,
            walk_patches(sse, row.shape, row.operands()).bytes);
}

TEST(EmuPatch, AResultThatMeetsStaleBytesIsUnspecified) {
  const Image i = image(row_of(12, 5));
  const std::vector<std::int8_t> ones(36, 1);
  const Fused fused{{num::f32_one}, {0}};
  ConvOperands a = i.operands();
  a.weights = ones;
  a.fused = &fused;
  const Codes y = convolve(find_profile("mnn-2.9.0.x64.sse"), i.shape, a);
  EXPECT_EQ(y.unspecified, (std::vector<std::uint8_t>{1, 1, 1}));
}

TEST(EmuPatch, StaleBytesThatMeetZeroWeightsDoNotMatter) {
  const Image i = image(row_of(12, 6));
  std::vector<std::int8_t> first_word(36);  // weights [1, 12, 1, 3]: channel 8 of tap 0
  first_word[8 * 3] = 1;
  const Fused fused{{num::f32_one}, {0}};
  ConvOperands a = i.operands();
  a.weights = first_word;
  a.fused = &fused;
  const Codes y = convolve(find_profile("mnn-2.9.0.arm64.neon"), i.shape, a);
  EXPECT_EQ(y.unspecified, (std::vector<std::uint8_t>{0, 0, 0, 0}));
  for (int p = 0; p < 2; ++p) EXPECT_EQ(y.code[static_cast<std::size_t>(p)], word(i, p, 0, 2));
}

TEST(EmuPatch, OneTapIsNeverWalked) {
  ConvShape s = row_of(12, 6);
  s.kw = 1;
  s.out_w = 6;
  const Image i = image(s);
  const std::vector<std::int8_t> weights(12, 1);
  const Fused fused{{num::f32_half}, {0}};
  ConvOperands a = i.operands();
  a.weights = weights;
  a.fused = &fused;
  EXPECT_EQ(convolve(find_profile("mnn-2.9.0.arm64.neon.fixed"), s, a).code,
            convolve(find_profile("mnn-2.9.0.arm64.sdot"), s, a).code);
  EXPECT_FALSE(Convolution(find_profile("mnn-2.9.0.x64.sse"), s, a).may_read_stale());
}

}  // namespace
}  // namespace qsim::emu
