#pragma once
// Code arrays at the border: int8, uint8 and int16 in, codes of a named type out.

#include <optional>
#include <string>
#include <vector>

#include "arrays.hpp"
#include "qsim/emu/narrow.hpp"
#include "qsim/emu/window.hpp"

namespace qsim::python {

/// Codes of one operand, widened, with their type and shape.
struct Operand {
  emu::CodeType type = emu::CodeType::s8;
  std::vector<std::int32_t> codes;
  std::vector<std::int64_t> shape;
};

inline std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i)
    out += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return out + "]";
}

template <class T>
void widen_codes(const py::handle& object, const char* argument, Operand& out) {
  const auto array = exact<T>(object, argument);
  const std::vector<T> values = values_of(array);
  out.codes.assign(values.begin(), values.end());
  out.shape = shape_of(array);
}

/// An int8, uint8 or int16 array; TypeError for any other dtype.
inline Operand operand(const py::handle& object, const char* argument) {
  const py::array array = as_array(object, argument);
  Operand out;
  if (array.dtype().equal(py::dtype::of<std::int8_t>())) {
    widen_codes<std::int8_t>(array, argument, out);
  } else if (array.dtype().equal(py::dtype::of<std::uint8_t>())) {
    out.type = emu::CodeType::u8;
    widen_codes<std::uint8_t>(array, argument, out);
  } else if (array.dtype().equal(py::dtype::of<std::int16_t>())) {
    out.type = emu::CodeType::s16;
    widen_codes<std::int16_t>(array, argument, out);
  } else {
    throw py::type_error(text(argument, ": expected int8, uint8 or int16 codes, got ",
                              py::str(array.dtype()).cast<std::string>(),
                              "; use qsim.quantize, or .astype if the values are codes already"));
  }
  return out;
}

/// Limits of a code type by name, and of a result within it.
inline emu::CodeRange code_range(const std::string& dtype, std::optional<int> low,
                                 std::optional<int> high) {
  emu::CodeRange r;
  if (dtype == "int8") r.type_low = -128, r.type_high = 127;
  else if (dtype == "uint8") r.type_low = 0, r.type_high = 255;
  else if (dtype == "int16") r.type_low = -32768, r.type_high = 32767;
  else if (dtype == "uint16") r.type_low = 0, r.type_high = 65535;
  else if (dtype == "int32") r.type_low = INT32_MIN, r.type_high = INT32_MAX;
  else if (dtype == "int4") r.type_low = -8, r.type_high = 7;
  else if (dtype == "uint4") r.type_low = 0, r.type_high = 15;
  else
    fail<BadArgument>("dtype: expected int8, uint8, int16, uint16, int32, int4 or uint4, "
                      "got ", dtype);
  r.low = low.value_or(r.type_low);
  r.high = high.value_or(r.type_high);
  if (r.low < r.type_low || r.high > r.type_high || r.low > r.high)
    fail<BadArgument>("low, high: expected limits within ", r.type_low, "..", r.type_high,
                      " for ", dtype, ", got ", r.low, " and ", r.high);
  return r;
}

/// BadArgument unless the zero point is a code of the type.
inline void check_zero(std::int64_t zero, const emu::CodeRange& r, const char* argument) {
  if (zero < r.type_low || zero > r.type_high)
    fail<BadArgument>(argument, ": expected a code in ", r.type_low, "..", r.type_high, ", got ",
                      zero);
}

/// Codes as an array of the named type; 4-bit codes one to a byte.
inline py::array codes_array(const std::vector<std::int32_t>& codes,
                             const std::vector<std::int64_t>& shape, const std::string& dtype) {
  const auto as = [&]<class T>(T) {
    std::vector<T> out;
    out.reserve(codes.size());
    for (const std::int32_t q : codes) out.push_back(static_cast<T>(q));
    return py::array(to_numpy<T>(out, shape));
  };
  if (dtype == "int8" || dtype == "int4") return as(std::int8_t{});
  if (dtype == "uint8" || dtype == "uint4") return as(std::uint8_t{});
  if (dtype == "int16") return as(std::int16_t{});
  if (dtype == "int32") return as(std::int32_t{});
  return as(std::uint16_t{});
}

}  // namespace qsim::python
