#pragma once
// The court's cases of convolutions: 1x1 with every tile remainder, several taps, depthwise.

#include "conformance/cases.hpp"

namespace qsim::court {

/// Extents as the bytes hold them, in this order.
struct Shape {
  int batch = 1, in = 1, h = 1, w = 1, out = 1, kh = 1, kw = 1, stride_h = 1, stride_w = 1;
  int pad_h = 0, pad_w = 0, dilation_h = 1, dilation_w = 1;
};

/// What follows the extents, chosen; codes are drawn by kind.
struct ConvCase {
  Shape s;
  int relu = 0, fast = 0;
  Info in{small(1, 4), small(-3)};
  Info to{small(1, 3), small(5)};
  std::vector<std::uint32_t> alpha, bias;
  std::vector<int> input, weights;
};

/// 13 extents:u8 flags:u8 (1 relu, 2 overflow-aware) in:info out:info alpha[out] bias[out] input
/// weights
inline Bytes bytes_of(const ConvCase& c) {
  Writer w;
  const Shape& s = c.s;
  for (const int v : {s.batch, s.in, s.h, s.w, s.out, s.kh, s.kw, s.stride_h, s.stride_w, s.pad_h,
                      s.pad_w, s.dilation_h, s.dilation_w})
    w.u8(static_cast<std::uint32_t>(v));
  w.u8(static_cast<std::uint32_t>(c.relu + 2 * c.fast));
  put(w, c.in);
  put(w, c.to);
  w.words(c.alpha);
  w.words(c.bias);
  w.codes(c.input);
  w.codes(c.weights);
  return w.bytes;
}

inline void draw_codes(Maker& m, ConvCase& c, int input_kind, int weight_kind, bool depthwise) {
  const Shape& s = c.s;
  c.input = m.codes(input_kind, s.batch * s.in * s.h * s.w);
  c.weights = m.codes(weight_kind, s.out * (depthwise ? 1 : s.in) * s.kh * s.kw);
}

/// Channel scales 2^-(7+k) and biases on and off the grid.
inline void plain_channels(ConvCase& c, int depth_bits) {
  for (int k = 0; k < c.s.out; ++k) {
    c.alpha.push_back(small(1, 4 + depth_bits + k % 3));
    c.bias.push_back(small(5 * k - 4, 3));
  }
}

inline void random_channels(Maker& m, ConvCase& c) {
  for (int k = 0; k < c.s.out; ++k) {
    c.alpha.push_back(m.below(16) == 0 ? m.special() : m.real(-11, 7));
    c.bias.push_back(m.below(16) == 0 ? m.special() : m.real(-6, 10));
  }
}

/// Eight pixels, one channel, weight 1: every scale meets every range of codes.
inline void narrowing_cases(std::vector<Bytes>& out) {
  const std::vector<int> input{0, 1, -1, 3, -3, 127, -128, 2};
  const std::uint32_t scales[] = {one,        small(1, 1), small(-1, 1), small(3, 1), 0x3effffff,
                                  small(1, 2), infinity,    0x7149f2ca,   nan,         0x4effffff,
                                  0x4f000000, small(1, 20)};
  const int ranges[][2] = {{-127, 127}, {10, 100}, {20, -5}, {-128, 127}};
  for (const std::uint32_t scale : scales)
    for (const auto& range : ranges)
      for (const bool in_ratio : {false, true}) {
        ConvCase c;
        c.s.w = 8;
        c.in = {in_ratio ? scale : one, 0};
        c.to = {one, 0, small(range[0]), small(range[1])};
        c.alpha = {in_ratio ? one : scale};
        c.bias = {0};
        c.input = input;
        c.weights = {1};
        out.push_back(bytes_of(c));
      }
  ConvCase wraps;  // the bias takes the sum over the rail
  wraps.s.w = 8;
  wraps.in = wraps.to = Info{one, 0};
  wraps.alpha = {one};
  wraps.bias = {0x4effffff};
  wraps.input = {127, 126, 100, 64, 1, 0, -1, -128};
  wraps.weights = {127};
  out.push_back(bytes_of(wraps));
  ConvCase hair = wraps;  // 0.49999997 without a bias, on rows with an offset of 128 too
  hair.in.zero = small(-128);
  hair.alpha = {0x3effffff};
  hair.bias = {0};
  hair.input = {-127, -126, -125, -128, 0, 1, -1, 127};
  hair.weights = {1};
  out.push_back(bytes_of(hair));
}

inline std::vector<Bytes> conv_cases() {
  Maker m("conv");
  std::vector<Bytes> out;
  for (int pixels = 1; pixels <= 9; ++pixels)
    for (const int in : {4, 16, 20, 40})
      for (int fast = 0; fast < 2; ++fast) {
        ConvCase c;
        c.s.in = in;
        (in == 20 ? c.s.batch : c.s.w) = pixels;
        c.s.out = 3;
        c.relu = pixels / 2 % 2;
        c.fast = fast;
        plain_channels(c, 4);
        draw_codes(m, c, 5, 5, false);
        out.push_back(bytes_of(c));
      }
  narrowing_cases(out);
  for (int i = 0; i < 40; ++i) {
    ConvCase c;
    c.s.batch = 1 + m.below(2);
    c.s.in = 1 + m.below(48);
    c.s.h = 1 + m.below(3);
    c.s.w = 1 + m.below(4);
    c.s.out = 1 + m.below(6);
    c.s.stride_w = 1 + m.below(2);
    c.relu = m.below(2);
    c.fast = m.below(2);
    c.in = m.info();
    c.to = m.info();
    random_channels(m, c);
    const int kind = m.below(8);
    draw_codes(m, c, kind, m.below(8), false);
    out.push_back(bytes_of(c));
  }
  return out;
}

inline void taps_case(Maker& m, std::vector<Bytes>& out, const Shape& s, int weight_kind) {
  ConvCase c;
  c.s = s;
  plain_channels(c, 5);
  draw_codes(m, c, 5, weight_kind, false);
  out.push_back(bytes_of(c));
}

inline std::vector<Bytes> taps_cases() {
  Maker m("taps");
  std::vector<Bytes> out;
  const int kernels[][4] = {{1, 2, 0, 0}, {1, 3, 0, 1}, {3, 3, 1, 1}, {2, 2, 0, 0}};
  for (const int in : {1, 4, 8, 9, 12, 13, 16, 17, 20, 24, 28, 36})
    for (const auto& k : kernels)
      for (const int kind : {5, 4}) {
        const Shape s{.in = in, .h = 3, .w = 4, .out = 2, .kh = k[0], .kw = k[1], .pad_h = k[2],
                      .pad_w = k[3]};
        taps_case(m, out, s, kind);
      }
  for (const int kind : {5, 4, 4}) {
    taps_case(m, out, {.in = 20, .h = 5, .w = 6, .out = 2, .kh = 3, .kw = 3, .pad_h = 1,
                       .pad_w = 1}, kind);  // several passes
    taps_case(m, out, {.in = 20, .h = 5, .w = 8, .out = 2, .kh = 3, .kw = 3}, kind);
    taps_case(m, out, {.in = 12, .w = 45, .out = 2, .kw = 3, .pad_w = 1}, kind);
    taps_case(m, out, {.in = 12, .w = 45, .out = 2, .kw = 3}, kind);
    taps_case(m, out, {.in = 12, .h = 9, .out = 2, .kh = 3, .pad_h = 1}, kind);  // a column
    taps_case(m, out, {.in = 12, .h = 9, .out = 2, .kh = 3, .stride_h = 2}, kind);
    taps_case(m, out, {.batch = 2, .in = 9, .h = 4, .w = 5, .out = 2, .kh = 2, .kw = 3,
                       .stride_h = 2, .pad_w = 2, .dilation_w = 2}, kind);
  }
  for (int i = 0; i < 24; ++i) {
    ConvCase c;
    c.s.batch = 1 + m.below(2);
    c.s.in = 1 + m.below(22);
    c.s.h = 3 + m.below(3);
    c.s.w = 3 + m.below(4);
    c.s.out = 1 + m.below(3);
    c.s.kh = 1 + m.below(3);
    c.s.kw = 2 + m.below(2);
    c.s.stride_h = 1 + m.below(2);
    c.s.stride_w = 1 + m.below(2);
    c.s.pad_h = m.below(c.s.kh);
    c.s.pad_w = m.below(c.s.kw);
    c.relu = m.below(2);
    c.fast = m.below(3) == 0 ? 1 : 0;
    c.in = m.info();
    c.to = m.info();
    random_channels(m, c);
    draw_codes(m, c, 5, m.below(2) == 0 ? 5 : 6, false);
    out.push_back(bytes_of(c));
  }
  return out;
}

inline std::vector<Bytes> depthwise_cases() {
  Maker m("depthwise");
  std::vector<Bytes> out;
  narrowing_cases(out);
  for (int i = 0; i < 50; ++i) {
    ConvCase c;
    c.s.batch = 1 + m.below(2);
    c.s.in = c.s.out = 1 + m.below(6);
    c.s.h = 3 + m.below(2);
    c.s.w = 3 + m.below(3);
    c.s.kh = 1 + m.below(3);
    c.s.kw = 1 + m.below(3);
    c.s.stride_h = 1 + m.below(2);
    c.s.pad_h = m.below(c.s.kh);
    c.s.pad_w = m.below(c.s.kw);
    c.s.dilation_w = c.s.kw < 3 ? 1 + m.below(2) : 1;
    c.relu = m.below(2);
    c.in = m.info();
    c.to = m.info();
    random_channels(m, c);
    const int kind = m.below(8);
    draw_codes(m, c, kind, m.below(8), true);
    out.push_back(bytes_of(c));
  }
  return out;
}

}  // namespace qsim::court
