#pragma once
// Cases of integer factors given as multiplier and exponent (family rescale.raw), and of sums as
// real numbers (family real.sums).

#include "conformance/operators/operator.hpp"
#include "qsim/emu/rescale.hpp"

namespace qsim::court::rescale {

/// The row's fixed-point rules, by the number that a case names them with; null: has none.
inline std::vector<const Fixed*> rules_of(const Profile& p) {
  const auto given = [](bool has, const Fixed& f) { return has ? &f : nullptr; };
  std::vector<const Fixed*> all;
  for (const Requant* r : {&p.requant, &p.requant_product, &p.requant_row, &p.requant16,
                           &p.requant16_product, &p.grouped, &p.channelwise, &p.channelwise_rest})
    all.push_back(given(r->scheme == Rescale::fixed, r->fixed));
  all.push_back(given(p.add.scheme == AddScheme::fixed, p.add.fixed));
  all.push_back(given(p.mul.scheme == MulScheme::fixed, p.mul.fixed));
  for (const Recode* r : {&p.requantize, &p.leaky_relu}) {
    const bool fixed = r->scheme == Recoding::fixed;
    all.push_back(given(fixed, r->fixed));
    all.push_back(given(fixed && r->group > 1, r->body));
  }
  const bool means = p.mean.scheme == MeanScheme::fixed;
  all.push_back(given(means, p.mean.fixed));
  all.push_back(given(means && p.mean.image_sums, p.mean.image));
  return all;
}
inline constexpr std::size_t rules = 16;

inline bool applies(const Profile& row, std::string_view) {
  for (const Fixed* rule : rules_of(row))
    if (rule != nullptr) return true;
  return false;
}

/// rule:u8 n:u8 {multiplier:i32 exponent:i32 acc:i64}[n]
inline std::vector<Bytes> cases(std::string_view family) {
  CodeMaker m(family);
  std::vector<Bytes> out;
  struct Item {
    std::int64_t multiplier, exponent, acc;
  };
  const auto add = [&](std::size_t which, const std::vector<Item>& items) {
    Writer w;
    w.u8(static_cast<std::uint32_t>(which));
    w.u8(static_cast<std::uint32_t>(items.size()));
    for (const Item& i : items) w.i32(i.multiplier), w.i32(i.exponent), w.i64(i.acc);
    out.push_back(w.bytes);
  };
  const std::int64_t rails[] = {int32_low, int32_low + 1, int32_high, int32_high - 1,
                                1 << 30, -(1 << 30), 0, 1, -1};
  for (std::size_t which = 0; which < rules; ++which) {
    std::vector<Item> all;
    for (const int exponent : {0, 1, 5, 31, -1, -2, -15, -30, -31, -32, -62})
      for (const std::int64_t multiplier : rails)
        for (const std::int64_t acc : rails)
          if (m.below(3) == 0 || multiplier == acc) all.push_back({multiplier, exponent, acc});
    for (std::size_t first = 0; first < all.size(); first += 60)
      add(which, {all.begin() + static_cast<std::ptrdiff_t>(first),
                  all.begin() + static_cast<std::ptrdiff_t>(std::min(first + 60, all.size()))});
    for (const int exponent : {0, -1, -2, -4}) {  // ties of both roundings
      std::vector<Item> items;
      for (int acc = -20; acc <= 20; ++acc)
        for (const int multiplier : {1 << 30, 3 << 28, 0x5fffffff})
          items.push_back({multiplier, exponent, acc});
      add(which, items);
    }
    for (int i = 0; i < 8; ++i) {
      std::vector<Item> items;
      for (int k = 0; k < 24; ++k)
        items.push_back({(1 << 30) + m.below(1 << 30), m.below(40) - 30, m.word(2 + m.below(31))});
      add(which, items);
    }
    for (int i = 0; i < 6; ++i) {  // 48 bits, multipliers around those that 15 bits can hold
      std::vector<Item> items;
      for (int k = 0; k < 16; ++k) {
        const std::int64_t top = 0x7ffe8000 - 2 + 16384 * m.below(6) + m.below(4);
        const std::int64_t most = (1 << 30) + m.below(1 << 30);
        items.push_back({k % 2 == 0 ? top : most, m.below(40) - 38, m.word(20 + m.below(29))});
      }
      add(which, items);
    }
  }
  return out;
}

/// Scaled values [n]:i32; sums beyond the rule's word are refused.
inline void run(const Profile& row, std::string_view, Reader& r, Writer& w) {
  const Fixed* rule = rules_of(row).at(r.u8());
  const std::size_t n = r.u8();
  if (rule == nullptr) fail<NotSupported>("no such rule");
  for (std::size_t i = 0; i < n; ++i) {
    const std::int32_t multiplier = r.i32(), exponent = r.i32();
    const std::int64_t acc = r.i64();
    if (num::wrap(acc, rule->bits == 16 ? 48 : 32) != acc) fail<BadArgument>("acc");
    w.i32(emu::rescale(acc, {multiplier, exponent}, *rule));
  }
}

}  // namespace qsim::court::rescale

namespace qsim::court::real {

/// Every row with products, whatever its rule from sums to codes.
inline bool applies(const Profile& row, std::string_view) {
  return !(row.products == Products{});
}

/// lhs_scale:f32 rhs_scale:f32 with_bias:u8 bias:f32 n:u8 acc[n]:i32
inline std::vector<Bytes> cases(std::string_view family) {
  CodeMaker m(family);
  std::vector<Bytes> out;
  const auto add = [&](std::uint32_t lhs, std::uint32_t rhs, bool biased, std::uint32_t bias) {
    Writer w;
    w.u32(lhs), w.u32(rhs);
    w.u8(biased ? 1 : 0);
    w.u32(bias);
    w.u8(12);
    for (const std::int64_t v : {int32_low, int32_high, std::int64_t{(1 << 24) + 1}}) w.i32(v);
    for (int i = 0; i < 9; ++i) w.i32(m.word(2 + m.below(31)));
    out.push_back(w.bytes);
  };
  for (const std::uint32_t s : specials) {
    add(s, one, true, small(3, 1));
    add(s, s, false, 0);
    add(one, s, true, s);
    add(small(1, 4), small(1, 5), true, s);
  }
  for (int i = 0; i < 60; ++i) {
    const std::uint32_t bias = m.real(-6, 12), rhs = m.scale();
    add(m.scale(), rhs, i % 2 == 0, bias);
  }
  return out;
}

/// Real values [n]:f32.
inline void run(const Profile& row, std::string_view, Reader& r, Writer& w) {
  const F32 lhs = r.f32(), rhs = r.f32();
  const bool biased = r.u8() != 0;
  const F32 bias = r.f32();
  const std::size_t n = r.u8();
  const F32 factor = num::mul(lhs, rhs, row.float_mode);
  for (std::size_t i = 0; i < n; ++i)
    w.u32(emu::real_sum(row, r.i32(), factor, biased ? &bias : nullptr).bits);
}

}  // namespace qsim::court::real
