#pragma once
// Cases of codes to codes of another scale (recode.codes), leaky relu on codes (recode.leaky_relu)
// and means over axes (mean.rows).

#include "conformance/operators/operator.hpp"
#include "conformance/operators/quantize.hpp"
#include "qsim/emu/mean.hpp"
#include "qsim/emu/recode.hpp"

namespace qsim::court::recode {

inline bool is_leaky(std::string_view family) { return family == "recode.leaky_relu"; }

inline bool applies(const Profile& row, std::string_view family) {
  return (is_leaky(family) ? row.leaky_relu : row.requantize).scheme != Recoding::none;
}

/// slope:f32 type of the input:u8 range {scale:f32 zero:i32} of input and result, n:u8 codes[n];
/// range is the result's, type:u8 low:i32 high:i32. recode.codes does not read the slope.
inline std::vector<Bytes> cases(std::string_view family) {
  CodeMaker m(family);
  std::vector<Bytes> out;
  const bool leaky = is_leaky(family);
  const auto add = [&](std::uint32_t from, std::uint32_t to, std::uint32_t in, std::uint32_t scale,
                       std::uint32_t slope, int n = 24, int pattern = 5) {
    Writer w;
    w.u32(slope);
    w.u8(from);
    put_some_range(w, m, to);
    w.u32(in), w.i32(m.zero_of(from));
    w.u32(scale), w.i32(m.zero_of(to));
    w.u8(static_cast<std::uint32_t>(n));
    put_codes(w, from, m.codes_of(from, pattern, n));
    out.push_back(w.bytes);
  };
  struct Exact {
    std::uint32_t kind, in, scale;
    int zero_in, zero;
    std::vector<int> codes;
  };
  const auto put = [&](const Exact& c) {  // without limits, with the same slope below
    Writer w;
    w.u32(one);
    w.u8(c.kind);
    put_full_range(w, c.kind);
    w.u32(c.in), w.i32(c.zero_in);
    w.u32(c.scale), w.i32(c.zero);
    w.u8(static_cast<std::uint32_t>(c.codes.size()));
    put_codes(w, c.kind, c.codes);
    out.push_back(w.bytes);
  };
  const auto slope = [&] { return leaky ? m.real(-6, 7) : one; };
  struct Pair {
    std::uint32_t from, to;
  };
  std::vector<Pair> kinds{{s8, s8}, {u8, u8}, {s16, s16}};
  if (!leaky) kinds.insert(kinds.end(), {{u8, s8}, {s8, u8}, {s16, s8}, {s8, s16}});
  for (const auto& [from, to] : kinds) {
    for (const int shift : {-2, 0, 1, 2, 3, 7})  // ties by powers of two
      add(from, to, small(1, 3 + shift), small(1, 3), leaky ? small(1, 1) : one, 60);
    const auto any = [&, from = from, to = to](int n, int pattern) {
      const std::uint32_t with = slope(), out_scale = m.scale();
      add(from, to, m.scale(), out_scale, with, n, pattern);
    };
    for (int i = 0; i < 16; ++i) {
      const std::uint32_t with = slope(), out_scale = quantize::decimal_scale(m);
      add(from, to, quantize::decimal_scale(m), out_scale, with);
    }
    for (int i = 0; i < 16; ++i) any(24, 5);
    for (int pattern = 0; pattern < 4; ++pattern) any(6, pattern);
    for (const int exponent : {-40, -33, -31, -20, -9, -8, 7, 8, 15, 31, 33, 60})
      add(from, to, static_cast<std::uint32_t>(127 + exponent) << 23 | 0x2aaaaau, one, slope(), 9);
    for (const std::uint32_t s : specials) {
      add(from, to, s, one, slope(), 4), add(from, to, one, s, slope(), 4);
      if (leaky) add(from, to, small(1, 4), small(1, 5), s, 9);
    }
  }
  // A factor that is a tie at 31 bits, and the one difference whose result its last bit changes.
  for (const std::uint32_t kind : {u8, s8, s16}) {
    const int low = kind == u8 ? 0 : -128;
    const std::vector<int> codes(20, low + 208);
    put({kind, small(0x7fb9fa, 23), small(0x71c71b, 23), low, low, codes});
  }
  // -2^31 + 128, and zero points that carry it just over the end.
  for (const int zero : {-300, -257, -256, -255, -200, -130, -129, -128, -127, 0, 127, 128})
    put({s16, 0x477fffff, one, 0, zero, {-32768, 32767, -32767}});
  return out;
}

/// Codes [n]:i32.
inline void run(const Profile& row, std::string_view family, Reader& r, Writer& w) {
  const F32 slope = r.f32();
  const std::uint32_t from = r.u8();
  const emu::CodeRange range = read_range(r);
  emu::Scaled in, out;
  for (emu::Scaled* s : {&in, &out}) s->scale = r.f32(), s->zero = r.i32();
  const std::vector<std::int32_t> codes = read_codes(r, from, r.u8());
  const emu::PreparedRecode p = is_leaky(family)
                                    ? emu::prepare_leaky_relu(row, in, out, slope, range)
                                    : emu::prepare_requantize(row, in, out, range);
  std::vector<std::int32_t> out_codes(codes.size());
  const bool bytes = !code_kinds[from].wide && range.type_high - range.type_low == 255;
  emu::recode<std::int32_t>(p, codes, bytes, out_codes);
  for (const std::int32_t q : out_codes) w.i32(q);
}

}  // namespace qsim::court::recode

namespace qsim::court::mean {

inline bool applies(const Profile& row, std::string_view) {
  return row.mean.scheme != MeanScheme::none;
}

/// type:u8 image:u8 {scale:f32 zero:i32} of input and result, results:u8 count:u8 channels:u8
/// codes[results][count]; result r is of channel r % channels. image: 8-bit codes [n, h, w, c], h
/// and w reduced
inline std::vector<Bytes> cases(std::string_view family) {
  CodeMaker m(family);
  std::vector<Bytes> out;
  const auto add = [&](std::uint32_t kind, std::uint32_t in, std::uint32_t to, int count,
                       int channels, int pattern = 5) {
    Writer w;
    w.u8(kind);
    w.u8(kind == s16 || m.below(3) == 0 ? 0 : 1);
    w.u32(in), w.i32(m.zero_of(kind));
    w.u32(to), w.i32(m.zero_of(kind));
    const int results = channels < 8 ? 2 * channels : channels;
    for (const int v : {results, count, channels}) w.u8(static_cast<std::uint32_t>(v));
    put_codes(w, kind, m.codes_of(kind, pattern, results * count));
    out.push_back(w.bytes);
  };
  struct Exact {
    std::uint32_t in, to;
    int zero_in, zero, count;
    std::vector<int> codes;
  };
  const auto put = [&](std::uint32_t kind, const Exact& c) {  // one channel
    Writer w;
    w.u8(kind);
    w.u8(0);
    w.u32(c.in), w.i32(c.zero_in);
    w.u32(c.to), w.i32(c.zero);
    const int results = static_cast<int>(c.codes.size()) / c.count;
    for (const int v : {results, c.count, 1}) w.u8(static_cast<std::uint32_t>(v));
    put_codes(w, kind, c.codes);
    out.push_back(w.bytes);
  };
  for (const std::uint32_t kind : {s8, u8, s16}) {
    for (const int count : {1, 2, 3, 4, 5, 7, 8, 9, 16, 25, 31, 32, 33, 49, 63, 64, 65, 128, 255}) {
      add(kind, one, one, count, 3);
      const std::uint32_t to = m.scale();
      add(kind, m.scale(), to, count, 2);
    }
    for (const int channels : {1, 7, 8, 9, 15, 16, 17, 23, 24, 31, 32, 33, 34, 47, 48, 49})
      for (const int count : {1, 2, 4}) add(kind, small(1, 1), small(count, 2), count, channels);
    for (int i = 0; i < 24; ++i) {
      const int channels = 1 + m.below(20), count = 1 + m.below(40);
      const std::uint32_t to = quantize::decimal_scale(m);
      add(kind, quantize::decimal_scale(m), to, count, channels);
    }
    for (int pattern = 0; pattern < 4; ++pattern) add(kind, one, small(1, 1), 9, 17, pattern);
    for (const int exponent : {-40, -33, -31, -20, 8, 15, 31, 33, 60})
      add(kind, static_cast<std::uint32_t>(127 + exponent) << 23 | 0x2aaaaau, one, 6, 2);
    for (const std::uint32_t s : specials) add(kind, s, one, 3, 2), add(kind, one, s, 3, 2);
    const int low = kind == u8 ? 0 : -128;  // a tie at 31 bits, as in recode.codes
    put(kind, {small(0x7fb9fa, 23), small(0x71c71b, 23), low, low, 1, {low + 208, low + 207}});
  }
  for (const int zero : {-300, -257, -256, -255, -200, -130, -129, -128, -127, 0, 127, 128})
    put(s16, {0x477fffff, one, 0, zero, 1, {-32768, 32767, -32767}});
  for (int i = 0; i < 12; ++i) {  // sums whose zero point cancels all but rounding
    std::vector<int> codes(250);
    for (int& q : codes) q = 30000 + m.below(7) - 3;
    put(s16, {small(255, 4) | 0x5432u, small(1, 4) | 0x6789u, 30000, m.below(100), 250, codes});
  }
  // Differences that a factor with 31 bits and one with 24 take to either side of a tie.
  const std::int64_t wide = 0x567a8e4f, narrow = 0x567a8e80;
  std::vector<int> apart;
  for (int d = 1; d < 65000 && apart.size() < 24; ++d)
    if (num::shift_right(d * wide, 31, Ties::half_up) !=
        num::shift_right(d * narrow, 31, Ties::half_up))
      apart.push_back(d - 32768);
  put(s16, {small(0xc5ab2d, 24), small(0x9249b5, 23), -32768, -32768, 1, apart});
  return out;
}

/// Codes [results]:i32.
inline void run(const Profile& row, std::string_view, Reader& r, Writer& w) {
  const std::uint32_t kind = r.u8();
  emu::MeanOperands a;
  a.range = full_range(kind);
  a.image = r.u8() != 0;
  for (emu::Scaled* s : {&a.in, &a.out}) s->scale = r.f32(), s->zero = r.i32();
  const std::size_t results = r.u8();
  a.count = r.u8(), a.channels = r.u8();
  const std::vector<std::int32_t> codes = read_codes(r, kind, results * a.count);
  a.input = codes;
  for (const std::int32_t q : emu::mean(row, a)) w.i32(q);
}

}  // namespace qsim::court::mean
