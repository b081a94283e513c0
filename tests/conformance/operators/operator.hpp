#pragma once
// A family of cases of one operator: what rows it is for, which fields its answers may depend on.

#include <string_view>
#include <vector>

#include "conformance/court.hpp"
#include "conformance/operators/draw.hpp"

namespace qsim::court {

/// Names are "<rule>.<form>"; the names of the graph families have no dot.
struct Operator {
  std::string_view name;
  std::vector<std::string_view> fields;  ///< paths of fields, or of structs with all their fields
  bool (*applies)(const Profile& row, std::string_view family);
  std::vector<Bytes> (*cases)(std::string_view family);
  void (*run)(const Profile& row, std::string_view family, Reader& in, Writer& out);
};

/// The answer of a row that refuses a case. All other answers have an even number of bytes.
inline const Bytes refusal{0};

/// n codes of a type, widened; `once`: one code, n times.
inline std::vector<std::int32_t> read_codes(Reader& r, std::uint32_t kind, std::size_t n,
                                            bool once = false) {
  const CodeKind& k = code_kinds.at(kind);
  if (once) return std::vector<std::int32_t>(n, read_codes(r, kind, 1)[0]);
  std::vector<std::int32_t> all(n);
  for (std::int32_t& q : all) {
    const std::uint32_t bits = k.wide ? r.u16() : r.u8();
    q = k.low == 0 ? static_cast<std::int32_t>(bits)
        : k.wide   ? std::int32_t{static_cast<std::int16_t>(bits)}
                   : std::int32_t{static_cast<std::int8_t>(bits)};
  }
  return all;
}
/// type:u8 low:i32 high:i32
inline emu::CodeRange read_range(Reader& r) {
  emu::CodeRange range = full_range(r.u8());
  range.low = r.i32();
  range.high = r.i32();
  return range;
}
inline void put_range(Writer& w, std::uint32_t kind, int low, int high) {
  w.u8(kind);
  w.i32(low), w.i32(high);
}
inline void put_full_range(Writer& w, std::uint32_t kind) {
  put_range(w, kind, code_kinds[kind].low, code_kinds[kind].high);
}
inline std::vector<std::int32_t> read_i16(Reader& r, std::size_t n) {
  std::vector<std::int32_t> all(n);
  for (std::int32_t& v : all) v = r.i16();
  return all;
}

/// Any legal limits of a type, mostly all of it.
inline void put_some_range(Writer& w, CodeMaker& m, std::uint32_t kind) {
  const CodeKind& k = code_kinds[kind];
  if (m.below(4) != 0) return put_full_range(w, kind);
  const int low = m.code_of(kind), high = m.code_of(kind);
  put_range(w, kind, low < high ? low : high, low < high ? high : low == k.high ? k.high : low);
}

}  // namespace qsim::court
