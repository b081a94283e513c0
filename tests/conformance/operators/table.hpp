#pragma once
// Cases of tables of 256 entries (family table.function) and of softmax (family softmax.rows).

#include "conformance/operators/operator.hpp"
#include "conformance/operators/quantize.hpp"
#include "qsim/emu/softmax.hpp"
#include "qsim/emu/table.hpp"

namespace qsim::court::table {

inline bool applies(const Profile& row, std::string_view) {
  return row.table.scheme != TableScheme::none;
}

/// function:u8 (0 identity, 1 sigmoid, 2 tanh, 3 leaky relu) slope:f32 type:u8
/// {scale:f32 zero:i32} of input and result
inline std::vector<Bytes> cases(std::string_view family) {
  CodeMaker m(family);
  std::vector<Bytes> out;
  const auto add = [&](int function, std::uint32_t kind, std::uint32_t in, std::uint32_t to) {
    Writer w;
    w.u8(static_cast<std::uint32_t>(function));
    w.u32(m.below(4) == 0 ? m.special() : m.real(-6, 7));
    w.u8(kind);
    w.u32(in), w.i32(m.zero_of(kind));
    w.u32(to), w.i32(m.zero_of(kind));
    out.push_back(w.bytes);
  };
  for (int function = 0; function < 4; ++function)
    for (const std::uint32_t kind : {s8, u8}) {
      for (int i = 0; i < 6; ++i) {
        const std::uint32_t to = quantize::decimal_scale(m);
        add(function, kind, quantize::decimal_scale(m), to);
      }
      add(function, kind, small(1, 4), small(1, 8));
      add(function, kind, small(1, 5), small(1, 7));
      const std::uint32_t to = m.scale();
      add(function, kind, m.scale(), to);
    }
  for (const std::uint32_t s : specials) {
    add(m.below(4), s8, s, one), add(m.below(4), u8, one, s);
    add(0, s8, s, s);
  }
  return out;
}

/// Codes of all 256 codes, lowest first:i16.
inline void run(const Profile& row, std::string_view, Reader& r, Writer& w) {
  const emu::Function function = static_cast<emu::Function>(r.u8());
  const F32 slope = r.f32();
  const emu::CodeRange range = full_range(r.u8());
  emu::Scaled in, out;
  for (emu::Scaled* s : {&in, &out}) s->scale = r.f32(), s->zero = r.i32();
  const emu::RealTable reals = emu::real_table(row, function, in, range, slope);
  for (const std::int32_t q : emu::code_table(row, reals, out, range))
    w.u16(static_cast<std::uint32_t>(q));
}

}  // namespace qsim::court::table

namespace qsim::court::softmax {

inline bool applies(const Profile& row, std::string_view) {
  return row.softmax.scheme != SoftmaxScheme::none;
}

/// type:u8 {scale:f32 zero:i32} of input and result, beta:f32 rows:u8 depth:u8 codes[rows][depth]
inline std::vector<Bytes> cases(std::string_view family) {
  CodeMaker m(family);
  std::vector<Bytes> out;
  struct Item {
    std::uint32_t kind, in;
    int depth, pattern = 5;
    std::uint32_t beta = one, scale = small(1, 8);
    bool lowest = true;  ///< the result's zero point is the lowest code, as engines have it
  };
  const auto add = [&](const Item& c) {
    Writer w;
    w.u8(c.kind);
    w.u32(c.in), w.i32(m.zero_of(c.kind));
    w.u32(c.scale), w.i32(c.lowest ? code_kinds[c.kind].low : m.zero_of(c.kind));
    w.u32(c.beta);
    const int rows = 1 + m.below(2);
    w.u8(static_cast<std::uint32_t>(rows)), w.u8(static_cast<std::uint32_t>(c.depth));
    put_codes(w, c.kind, m.codes_of(c.kind, c.pattern, rows * c.depth));
    out.push_back(w.bytes);
  };
  for (const std::uint32_t kind : {s8, u8}) {
    for (const int depth : {1, 2, 3, 5, 8, 10, 17, 100, 255})
      for (const std::uint32_t in : {small(1, 4), 0x3dcccccdu}) add({kind, in, depth});
    for (int pattern = 0; pattern < 10; ++pattern) add({kind, small(1, 3), 9, pattern});
    for (int i = 0; i < 16; ++i) add({kind, m.scale(), 1 + m.below(20)});
    for (const int exponent : {-30, -27, -26, -25, -20, -10, 0, 3, 6, 20, 40})
      add({kind, static_cast<std::uint32_t>(127 + exponent) << 23 | 0x123456u, 6});
    for (int i = 0; i < 8; ++i)
      add({kind, m.scale(), 7, 5, one, quantize::decimal_scale(m), i % 2 == 0});
    for (const std::uint32_t beta : {small(1, 1), small(2), 0x3dcccccdu, 0u, 0xbf800000u, nan})
      add({kind, small(1, 4), 6, 5, beta});
    for (const std::uint32_t s : specials) add({kind, s, 5}), add({kind, one, 5, 5, one, s});
  }
  return out;
}

/// Codes [rows][depth]:i32.
inline void run(const Profile& row, std::string_view, Reader& r, Writer& w) {
  const std::uint32_t kind = r.u8();
  emu::SoftmaxOperands a;
  a.range = full_range(kind);
  for (emu::Scaled* s : {&a.in, &a.out}) s->scale = r.f32(), s->zero = r.i32();
  a.beta = r.f32();
  const std::size_t rows = r.u8();
  a.depth = r.u8();
  const std::vector<std::int32_t> codes = read_codes(r, kind, rows * a.depth);
  a.input = codes;
  std::vector<std::int32_t> y(codes.size());
  emu::softmax(row, a, y);
  for (const std::int32_t q : y) w.i32(q);
}

}  // namespace qsim::court::softmax
