// C++ error types as the Python exceptions a user expects.

#include "qsim/base/check.hpp"
#include "register.hpp"

namespace qsim::python {

namespace py = pybind11;

void register_errors(py::module_& module) {
  static py::handle not_supported =
      py::exception<NotSupported>(module, "NotSupported", PyExc_NotImplementedError).release();
  static py::handle bad_file =
      py::exception<BadFile>(module, "BadFile", PyExc_ValueError).release();
  py::register_exception_translator([](std::exception_ptr p) {
    try {
      if (p) std::rethrow_exception(p);
    } catch (const NotSupported& e) {
      PyErr_SetString(not_supported.ptr(), e.what());
    } catch (const BadFile& e) {
      PyErr_SetString(bad_file.ptr(), e.what());
    } catch (const BadArgument& e) {
      PyErr_SetString(PyExc_ValueError, e.what());
    } catch (const UnknownName& e) {
      PyErr_SetString(PyExc_KeyError, e.what());
    } catch (const Bug& e) {
      PyErr_SetString(PyExc_RuntimeError, e.what());
    }
  });
}

}  // namespace qsim::python
