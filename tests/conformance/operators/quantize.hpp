#pragma once
// Cases of casts: families quantize.vector, quantize.single, quantize.half, dequantize.codes and
// dynamic.tensor.

#include <utility>

#include "conformance/operators/operator.hpp"
#include "qsim/emu/dynamic.hpp"
#include "qsim/emu/quantize_tensor.hpp"
#include "qsim/num/minifloat.hpp"

namespace qsim::court::quantize {

/// Extents [outer, axis, inner] and the block along the axis, 0: one scale per index of it.
struct Layout {
  int outer = 1, axis = 1, inner = 1, block = 0;
  emu::ScaleLayout scales() const {
    const auto size = [](int n) { return static_cast<std::size_t>(n); };
    return {size(outer), size(axis), size(inner), size(block)};
  }
};
inline void put_layout(Writer& w, const Layout& s) {
  for (const int v : {s.outer, s.axis, s.inner, s.block}) w.u8(static_cast<std::uint32_t>(v));
}
inline emu::ScaleLayout read_layout(Reader& r) {
  Layout s;
  s.outer = r.extent(), s.axis = r.extent(), s.inner = r.extent(), s.block = r.extent();
  return s.scales();
}

/// A scale that is a decimal fraction: its multiples come close to ties without hitting them.
inline std::uint32_t decimal_scale(Maker& m) {
  constexpr int hundredths[] = {1, 2, 3, 5, 7, 10, 15, 20, 30, 35, 60, 70, 110};
  return num::div(num::from_int(hundredths[m.below(13)]), num::from_int(100)).bits;
}
/// binary16 patterns that tell rules apart.
inline constexpr std::uint32_t half_specials[] = {0x0000, 0x8000, 0x0001, 0x03ff, 0x0400, 0x7bff,
                                                  0xfbff, 0x7c00, 0xfc00, 0x7e00, 0xfe01, 0x3800,
                                                  0xb800, 0x37ff, 0x3c00, 0x3e00};

/// range outer:u8 axis:u8 inner:u8 block:u8 scale[scales] zero[scales]:i32 x[outer][axis][inner];
/// scales and values binary32, with quantize.half binary16. range: type:u8 low:i32 high:i32
class Cases : public CodeMaker {
 public:
  explicit Cases(std::string_view family)
      : CodeMaker(family), half_(family == "quantize.half"),
        single_(family == "quantize.single") {}

  void add(std::uint32_t kind, const Layout& s, const std::vector<std::uint32_t>& scale,
           const std::vector<std::uint32_t>& x) {
    Writer w;
    put_some_range(w, *this, kind);
    put_layout(w, s);
    for (std::size_t i = 0; i < s.scales().scales(); ++i) put(w, scale[i % scale.size()]);
    for (std::size_t i = 0; i < s.scales().scales(); ++i) w.i32(zero_of(kind));
    for (std::size_t i = 0; i < s.scales().size(); ++i) put(w, x[i % x.size()]);
    all_.push_back(w.bytes);
  }
  std::vector<Bytes> make() {
    const std::vector<std::uint32_t> kinds =
        single_ ? std::vector<std::uint32_t>{s4, u4, s8, u8, s16, u16}
                : std::vector<std::uint32_t>{s8, u8, s16, u16};
    for (const std::uint32_t kind : kinds) {
      for (int n = 1; n <= 17; ++n) any(kind, row_of(n));
      for (const std::uint32_t special : half_ ? halves() : specials) {
        add(kind, row_of(5), {special}, specials_and(5));
        add(kind, row_of(5), {code_scale()}, {special});
      }
      for (int i = 0; i < 24; ++i) near_ties(kind, i % 2 == 0 ? row_of(9 + below(8)) : layout());
      for (const int span : {6, 14, 30}) any(kind, row_of(13), span);
      for (int i = 0; i < 16; ++i) any(kind, layout());
      for (int i = 0; i < 12; ++i) near_multiples(kind);
      for (int i = 0; half_ && i < 6; ++i) short_scales(kind), far_ties(kind);
      ends(kind);
    }
    return all_;
  }

 private:
  static std::vector<std::uint32_t> halves() {
    return {std::begin(half_specials), std::end(half_specials)};
  }
  /// n elements; in the family `single` such that no vector holds two of them.
  Layout row_of(int n) const { return single_ ? Layout{1, n, 2, 3} : Layout{1, 1, n, 0}; }
  Layout layout() {
    if (single_) return {1 + below(2), 1 + below(5), 1 + below(3), below(4)};
    if (below(3) == 0) return {1 + below(2), 1 + below(9), 1, 1 + below(9)};
    return {1 + below(2), 1 + below(3), 1 + below(9), 0};
  }
  void put(Writer& w, std::uint32_t pattern) const {
    half_ ? w.u16(pattern) : w.u32(pattern);
  }
  /// A positive scale in the family's format.
  std::uint32_t code_scale() {
    if (!half_) return below(2) == 0 ? scale() : decimal_scale(*this);
    return static_cast<std::uint32_t>(11 + below(5)) << 10 |
           (below(2) == 0 ? 0 : static_cast<std::uint32_t>(below(1024)));
  }
  std::uint32_t value(int span) {
    if (!half_) return real(-6, span);
    return static_cast<std::uint32_t>(below(2)) << 15 |
           static_cast<std::uint32_t>(9 + below(span < 14 ? span : 20)) << 10 |
           static_cast<std::uint32_t>(below(1024));
  }
  std::vector<std::uint32_t> specials_and(int n) {
    std::vector<std::uint32_t> all;
    for (int i = 0; i < n; ++i)
      all.push_back(i % 2 == 0 ? value(12)
                    : half_    ? half_specials[below(16)]
                               : special());
    return all;
  }
  void any(std::uint32_t kind, const Layout& s, int span = 12) {
    std::vector<std::uint32_t> x, scales;
    for (std::size_t i = 0; i < s.scales().size(); ++i)
      x.push_back(below(12) == 0 ? specials_and(2)[1] : value(span));
    for (std::size_t i = 0; i < s.scales().scales(); ++i) scales.push_back(code_scale());
    add(kind, s, scales, x);
  }
  /// Halves of a scale's multiples, rounded to the format, and the patterns beside them.
  void near_ties(std::uint32_t kind, const Layout& s) {
    const std::uint32_t scale = code_scale();
    const F32 unit = half_ ? num::decode(num::fp16, scale) : F32{scale};
    std::vector<std::uint32_t> x;
    for (std::size_t i = 0; i < s.scales().size(); ++i) {
      const F32 t = num::mul(num::from_int(2 * below(300) - 299), num::mul(unit, num::f32_half));
      const std::uint32_t pattern = half_ ? num::encode(num::fp16, t) : t.bits;
      x.push_back(pattern + static_cast<std::uint32_t>(below(3)) - 1);
    }
    add(kind, s, {scale}, x);
  }
  /// Multiples of a scale, where quotients and products with a reciprocal fall on either side.
  void near_multiples(std::uint32_t kind) {
    const std::uint32_t scale = code_scale();
    const F32 unit = half_ ? num::decode(num::fp16, scale) : F32{scale};
    std::vector<std::uint32_t> x;
    for (int i = 0; i < 59; ++i) {
      const F32 t = num::mul(num::from_int(below(200) - 100), unit);
      x.push_back(half_ ? num::encode(num::fp16, t) : t.bits);
    }
    add(kind, row_of(59), {scale}, x);
  }
  /// binary16: ties of scales with 6 bits, which are exact in its 11 bits.
  void short_scales(std::uint32_t kind) {
    const int unit = 33 + 2 * below(16);
    std::vector<std::uint32_t> x;
    for (int k = -31; k <= 31; k += 2)
      x.push_back(num::encode(num::fp16, F32{small(unit * k, 6)}));
    add(kind, row_of(32), {num::encode(num::fp16, F32{small(unit, 5)})}, x);
  }
  /// binary16: quotients above 2^14 that binary32 rounds to a tie and binary64 does not.
  void far_ties(std::uint32_t kind) {
    std::vector<std::uint32_t> x;
    const int unit = 1025 + 2 * below(511);
    for (int top = 1024; top < 2048 && x.size() < 16; ++top) {
      const F32 t = num::div(num::from_int(top << 15), num::from_int(unit));
      const bool tie = num::equal(num::mul(t, num::from_int(2)),
                                  num::from_int(2 * num::round_to_int(t, Ties::floor) + 1));
      if (tie) x.push_back(num::encode(num::fp16, num::from_int(top)));
    }
    if (x.empty()) return;
    const std::uint32_t scale = num::encode(num::fp16, F32{small(unit, 15)});
    Writer w;
    put_full_range(w, kind);
    put_layout(w, row_of(static_cast<int>(x.size())));
    put(w, scale), w.i32(0);
    const std::size_t size = row_of(static_cast<int>(x.size())).scales().size();
    for (std::size_t i = 0; i < size; ++i) put(w, x[i % x.size()]);
    all_.push_back(w.bytes);
  }
  /// Values at both ends of 32 bits and beyond, with zero points that carry them just over.
  void ends(std::uint32_t kind) {
    const CodeKind& k = code_kinds[kind];
    const std::vector<std::uint32_t> x =
        half_ ? halves()
              : std::vector<std::uint32_t>{nan, infinity, 0xff800000u, 0x4effffffu, 0x4f000000u,
                                           0xcf000000u, 0xceffffffu, 0x47000000u, 0xc7000000u,
                                           0x471c4000u, 0xc71c4000u};
    for (const int zero : {k.low, k.low + 1, -129, -128, -127, -2, -1, 0, 1, 2, 63, 64, 127, 128,
                           20000, -20000, 40000, k.high - 1, k.high}) {
      if (zero < k.low || zero > k.high) continue;
      Writer w;
      put_full_range(w, kind);
      const Layout s = single_ ? row_of(static_cast<int>(x.size())) : Layout{1, 1, 19, 0};
      put_layout(w, s);
      for (std::size_t i = 0; i < s.scales().scales(); ++i)
        put(w, half_ ? 0x0002u : one);
      for (std::size_t i = 0; i < s.scales().scales(); ++i) w.i32(zero);
      const std::size_t times = single_ ? 2 : 1;
      for (std::size_t i = 0; i < s.scales().size(); ++i) put(w, x[i / times % x.size()]);
      all_.push_back(w.bytes);
    }
  }

  bool half_, single_;
  std::vector<Bytes> all_;
};

inline std::vector<Bytes> cases(std::string_view family) { return Cases(family).make(); }

inline bool applies(const Profile& row, std::string_view family) {
  const Quantize& q = row.quantize;
  return (family == "quantize.half" ? q.half : q.vector).scaling != Scaling::none;
}

inline std::vector<F32> read_reals(Reader& r, std::size_t n, bool half) {
  if (!half) return r.floats(n);
  std::vector<F32> all(n);
  for (F32& x : all) x = num::decode(num::fp16, r.u16());
  return all;
}

struct Parameters {
  std::vector<F32> scale;
  std::vector<std::int32_t> zero;
};
inline Parameters read_parameters(Reader& r, std::size_t n, bool half) {
  Parameters p{read_reals(r, n, half), std::vector<std::int32_t>(n)};
  for (std::int32_t& z : p.zero) z = r.i32();
  return p;
}

/// Codes [outer][axis][inner]:i32.
inline void run(const Profile& row, std::string_view family, Reader& r, Writer& w) {
  const bool half = family == "quantize.half";
  const emu::CodeRange range = read_range(r);
  const emu::ScaleLayout layout = read_layout(r);
  const Parameters q = read_parameters(r, layout.scales(), half);
  const std::vector<F32> x = read_reals(r, layout.size(), half);
  const bool nibbles = range.type_high - range.type_low == 15;
  std::vector<std::int32_t> codes(x.size());
  emu::quantize_tensor<std::int32_t>(row, x, layout, q.scale, q.zero, range, {half, nibbles},
                                     codes);
  for (const std::int32_t code : codes) w.i32(code);
}

/// type:u8 outer:u8 axis:u8 inner:u8 block:u8 scale[scales]:f32 zero[scales]:i32 codes
inline std::vector<Bytes> dequantize_cases(std::string_view family) {
  CodeMaker m(family);
  std::vector<Bytes> out;
  for (int i = 0; i < 100; ++i) {
    const std::uint32_t kind = static_cast<std::uint32_t>(i % 4);
    const Layout s = i < 20   ? Layout{1, 1, 9, 0}
                     : i < 50 ? Layout{1, 1, 1 + m.below(33), 0}
                              : Layout{1 + m.below(2), 2, 1 + m.below(11), m.below(3)};
    Writer w;
    w.u8(kind);
    put_layout(w, s);
    for (std::size_t k = 0; k < s.scales().scales(); ++k)
      w.u32(i < 20       ? specials[static_cast<std::size_t>(i)]
            : i % 8 < 4 ? m.scale()
                        : decimal_scale(m));
    for (std::size_t k = 0; k < s.scales().scales(); ++k) w.i32(m.zero_of(kind));
    put_codes(w, kind, m.codes_of(kind, 5, static_cast<int>(s.scales().size())));
    out.push_back(w.bytes);
  }
  for (const std::uint32_t kind : {u8, s8, u16, s16}) {  // nothing, times an infinity
    Writer w;
    w.u8(kind);
    put_layout(w, {1, 1, 3, 0});
    w.u32(infinity), w.i32(3);
    put_codes(w, kind, {2, 3, 4});
    out.push_back(w.bytes);
  }
  return out;
}

inline bool has_quantizer(const Profile& row, std::string_view) {
  return row.quantize.vector.scaling != Scaling::none;
}

/// Real values [outer][axis][inner]:f32.
inline void run_dequantize(const Profile& row, std::string_view, Reader& r, Writer& w) {
  const std::uint32_t kind = r.u8();
  const emu::ScaleLayout layout = read_layout(r);
  const Parameters q = read_parameters(r, layout.scales(), false);
  const std::vector<std::int32_t> codes = read_codes(r, kind, layout.size());
  std::vector<F32> reals(codes.size());
  emu::dequantize_tensor<std::int32_t>(row, codes, layout, q.scale, q.zero,
                                       !code_kinds[kind].wide, reals);
  for (const F32 x : reals) w.u32(x.bits);
}

}  // namespace qsim::court::quantize

namespace qsim::court::dynamic {

/// n:u8 x[n]:f32
inline std::vector<Bytes> cases(std::string_view family) {
  CodeMaker m(family);
  std::vector<Bytes> out;
  const auto add = [&](const std::vector<std::uint32_t>& x) {
    Writer w;
    w.u8(static_cast<std::uint32_t>(x.size()));
    w.words(x);
    out.push_back(w.bytes);
  };
  const auto reals = [&](int n, int low, int span) {
    std::vector<std::uint32_t> x;
    for (int i = 0; i < n; ++i) x.push_back(m.real(low, span));
    return x;
  };
  for (int n = 1; n <= 80; ++n) {
    std::vector<std::uint32_t> x = reals(n, -4, 8);
    if (n % 4 == 0)  // one sign only
      for (std::uint32_t& v : x) v = n % 8 == 0 ? v & 0x7fffffffu : v | 0x80000000u;
    add(x);
    x[static_cast<std::size_t>(m.below(n))] = m.below(2) == 0 ? nan : 0xffc00000;
    add(x);
  }
  for (int lost = 0; lost < 70; lost += 3)  // one NaN at every place of two vectors and a rest
    for (const int n : {70, 75}) {
      std::vector<std::uint32_t> x = reals(n, 0, 3);
      x[static_cast<std::size_t>(lost)] = nan;
      x[static_cast<std::size_t>(lost / 2)] = m.real(5, 2);
      add(x);
    }
  for (const std::uint32_t s : specials) {
    add({s}), add({s, s, s});
    std::vector<std::uint32_t> x = reals(17, -2, 5);
    x[5] = s;
    add(x);
    add({s, m.special(), m.special(), one});
  }
  for (int i = 0; i < 40; ++i) {  // wide and narrow ranges
    const int exponent = m.below(240) - 120, span = 1 + m.below(6);
    add(reals(1 + m.below(20), exponent, span));
  }
  for (int i = 0; i < 20; ++i) {  // codes near ties: quarters between round limits
    std::vector<std::uint32_t> x{small(-m.below(3) * 51), small(255 - m.below(2) * 51)};
    for (int k = 0; k < 14; ++k) x.push_back(small(m.below(1020) - 204, 2));
    add(x);
  }
  return out;
}

inline bool applies(const Profile& row, std::string_view) {
  return row.dynamic.scheme != DynamicScheme::none;
}

/// scale:f32 zero:i32 codes[n]:i32.
inline void run(const Profile& row, std::string_view, Reader& r, Writer& w) {
  const std::size_t n = r.u8();
  const std::vector<F32> x = r.floats(n);
  std::vector<std::int32_t> codes(n);
  const emu::DynamicParameters p = emu::dynamic_quantize<std::int32_t>(row, x, codes);
  w.u32(p.scale.bits);
  w.i32(p.zero);
  for (const std::int32_t code : codes) w.i32(code);
}

}  // namespace qsim::court::dynamic
