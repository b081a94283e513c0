#pragma once
// The border with NumPy: arrays are accepted by exact dtype or refused; nothing is cast in silence.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstring>
#include <string>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/num/f32.hpp"

namespace qsim::python {

namespace py = pybind11;

/// Any object with __array__ or __dlpack__ as a NumPy array, dtype untouched.
inline py::array as_array(const py::handle& object, const char* argument) {
  const py::module_ numpy = py::module_::import("numpy");
  if (py::isinstance(object, numpy.attr("ma").attr("MaskedArray")))
    throw py::type_error(text(argument, ": expected a plain array, got a masked one, whose mask ",
                              "would be lost; use .filled(value) if you mean it"));
  if (py::isinstance<py::array>(object)) return py::reinterpret_borrow<py::array>(object);
  if (!py::hasattr(object, "__array__") && py::hasattr(object, "__dlpack__"))
    return numpy.attr("from_dlpack")(object);
  if (!py::hasattr(object, "__array__"))
    throw py::type_error(text(argument, ": expected an array, got ",
                              py::str(py::type::handle_of(object).attr("__name__"))
                                  .cast<std::string>(),
                              "; use np.asarray(value, dtype=...)"));
  return numpy.attr("asarray")(object);
}

/// The array, C-contiguous, if its dtype is exactly T; TypeError naming both dtypes otherwise.
template <class T>
py::array_t<T, py::array::c_style> exact(const py::handle& object, const char* argument) {
  const py::array array = as_array(object, argument);
  const py::dtype wanted = py::dtype::of<T>();
  if (!array.dtype().equal(wanted)) {
    const std::string name = py::str(wanted).cast<std::string>();
    throw py::type_error(text(argument, ": expected ", name, ", got ",
                              py::str(array.dtype()).cast<std::string>(), "; use .astype(np.", name,
                              ") if you mean it"));
  }
  // Not ascontiguousarray, which gives a scalar an axis.
  return py::module_::import("numpy").attr("asarray")(array, py::arg("order") = "C");
}

/// A float32 array's bit patterns.
inline std::vector<F32> bits_of(const py::array_t<float, py::array::c_style>& array) {
  std::vector<F32> out(static_cast<std::size_t>(array.size()));
  static_assert(sizeof(F32) == sizeof(float));
  if (!out.empty())
    std::memcpy(static_cast<void*>(out.data()), array.data(), out.size() * sizeof(float));
  return out;
}

template <class T>
std::vector<T> values_of(const py::array_t<T, py::array::c_style>& array) {
  return {array.data(), array.data() + array.size()};
}

inline std::vector<std::int64_t> shape_of(const py::array& array) {
  return {array.shape(), array.shape() + array.ndim()};
}

/// A new array of dtype T and `shape` with a copy of `data`. Sizes must agree.
template <class T, class U>
py::array_t<T> to_numpy(const std::vector<U>& data, const std::vector<std::int64_t>& shape) {
  static_assert(sizeof(T) == sizeof(U));
  py::array_t<T> out(std::vector<py::ssize_t>(shape.begin(), shape.end()));
  QSIM_ASSERT(static_cast<std::size_t>(out.size()) == data.size());
  if (!data.empty()) std::memcpy(out.mutable_data(), data.data(), data.size() * sizeof(T));
  return out;
}

}  // namespace qsim::python
