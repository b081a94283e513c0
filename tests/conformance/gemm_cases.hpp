#pragma once
// The products that every gemm kernel must get right: structured first, then weighted random ones.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace qsim::test {

/// Operands of one product: lhs m x k, rhs k x n, initial m x n, all row after row.
struct GemmCase {
  std::string what;
  std::size_t m = 0, n = 0, k = 0;
  std::vector<std::int8_t> lhs, rhs;
  std::vector<std::int32_t> initial;
};

/// Extents of a kernel's tile; the cases lie on, below and above them.
struct TileExtents {
  std::size_t mr = 1, nr = 1, kr = 1;
};

inline constexpr std::int32_t int_max = std::numeric_limits<std::int32_t>::max();
inline constexpr std::int32_t int_min = std::numeric_limits<std::int32_t>::min();

/// How the codes of one side depend on line (row of lhs, column of rhs) and depth.
struct Fill {
  const char* name;
  int (*lhs)(std::size_t line, std::size_t k);
  int (*rhs)(std::size_t line, std::size_t k);
};

inline constexpr Fill fills[] = {
    {"all low rails", [](std::size_t, std::size_t) { return -128; },
     [](std::size_t, std::size_t) { return -128; }},
    {"all high rails", [](std::size_t, std::size_t) { return 127; },
     [](std::size_t, std::size_t) { return 127; }},
    {"high by low", [](std::size_t, std::size_t) { return 127; },
     [](std::size_t, std::size_t) { return -128; }},
    {"low by high", [](std::size_t, std::size_t) { return -128; },
     [](std::size_t, std::size_t) { return 127; }},
    {"zeros by rails", [](std::size_t, std::size_t) { return 0; },
     [](std::size_t line, std::size_t k) { return (line + k) % 2 == 0 ? -128 : 127; }},
    {"alternating", [](std::size_t, std::size_t k) { return k % 2 == 0 ? 127 : -128; },
     [](std::size_t, std::size_t k) { return k % 2 == 0 ? -128 : 127; }},
    {"alternating pairs", [](std::size_t i, std::size_t k) { return (k + i) % 4 < 2 ? 127 : -128; },
     [](std::size_t j, std::size_t k) { return (k + j) % 4 < 2 ? 127 : -128; }},
    {"low rails at k and k+8",
     [](std::size_t i, std::size_t k) { return k % 8 == i % 8 ? -128 : 3; },
     [](std::size_t j, std::size_t k) { return k % 8 == j % 8 ? -128 : -5; }},
    {"low rails at k, k+1 or k+2",
     [](std::size_t i, std::size_t k) { return k % 5 <= i % 3 ? -128 : 1; },
     [](std::size_t j, std::size_t k) { return k % 5 <= j % 4 ? -128 : 127; }},
    {"one hot", [](std::size_t i, std::size_t k) { return k == 3 * i ? -128 : 0; },
     [](std::size_t j, std::size_t k) { return static_cast<int>((11 * j + 37 * k) % 256) - 128; }},
    {"one hot by ones", [](std::size_t i, std::size_t k) { return k % 7 == i % 7 ? 1 : 0; },
     [](std::size_t j, std::size_t k) { return k % 3 == j % 3 ? 1 : -1; }},
    {"ramps",
     [](std::size_t i, std::size_t k) { return static_cast<int>((31 * i + 7 * k) % 256) - 128; },
     [](std::size_t j, std::size_t k) { return static_cast<int>((5 * j + 13 * k) % 256) - 128; }},
};

/// Accumulators before the product.
struct Initial {
  const char* name;
  std::int32_t (*value)(std::size_t i, std::size_t j);
};

inline constexpr Initial initials[] = {
    {"from zero", [](std::size_t, std::size_t) { return 0; }},
    {"from near the top",
     [](std::size_t i, std::size_t j) { return int_max - static_cast<int>(1000 * j + 77 * i); }},
    {"from near the bottom",
     [](std::size_t i, std::size_t j) { return int_min + static_cast<int>(1000 * j + 77 * i); }},
    {"from the rails",
     [](std::size_t i, std::size_t j) { return (i + j) % 2 == 0 ? int_max : int_min; }},
    {"from odd numbers",
     [](std::size_t i, std::size_t j) { return static_cast<int>(7919 * i) - static_cast<int>(j); }},
};

inline GemmCase make_case(std::size_t m, std::size_t n, std::size_t k, const Fill& fill,
                          const Initial& initial) {
  GemmCase c{std::string(fill.name) + ", " + initial.name, m, n, k, {}, {}, {}};
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t t = 0; t < k; ++t) c.lhs.push_back(static_cast<std::int8_t>(fill.lhs(i, t)));
  for (std::size_t t = 0; t < k; ++t)
    for (std::size_t j = 0; j < n; ++j) c.rhs.push_back(static_cast<std::int8_t>(fill.rhs(j, t)));
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < n; ++j) c.initial.push_back(initial.value(i, j));
  return c;
}

/// Every fill and start at extents on, beside and beyond one tile; odd, empty and deep K.
inline std::vector<GemmCase> structured_cases(const TileExtents& t) {
  const std::size_t shapes[][3] = {
      {1, 1, 0},
      {1, 1, 1},
      {t.mr, t.nr, t.kr},
      {t.mr - 1, t.nr - 1, t.kr + 1},
      {t.mr + 1, t.nr + 1, 2 * t.kr - 1},
      {t.mr, t.nr, 5 * t.kr + 3},
      {2 * t.mr + 1, t.nr + 3, 37},
  };
  std::vector<GemmCase> cases;
  for (const auto& s : shapes)
    for (const Fill& fill : fills)
      for (const Initial& initial : initials)
        cases.push_back(make_case(s[0], s[1], s[2], fill, initial));
  for (const Fill& fill : fills) {
    cases.push_back(make_case(2, 3, 4099, fill, initials[0]));
    cases.push_back(make_case(2, 3, 4099, fill, initials[3]));
  }
  // 255 * 127 * 66400 and 255 * -128 * 66400 lie beyond int32.
  for (std::size_t f = 0; f < 4; ++f)
    cases.push_back(make_case(1, 1, 66400, fills[f], initials[0]));
  return cases;
}

/// A code that is a rail or next to it half of the time.
inline std::int8_t weighted_code(std::mt19937& random) {
  static constexpr std::int8_t favourites[] = {-128, -128, -128, -127, -1, 0, 1, 126, 127, 127};
  const std::uint32_t draw = random();
  if (draw % 2 == 0) return favourites[draw / 2 % std::size(favourites)];
  return static_cast<std::int8_t>(draw >> 24);
}

inline GemmCase random_case(const TileExtents& t, std::uint32_t seed) {
  std::mt19937 random(seed);
  GemmCase c;
  c.what = "random, seed " + std::to_string(seed);
  c.m = 1 + random() % (2 * t.mr + 1);
  c.n = 1 + random() % (2 * t.nr + 1);
  c.k = random() % (6 * t.kr + 40);
  for (std::size_t i = 0; i < c.m * c.k; ++i) c.lhs.push_back(weighted_code(random));
  for (std::size_t i = 0; i < c.k * c.n; ++i) c.rhs.push_back(weighted_code(random));
  for (std::size_t i = 0; i < c.m * c.n; ++i) {
    const std::uint32_t draw = random();
    const std::int32_t near = static_cast<std::int32_t>(draw % 100000);
    c.initial.push_back(draw >> 30 == 0   ? int_max - near
                        : draw >> 30 == 1 ? int_min + near
                                          : static_cast<std::int32_t>(random()));
  }
  return c;
}

}  // namespace qsim::test
