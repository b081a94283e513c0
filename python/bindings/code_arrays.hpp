#pragma once
// Code and real arrays at the border, with every type that element-wise operators take.

#include <cstdint>
#include <string>
#include <vector>

#include "arrays.hpp"
#include "qsim/num/f32.hpp"
#include "qsim/num/minifloat.hpp"

namespace qsim::python {

/// Codes widened to int32, their shape and the name of their type.
struct CodeArray {
  std::vector<std::int32_t> codes;
  std::vector<std::int64_t> shape;
  std::string dtype;
};

template <class T>
bool take_codes(const py::array& array, const char* argument, CodeArray& out) {
  if (!array.dtype().equal(py::dtype::of<T>())) return false;
  const std::vector<T> values = values_of(exact<T>(array, argument));
  out.codes.assign(values.begin(), values.end());
  return true;
}

/// An int8, uint8, int16 or uint16 array (`wide`: or int32); TypeError for any other dtype.
inline CodeArray code_array(const py::handle& object, const char* argument, bool wide = false) {
  const py::array array = as_array(object, argument);
  CodeArray out{{}, shape_of(array), py::str(array.dtype()).cast<std::string>()};
  if (take_codes<std::int8_t>(array, argument, out) ||
      take_codes<std::uint8_t>(array, argument, out) ||
      take_codes<std::int16_t>(array, argument, out) ||
      take_codes<std::uint16_t>(array, argument, out) ||
      (wide && take_codes<std::int32_t>(array, argument, out)))
    return out;
  throw py::type_error(text(argument, ": expected int8, uint8, int16 or uint16 codes, got ",
                            out.dtype, "; use qsim.quantize, or .astype if they are codes"));
}

/// Real values: float32, or float16 widened.
struct RealArray {
  std::vector<F32> values;
  std::vector<std::int64_t> shape;
  bool half = false;
};

inline RealArray real_array(const py::handle& object, const char* argument) {
  const py::array array = as_array(object, argument);
  if (!array.dtype().equal(py::dtype("float16")))
    return {bits_of(exact<float>(array, argument)), shape_of(array), false};
  const py::object words = array.attr("view")("uint16");
  RealArray out{{}, shape_of(array), true};
  for (const std::uint16_t w : values_of(exact<std::uint16_t>(words, argument)))
    out.values.push_back(num::decode(num::fp16, w));
  return out;
}

}  // namespace qsim::python
