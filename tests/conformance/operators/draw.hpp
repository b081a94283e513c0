#pragma once
// What the cases of single operators are drawn from: codes of every type, scales, accumulators.

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "conformance/cases.hpp"
#include "qsim/emu/narrow.hpp"

namespace qsim::court {

/// A type of codes. In a case it is its index here, one byte.
struct CodeKind {
  std::string_view name;
  int low, high;
  bool wide;  ///< two bytes a code
};
inline constexpr std::array<CodeKind, 6> code_kinds{{{"u8", 0, 255, false},
                                                     {"s8", -128, 127, false},
                                                     {"u16", 0, 65535, true},
                                                     {"s16", -32768, 32767, true},
                                                     {"u4", 0, 15, false},
                                                     {"s4", -8, 7, false}}};
enum : std::uint32_t { u8 = 0, s8 = 1, u16 = 2, s16 = 3, u4 = 4, s4 = 5 };

/// The index of a type named at `at` in a family's name, e.g. "s8" of "product.u8s8".
inline std::uint32_t kind_at(std::string_view family, std::size_t at) {
  const std::string_view rest = family.substr(at);
  for (std::uint32_t i = 0; i < code_kinds.size(); ++i)
    if (rest.substr(0, code_kinds[i].name.size()) == code_kinds[i].name) return i;
  throw std::invalid_argument("court: no code type in " + std::string(family));
}
/// Both types of a family named "<rule>.<left><right>".
inline std::pair<std::uint32_t, std::uint32_t> kinds_of(std::string_view family) {
  const std::size_t at = family.find('.') + 1;
  const std::uint32_t left = kind_at(family, at);
  return {left, kind_at(family, at + code_kinds[left].name.size())};
}

/// All codes of a type as a result's range.
inline emu::CodeRange full_range(std::uint32_t kind) {
  const CodeKind& k = code_kinds.at(kind);
  return {k.low, k.high, false, k.low, k.high};
}

inline constexpr std::int64_t int32_low = -2147483648LL, int32_high = 2147483647LL;

/// Positive patterns for scales: ordinary ones, powers of two and, one in `odds`, any special.
inline std::uint32_t any_scale(Maker& m, int odds = 0) {
  if (odds != 0 && m.below(odds) == 0) return m.special() & 0x7fffffffu;
  return m.scale();
}

/// Maker for codes of any type. Draw in full expressions or in braces: the order in which the
/// arguments of a call are evaluated is the compiler's own.
class CodeMaker : public Maker {
 public:
  explicit CodeMaker(std::string_view family) : Maker(family) {}

  int code_of(std::uint32_t kind) {
    const CodeKind& k = code_kinds[kind];
    const int middle = (k.low + k.high + 1) / 2;
    const std::array<int, 7> rails{k.low, k.high, k.low + 1, k.high - 1, middle, middle + 1,
                                   middle - 1};
    if (below(4) == 0) return rails[static_cast<std::size_t>(below(7))];
    return k.low + below(k.high - k.low + 1);
  }
  /// n codes of one of ten patterns: rails, alternating by one, two or eight, one-hot, random,
  /// small, every eighth, a half of each rail.
  std::vector<int> codes_of(std::uint32_t kind, int pattern, int n) {
    const CodeKind& k = code_kinds[kind];
    const int zero = k.low < 0 ? 0 : (k.high + 1) / 2;
    const int hot = pattern == 4 && n > 0 ? below(n) : -1;
    std::vector<int> all;
    for (int i = 0; i < n; ++i) {
      switch (pattern) {
        case 0: all.push_back(k.low); break;
        case 1: all.push_back(k.high); break;
        case 2: all.push_back(i % 2 == 0 ? k.high : k.low); break;
        case 3: all.push_back(i % 4 < 2 ? k.high : k.low); break;
        case 4: all.push_back(i == hot ? k.low : zero); break;
        case 5: all.push_back(code_of(kind)); break;
        case 6: all.push_back(zero + below(7) - 3); break;
        case 7: all.push_back(i % 8 == 0 ? k.low : zero + 3); break;
        case 8: all.push_back(i % 16 < 8 ? k.high : k.low); break;
        case 9: all.push_back(2 * i < n ? k.high : k.low); break;
      }
    }
    return all;
  }
  /// A zero point: often none, else any code.
  int zero_of(std::uint32_t kind) { return below(3) == 0 ? 0 : code_of(kind); }
  std::int64_t word32() {
    const std::int64_t high = below(1 << 30);
    return high * 4 + below(4) + int32_low;
  }
  /// `bits` random bits with sign.
  std::int64_t word(int bits) {
    std::uint64_t v = 0;
    for (int i = 0; i < 4; ++i) v = v << 16 | static_cast<std::uint64_t>(below(1 << 16));
    return static_cast<std::int64_t>(v) >> (64 - bits);
  }
};

inline void put_codes(Writer& w, std::uint32_t kind, const std::vector<int>& codes) {
  for (const int q : codes)
    if (code_kinds[kind].wide) w.u16(static_cast<std::uint32_t>(q));
    else w.u8(static_cast<std::uint32_t>(q));
}

}  // namespace qsim::court
