#pragma once
// Cases of matrix products: families product.<left type><right type>.

#include "conformance/operators/operator.hpp"
#include "qsim/emu/gemm.hpp"
#include "qsim/emu/window.hpp"

namespace qsim::court::product {

inline emu::CodeType type_of(std::uint32_t kind) {
  return kind == u8 ? emu::CodeType::u8 : kind == s8 ? emu::CodeType::s8 : emu::CodeType::s16;
}

inline bool applies(const Profile& row, std::string_view family) {
  const auto [l, r] = kinds_of(family);
  const Products& p = row.products;
  const Arith& arith = l == u8 ? (r == u8 ? p.u8u8 : p.u8s8)
                       : l == s8 ? (r == u8 ? p.s8u8 : p.s8s8)
                                 : (r == s8 ? p.s16s8 : p.s16s16);
  return arith.acc_bits != 0;
}

/// m:u8 n:u8 k:u32 starts:u16 once:u8 lhs_zero[m]:i16 rhs_zero[n]:i16 initial[starts]:i64 lhs[m][k]
/// rhs[k][n]; codes of 1 or 2 bytes by their types, starts 0, n or m*n. once: one code for all of
/// lhs and one for all of rhs.
struct Case {
  int m = 1, n = 1, k = 0;
  std::vector<int> lhs, rhs, lhs_zero, rhs_zero;
  std::vector<std::int64_t> initial;
  bool once = false;
};

class Cases : public CodeMaker {
 public:
  explicit Cases(std::string_view family) : CodeMaker(family) {
    std::tie(left_, right_) = kinds_of(family);
  }

  Case draw(int m, int n, int k, int left, int right, bool zeros) {
    Case c{m, n, k, {}, {}, {}, {}, {}, false};
    for (int i = 0; i < m; ++i) {
      const std::vector<int> row = codes_of(left_, i == 0 ? left : below(10), k);
      c.lhs.insert(c.lhs.end(), row.begin(), row.end());
      c.lhs_zero.push_back(zeros ? zero_of(left_) : 0);
    }
    std::vector<std::vector<int>> columns;
    for (int j = 0; j < n; ++j) {
      columns.push_back(codes_of(right_, j == 0 ? right : below(10), k));
      c.rhs_zero.push_back(zeros ? zero_of(right_) : 0);
    }
    for (int i = 0; i < k; ++i)
      for (int j = 0; j < n; ++j)
        c.rhs.push_back(columns[static_cast<std::size_t>(j)][static_cast<std::size_t>(i)]);
    return c;
  }
  void add(const Case& c) {
    Writer w;
    w.u8(static_cast<std::uint32_t>(c.m)), w.u8(static_cast<std::uint32_t>(c.n));
    w.u32(static_cast<std::uint32_t>(c.k)), w.u16(static_cast<std::uint32_t>(c.initial.size()));
    w.u8(c.once ? 1 : 0);
    for (const int z : c.lhs_zero) w.u16(static_cast<std::uint32_t>(z));
    for (const int z : c.rhs_zero) w.u16(static_cast<std::uint32_t>(z));
    for (const std::int64_t v : c.initial) w.i64(v);
    put_codes(w, left_, c.lhs);
    put_codes(w, right_, c.rhs);
    all_.push_back(w.bytes);
  }
  std::vector<Bytes> make() {
    rails();
    for (int k = 0; k <= 130; ++k) add(draw(1, 1 + k % 2, k, 5, 5, k % 3 == 0));
    starts();
    deep();
    for (const auto& [n, k] : {std::pair{3, 9}, std::pair{4, 9}, std::pair{5, 7}, std::pair{5, 8},
                               std::pair{4, 31}})
      for (const int pattern : {0, 1}) add(draw(1, n, k, pattern, 0, false));
    for (int i = 0; i < 60; ++i) any();
    if (left_ != s16) beyond_31_bits();
    return all_;
  }

 private:
  void any() {
    const bool zeros = below(2) != 0;
    const int right = below(10), left = below(10);
    const int k = below(130), n = 1 + below(3), m = 1 + below(3);
    add(draw(m, n, k, left, right, zeros));
  }
  /// Rails against rails, K around blocks.
  void rails() {
    constexpr int pairs[][2] = {{0, 0}, {1, 1}, {1, 0}, {0, 1}, {2, 2}, {3, 3}, {8, 0}, {8, 8},
                                {2, 0}, {1, 9}};
    for (const int k : {1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 24, 31, 32, 33, 48, 64, 65})
      for (const auto& pair : pairs) add(draw(1, 1, k, pair[0], pair[1], k == 33));
  }
  /// Accumulators near the rails of 32 bits, where a wrap and a limit part, and beyond.
  void starts() {
    for (const int k : {1, 4, 17, 40})
      for (const std::int64_t distance : {0, 1, 1000, 300000})
        for (const auto& pair : {std::pair{1, 9}, std::pair{9, 1}, std::pair{5, 5}}) {
          Case c = draw(2, 2, k, pair.first, pair.second, false);
          for (int i = 0; i < 4; ++i)
            c.initial.push_back(i % 2 == 0 ? int32_high - distance : int32_low + distance);
          add(c);
          c.initial.resize(2);
          add(c);
        }
    for (int i = 0; i < 12; ++i) {
      Case c = draw(1, 2, 9, 5, 5, true);
      c.initial = {word(i % 2 == 0 ? 33 : 62), word32()};
      add(c);
    }
  }
  /// Sums beyond 16 bits in narrow lanes, and K beyond where they are emptied.
  void deep() {
    for (const int k : {127, 128, 129, 255, 256, 257, 300, 511, 513, 1024, 1100})
      for (const auto& pair : {std::pair{6, 5}, std::pair{4, 0}, std::pair{7, 1}})
        add(draw(1, 1, k, pair.first, pair.second, false));
    for (const int left : {0, 1})
      for (const int right : {0, 1}) add(draw(1, 1, 1500, left, right, right == 0));
  }
  /// A sum of 2^30 and more, from the largest products that no pair of 16 bits overflows with.
  void beyond_31_bits() {
    const CodeKind &l = code_kinds[left_], &r = code_kinds[right_];
    for (const int left : {l.high, l.low})
      for (const int right : {r.low, r.low + 128})
        add({1, 1, 67000, {left}, {right}, {0}, {0}, {}, true});
  }

  std::uint32_t left_ = 0, right_ = 0;
  std::vector<Bytes> all_;
};

inline std::vector<Bytes> cases(std::string_view family) { return Cases(family).make(); }

/// Sums [m][n]:i64, by the lifted form and, the same, by the interpreter (not the deepest).
inline void run(const Profile& row, std::string_view family, Reader& r, Writer& w) {
  const auto [left, right] = kinds_of(family);
  emu::GemmOperands a;
  a.m = r.u8(), a.n = r.u8(), a.k = r.u32();
  std::vector<std::int64_t> initial(r.u16());
  const bool once = r.u8() != 0;
  const std::vector<std::int32_t> lhs_zero = read_i16(r, a.m), rhs_zero = read_i16(r, a.n);
  for (std::int64_t& v : initial) v = r.i64();
  const std::vector<std::int32_t> lhs = read_codes(r, left, a.m * a.k, once);
  const std::vector<std::int32_t> rhs = read_codes(r, right, a.k * a.n, once);
  a.lhs = lhs, a.rhs = rhs, a.lhs_zero = lhs_zero, a.rhs_zero = rhs_zero, a.initial = initial;
  const Arith& arith = emu::gemm_product_of(row, type_of(left), type_of(right), a.m, a.n, a.k);
  const std::vector<std::int64_t> sums = emu::gemm(arith, a);
  std::vector<emu::Overflows> counts;
  const bool agree = once || emu::gemm(arith, a, &counts) == sums;
  for (const std::int64_t v : sums) w.i64(v);
  if (!agree) w.u8(0xff);
}

}  // namespace qsim::court::product
