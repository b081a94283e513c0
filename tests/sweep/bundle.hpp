#pragma once
// One result of every kind of operator by a row, as digests: what must not depend on the host.
//
// Inputs are made from integers alone, so the bundle may run in any floating-point environment.

#include <array>
#include <bit>
#include <map>
#include <string>
#include <vector>

#include "num/host.hpp"
#include "qsim/base/check.hpp"
#include "qsim/emu/add.hpp"
#include "qsim/emu/average.hpp"
#include "qsim/emu/conv.hpp"
#include "qsim/emu/dynamic.hpp"
#include "qsim/emu/mul.hpp"
#include "qsim/emu/quantize_tensor.hpp"
#include "qsim/emu/rescale.hpp"
#include "qsim/emu/softmax.hpp"
#include "qsim/emu/table.hpp"
#include "qsim/emu/window.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::sweep {

/// FNV-1a of numbers as little-endian bytes.
class Digest {
 public:
  void word(std::int64_t v) {
    for (int i = 0; i < 8; ++i) {
      hash_ ^= static_cast<std::uint64_t>(v) >> (8 * i) & 255;
      hash_ *= 0x100000001b3u;
    }
  }
  template <class Values>
  void words(const Values& all) {
    for (const auto v : all) word(static_cast<std::int64_t>(v));
  }
  void real(F32 x) { word(x.bits); }
  std::string hex() const {
    std::string out;
    for (int i = 60; i >= 0; i -= 4) out += "0123456789abcdef"[hash_ >> i & 15];
    return out;
  }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

namespace detail {

constexpr F32 bits_of(float x) { return {std::bit_cast<std::uint32_t>(x)}; }

inline constexpr emu::CodeRange s8{}, u8{0, 255, false, 0, 255},
    s16{-32768, 32767, false, -32768, 32767};

/// n codes of a range, half of them rails.
inline std::vector<std::int32_t> codes(test::Random& random, std::size_t n,
                                       const emu::CodeRange& r) {
  const std::uint32_t span = static_cast<std::uint32_t>(r.high - r.low);
  std::vector<std::int32_t> all(n);
  for (std::size_t i = 0; i < n; ++i)
    all[i] = random.below(2) == 0 ? (random.below(2) != 0 ? r.low : r.high)
                                  : r.low + static_cast<std::int32_t>(random.below(span + 1));
  return all;
}

/// Ordinary numbers, ties of 1/16, patterns of every exponent, and all that is special.
inline std::vector<F32> reals(test::Random& random, std::size_t n) {
  constexpr std::uint32_t specials[] = {0, 0x80000000u, 0x7f800000u, 0xff800000u, 0x7fc00000u,
                                        0xffc00001u, 1, 0x80000001u, 0x007fffffu, 0x807fffffu,
                                        0x00800000u, 0x7f7fffffu, 0xff7fffffu, 0x4effffffu,
                                        0x4f000000u, 0xcf000000u, 0x3effffffu};
  std::vector<F32> all(n);
  for (std::size_t i = 0; i < n; ++i)
    switch (i % 4) {
      case 0:
        all[i].bits = (120 + random.below(16)) << 23;
        all[i].bits |= random.pattern().bits >> 9;
        break;
      case 1: all[i] = num::from_int(std::int64_t{random.below(4001)} - 2000); break;
      case 2: all[i] = random.pattern(); break;
      case 3: all[i] = {specials[random.below(17)]}; break;
    }
  for (std::size_t i = 1; i < n; i += 4)
    if (!num::is_zero(all[i])) all[i].bits -= 5u << 23;  // thirty-seconds
  return all;
}

// ------------------------------------------------------------------------ one kind of operator

struct Pair {
  emu::CodeType lhs, rhs;
};
inline constexpr std::array<Pair, 6> pairs{{{emu::CodeType::u8, emu::CodeType::u8},
                                            {emu::CodeType::u8, emu::CodeType::s8},
                                            {emu::CodeType::s8, emu::CodeType::u8},
                                            {emu::CodeType::s8, emu::CodeType::s8},
                                            {emu::CodeType::s16, emu::CodeType::s8},
                                            {emu::CodeType::s16, emu::CodeType::s16}}};
constexpr emu::CodeRange range_of(emu::CodeType t) {
  return t == emu::CodeType::u8 ? u8 : t == emu::CodeType::s8 ? s8 : s16;
}

/// A refusal is an answer, too.
template <class Run>
void try_run(Digest& d, Run run) {
  try {
    run();
  } catch (const NotSupported&) {
    d.word(-1);
  } catch (const BadArgument&) {
    d.word(-2);
  }
}

inline void products(const Profile& p, Digest& d) {
  test::Random random(11);
  for (const Pair& types : pairs)
    for (const std::size_t k : {std::size_t{70}, std::size_t{257}})
      try_run(d, [&] {
        const Arith& arith = emu::product_of(p, types.lhs, types.rhs);
        const std::size_t m = 5, n = 9;
        const auto lhs = codes(random, m * k, range_of(types.lhs));
        const auto rhs = codes(random, k * n, range_of(types.rhs));
        const auto lhs_zero = codes(random, m, s8), rhs_zero = codes(random, n, s8);
        std::vector<std::int64_t> initial(n);
        for (std::int64_t& v : initial) v = static_cast<std::int32_t>(random.pattern().bits);
        const emu::GemmOperands a{m, n, k, lhs, rhs, lhs_zero, rhs_zero, initial};
        d.words(emu::gemm(arith, a));
        std::vector<emu::Overflows> overflows;
        d.words(emu::gemm(arith, a, &overflows));
        for (const emu::Overflows& o : overflows) d.word(o.total());
      });
}

inline void windows(const Profile& p, Digest& d) {
  test::Random random(12);
  for (const Pair& types : pairs)
    for (const std::size_t groups : {std::size_t{1}, std::size_t{16}})
      try_run(d, [&] {
        emu::WindowShape s;
        s.channels = s.out_channels = 16, s.groups = groups;
        s.image = {5, 6}, s.kernel = {3, 3}, s.stride = {1, 2}, s.dilation = {1, 1};
        s.pad = {1, 1}, s.out = {5, 3};
        const auto input = codes(random, 16 * 30, range_of(types.lhs));
        const auto filter = codes(random, 16 * s.depth() * 9, range_of(types.rhs));
        const std::vector<std::int32_t> zeros(16, 0);
        d.words(emu::convolve_window(
            p, s, {types.lhs, types.rhs, input, filter, 3, zeros, true, false}));
      });
}

inline void sums(const Profile& p, Digest& d) {
  test::Random random(13);
  const Requant* rules[] = {&p.requant, &p.requant_product, &p.requant_row, &p.requant16,
                            &p.requant16_product, &p.grouped, &p.channelwise,
                            &p.channelwise_rest};
  for (const Requant* rule : rules) {
    if (rule->scheme == Rescale::none || rule->scheme == Rescale::engine) continue;
    for (const F32 scale : {bits_of(0.0625f), bits_of(0.0237f), bits_of(1e-20f), bits_of(3e20f)})
      try_run(d, [&] {
        const emu::PreparedFactor by =
            emu::prepare(*rule, {scale, bits_of(0.11f), bits_of(0.75f)}, p.float_mode);
        for (int i = 0; i < 60; ++i) {
          const std::int32_t word = static_cast<std::int32_t>(random.pattern().bits);
          const std::int32_t sum = word >> random.below(25);
          d.word(emu::requantize_sum(*rule, sum, by, -3, s8, p.float_mode));
        }
      });
    try_run(d, [&] {  // codes of 15 bits: one in 2^9 shows the last bit of its real value
      const emu::PreparedFactor by = emu::prepare(
          *rule, {bits_of(0.471f), bits_of(0.683f), bits_of(1.37f)}, p.float_mode);
      for (int i = 0; i < 3000; ++i) {
        const std::int32_t sum = static_cast<std::int32_t>(random.below(1 << 17)) - (1 << 16);
        d.word(emu::requantize_sum(*rule, sum, by, 0, s16, p.float_mode));
      }
    });
  }
  for (const Epilogue& e : {p.epilogue, p.depthwise})
    for (int i = 0; i < 60; ++i) {
      const std::int32_t sum = static_cast<std::int32_t>(random.pattern().bits);
      d.word(emu::requantize(e, sum, random.pattern(), s8, p.float_mode));
    }
}

inline void quantizers(const Profile& p, Digest& d) {
  test::Random random(14);
  for (const emu::CodeRange& range : {s8, u8, s16})
    for (const F32 scale : {bits_of(0.0625f), bits_of(0.0237f), bits_of(1e-39f), F32{1}})
      for (const bool half : {false, true})
        try_run(d, [&] {
          std::vector<F32> x = reals(random, 71);
          const F32 scales[] = {scale};
          const std::int32_t zeros[] = {range.low == 0 ? 131 : -5};
          for (std::int32_t i = -300; i < 300; ++i)  // halves of the scale, and their neighbours
            x.push_back({num::mul(num::from_int(i), num::mul(scale, num::f32_half)).bits +
                         random.below(3) - 1});
          std::vector<std::int32_t> q(x.size());
          emu::quantize_tensor<std::int32_t>(p, x, {1, 1, x.size()}, scales, zeros, range,
                                             {.half = half}, q);
          d.words(q);
          std::vector<F32> back(x.size());
          emu::dequantize_tensor<std::int32_t>(p, q, {1, 1, x.size()}, scales, zeros,
                                               range.high < 256, back);
          for (const F32 y : back) d.real(y);
        });
}

inline void dynamics(const Profile& p, Digest& d) {
  test::Random random(15);
  for (const std::size_t n : {std::size_t{7}, std::size_t{67}})
    for (const bool special : {false, true})
      try_run(d, [&] {
        std::vector<F32> x = reals(random, n);
        for (F32& v : x)
          if (!special && (v.bits >> 23 & 255) > 140) v.bits &= 0x3fffffffu;
        std::vector<std::int32_t> q(n);
        const emu::DynamicParameters found = emu::dynamic_quantize<std::int32_t>(p, x, q);
        d.real(found.scale);
        d.word(found.zero);
        d.words(q);
      });
}

inline void binaries(const Profile& p, Digest& d) {
  const std::array<emu::Scaled, 3> settings[] = {
      {{{bits_of(0.5f), 0}, {bits_of(0.5f), 0}, {bits_of(1.0f), 0}}},
      {{{bits_of(0.1f), 3}, {bits_of(0.037f), -7}, {bits_of(0.11f), 11}}},
      {{{bits_of(1e-30f), 3}, {bits_of(1e-15f), -7}, {bits_of(1e-30f), 1}}},
      {{{bits_of(0.9f), 3}, {bits_of(1e-6f), -7}, {bits_of(0.7f), 1}}}};
  for (const std::array<emu::Scaled, 3>& s : settings)
    for (const emu::CodeRange& range : {s8, u8}) {
      const auto sample = [&](const auto& prepared) {
        for (std::int32_t i = 0; i < 65536; i += 239)
          d.word(emu::code_of(prepared, range.low + (i >> 8), range.low + (i & 255)));
      };
      try_run(d, [&] { sample(emu::prepare_add(p, s[0], s[1], s[2], range)); });
      try_run(d, [&] { sample(emu::prepare_add(p, s[0], s[1], s[2], range, true)); });
      try_run(d, [&] { sample(emu::prepare_mul(p, s[0], s[1], s[2], range)); });
    }
}

inline void tables(const Profile& p, Digest& d) {
  test::Random random(16);
  for (const emu::CodeRange& range : {s8, u8})
    try_run(d, [&] {
      for (const emu::Function f : {emu::Function::identity, emu::Function::sigmoid,
                                    emu::Function::tanh, emu::Function::leaky_relu}) {
        const emu::RealTable reals =
            emu::real_table(p, f, {bits_of(0.0471f), range.low + 100}, range, bits_of(0.1f));
        d.words(emu::code_table(p, reals, {bits_of(0.0078125f), range.low + 128}, range));
      }
    });
  for (const emu::CodeRange& range : {s8, u8})
    try_run(d, [&] {
      emu::SoftmaxOperands a;
      a.depth = 10;
      a.range = range;
      a.in = {bits_of(0.0471f), 3};
      a.out = {bits_of(0x1p-8f), range.low};
      const auto input = codes(random, 60, range);
      a.input = input;
      std::vector<std::int32_t> y(input.size());
      emu::softmax(p, a, y);
      d.words(y);
    });
}

}  // namespace detail

/// Digests by kind of operator.
inline std::map<std::string, std::string> bundle(const Profile& p) {
  const struct {
    const char* name;
    void (*run)(const Profile& p, Digest& d);
  } kinds[] = {{"products", detail::products}, {"windows", detail::windows},
               {"sums", detail::sums},         {"quantizers", detail::quantizers},
               {"dynamics", detail::dynamics}, {"binaries", detail::binaries},
               {"tables", detail::tables}};
  std::map<std::string, std::string> digests;
  for (const auto& [name, run] : kinds) {
    Digest d;
    run(p, d);
    digests[name] = d.hex();
  }
  return digests;
}

}  // namespace qsim::sweep
