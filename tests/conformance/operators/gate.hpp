#pragma once
// Cases of the gate before `requant_row`: family gate.row.

#include "conformance/operators/operator.hpp"
#include "conformance/operators/product.hpp"
#include "qsim/emu/window.hpp"

namespace qsim::court::gate {

inline bool applies(const Profile& row, std::string_view) {
  return !(row.products == Products{});
}

/// lhs:u8 convolution:u8 m:u8 n:u8 k:u16; rows, columns and depth of a product, or pixels, channels
/// and depth of a convolution.
inline std::vector<Bytes> cases(std::string_view) {
  std::vector<Bytes> out;
  for (const std::uint32_t lhs : {u8, s8, s16})
    for (const std::uint32_t convolution : {0u, 1u})
      for (const std::uint32_t m : {1u, 2u, 4u})
        for (const std::uint32_t n : {1u, 2u, 3u, 4u, 5u, 8u, 15u, 16u, 131u, 132u, 255u})
          for (const std::uint32_t k : {1u, 4u, 7u, 8u, 9u, 16u, 31u, 32u, 135u, 136u, 1000u}) {
            Writer w;
            for (const std::uint32_t v : {lhs, convolution, m, n}) w.u8(v);
            w.u16(k);
            out.push_back(w.bytes);
          }
  return out;
}

/// Whether the gate lets it pass:u16.
inline void run(const Profile& row, std::string_view, Reader& r, Writer& w) {
  const emu::CodeType lhs = product::type_of(r.u8());
  const bool convolution = r.u8() != 0;
  const std::size_t m = r.u8(), n = r.u8(), k = r.u16();
  w.u16(convolution ? emu::convolution_passes_row_gate(row, lhs, m, n, k)
                    : emu::passes_row_gate(row, lhs, m, n, k));
}

}  // namespace qsim::court::gate
