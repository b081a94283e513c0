#pragma once
// The court's cases: deterministic inputs of every operation family, as byte strings.
//
// tests/python/court_cases.py makes the same bytes on its own; both sides run the bytes, never the
// generator's variables. Each family draws from SplitMix64 seeded with FNV-1a of its name.

#include <bit>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "num/host.hpp"

namespace qsim::court {

using Bytes = std::vector<std::uint8_t>;

/// FNV-1a, 64 bits.
class Fnv {
 public:
  void mix(const std::uint8_t* data, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) hash_ = (hash_ ^ data[i]) * 0x100000001b3u;
  }
  void mix(const Bytes& bytes) { mix(bytes.data(), bytes.size()); }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

/// Little-endian bytes in order.
struct Writer {
  Bytes bytes;
  void u8(std::uint32_t v) { bytes.push_back(static_cast<std::uint8_t>(v)); }
  void u16(std::uint32_t v) { u8(v), u8(v >> 8); }
  void u32(std::uint32_t v) { u16(v), u16(v >> 16); }
  void i8(int v) { u8(static_cast<std::uint32_t>(v)); }
  void i32(std::int64_t v) { u32(static_cast<std::uint32_t>(v)); }
  void i64(std::int64_t v) {
    u32(static_cast<std::uint32_t>(v));
    u32(static_cast<std::uint32_t>(static_cast<std::uint64_t>(v) >> 32));
  }
  void codes(const std::vector<int>& all) {
    for (const int v : all) i8(v);
  }
  void words(const std::vector<std::uint32_t>& all) {
    for (const std::uint32_t v : all) u32(v);
  }
};

/// Binary32 patterns that tell rules apart: zeros, subnormals, limits, infinities, NaNs, halves,
/// numbers around 2^31, one million and one millionth.
inline const std::vector<std::uint32_t> specials{
    0x00000000, 0x80000000, 0x00000001, 0x00400000, 0x807fffff, 0x00800000, 0x7f7fffff,
    0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x3effffff, 0xbeffffff, 0x3f000000,
    0xbf000000, 0x4effffff, 0x4f000000, 0xcf000000, 0x49742400, 0x358637bd};
inline constexpr std::uint32_t one = 0x3f800000, infinity = 0x7f800000, nan = 0x7fc00000;

/// h / 2^shift as a binary32 pattern; |h| < 2^24.
constexpr std::uint32_t small(int h, int shift = 0) {
  if (h == 0) return 0;
  const std::uint32_t m = static_cast<std::uint32_t>(h < 0 ? -h : h);
  const int top = std::bit_width(m) - 1;
  return (h < 0 ? 0x80000000u : 0u) | static_cast<std::uint32_t>(127 + top - shift) << 23 |
         (m << (23 - top) & 0x7fffffu);
}
static_assert(small(-5, 1) == 0xc0200000u);

/// A tensor's scale, zero, low and high as patterns.
struct Info {
  std::uint32_t scale = one, zero = 0, low = small(-127), high = small(127);
};

/// Draws of one family.
class Maker {
 public:
  explicit Maker(std::string_view family) : random_(seed(family)) {}

  int below(int n) { return static_cast<int>(random_.below(static_cast<std::uint32_t>(n))); }
  int code() {
    constexpr int rails[] = {-128, 127, -127, 0, 1, -1};
    if (below(4) == 0) return rails[below(6)];
    return below(256) - 128;
  }
  /// n codes of one of eight kinds: rails, alternating, one-hot, random, small, every eighth.
  std::vector<int> codes(int kind, int n) {
    std::vector<int> all;
    const int hot = kind == 4 && n > 0 ? below(n) : -1;
    for (int i = 0; i < n; ++i) {
      switch (kind) {
        case 0: all.push_back(-128); break;
        case 1: all.push_back(127); break;
        case 2: all.push_back(i % 2 == 0 ? 127 : -128); break;
        case 3: all.push_back(i % 4 < 2 ? 127 : -128); break;
        case 4: all.push_back(i == hot ? -128 : 0); break;
        case 5: all.push_back(code()); break;
        case 6: all.push_back(below(15) - 7); break;
        case 7: all.push_back(i % 8 == 0 ? -128 : 3); break;
      }
    }
    return all;
  }
  /// A pattern of either sign with exponent low .. low + span - 1.
  std::uint32_t real(int low, int span) {
    const std::uint32_t sign = static_cast<std::uint32_t>(below(2)) << 31;
    const std::uint32_t field = static_cast<std::uint32_t>(127 + low + below(span)) << 23;
    return sign | field | static_cast<std::uint32_t>(below(1 << 23));
  }
  /// A positive scale, often a power of two.
  std::uint32_t scale() {
    const std::uint32_t field = static_cast<std::uint32_t>(127 - below(10)) << 23;
    return below(3) == 0 ? field : field | static_cast<std::uint32_t>(below(1 << 23));
  }
  std::uint32_t special() { return specials[static_cast<std::size_t>(below(20))]; }
  Info info() {
    Info q;
    q.scale = scale();
    q.zero = below(4) == 0 ? small(below(500) - 250, 2) : small(below(256) - 128);
    if (below(4) == 0) {
      q.low = small(below(100) - 128);
      q.high = small(below(100) + 28);
    }
    return q;
  }

 private:
  static std::uint64_t seed(std::string_view family) {
    Fnv fnv;
    for (const char c : family) {
      const std::uint8_t byte = static_cast<std::uint8_t>(c);
      fnv.mix(&byte, 1);
    }
    return fnv.value();
  }
  test::Random random_;
};

inline void put(Writer& w, const Info& q) { w.words({q.scale, q.zero, q.low, q.high}); }

// ----------------------------------------------------------------------------------- dot and fuse

/// fast:u8 k:u32 initial:i32 lhs[k] rhs[k]
inline void dot_case(std::vector<Bytes>& out, int fast, std::int64_t initial,
                     const std::vector<int>& lhs, const std::vector<int>& rhs) {
  Writer w;
  w.u8(static_cast<std::uint32_t>(fast));
  w.u32(static_cast<std::uint32_t>(lhs.size()));
  w.i32(initial);
  w.codes(lhs);
  w.codes(rhs);
  out.push_back(w.bytes);
}

inline std::vector<Bytes> dot_cases() {
  Maker m("dot");
  std::vector<Bytes> out;
  constexpr int pairs[7][2] = {{0, 0}, {1, 1}, {1, 0}, {0, 1}, {2, 2}, {3, 3}, {5, 5}};
  constexpr std::int64_t low = -2147483648LL, high = 2147483647;
  for (int fast = 0; fast < 2; ++fast) {
    for (const int k : {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 64, 65})
      for (const auto& pair : pairs) {
        const std::vector<int> lhs = m.codes(pair[0], k);
        dot_case(out, fast, 0, lhs, m.codes(pair[1], k));
      }
    for (int i = 0; i < 60; ++i) {
      const int k = m.below(130);
      const int kind = m.below(8);
      const std::vector<int> lhs = m.codes(kind, k);
      const std::vector<int> rhs = m.codes(m.below(8), k);
      const int start = m.below(4);
      const std::int64_t any = std::int64_t{m.below(1 << 30)} * 4 + low;
      dot_case(out, fast, start == 0 ? 0 : start == 1 ? high : start == 2 ? low : any, lhs, rhs);
    }
    for (const auto& pair : pairs) {
      const std::vector<int> lhs = m.codes(pair[0], 1500);
      dot_case(out, fast, 0, lhs, m.codes(pair[1], 1500));
    }
    for (const int kind : {0, 1})  // sums beyond 2^30, and beyond 2^31 where 128 is added
      dot_case(out, fast, 0, m.codes(kind, 70000), m.codes(kind, 70000));
  }
  return out;
}

/// n:u8 in:info out:info alpha[n] bias[n] sum[n]:i32
inline void fuse_case(std::vector<Bytes>& out, const Info& in, const Info& to,
                      const std::vector<std::uint32_t>& alpha,
                      const std::vector<std::uint32_t>& bias, const std::vector<int>& sums) {
  Writer w;
  w.u8(static_cast<std::uint32_t>(alpha.size()));
  put(w, in);
  put(w, to);
  w.words(alpha);
  w.words(bias);
  for (const int sum : sums) w.i32(sum);
  out.push_back(w.bytes);
}

inline std::vector<Bytes> fuse_cases() {
  Maker m("fuse");
  std::vector<Bytes> out;
  using Words = std::vector<std::uint32_t>;
  const std::uint32_t half = small(1, 1);
  for (int n = 1; n <= 9; ++n) {  // powers of two with biases on the grid
    Words alpha, bias;
    std::vector<int> sums;
    for (int k = 0; k < n; ++k) {
      alpha.push_back(half);
      bias.push_back(small(3 * k + 1, 2));
      sums.push_back(10 * k);
    }
    fuse_case(out, {small(1, 4), small(3)}, {small(1, 5), small(4 * n)}, alpha, bias, sums);
  }
  const Words alphas{half, nan, 0, 0x358637bd, nan};
  const Words biases{one, small(-1), small(7, 1), 0x49742400, nan};
  const std::vector<int> sums{1, -300, 0, 132105, 5};
  const Info in{one, small(7, 1)};
  const Info to{one, small(-9, 1)};
  for (const std::uint32_t s : specials) {
    fuse_case(out, {s, small(7, 1)}, to, alphas, biases, sums);
    fuse_case(out, in, {s, small(-9, 1)}, alphas, biases, sums);
    fuse_case(out, {one, s}, to, alphas, biases, sums);
    fuse_case(out, in, {one, s}, alphas, biases, sums);
    fuse_case(out, in, to, Words(5, s), biases, sums);
    fuse_case(out, in, to, Words(5, half), Words(5, s), sums);
  }
  // huge quotients that cancel, a product that needs 26 bits, a ratio that only just is normal
  fuse_case(out, {one, 0}, {one, 0xcf6e6b28}, {one}, {0x4f6e6b28}, {0});
  fuse_case(out, {one, small(127)}, {one, 0}, {one}, {one}, {132105});
  fuse_case(out, {0x00fff800, 0}, {one, 0}, {0x3f000400}, {0}, {1});
  for (int i = 0; i < 80; ++i) {
    const int n = 1 + m.below(9);
    const Info from = m.info();
    const Info into = m.info();
    Words alpha, bias;
    std::vector<int> sum;
    for (int k = 0; k < n; ++k) {
      alpha.push_back(m.below(8) == 0 ? m.special() : m.real(-10, 16));
      bias.push_back(m.below(8) == 0 ? m.special() : m.real(-12, 36));
      sum.push_back(m.below(400001) - 200000);
    }
    fuse_case(out, from, into, alpha, bias, sum);
  }
  return out;
}

}  // namespace qsim::court
