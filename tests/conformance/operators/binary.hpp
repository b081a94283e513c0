#pragma once
// Cases of sums and products of two code tensors: families add.<type> and mul.<type>.

#include "conformance/operators/operator.hpp"
#include "conformance/operators/quantize.hpp"
#include "qsim/emu/add.hpp"
#include "qsim/emu/mul.hpp"

namespace qsim::court::binary {

/// Rules that an engine's graph fields give know int8 only; others may have no 16-bit codes.
inline bool applies(const Profile& row, std::string_view family) {
  const std::uint32_t kind = kind_at(family, 4);
  const bool sum = family.substr(0, 4) == "add.";
  const bool engine = sum ? row.add.scheme == AddScheme::engine
                          : row.mul.scheme == MulScheme::engine;
  const bool none = sum ? row.add.scheme == AddScheme::none : row.mul.scheme == MulScheme::none;
  const bool wide = sum ? row.add.scheme == AddScheme::fixed ||
                              row.add.scheme == AddScheme::plain_f32
                        : row.mul.scheme == MulScheme::fixed ||
                              row.mul.scheme == MulScheme::plain_f32;
  if (none || (engine && kind != s8)) return false;
  return kind != s16 || wide;
}

/// range {scale:f32 zero:i32} of a, b and the result, subtract:u8 lone:u8 (0 neither, 1 a, 2 b one
/// code for all) n:u8 a[n] b[n]; a lone operand has one code. range: type:u8 low:i32 high:i32.
/// mul.* knows neither subtract nor lone.
class Cases : public CodeMaker {
 public:
  explicit Cases(std::string_view family)
      : CodeMaker(family), kind_(kind_at(family, 4)), sums_(family.substr(0, 4) == "add.") {}

  struct Scales {
    std::uint32_t a = one, b = one, out = one;
  };
  void add(const Scales& s, int n, int pattern_a = 5, int pattern_b = 5) {
    Writer w;
    put_some_range(w, *this, kind_);
    const bool plain = kind_ == s16 && below(4) != 0;
    for (const std::uint32_t scale : {s.a, s.b, s.out}) {
      w.u32(scale);
      w.i32(plain ? 0 : zero_of(kind_));
    }
    w.u8(sums_ && below(3) == 0 ? 1 : 0);
    const int lone = !sums_ ? 0 : n == 1 ? 1 : below(3);
    w.u8(static_cast<std::uint32_t>(lone));
    w.u8(static_cast<std::uint32_t>(n));
    put_codes(w, kind_, codes_of(kind_, pattern_a, lone == 1 ? 1 : n));
    put_codes(w, kind_, codes_of(kind_, pattern_b, lone == 2 ? 1 : n));
    all_.push_back(w.bytes);
  }
  std::vector<Bytes> make() {
    for (int n = 1; n <= 8; ++n) add({scale(), scale(), scale()}, n);
    for (const auto& [a, b] : {std::pair{0, 0}, std::pair{1, 1}, std::pair{0, 1}, std::pair{2, 3}})
      for (const std::uint32_t out : {one, small(1, 3), 0x3f800001u, small(3)})
        add({one, one, out}, 6, a, b);
    for (const int shift : {0, 1, 2, 3, 5})  // ties by powers of two
      for (const int other : {0, 1, 4})
        for (int i = 0; i < 3; ++i) add({small(1, shift), small(1, other), one}, 40);
    const auto decimal = [&] { return quantize::decimal_scale(*this); };
    for (int i = 0; i < 60; ++i) add({decimal(), decimal(), decimal()}, 60);
    for (int i = 0; i < 30; ++i) add({scale(), scale(), scale()}, 60);
    ratios();
    for (const std::uint32_t s : specials) {
      add({s, one, one}, 4), add({one, s, one}, 4), add({one, one, s}, 4);
      add({s, s, s}, 4);
    }
    cancelled();
    ends();
    if (sums_) last_bits();
    return all_;
  }

 private:
  struct Codes {
    std::vector<int> a, b;
    int zero_a = 0, zero_b = 0, zero = 0;
    bool subtracts = false;
  };
  /// Without limits but the type's.
  void put(const Scales& s, const Codes& c) {
    Writer w;
    put_full_range(w, kind_);
    w.u32(s.a), w.i32(c.zero_a);
    w.u32(s.b), w.i32(c.zero_b);
    w.u32(s.out), w.i32(c.zero);
    w.u8(sums_ && c.subtracts ? 1 : 0);
    w.u8(0);
    w.u8(static_cast<std::uint32_t>(c.a.size()));
    put_codes(w, kind_, c.a);
    put_codes(w, kind_, c.b);
    all_.push_back(w.bytes);
  }
  /// Sums of opposite numbers, of which only what rounding a product loses is left.
  void cancelled() {
    for (int i = 0; i < 8; ++i) {
      const std::uint32_t s = scale() | 0x12345u;
      Codes c{.a = {}, .b = {}, .zero_a = 100, .zero_b = 100, .zero = i % 3,
              .subtracts = i % 2 != 0};
      for (int d = 1; d <= 27; d += 2) {
        c.a.push_back(100 + d);
        c.b.push_back(c.subtracts ? 100 + d : 100 - d);
      }
      put({s, s, s - (20u << 23)}, c);
    }
  }
  /// Results at both ends of 32 bits, with zero points that carry them just over.
  void ends() {
    put({0x4effffffu, one, one}, {.a = {0, 1, 1}, .b = {0, 0, 1}});
    put({0x4effffffu, 0x4effffffu, one}, {.a = {0, 1, 1}, .b = {0, 0, 1}});
    if (kind_ != s16) return;
    for (const int zero : {-300, -258, -257, -256, -200, -130, -129, -128, -127, 127, 128, 129, 130,
                           200, 256, 257, 258, 259, 300, 385, 386}) {
      put({0x3fffffffu, one, one},
          {.a = {-32768, 32767}, .b = {-32768, -32768}, .zero = zero});
      put({one, small(1, 14), small((1 << 23) + 1, 23 + 15)},  // (2^30 - 1)(2 - 2^-22) - zero
          {.a = {32767, 32767}, .b = {-16383, 16383}, .zero_a = -32768, .zero = zero,
           .subtracts = true});
    }
  }
  /// Ratios beyond 2^20, which leave one unit of the sum or none, beside ties; and ratios that are
  /// ties at 31 bits.
  void last_bits() {
    const int middle = kind_ == u8 ? 128 : 0;
    Codes c{.a = {}, .b = {}, .zero_a = middle, .zero_b = middle, .zero = middle};
    for (const int b : {1, -1, 3, -3, 5, 7})
      for (const int a : {-1, 1, -2, 2, -100, 100})
        c.a.push_back(middle + a), c.b.push_back(middle + b);
    for (const int shift : {20, 22, 25, 31}) put({small(3, shift), one, small(2)}, c);
    if (kind_ != s16) return;
    const std::uint32_t larger = small(0x9249b5, 22);
    for (const std::uint32_t shift : {0u, 1u, 2u})
      put({small(0xc5ab2d, 23), larger, larger - (1u << 23) + (shift << 23)},
          {.a = {5690, 11827, 21866}, .b = {0, 0, 0}});
  }
  /// Around the limits of integer ratios: 2^-14, 2^8, and a larger one that rounds up.
  void ratios() {
    for (const std::uint32_t ratio : {0x38800000u, 0x387fffffu, 0x38800001u, 0x43800000u,
                                      0x437fffffu, 0x3f7fffffu, 0x3effffffu, 0x41fffffeu,
                                      0x3c7fffffu, 0x30000000u, 0x4b000000u})
      for (const std::uint32_t other : {ratio, one, small(1, 6), 0x39000000u}) {
        add({ratio, other, one}, 8);
        add({other, ratio, one}, 8);
      }
  }

  std::uint32_t kind_;
  bool sums_;
  std::vector<Bytes> all_;
};

inline std::vector<Bytes> cases(std::string_view family) { return Cases(family).make(); }

/// Codes [n]:i32. Zero points outside the type do not occur.
inline void run(const Profile& row, std::string_view family, Reader& r, Writer& w) {
  const std::uint32_t kind = kind_at(family, 4);
  const emu::CodeRange range = read_range(r);
  emu::Scaled q[3];
  for (emu::Scaled& s : q) s.scale = r.f32(), s.zero = r.i32();
  const bool subtracts = r.u8() != 0;
  const emu::Lone lone = static_cast<emu::Lone>(r.u8());
  const std::size_t n = r.u8();
  std::vector<std::int32_t> a = read_codes(r, kind, lone == emu::Lone::a ? 1 : n);
  std::vector<std::int32_t> b = read_codes(r, kind, lone == emu::Lone::b ? 1 : n);
  a.resize(n, a[0]), b.resize(n, b[0]);
  if (family.substr(0, 4) == "add.") {
    const emu::PreparedAdd p = emu::prepare_add(row, q[0], q[1], q[2], range, subtracts, lone);
    for (std::size_t i = 0; i < n; ++i) w.i32(emu::code_of(p, a[i], b[i]));
  } else {
    const emu::PreparedMul p = emu::prepare_mul(row, q[0], q[1], q[2], range);
    for (std::size_t i = 0; i < n; ++i) w.i32(emu::code_of(p, a[i], b[i]));
  }
}

}  // namespace qsim::court::binary
