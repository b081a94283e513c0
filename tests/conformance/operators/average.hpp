#pragma once
// Cases of averages: families average.window and average.whole (the window is the image).

#include "conformance/operators/operator.hpp"
#include "conformance/operators/quantize.hpp"
#include "qsim/emu/average.hpp"

namespace qsim::court::average {

/// range {scale:f32 zero:i32} of input and result, axes:u8 batch:u8 channels:u8 flags:u8 (1 pads
/// count, 2 output extents round up), per axis image:u8 kernel:u8 stride:u8 begin:u8 end:u8, codes.
/// range: type:u8 low:i32 high:i32
struct Axis {
  int image = 1, kernel = 1, stride = 1, begin = 0, end = 0;
  /// Rounding up, no window starts in the padding at the end.
  int out(bool up) const {
    const int room = image + begin + end - kernel;
    const int count = (room + (up ? stride - 1 : 0)) / stride + 1;
    return up && (count - 1) * stride >= image + begin ? count - 1 : count;
  }
};
struct Case {
  std::vector<Axis> axes;
  int batch = 1, channels = 1, flags = 0;
  std::uint32_t in = one, out = one;
};

class Cases : public CodeMaker {
 public:
  explicit Cases(std::string_view family)
      : CodeMaker(family), whole_(family == "average.whole") {}

  void add(std::uint32_t kind, const Case& c, int pattern = 5) {
    Writer w;
    put_some_range(w, *this, kind);
    const int zero = zero_of(kind);
    w.u32(c.in), w.i32(zero);
    w.u32(c.out), w.i32(c.in == c.out ? zero : zero_of(kind));
    for (const int v : {static_cast<int>(c.axes.size()), c.batch, c.channels, c.flags})
      w.u8(static_cast<std::uint32_t>(v));
    int plane = 1;
    for (const Axis& a : c.axes) {
      for (const int v : {a.image, a.kernel, a.stride, a.begin, a.end})
        w.u8(static_cast<std::uint32_t>(v));
      plane *= a.image;
    }
    put_codes(w, kind, codes_of(kind, pattern, c.batch * c.channels * plane));
    all_.push_back(w.bytes);
  }
  std::vector<Bytes> make() {
    for (const std::uint32_t kind : {s8, u8, s16}) {
      for (int pattern = 0; pattern < 10; ++pattern)
        for (const int size : {1, 2, 3, 4, 7}) add(kind, window({size, size}, one, one), pattern);
      for (int size = 1; size <= 6; ++size)
        for (int i = 0; i < 6; ++i) {
          const std::uint32_t in = quantize::decimal_scale(*this);
          const std::uint32_t to = i % 2 == 0 ? in : any_out(in);
          add(kind, window({size, 1 + below(5)}, in, to));
        }
      for (int i = 0; i < 30; ++i) add(kind, any());
      put(kind, 0x4effffffu);
      for (const std::uint32_t s : specials) {
        add(kind, window({2, 2}, s, one)), add(kind, window({2, 2}, one, s));
        add(kind, window({3, 2}, s, s));
      }
    }
    return all_;
  }

 private:
  /// Codes 0 and 1, each a window, as real numbers 0 and the scale.
  void put(std::uint32_t kind, std::uint32_t scale) {
    Writer w;
    put_full_range(w, kind);
    w.u32(scale), w.i32(0);
    w.u32(one), w.i32(0);
    for (const int v : {1, 1, 1, 0, 2, 1, 1, 0, 0}) w.u8(static_cast<std::uint32_t>(v));
    put_codes(w, kind, {1, 0});
    all_.push_back(w.bytes);
  }
  std::uint32_t any_out(std::uint32_t in) {
    const std::uint32_t out = below(2) == 0 ? quantize::decimal_scale(*this) : scale();
    return out == in ? one : out;
  }
  /// Windows of the size of the image, or a little smaller than it.
  Case window(std::vector<int> sizes, std::uint32_t in, std::uint32_t out) {
    Case c{.axes = {}, .batch = 1, .channels = 2, .flags = 0, .in = in, .out = out};
    for (const int size : sizes)
      c.axes.push_back({.image = whole_ ? size : size + 1, .kernel = size});
    return c;
  }
  Case any() {
    const std::uint32_t in = scale();
    Case c{.axes = {}, .batch = 1 + below(2), .channels = 1 + below(3),
           .flags = whole_ ? 0 : below(4), .in = in, .out = below(2) == 0 ? in : any_out(in)};
    const int axes = 1 + below(3);
    for (int d = 0; d < axes; ++d) {
      Axis a{.image = 1 + below(6)};
      a.kernel = a.image;
      if (!whole_) {
        a = {a.image, 1 + below(3), 1 + below(3), below(3), below(3)};
        if (a.kernel > a.image + a.begin + a.end) a.kernel = a.image;
      }
      c.axes.push_back(a);
    }
    return c;
  }

  bool whole_;
  std::vector<Bytes> all_;
};

inline std::vector<Bytes> cases(std::string_view family) { return Cases(family).make(); }

inline bool applies(const Profile& row, std::string_view) {
  return row.average.scheme != AverageScheme::none;
}

/// Codes [batch][channels][..]:i32.
inline void run(const Profile& row, std::string_view, Reader& r, Writer& w) {
  const CodeKind* kind = nullptr;
  emu::PoolOperands a;
  const std::uint32_t type = r.u8();
  kind = &code_kinds.at(type);
  a.range = {r.i32(), r.i32(), false, kind->low, kind->high};
  for (emu::Scaled* s : {&a.in, &a.out}) s->scale = r.f32(), s->zero = r.i32();
  const std::size_t axes = r.u8();
  emu::WindowShape& s = a.window;
  s.batch = r.u8(), s.channels = r.u8();
  const std::uint32_t flags = r.u8();
  a.count_include_pad = (flags & 1) != 0;
  std::size_t plane = 1;
  for (std::size_t d = 0; d < axes; ++d) {
    const Axis x{r.extent(), r.extent(), r.extent(), r.extent(), r.extent()};
    s.image.push_back(x.image), s.kernel.push_back(x.kernel), s.stride.push_back(x.stride);
    s.dilation.push_back(1), s.pad.push_back(x.begin), s.out.push_back(x.out((flags & 2) != 0));
    a.padded = a.padded || x.begin != 0 || x.end != 0;
    if (row.average.scheme == AverageScheme::engine && (x.begin != x.end || x.begin >= x.kernel))
      fail<NotSupported>("an engine's pool knows equal pads, and a pixel in every window");
    plane *= static_cast<std::size_t>(x.image);
  }
  const std::vector<std::int32_t> codes = read_codes(r, type, s.batch * s.channels * plane);
  a.input = codes;
  for (const std::int32_t q : emu::average_pool(row, a)) w.i32(q);
}

}  // namespace qsim::court::average
