#pragma once
// Every distinct product chain of the catalogue, and operands to run it on.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "num/host.hpp"
#include "qsim/emu/gemm.hpp"
#include "qsim/profile/catalogue.hpp"
#include "sweep/lanes.hpp"

namespace qsim::sweep {

/// Codes that an operand may hold.
struct CodeSpan {
  std::int32_t low = -128, high = 127;
};

struct ChainOf {
  std::string name;  ///< of the first row that has it, and the pair of types
  Arith arith{};
  CodeSpan lhs{}, rhs{};
  std::vector<std::string> others;  ///< rows that share it
};

/// Chains of the rows' products, one for each pair of types that a row has.
inline std::vector<ChainOf> distinct_chains() {
  std::vector<ChainOf> all;
  constexpr CodeSpan u8{0, 255}, s8{-128, 127}, s16{-32768, 32767};
  for (const Profile& p : catalogue()) {
    const Products& products = p.products;
    const struct {
      const char* types;
      const Arith& arith;
      CodeSpan lhs, rhs;
    } pairs[] = {{"u8u8", products.u8u8, u8, u8},     {"u8s8", products.u8s8, u8, s8},
                 {"s8u8", products.s8u8, s8, u8},     {"s8s8", products.s8s8, s8, s8},
                 {"s16s8", products.s16s8, s16, s8},  {"s16s16", products.s16s16, s16, s16}};
    for (const auto& [types, arith, lhs, rhs] : pairs) {
      if (arith.acc_bits == 0) continue;
      const std::string row(p.name.view());
      bool known = false;
      for (ChainOf& other : all) {
        if (!(other.arith == arith) || other.lhs.low != lhs.low || other.rhs.low != rhs.low)
          continue;
        known = true;
        other.others.push_back(row);
      }
      if (!known) all.push_back({row + "." + types, arith, lhs, rhs, {}});
    }
  }
  return all;
}

/// Random operands of a chain, with zero points.
class Product {
 public:
  Product(const ChainOf& chain, std::size_t m, std::size_t n, std::size_t k)
      : arith_(chain.arith), m_(m), n_(n), k_(k), lhs_(drawn(m * k, chain.lhs)),
        rhs_(drawn(k * n, chain.rhs)), lhs_zero_(m, 3), rhs_zero_(n, 1) {}

  std::vector<std::int64_t> run() const { return emu::gemm(arith_, operands()); }
  std::vector<std::int64_t> run_interpreted() const {
    std::vector<emu::Overflows> counts;  // asking for them keeps the chain interpreted
    return emu::gemm(arith_, operands(), &counts);
  }
  bool is_lifted() const {
    const emu::detail::Multiplied x = emu::detail::multiplied(arith_, operands());
    std::vector<std::int64_t> acc = x.start;
    return emu::lift(arith_, {m_, n_, k_, x.lhs, x.rhs}, acc);
  }
  double products() const { return static_cast<double>(m_ * n_ * k_); }

 private:
  static std::vector<std::int32_t> drawn(std::size_t count, const CodeSpan& span) {
    test::Random random(count);
    std::vector<std::int32_t> all(count);
    for (std::int32_t& q : all)
      q = span.low + static_cast<std::int32_t>(
                         random.below(static_cast<std::uint32_t>(span.high - span.low + 1)));
    return all;
  }
  emu::GemmOperands operands() const {
    return {m_, n_, k_, lhs_, rhs_, lhs_zero_, rhs_zero_, {}};
  }

  Arith arith_;
  std::size_t m_, n_, k_;
  std::vector<std::int32_t> lhs_, rhs_, lhs_zero_, rhs_zero_;
};

}  // namespace qsim::sweep
