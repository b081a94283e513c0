#pragma once
// Cases of convolutions up to their sums: families window.<input type><filter type>.

#include "conformance/operators/operator.hpp"
#include "conformance/operators/product.hpp"
#include "qsim/emu/window.hpp"

namespace qsim::court::window {

/// One axis of a convolution.
struct Axis {
  int image = 1, kernel = 1, stride = 1, dilation = 1, begin = 0, end = 0;
  int out() const { return (image + begin + end - dilation * (kernel - 1) - 1) / stride + 1; }
};

/// axes:u8 batch:u8 channels:u8 out:u8 groups:u8 flags:u8 (1 filter known at run time only, 2 the
/// sums are the result, 4 uniform), per axis image:u8 kernel:u8 stride:u8 dilation:u8 begin:u8
/// end:u8; input_zero:i16 filter_zero[out]:i16 input[batch][channels][image..]
/// filter[out][channels/groups][kernel..]. uniform: turn:u32, one code for all of the input, one
/// for every output's first `turn` weights and one for the others.
struct Case {
  std::vector<Axis> axes;
  int channels = 1, out = 1, groups = 1, batch = 1, flags = 0;
  int input = 5, filter = 5;   ///< patterns
  bool zero = false;           ///< the filter has a zero point
};
/// Codes and zero points of a uniform case.
struct Uniform {
  int input = 0, input_zero = 0, filter = 0, filter_zero = 0;
  int turn = 0, before = 0;  ///< the first weights
};

class Cases : public CodeMaker {
 public:
  explicit Cases(std::string_view family) : CodeMaker(family) {
    std::tie(left_, right_) = kinds_of(family);
  }

  void add(const Case& c) {
    Writer w;
    put_shape(w, c);
    int plane = 1, taps = 1;
    for (const Axis& a : c.axes) plane *= a.image, taps *= a.kernel;
    w.u16(static_cast<std::uint32_t>(left_ == s16 ? 0 : code_of(left_)));
    const int zeroed = c.zero ? below(c.out) : -1;
    for (int o = 0; o < c.out; ++o)
      w.u16(static_cast<std::uint32_t>(right_ == u8 || o == zeroed ? code_of(right_) : 0));
    put_codes(w, left_, codes_of(left_, c.input, c.batch * c.channels * plane));
    put_codes(w, right_, codes_of(right_, c.filter, c.out * (c.channels / c.groups) * taps));
    all_.push_back(w.bytes);
  }
  /// The same with rails and with random codes.
  void add_each(Case c) {
    for (const auto& [input, filter] : {std::pair{0, 0}, std::pair{5, 5}}) {
      c.input = input, c.filter = filter;
      add(c);
    }
  }
  std::vector<Bytes> make() {
    tap_gates();
    multiplied_taps();
    channel_gates();
    orders();
    for (int i = 0; i < 40; ++i) any();
    if (left_ != s16) beyond_31_bits();
    return all_;
  }

 private:
  static Axis taps(int kernel) { return {.image = kernel + 1, .kernel = kernel}; }
  static Axis whole(int extent) { return {.image = extent, .kernel = extent}; }

  static void put_shape(Writer& w, const Case& c) {
    for (const int v : {static_cast<int>(c.axes.size()), c.batch, c.channels, c.out, c.groups,
                        c.flags})
      w.u8(static_cast<std::uint32_t>(v));
    for (const Axis& a : c.axes)
      for (const int v : {a.image, a.kernel, a.stride, a.dilation, a.begin, a.end})
        w.u8(static_cast<std::uint32_t>(v));
  }
  void add_uniform(Case c, const Uniform& u) {
    Writer w;
    c.flags |= 4;
    put_shape(w, c);
    w.u16(static_cast<std::uint32_t>(u.input_zero));
    for (int o = 0; o < c.out; ++o) w.u16(static_cast<std::uint32_t>(u.filter_zero));
    w.u32(static_cast<std::uint32_t>(u.turn));
    put_codes(w, left_, {u.input});
    put_codes(w, right_, {u.before, u.filter});
    all_.push_back(w.bytes);
  }
  /// Sums beyond 31 and 32 bits on every route: of one channel's taps, of eight, of one group with
  /// an odd and with an even number of channels. Products of the highest and the lowest code, as
  /// no pair of them overflows 16 bits.
  void beyond_31_bits() {
    const CodeKind &l = code_kinds[left_], &r = code_kinds[right_];
    const Uniform plain{l.high, l.low, r.low == 0 ? r.high / 2 + 1 : r.low, 0};
    const std::vector<Axis> deep{whole(41), whole(41), whole(40)};
    const Case one{.axes = deep, .channels = 1, .out = 1};
    add_uniform(one, plain);
    if (r.low != 0) add_uniform(one, {l.high, l.low, r.low, r.high});
    add_uniform({.axes = deep, .channels = 8, .out = 8, .groups = 8}, plain);
    for (const auto& [h, w] : {std::pair{20, 14}, std::pair{26, 20}})
      add_uniform({.axes = {whole(h), whole(w)}, .channels = 255, .out = 1}, plain);
    add_uniform({.axes = {whole(16), whole(17)}, .channels = 248, .out = 8}, plain);
    turns();
  }
  /// Sums that rise beyond 32 bits and fall again: whether they do depends on the order of K, on
  /// what a padded tap leaves out, and, where the accumulator saturates, on the place in a block.
  void turns() {
    const CodeKind &l = code_kinds[left_], &r = code_kinds[right_];
    const std::vector<Axis> deep{whole(41), whole(42), whole(40)};
    const std::vector<Axis> padded{{70, 80, 1, 1, 5, 5}, {30, 30}, {30, 30}};
    for (const int flags : {0, 2}) {
      const Uniform halves{l.high, l.low, r.low, 0, 41 * 42 * 40, r.high};
      add_uniform({.axes = deep, .channels = 2, .out = 1, .flags = flags}, halves);
      for (const int zero : {l.low, 0, l.high})
        add_uniform({.axes = deep, .channels = 1, .out = 1, .flags = flags},
                    {l.high, zero, r.low, 0, 67003, r.high});
      for (const int zero : {l.low, l.high})
        add_uniform({.axes = padded, .channels = 1, .out = 1, .flags = flags},
                    {l.high, zero, r.high, 0});
    }
    for (const int channels : {8, 16})  // pairs of padded taps
      for (const int kernel : {2, 3})
        add_uniform({.axes = {{4, kernel, 1, 1, 2, 2}, {4, kernel, 1, 1, 2, 2}},
                     .channels = channels, .out = channels, .groups = channels},
                    {l.high, l.low, r.low, 0});
  }
  /// Several outputs of every channel, with pairs that overflow 16 bits one or eight taps apart.
  void multiplied_taps() {
    for (const int channels : {2, 8})
      for (const int pattern : {0, 1, 5}) {
        Case c{.axes = {whole(3), whole(4)}, .channels = channels, .out = 2 * channels,
               .groups = channels};
        c.input = c.filter = pattern;
        add(c);
      }
  }

  /// Depthwise: 9 taps or others, channels in whole multiples or not, constant filters or not.
  void tap_gates() {
    for (const int channels : {1, 4, 7, 8, 9, 12, 14, 15, 16, 17, 24, 32})
      for (const auto& [h, w] : {std::pair{3, 3}, std::pair{1, 1}, std::pair{2, 2}, std::pair{9, 1},
                                 std::pair{2, 5}}) {
        Case c{.axes = {taps(h), taps(w)}, .channels = channels, .out = channels,
               .groups = channels};
        add_each(c);
        if (channels != 8 && channels != 16) continue;
        c.input = c.filter = 0;
        for (const int flags : {1, 2, 3}) c.flags = flags, add(c);
        c.flags = 0, c.zero = true, add(c);
      }
    add_each({.axes = {taps(5), taps(5)}, .channels = 16, .out = 16, .groups = 16});
    for (const Axis& a : {Axis{4, 3, 2, 1, 1, 0}, Axis{5, 3, 1, 2, 2, 2}})
      add_each({.axes = {a, a}, .channels = 16, .out = 16, .groups = 16});
  }
  /// One group: channels around the gate of the indirect route, one tap or more.
  void channel_gates() {
    const auto around = [&](int channels, int out, int flags, int groups, bool zero) {
      for (const auto& [h, w] : {std::pair{1, 1}, std::pair{2, 1}}) {
        Case c{.axes = {{.image = h, .kernel = h}, {.image = w + 1, .kernel = w}},
               .channels = channels, .out = out, .groups = groups, .flags = flags, .zero = zero};
        c.input = c.filter = 0;
        add(c);
        c.input = 5, c.filter = 5;
        if (flags == 0) add(c);
      }
    };
    for (const int channels : {8, 31, 32, 40, 48, 56, 63, 64, 65, 68, 72, 80, 96, 127, 128, 136})
      around(channels, 8, 0, 1, false);
    for (const int out : {1, 4, 7, 12, 16}) around(64, out, 0, 1, false);
    for (const int out : {9, 12, 18}) around(72, out, 0, 1, false);
    for (const int flags : {1, 2, 3})
      around(64, 8, flags, 1, false), around(24, 4, flags, 1, false);
    around(64, 8, 0, 1, true), around(24, 4, 0, 1, true);
    around(128, 16, 0, 2, false), around(24, 8, 0, 2, false);
    Case padded{.axes = {{3, 3, 1, 1, 1, 1}, {3, 3, 2, 1, 0, 2}}, .channels = 64, .out = 8};
    add_each(padded);
    padded.channels = 72;
    add_each(padded);
  }
  /// Channels that leave pairs astride two taps, in one, two and three dimensions.
  void orders() {
    for (const int channels : {1, 2, 3, 5, 6, 12, 17})
      for (const int flags : {0, 1, 2}) {
        const Axis three{.image = 4, .kernel = 3, .begin = 1, .end = 1};
        add_each({.axes = {three}, .channels = channels, .out = 2, .flags = flags});
        add_each({.axes = {three, {2, 2, 1, 1, 0, 1}}, .channels = channels, .out = 2,
                  .flags = flags});
      }
    add_each({.axes = {taps(2), taps(2), taps(2)}, .channels = 3, .out = 2});
  }
  void any() {
    const int axes = 1 + below(2), groups = 1 + below(2);
    Case c{.axes = {}, .channels = groups * (1 + below(12)), .out = groups * (1 + below(4)),
           .groups = groups, .batch = 1 + below(2), .flags = below(4), .input = below(10),
           .filter = below(10), .zero = below(3) == 0};
    for (int d = 0; d < axes; ++d) {
      Axis a{.image = 1 + below(5), .kernel = 1 + below(3), .stride = 1 + below(2),
             .dilation = 1 + below(2), .begin = below(3), .end = below(3)};
      const int reach = a.dilation * (a.kernel - 1) + 1;
      if (a.image + a.begin + a.end < reach) a.image = reach;
      c.axes.push_back(a);
    }
    add(c);
  }

  std::uint32_t left_ = 0, right_ = 0;
  std::vector<Bytes> all_;
};

inline std::vector<Bytes> cases(std::string_view family) { return Cases(family).make(); }

/// Sums [batch][out][..]:i64, by the lifted form and, the same, by the interpreter (not the
/// deepest).
inline void run(const Profile& row, std::string_view family, Reader& r, Writer& w) {
  const auto [left, right] = kinds_of(family);
  emu::WindowShape s;
  const std::size_t axes = r.u8();
  s.batch = r.u8(), s.channels = r.u8(), s.out_channels = r.u8(), s.groups = r.u8();
  const std::uint32_t flags = r.u8();
  std::size_t plane = 1;
  for (std::size_t d = 0; d < axes; ++d) {
    const Axis a{r.extent(), r.extent(), r.extent(), r.extent(), r.extent(), r.extent()};
    s.image.push_back(a.image), s.kernel.push_back(a.kernel), s.stride.push_back(a.stride);
    s.dilation.push_back(a.dilation), s.pad.push_back(a.begin), s.out.push_back(a.out());
    plane *= static_cast<std::size_t>(a.image);
  }
  emu::WindowOperands a;
  a.input_type = product::type_of(left), a.filter_type = product::type_of(right);
  a.constant_filter = (flags & 1) == 0;
  a.returns_integers = (flags & 2) != 0;
  a.input_zero = r.i16();
  const std::vector<std::int32_t> zeros = read_i16(r, s.out_channels);
  const bool once = (flags & 4) != 0;
  const std::size_t turn = once ? r.u32() : 0, weights = s.depth() * s.taps();
  const std::vector<std::int32_t> input = read_codes(r, left, s.batch * s.channels * plane, once);
  std::vector<std::int32_t> filter = read_codes(r, right, once ? 2 : s.out_channels * weights);
  if (once) {
    const std::int32_t before = filter[0], after = filter[1];
    filter.assign(s.out_channels * weights, after);
    for (std::size_t i = 0; i < filter.size(); ++i)
      if (i % weights < turn) filter[i] = before;
  }
  a.filter_zero = zeros, a.input = input, a.filter = filter;
  const std::vector<std::int64_t> sums = emu::convolve_window(row, s, a);
  std::vector<emu::Overflows> counts;
  const bool agree = once || emu::convolve_window(row, s, a, &counts) == sums;
  for (const std::int64_t v : sums) w.i64(v);
  if (!agree) w.u8(0xff);
}

}  // namespace qsim::court::window
