#pragma once
// The court's cases of casts, pools, binary operations and float functions.

#include "conformance/cases.hpp"

namespace qsim::court {

using Words = std::vector<std::uint32_t>;

/// scale zero:i8 low:i8 high:i8 n:u8 x[n]
inline void quantize_case(std::vector<Bytes>& out, std::uint32_t scale, int zero, int low, int high,
                          const Words& x) {
  Writer w;
  w.u32(scale);
  w.i8(zero), w.i8(low), w.i8(high);
  w.u8(static_cast<std::uint32_t>(x.size()));
  w.words(x);
  out.push_back(w.bytes);
}

inline std::vector<Bytes> quantize_cases() {
  Maker m("quantize");
  std::vector<Bytes> out;
  Words halves, rails;
  for (int h = -9; h <= 9; ++h) halves.push_back(small(h, 1));
  for (int h = 250; h <= 259; ++h) rails.push_back(small(h, 1)), rails.push_back(small(-h, 1));
  const int ranges[][2] = {{-127, 127}, {-128, 127}, {10, 100}, {20, -5}};
  for (const auto& range : ranges) {
    for (const std::uint32_t scale : {one, small(1, 1), small(1, 4), 0x3e99999au})
      for (const int zero : {0, 3, -11})
        quantize_case(out, scale, zero, range[0], range[1], halves);
    quantize_case(out, one, 0, range[0], range[1], rails);
    for (const int zero : {0, 1}) quantize_case(out, one, zero, range[0], range[1], specials);
  }
  for (const std::uint32_t scale : specials) quantize_case(out, scale, -7, -127, 127, specials);
  // a hair beside a tie that two roundings hit: 30.5 for rules that go away, -4.5 for even ones
  quantize_case(out, 0x3e99999a, -11, -127, 127, {0x41473333});
  quantize_case(out, 0x3e99999a, 5, -127, 127, {0xc0366667});
  for (int i = 0; i < 60; ++i) {
    const std::uint32_t scale = m.scale();
    const int zero = m.below(256) - 128;
    const int low = m.below(3) == 0 ? m.below(128) - 128 : -127;
    const int high = m.below(3) == 0 ? m.below(128) : 127;
    Words x;
    for (int k = 0; k < 8; ++k) x.push_back(m.real(-6, 12));
    quantize_case(out, scale, zero, low, high, x);
  }
  return out;
}

/// scale zero:i8 n:u8 q[n]
inline std::vector<Bytes> dequantize_cases() {
  Maker m("dequantize");
  std::vector<Bytes> out;
  for (int i = 0; i < 60; ++i) {
    const std::uint32_t scale = i < 20 ? specials[static_cast<std::size_t>(i)] : m.scale();
    const int zero = m.code();
    std::vector<int> q{-128, 127, 0, 1, -1, zero};
    for (int k = 0; k < 4; ++k) q.push_back(m.code());
    Writer w;
    w.u32(scale);
    w.i8(zero);
    w.u8(10);
    w.codes(q);
    out.push_back(w.bytes);
  }
  return out;
}

/// batch channels h w kh kw stride_h stride_w pad_h pad_w ceil: u8 each, then codes
inline void pool_case(std::vector<Bytes>& out, const std::vector<int>& extents,
                      const std::vector<int>& codes) {
  Writer w;
  for (const int v : extents) w.u8(static_cast<std::uint32_t>(v));
  w.codes(codes);
  out.push_back(w.bytes);
}

/// The same for both pools, but for the family's own stream.
inline std::vector<Bytes> pool_cases(std::string_view family) {
  Maker m(family);
  std::vector<Bytes> out;
  for (int kw = 1; kw <= 12; ++kw)
    for (int kind = 0; kind < 8; ++kind)
      pool_case(out, {1, 1, 1, kw + 3, 1, kw, 1, 1, 0, 0, 0}, m.codes(kind, kw + 3));
  for (const int kw : {3, 7}) {  // windows of one code each
    std::vector<int> constant;
    for (int i = 0; i < 255 * kw; ++i) constant.push_back(i / kw - 128);
    pool_case(out, {1, 255, 1, kw, 1, kw, 1, 1, 0, 0, 0}, constant);
  }
  for (int i = 0; i < 40; ++i) {
    const int batch = 1 + m.below(2);
    const int channels = 1 + m.below(3);
    const int h = 3 + m.below(4);
    const int w = 3 + m.below(4);
    const int kh = 1 + m.below(3);
    const int kw = 1 + m.below(3);
    const int stride_h = 1 + m.below(kh);
    const int stride_w = 1 + m.below(kw);
    const int pad_h = m.below(kh);
    const int pad_w = m.below(kw);
    // rounding up never makes a window without pixels: strides are at most kernels, pads below
    const int ceil = pad_h + pad_w == 0 ? m.below(2) : 0;
    const int kind = m.below(8);
    pool_case(out, {batch, channels, h, w, kh, kw, stride_h, stride_w, pad_h, pad_w, ceil},
              m.codes(kind, batch * channels * h * w));
  }
  return out;
}

/// op:u8 relu:u8 a:info b:info to:info n:u8 a[n] b[n]; op: add sub mul sqd min max
inline void binary_case(std::vector<Bytes>& out, int op, int relu, const Info& a, const Info& b,
                        const Info& to, const std::vector<int>& left,
                        const std::vector<int>& right) {
  Writer w;
  w.u8(static_cast<std::uint32_t>(op));
  w.u8(static_cast<std::uint32_t>(relu));
  put(w, a), put(w, b), put(w, to);
  w.u8(static_cast<std::uint32_t>(left.size()));
  w.codes(left);
  w.codes(right);
  out.push_back(w.bytes);
}

inline std::vector<Bytes> binary_cases() {
  Maker m("binary");
  std::vector<Bytes> out;
  const std::uint32_t half = small(1, 1);
  const std::vector<int> odd{-5, 5, -1, 1, 3, -3, 127, -128, 0};
  const std::vector<int> eight{1, -1, 100, -128, 0, 3, 0, 7};
  for (int op = 0; op < 6; ++op) {
    for (int relu = 0; relu < 2; ++relu)
      for (const std::uint32_t scale : {one, half, small(3, 2)}) {
        const std::vector<int> other = m.codes(5, 9);
        binary_case(out, op, relu, {half, 0}, {scale, small(3)}, {scale, small(-2)}, odd, other);
        binary_case(out, op, relu, {scale, 0}, {scale, 0}, {scale, small(2)}, odd, odd);
      }
    for (const std::uint32_t s : specials) {
      const std::vector<int> few{1, 1, 2, 3, 0, 0, 1, 0};
      binary_case(out, op, 0, {s, small(1)}, {one, 0}, {one, small(4)}, eight, few);
      binary_case(out, op, 0, {one, small(7, 1)}, {half, 0}, {s, small(-4)}, eight, eight);
    }
    for (const int zero : {5, -5, 0})  // beyond int16
      binary_case(out, op, 0, {small(1000), 0}, {small(600), 0}, {half, small(zero)},
                  {127, -128, 100, 33, -33, 66, 70, 1}, {127, 127, -128, -1, 1, -1, 0, 1});
  }
  // (-35 * 0.06) * (-19 * 0.1) / 0.14 is 28.5, and (50 * 0.45) * (38 * 0.02) / 0.36 is 47.5
  const std::vector<int> fours[] = {std::vector<int>(4, -35), std::vector<int>(4, -19),
                                    std::vector<int>(4, 50), std::vector<int>(4, 38)};
  binary_case(out, 2, 0, {0x3d75c28f, 0}, {0x3dcccccd, 0}, {0x3e0f5c29, 0}, fours[0], fours[1]);
  binary_case(out, 2, 0, {0x3ee66666, 0}, {0x3ca3d70a, 0}, {0x3eb851ec, 0}, fours[2], fours[3]);
  for (int i = 0; i < 120; ++i) {
    const Info a = m.info();
    const Info b = m.info();
    const Info to = m.info();
    const int n = 1 + m.below(10);
    const int op = m.below(6);
    const int relu = m.below(4) == 0 ? 1 : 0;
    const std::vector<int> left = m.codes(5, n);
    binary_case(out, op, relu, a, b, to, left, m.codes(5, n));
  }
  return out;
}

/// n:u8 x[n]
inline void unary_case(std::vector<Bytes>& out, const Words& x) {
  Writer w;
  w.u8(static_cast<std::uint32_t>(x.size()));
  w.words(x);
  out.push_back(w.bytes);
}

/// exp, sigmoid and tanh share their structured arguments.
inline std::vector<Bytes> unary_cases(std::string_view family) {
  Maker m(family);
  std::vector<Bytes> out;
  unary_case(out, specials);
  // x/ln2 at exact halves, at 0.49999997, and around the limits
  const Words telling{0x3eb17218, 0x3f851592, 0x3fddce9e, 0x401b43d5, 0x4047a05b,
                      0x40e8e5bf, 0x41b9c371, small(87),  small(88),  0x42adffff};
  unary_case(out, telling);
  Words negative;
  for (const std::uint32_t x : telling) negative.push_back(x ^ 0x80000000u);
  unary_case(out, negative);
  Words halved, doubled;  // what tanh turns into the above
  for (const std::uint32_t x : telling) halved.push_back(x - 0x00800000u);
  unary_case(out, halved);
  for (int n = 1; n <= 9; ++n) {
    Words x;
    for (int k = 0; k < n; ++k) x.push_back(m.real(-4, 6));
    unary_case(out, x);
  }
  for (int i = 0; i < 16; ++i) {
    Words x;
    for (int k = 0; k < 6; ++k) x.push_back(m.real(-8, 15));
    unary_case(out, x);
  }
  return out;
}

/// which:u8 (conv, conv_single, matmul_row) bias n:u8 a[n] b[n]
inline void float_dot_case(std::vector<Bytes>& out, std::uint32_t bias, const Words& a,
                           const Words& b) {
  for (std::uint32_t which = 0; which < 3; ++which) {
    Writer w;
    w.u8(which);
    w.u32(bias);
    w.u8(static_cast<std::uint32_t>(a.size()));
    w.words(a);
    w.words(b);
    out.push_back(w.bytes);
  }
}

inline std::vector<Bytes> float_dot_cases() {
  Maker m("float_dot");
  std::vector<Bytes> out;
  float_dot_case(out, 0, {}, {});
  float_dot_case(out, 0, {one, one, one, one}, {0x4b800000, one, one, 0xcb800000});
  float_dot_case(out, 0, {one, 0x3f800800}, {small(-1), 0x3f800800});  // one rounding or two
  float_dot_case(out, 0, {0x3f000400}, {0x00fff800});  // rounds up to the smallest normal number
  float_dot_case(out, 0, {0x3f7fffff}, {0x00800000});
  for (const std::uint32_t s : specials) {
    float_dot_case(out, small(1, 1), {s}, {one});
    float_dot_case(out, 0, {one, s}, {small(3), small(-2)});
    float_dot_case(out, s, {one}, {one});
    float_dot_case(out, 0, {s, s}, {0x00800000, small(1, 1)});
  }
  for (int i = 0; i < 40; ++i) {
    const int n = 1 + m.below(40);
    Words a, b;
    for (int k = 0; k < n; ++k) {
      a.push_back(m.real(-3, 6));
      b.push_back(m.real(-3, 6));
    }
    float_dot_case(out, m.real(-3, 6), a, b);
  }
  return out;
}

}  // namespace qsim::court
