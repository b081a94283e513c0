#pragma once
// int8 convolutions by a profile: general (im2col and a dot-product chain) and depthwise.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/emu/cast.hpp"
#include "qsim/emu/chain.hpp"
#include "qsim/emu/fuse.hpp"
#include "qsim/emu/narrow.hpp"

namespace qsim::emu {

/// Extents of a 2-D convolution. Activations [batch, in, h, w], weights [out, in/groups, kh, kw].
struct ConvShape {
  int batch = 1, in = 1, h = 1, w = 1;
  int out = 1, kh = 1, kw = 1;
  int stride_h = 1, stride_w = 1;
  int pad_h = 0, pad_w = 0;  ///< above and left; the other sides follow from out_h and out_w
  int dilation_h = 1, dilation_w = 1;
  int out_h = 1, out_w = 1;
  constexpr int pixels() const { return batch * out_h * out_w; }
  constexpr int taps() const { return kh * kw; }
};

/// Everything a convolution needs besides its shape.
struct ConvOperands {
  std::span<const std::int8_t> input;
  std::span<const std::int8_t> weights;
  std::int8_t pad_code = 0;   ///< what an out-of-image tap reads
  std::int8_t lane_code = 0;  ///< what the unused lanes of the last 4-channel word hold
  const Fused* fused = nullptr;
  CodeRange range{};
  bool overflow_aware = false;
};

/// Result codes [batch, out, out_h, out_w]. Where `unspecified` (same size or empty) is nonzero
/// the engine reads memory it never wrote; the code there is 0 and means nothing.
struct Codes {
  std::vector<std::int8_t> code;
  std::vector<std::uint8_t> unspecified;
};

namespace detail {

/// Output pixel p as (image, row, column).
struct Pixel {
  int n, y, x;
};
constexpr Pixel pixel(const ConvShape& s, int p) {
  return {p / (s.out_h * s.out_w), p / s.out_w % s.out_h, p % s.out_w};
}
constexpr int words_per_tap(const ConvShape& s) { return (s.in + 3) / 4; }
/// Bytes of packed depth: taps * channels padded to 4, tap-major.
constexpr std::size_t packed_depth(const ConvShape& s) {
  return static_cast<std::size_t>(s.taps()) * static_cast<std::size_t>(words_per_tap(s)) * 4;
}

/// Channel c of the input pixel (y, x) of image n.
inline std::int8_t input_code(const ConvShape& s, const ConvOperands& a, int n, int c, int y,
                              int x) {
  if (c >= s.in) return a.lane_code;
  const std::size_t at =
      ((static_cast<std::size_t>(n) * static_cast<std::size_t>(s.in) +
        static_cast<std::size_t>(c)) * static_cast<std::size_t>(s.h) +
       static_cast<std::size_t>(y)) * static_cast<std::size_t>(s.w) + static_cast<std::size_t>(x);
  return a.input[at];
}

/// The packed depth vector of output pixel p, in K order.
inline void pack_pixel(const ConvShape& s, const ConvOperands& a, int p, std::int8_t* out) {
  const Pixel at = pixel(s, p);
  const int lanes = words_per_tap(s) * 4;
  for (int ky = 0; ky < s.kh; ++ky)
    for (int kx = 0; kx < s.kw; ++kx) {
      const int y = at.y * s.stride_h - s.pad_h + ky * s.dilation_h;
      const int x = at.x * s.stride_w - s.pad_w + kx * s.dilation_w;
      const bool inside = y >= 0 && y < s.h && x >= 0 && x < s.w;
      for (int c = 0; c < lanes; ++c)
        *out++ = inside ? input_code(s, a, at.n, c, y, x) : a.pad_code;
    }
}

/// Weights as [out][packed depth] in the same K order, zero in unused lanes.
inline std::vector<std::int8_t> pack_weights(const ConvShape& s, std::span<const std::int8_t> w) {
  const std::size_t depth = packed_depth(s);
  const int lanes = words_per_tap(s) * 4;
  std::vector<std::int8_t> packed(depth * static_cast<std::size_t>(s.out));
  for (int o = 0; o < s.out; ++o)
    for (int c = 0; c < s.in; ++c)
      for (int t = 0; t < s.taps(); ++t)
        packed[static_cast<std::size_t>(o) * depth + static_cast<std::size_t>(t * lanes + c)] =
            w[(static_cast<std::size_t>(o) * static_cast<std::size_t>(s.in) +
               static_cast<std::size_t>(c)) * static_cast<std::size_t>(s.taps()) +
              static_cast<std::size_t>(t)];
  return packed;
}

/// The chain over one packed row; `doubled` counts the upper half of every later block twice.
/// `plain` says that the weights are too small to overflow any word of the chain.
inline std::int32_t row_dot(const Arith& arith, const std::int8_t* row, const std::int8_t* weights,
                            std::size_t depth, bool doubled, bool plain) {
  if (!doubled && plain) return plain_dot(arith.lhs_offset, row, 1, weights, 1, depth, 0);
  if (!doubled) return dot(arith, row, 1, weights, 1, depth);
  Chain chain(arith);
  const std::size_t block = arith.block;
  for (std::size_t k = 0; k < depth; ++k) {
    const bool again = k >= block && k % block >= block / 2;
    chain.push(row[k], weights[k], again ? 2 : 1);
  }
  return static_cast<std::int32_t>(chain.finish());
}

}  // namespace detail

/// What the tile's remainder does to flat row p of `rows`.
struct RowFate {
  bool doubled = false;
  bool unclamped = false;
};
constexpr RowFate row_fate(const Tile& tile, int p, int rows) {
  if (tile.rows == 0) return {};
  const int left = rows % tile.rows;
  if (left == 0 || p < rows - left) return {};
  return {left == tile.doubled_rows && p == rows - 1, left == tile.unclamped_rows};
}

/// The epilogue of one output element: bias, scale, narrowing.
inline std::int8_t finish_element(const Epilogue& epilogue, const ConvOperands& a, std::int32_t acc,
                                  int channel, bool unclamped, const FloatMode& mode) {
  const std::size_t k = static_cast<std::size_t>(channel);
  CodeRange range = a.range;
  range.skip = unclamped;
  return requantize(epilogue, acc, *a.fused, k, range, mode);
}

/// Depthwise convolution: out == in, weights [in, 1, kh, kw]. Out-of-image taps multiply pad_code.
inline Codes depthwise(const Profile& profile, const ConvShape& s, const ConvOperands& a) {
  Codes result;
  result.code.resize(static_cast<std::size_t>(s.pixels()) * static_cast<std::size_t>(s.out));
  std::size_t at = 0;
  for (int n = 0; n < s.batch; ++n)
    for (int c = 0; c < s.out; ++c)
      for (int oy = 0; oy < s.out_h; ++oy)
        for (int ox = 0; ox < s.out_w; ++ox) {
          std::int64_t acc = 0;
          for (int t = 0; t < s.taps(); ++t) {
            const int y = oy * s.stride_h - s.pad_h + t / s.kw * s.dilation_h;
            const int x = ox * s.stride_w - s.pad_w + t % s.kw * s.dilation_w;
            const bool inside = y >= 0 && y < s.h && x >= 0 && x < s.w;
            const std::int32_t q = inside ? detail::input_code(s, a, n, c, y, x) : a.pad_code;
            acc += std::int64_t{q + profile.conv.lhs_offset} *
                   a.weights[static_cast<std::size_t>(c * s.taps() + t)];
          }
          result.code[at++] =
              finish_element(profile.depthwise, a, static_cast<std::int32_t>(num::wrap(acc, 32)), c,
                             false, profile.float_mode);
        }
  return result;
}

}  // namespace qsim::emu
