#pragma once
// Unsigned integers of 128 bits as two halves, for functions that need more than a word.

#include <cstdint>

namespace qsim::num {

struct U128 {
  std::uint64_t high = 0, low = 0;
  friend constexpr bool operator==(U128, U128) = default;
};

constexpr bool less(U128 a, U128 b) {
  return a.high != b.high ? a.high < b.high : a.low < b.low;
}
/// a + b modulo 2^128.
constexpr U128 add(U128 a, U128 b) {
  const std::uint64_t low = a.low + b.low;
  return {a.high + b.high + (low < a.low ? 1u : 0u), low};
}
/// a - b modulo 2^128.
constexpr U128 sub(U128 a, U128 b) {
  return {a.high - b.high - (a.low < b.low ? 1u : 0u), a.low - b.low};
}
/// a * 2^n modulo 2^128. 0 <= n.
constexpr U128 shift_left(U128 a, int n) {
  if (n >= 128) return {};
  if (n >= 64) return {a.low << (n - 64), 0};
  if (n == 0) return a;
  return {a.high << n | a.low >> (64 - n), a.low << n};
}
/// floor(a / 2^n). 0 <= n.
constexpr U128 shift_right(U128 a, int n) {
  if (n >= 128) return {};
  if (n >= 64) return {0, a.high >> (n - 64)};
  if (n == 0) return a;
  return {a.high >> n, a.low >> n | a.high << (64 - n)};
}

/// a * b, all of it.
constexpr U128 product(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t a0 = a & 0xffffffffu, a1 = a >> 32, b0 = b & 0xffffffffu, b1 = b >> 32;
  const std::uint64_t middle = a0 * b1 + (a0 * b0 >> 32);  // below 2^64: (2^32-1)^2 + 2^32-1
  const std::uint64_t cross = a1 * b0 + (middle & 0xffffffffu);
  return {a1 * b1 + (middle >> 32) + (cross >> 32), a * b};
}

/// floor(a * b / 2^128).
constexpr U128 product_high(U128 a, U128 b) {
  const U128 low = product(a.low, b.low);
  const U128 x = product(a.high, b.low);
  const U128 y = product(a.low, b.high);
  const U128 middle = add(U128{0, low.high}, U128{0, x.low});
  const U128 carry = add(middle, U128{0, y.low});
  const U128 high = product(a.high, b.high);
  return add(add(high, U128{0, x.high}), add(U128{0, y.high}, U128{0, carry.high}));
}

/// floor(a / d). d > 0.
constexpr U128 quotient(U128 a, std::uint32_t d) {
  const std::uint64_t high = a.high / d;
  std::uint64_t rest = a.high % d;
  const std::uint64_t upper = rest << 32 | a.low >> 32;
  rest = upper % d;
  const std::uint64_t lower = rest << 32 | (a.low & 0xffffffffu);
  return {high, (upper / d) << 32 | lower / d};
}

/// floor(2^n * a / b). b > 0; the result must be below 2^128.
constexpr U128 quotient(U128 a, U128 b, int n) {
  U128 q{}, rest{};
  for (int i = 127 + n; i >= 0; --i) {
    const bool carry = rest.high >> 63 != 0;
    const bool bit = i >= n && (shift_right(a, i - n).low & 1) != 0;
    rest = shift_left(rest, 1);
    rest.low |= bit ? 1u : 0u;
    q = shift_left(q, 1);
    if (carry || !less(rest, b)) {
      rest = sub(rest, b);
      q.low |= 1;
    }
  }
  return q;
}

static_assert(product(~std::uint64_t{0}, ~std::uint64_t{0}) == U128{~std::uint64_t{1}, 1});
static_assert(product_high({~std::uint64_t{0}, ~std::uint64_t{0}},
                           {~std::uint64_t{0}, ~std::uint64_t{0}}) ==
              U128{~std::uint64_t{0}, ~std::uint64_t{1}});
static_assert(quotient(U128{1, 0}, 10u) == U128{0, 0x1999999999999999u});
static_assert(quotient(U128{0, 1}, U128{0, 3}, 64) == U128{0, 0x5555555555555555u});

}  // namespace qsim::num
