#pragma once
// Cases from sums to codes: families requantize.<kind of sum>, rescale.raw and real.sums.

#include "conformance/operators/operator.hpp"
#include "qsim/emu/rescale.hpp"

namespace qsim::court::requantize {

inline emu::SumKind kind_of(std::string_view family) {
  const std::string_view kind = family.substr(family.find('.') + 1);
  if (kind == "convolution") return emu::SumKind::convolution;
  if (kind == "grouped") return emu::SumKind::grouped;
  if (kind == "depthwise") return emu::SumKind::depthwise;
  if (kind == "product") return emu::SumKind::product;
  if (kind == "row") return emu::SumKind::row;
  if (kind == "wide") return emu::SumKind::wide;
  if (kind == "wide_product") return emu::SumKind::wide_product;
  throw std::invalid_argument("court: no kind of sum " + std::string(kind));
}

/// Rules that go by an engine's graph fields are judged by the families fuse and conv: here such a
/// row refuses.
inline bool applies(const Profile& row, std::string_view family) {
  return emu::requant_of(row, kind_of(family)).scheme != Rescale::none;
}

/// range zero:i32 flags:u8 (1 one weight scale per channel, 2 a real bias) lhs_scale:f32
/// out_scale:f32 channels:u8 inner:u8 rhs_scale[channels]:f32 bias[channels]:f32 (with flag 2)
/// acc[channels][inner]:i64; range is type:u8 low:i32 high:i32
class Cases : public CodeMaker {
 public:
  explicit Cases(std::string_view family)
      : CodeMaker(family), wide_(family.find("wide") != std::string_view::npos),
        channels_(family == "requantize.depthwise" ? 9 : 1) {}

  struct Scales {
    std::uint32_t lhs = one, out = one;
    std::vector<std::uint32_t> rhs{one};
    std::vector<std::uint32_t> bias{};
  };
  void add(std::uint32_t kind, const Scales& s, const std::vector<std::int64_t>& acc) {
    Writer w;
    put_some_range(w, *this, kind);
    put(w, zero_of(kind), s, acc);
  }
  void put(Writer& w, int zero, const Scales& s, const std::vector<std::int64_t>& acc) {
    w.i32(zero);
    const bool alike = std::equal(s.rhs.begin() + 1, s.rhs.end(), s.rhs.begin());
    const bool per_channel = !alike || below(2) != 0;
    w.u8((per_channel ? 1 : 0) + (s.bias.empty() ? 0 : 2));
    w.u32(s.lhs), w.u32(s.out);
    w.u8(static_cast<std::uint32_t>(s.rhs.size()));
    w.u8(static_cast<std::uint32_t>(acc.size() / s.rhs.size()));
    w.words(s.rhs);
    w.words(s.bias);
    for (const std::int64_t v : acc) w.i64(v);
    all_.push_back(w.bytes);
  }
  std::vector<Bytes> make() {
    const std::vector<std::int64_t> rails{
        int32_low, int32_low + 1, int32_low + 128, int32_high, int32_high - 1, int32_high - 64,
        1 << 24, (1 << 24) + 1, -(1 << 24) - 1, (1 << 25) + 3, -(1 << 30), 1 << 30};
    for (const std::uint32_t kind : kinds()) {
      ties(kind);
      for (const int exponent : {0, -1, -8, -16, -23, -24, -31, 3, 7, 8})
        add(kind, {small_scale(exponent), one, {one}, {}}, rails);
      const int bits = wide_ ? 48 : 32;
      for (int i = 0; i < 30; ++i) {
        const std::vector<std::int64_t> acc = accs(4 * 4, bits);
        add(kind, scales(1 + below(4)), acc);
      }
      for (int i = 0; i < 24; ++i) near_ties(kind);
      groups(kind);
      biases(kind);
      multiplier_ties(kind);
      cancelled_biases(kind);
      ends(kind);
    }
    ends(s16);
    extremes();
    return all_;
  }

 private:
  std::vector<std::uint32_t> kinds() const {
    if (wide_) return {s16, s8};
    return {s8, u8};
  }
  static std::uint32_t small_scale(int exponent) {
    return static_cast<std::uint32_t>(127 + exponent) << 23;
  }
  Scales scales(int channels) {
    Scales s{scale(), scale(), {}, {}};
    for (int c = 0; c < channels; ++c) s.rhs.push_back(scale());
    return s;
  }
  /// n sums of any length, n a multiple of every number of channels that scales() makes.
  std::vector<std::int64_t> accs(int n, int bits) {
    std::vector<std::int64_t> all;
    for (int i = 0; i < n - n % 12 + 12; ++i) all.push_back(word(2 + below(bits - 1)));
    return all;
  }
  /// Halves and their neighbours by powers of two.
  void ties(std::uint32_t kind) {
    for (const int shift : {1, 2, 5, 10, 20}) {
      std::vector<std::int64_t> acc;
      for (int h = -9; h <= 9; ++h) {
        const std::int64_t half = (std::int64_t{h} << shift) / 2;
        for (const int beside : {-1, 0, 1}) acc.push_back(half + beside);
      }
      add(kind, {small_scale(-shift), one, {one}, {}}, acc);
      add(kind, {small_scale(-shift - 3), small_scale(-3), {one}, {}}, acc);
    }
  }
  /// Sums whose exact result lies within half a step of a tie, for factors far below one: where
  /// the last bit of the factor, or a second rounding, shows.
  void near_ties(std::uint32_t kind) {
    const auto with_digits = [&](std::uint32_t power) {
      return power | static_cast<std::uint32_t>(below(1 << 23));
    };
    Scales s{with_digits(small_scale(-2)), with_digits(small_scale(3 + below(4))),
             {with_digits(small_scale(-15 - below(6)))}, {}};
    const F32 factor = num::div(num::mul(F32{s.lhs}, F32{s.rhs[0]}), F32{s.out});
    const std::int64_t m = (factor.bits & 0x7fffff) | 0x800000;
    const int down = 150 - static_cast<int>(factor.bits >> 23);
    add(kind, s, beside_ties(m, down));
    if (below(4) != 0) return;
    s.rhs.assign(9, s.rhs[0]);  // a group of channels, and one more
    add_beside_ties(kind, s, m, down);
  }
  void add_beside_ties(std::uint32_t kind, const Scales& s, std::int64_t m, int down) {
    std::vector<std::int64_t> acc;
    for (std::size_t c = 0; c < s.rhs.size(); ++c) {
      const std::vector<std::int64_t> more = beside_ties(m, down);
      acc.insert(acc.end(), more.begin(), more.end());
    }
    add(kind, s, acc);
  }
  /// Sums beside ties of sum * m / 2^down.
  std::vector<std::int64_t> beside_ties(std::int64_t m, int down) {
    const int bits = std::bit_width(static_cast<std::uint64_t>(m)) + 31 - down;  // of results
    std::vector<std::int64_t> acc;
    for (int i = 0; i < 12; ++i) {
      const int span = bits < 0 ? 1 : 1 << std::min(bits, 7);
      const std::int64_t twice = 2 * (below(2 * span) - span) + 1;
      const std::int64_t at = (twice << (down - 1)) / m;
      for (const int beside : {-1, 0, 1})
        acc.push_back(num::clamp(at + beside, int32_low, int32_high));
    }
    return acc;
  }
  /// Factors that are ties at 31 bits, where the multiplier's last bit shows: a product of scales,
  /// and a quotient that binary64 rounds to one. Then factors beside ties at 15 bits, one of which
  /// binary32 rounds to the tie.
  void multiplier_ties(std::uint32_t kind) {
    const auto rhs = [&](std::uint32_t scale) {
      return std::vector<std::uint32_t>(static_cast<std::size_t>(channels_), scale);
    };
    for (int i = 0; i < 8; ++i) {
      // (1 + 2^-16)(1 + 2^-15) = (2^31 + 3*2^15 + 1) / 2^31
      add_beside_ties(kind, {small(0x10001, 16 + 12), one, rhs(small(0x8001, 15 + 11)), {}},
                      (1 << 30) + 0xc001, 53);
      add_beside_ties(kind, {small(0xc5ab2d, 46), small(0x9249b5, 23), rhs(one), {}}, 0x567a8e4f,
                      53);
      // 1 + 2^-15 - 7*2^-27 and 1 + 2^-15 - 2^-31
      add_beside_ties(kind, {small(0x1001, 12 + 4), one, rhs(small(0x7ff9, 15 + 12)), {}}, 0x4001,
                      14 + 16);
      add_beside_ties(kind, {small(0xab90c1, 23 + 8), one, rhs(small(0xbf, 8 + 8)), {}}, 0x4001,
                      14 + 16);
    }
  }
  /// Biases that cancel a sum but for what rounding the product loses.
  void cancelled_biases(std::uint32_t kind) {
    for (int i = 0; i < 12; ++i) {
      Scales s{scale() | 0x5a5a5u, one, {scale() | 0x1357u, scale() | 0x2469bu}, {}};
      std::vector<std::int64_t> acc;
      for (const std::uint32_t w : s.rhs) {
        acc.push_back((1 << 20) + below(1 << 20));
        F32 unit = num::mul(F32{s.lhs}, F32{w});
        if (i % 2 != 0) unit = num::div(num::f32_one, unit);
        const F32 v = num::mul(num::from_int(acc.back()), unit);
        s.bias.push_back(v.bits ^ 0x80000000u);
        s.out = i % 2 != 0 ? (254u << 23) - v.bits + (24u << 23) : v.bits - (26u << 23);
      }
      add(kind, s, acc);
    }
  }
  /// Results at both ends of 32 bits and of 16, with zero points that carry them just over: where
  /// adding a zero point or an offset wraps.
  void ends(std::uint32_t kind) {
    const CodeKind& k = code_kinds[kind];
    const int middle = (k.low + k.high + 1) / 2;
    for (const int zero : {k.low, k.low + 1, middle - 64, middle - 1, middle, middle + 1,
                           middle + 2, middle + 64, k.high - 1, k.high, 0, 127, 128, 129, 130, 192,
                           -128, -129, -130, 20000, -20000}) {
      if (zero < k.low || zero > k.high) continue;
      for (const std::uint32_t factor : {0x3f7fffffu, one, 0x3fffffffu}) {
        Writer w;
        put_full_range(w, kind);
        const std::vector<std::uint32_t> rhs(static_cast<std::size_t>(channels_), one);
        std::vector<std::int64_t> acc;
        for (int c = 0; c < channels_; ++c)
          acc.insert(acc.end(), {int32_low, int32_low + 1, int32_high, int32_high - 1, 1 << 30,
                                 -(1 << 30), 40000, -40000, 32767, -32768, 2147483520});
        put(w, zero, {factor, one, rhs, {}}, acc);
      }
    }
  }
  /// Channels around whole groups.
  void groups(std::uint32_t kind) {
    for (const int channels : {1, 3, 4, 6, 7, 8, 9, 12, 15, 16, 17, 23, 24, 25, 33}) {
      Scales s{one, one, {}, {}};
      std::vector<std::int64_t> acc;
      for (int c = 0; c < channels; ++c) {
        s.rhs.push_back(small_scale(-2));
        for (const int v : {-6, -3, 2, 6, -10, 10}) acc.push_back(v);  // ties at 4
      }
      add(kind, s, acc);
    }
  }
  /// Real biases: of the size of the sums, in their last bits, and specials.
  void biases(std::uint32_t kind) {
    const auto with = [&](Scales s, std::uint32_t bias) {
      s.bias.assign(s.rhs.size(), bias);
      if (s.bias.size() > 1) s.bias[1] = real(-8, 16);
      add(kind, s, accs(16, 24));
    };
    for (int i = 0; i < 24; ++i) {
      const std::uint32_t bias = real(-8, 16);
      with(scales(1 + below(4)), bias);
    }
    for (const std::uint32_t s : specials) with(scales(2), s);
    for (const std::uint32_t s : {0u, 0x80000000u, one, nan})
      with({s, one, {one}, {}}, small(3, 1)), with({one, one, {s}, {}}, small(3, 1));
  }
  /// Every special as each of the scales: NaN, infinity, zero, subnormals.
  void extremes() {
    const std::vector<std::int64_t> acc{0, 1, -1, 100, -100, 70000, int32_low, int32_high};
    for (const std::uint32_t kind : kinds())
      for (const std::uint32_t s : specials) {
        add(kind, {s, one, {one}, {}}, acc);
        add(kind, {one, s, {one}, {}}, acc);
        add(kind, {one, one, {s}, {}}, acc);
        add(kind, {s, s, {one}, {}}, acc);
      }
    for (const int exponent : {-40, -33, -32, -31, 20, 29, 30, 31, 32, 60})
      add(kinds()[0], {small_scale(exponent) | 0x7fffffu, one, {one}, {}}, acc);
    for (int i = 0; i < 10; ++i) {
      const std::vector<std::int64_t> wide{word(48), word(47), int32_high + 1, int32_low - 1};
      add(kinds()[0], scales(2), wide);
    }
  }

  bool wide_;
  int channels_;  ///< enough for a group of them and a rest
  std::vector<Bytes> all_;
};

inline std::vector<Bytes> cases(std::string_view family) { return Cases(family).make(); }

/// Codes [channels][inner]:i32. Sums beyond 32 bits (48 for 15-bit multipliers) are refused.
inline void run(const Profile& row, std::string_view family, Reader& r, Writer& w) {
  const emu::SumKind kind = kind_of(family);
  const emu::CodeRange range = read_range(r);
  const std::int32_t zero = r.i32();
  const std::uint32_t flags = r.u8();
  const F32 lhs = r.f32(), out = r.f32();
  const std::size_t channels = r.u8(), inner = r.u8();
  const std::vector<F32> rhs = r.floats(channels);
  const std::vector<F32> bias = r.floats((flags & 2) != 0 ? channels : 0);
  const FloatMode& mode = row.float_mode;
  for (std::size_t c = 0; c < channels; ++c) {
    const Requant& rule = emu::requant_of(row, kind, c, channels);
    if (rule.scheme == Rescale::engine) fail<NotSupported>("an engine's own rule");
    if (!bias.empty() && rule.bias == RealBias::refused) fail<NotSupported>("a real bias");
    const emu::PreparedFactor factor =
        emu::prepare(rule, {lhs, rhs[c], out, (flags & 1) != 0}, mode);
    const int bits = rule.scheme == Rescale::fixed && rule.fixed.bits == 16 ? 48 : 32;
    for (std::size_t i = 0; i < inner; ++i) {
      const std::int64_t acc = r.i64();
      if (num::wrap(acc, bits) != acc) fail<BadArgument>("acc: more than ", bits, " bits");
      w.i32(emu::requantize_sum(rule, acc, factor, zero, range, mode,
                                bias.empty() ? nullptr : &bias[c]));
    }
  }
}

}  // namespace qsim::court::requantize
