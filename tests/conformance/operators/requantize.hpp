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

/// Rules that go by an engine's graph fields belong to the families fuse and conv.
inline bool applies(const Profile& row, std::string_view family) {
  const Rescale scheme = emu::requant_of(row, kind_of(family)).scheme;
  return scheme != Rescale::none && scheme != Rescale::engine;
}

/// range zero:i32 flags:u8 (1 one weight scale per channel, 2 a real bias) lhs_scale:f32
/// out_scale:f32 channels:u8 inner:u8 rhs_scale[channels]:f32 bias[channels]:f32 (with flag 2)
/// acc[channels][inner]:i64; range is type:u8 low:i32 high:i32
class Cases : public CodeMaker {
 public:
  explicit Cases(std::string_view family)
      : CodeMaker(family), wide_(family.find("wide") != std::string_view::npos) {}

  struct Scales {
    std::uint32_t lhs = one, out = one;
    std::vector<std::uint32_t> rhs{one};
    std::vector<std::uint32_t> bias{};
  };
  void add(std::uint32_t kind, const Scales& s, const std::vector<std::int64_t>& acc) {
    Writer w;
    put_some_range(w, *this, kind);
    w.i32(zero_of(kind));
    const bool per_channel = s.rhs.size() > 1 || below(2) != 0;
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
      for (int i = 0; i < 30; ++i) add(kind, scales(1 + below(4)), accs(4 * 4, bits));
      for (int i = 0; i < 24; ++i) near_ties(kind);
      groups(kind);
      biases(kind);
    }
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
    Scales s{small_scale(-2) | static_cast<std::uint32_t>(below(1 << 23)),
             small_scale(3 + below(4)) | static_cast<std::uint32_t>(below(1 << 23)),
             {small_scale(-15 - below(6)) | static_cast<std::uint32_t>(below(1 << 23))},
             {}};
    const F32 factor = num::div(num::mul(F32{s.lhs}, F32{s.rhs[0]}), F32{s.out});
    const std::int64_t m = (factor.bits & 0x7fffff) | 0x800000;
    const int down = 150 - static_cast<int>(factor.bits >> 23);  // factor = m / 2^down
    std::vector<std::int64_t> acc;
    for (int i = 0; i < 12; ++i) {
      const int span = down - 1 > 54 ? 1 : 1 << (54 - (down - 1) < 7 ? 54 - (down - 1) : 7);
      const std::int64_t twice = 2 * (below(2 * span) - span) + 1;
      const std::int64_t at = (twice << (down - 1)) / m;
      for (const int beside : {-1, 0, 1})
        acc.push_back(num::clamp(at + beside, int32_low, int32_high));
    }
    add(kind, s, acc);
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
    for (int i = 0; i < 24; ++i) with(scales(1 + below(4)), real(-8, 16));
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
    for (int i = 0; i < 10; ++i)
      add(kinds()[0], scales(2), {word(48), word(47), int32_high + 1, int32_low - 1});
  }

  bool wide_;
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
