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
  const auto slope = [&] { return leaky ? m.real(-6, 7) : one; };
  struct Pair {
    std::uint32_t from, to;
  };
  std::vector<Pair> kinds{{s8, s8}, {u8, u8}, {s16, s16}};
  if (!leaky) kinds.insert(kinds.end(), {{u8, s8}, {s8, u8}, {s16, s8}, {s8, s16}});
  for (const auto& [from, to] : kinds) {
    for (const int shift : {-2, 0, 1, 2, 3, 7})  // ties by powers of two
      add(from, to, small(1, 3 + shift), small(1, 3), leaky ? small(1, 1) : one, 60);
    for (int i = 0; i < 16; ++i)
      add(from, to, quantize::decimal_scale(m), quantize::decimal_scale(m), slope());
    for (int i = 0; i < 16; ++i) add(from, to, m.scale(), m.scale(), slope());
    for (int pattern = 0; pattern < 4; ++pattern)
      add(from, to, m.scale(), m.scale(), slope(), 6, pattern);
    for (const int exponent : {-40, -33, -31, -20, -9, -8, 7, 8, 15, 31, 33, 60})
      add(from, to, static_cast<std::uint32_t>(127 + exponent) << 23 | 0x2aaaaau, one, slope(), 9);
    for (const std::uint32_t s : specials) {
      add(from, to, s, one, slope(), 4), add(from, to, one, s, slope(), 4);
      if (leaky) add(from, to, small(1, 4), small(1, 5), s, 9);
    }
  }
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
  for (const std::uint32_t kind : {s8, u8, s16}) {
    for (const int count : {1, 2, 3, 4, 5, 7, 8, 9, 16, 25, 31, 32, 33, 49, 63, 64, 65, 128, 255})
      add(kind, one, one, count, 3), add(kind, m.scale(), m.scale(), count, 2);
    for (const int channels : {1, 7, 8, 9, 15, 16, 17, 23, 24, 31, 32, 33, 34, 47, 48, 49})
      for (const int count : {1, 2, 4}) add(kind, small(1, 1), small(count, 2), count, channels);
    for (int i = 0; i < 24; ++i)
      add(kind, quantize::decimal_scale(m), quantize::decimal_scale(m), 1 + m.below(40),
          1 + m.below(20));
    for (int pattern = 0; pattern < 4; ++pattern) add(kind, one, small(1, 1), 9, 17, pattern);
    for (const int exponent : {-40, -33, -31, -20, 8, 15, 31, 33, 60})
      add(kind, static_cast<std::uint32_t>(127 + exponent) << 23 | 0x2aaaaau, one, 6, 2);
    for (const std::uint32_t s : specials) add(kind, s, one, 3, 2), add(kind, one, s, 3, 2);
  }
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
