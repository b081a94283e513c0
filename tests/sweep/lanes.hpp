#pragma once
// Blocks of values on which an emulated rule and an independent computation meet.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>

// Loops that the compiler vectorises once per level of x86-64; the loader picks one.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define QSIM_CLONES [[gnu::target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")]]
#else
#define QSIM_CLONES
#endif

namespace qsim::sweep {

inline constexpr std::size_t lanes = 2048;
using Reals = std::array<float, lanes>;
using Wides = std::array<double, lanes>;
using Codes = std::array<std::int32_t, lanes>;

/// How much of the 2^32 words a test visits: one block of `lanes` neighbours in `apart`.
struct Walk {
  std::uint64_t apart = 1;
};
inline constexpr Walk everything{1};
inline constexpr Walk sample{8191};  // prime: blocks of every exponent, whole and broken

/// Calls block(first word) for all blocks of a walk.
template <class Block>
void for_each_block(const Walk& walk, Block block) {
  constexpr std::uint64_t blocks = (std::uint64_t{1} << 32) / lanes;
  for (std::uint64_t b = 0; b < blocks; b += walk.apart)
    block(static_cast<std::uint32_t>(b * lanes));
}

/// What came of a comparison: how many answers, how many differ, the first that does.
struct Outcome {
  std::uint64_t compared = 0, differ = 0;
  std::uint64_t word = 0;
  std::int64_t got = 0, want = 0;

  void compare(std::uint64_t at, std::int64_t g, std::int64_t w) {
    ++compared;
    if (g == w) return;
    if (differ++ == 0) word = at, got = g, want = w;
  }
  void compare(std::uint32_t first, const Codes& g, const Codes& w) {
    std::uint32_t unequal = 0;
    for (std::size_t i = 0; i < lanes; ++i) unequal |= static_cast<std::uint32_t>(g[i] ^ w[i]);
    compared += lanes;
    if (unequal == 0) return;
    compared -= lanes;
    for (std::size_t i = 0; i < lanes; ++i) compare(std::uint64_t{first} + i, g[i], w[i]);
  }
  void join(const Outcome& other) {
    if (differ == 0) word = other.word, got = other.got, want = other.want;
    compared += other.compared;
    differ += other.differ;
  }
  bool equal() const { return compared > 0 && differ == 0; }
  friend std::ostream& operator<<(std::ostream& out, const Outcome& o) {
    out << o.differ << " of " << o.compared << " differ";
    if (o.differ != 0)
      out << "; first at 0x" << std::hex << o.word << std::dec << ": got " << o.got << ", want "
          << o.want;
    return out;
  }
};

/// A name for a test: letters, digits and underscores.
inline std::string test_name(std::string text) {
  for (char& c : text)
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) c = '_';
  return text;
}

}  // namespace qsim::sweep
