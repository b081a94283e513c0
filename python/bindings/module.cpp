// The extension module qsim._core.

#include "register.hpp"

PYBIND11_MODULE(_core, module) {
  module.doc() = "C++ core of qsim. Use it through the package qsim.";
  module.attr("__version__") = QSIM_VERSION;
  qsim::python::register_errors(module);
  qsim::python::register_profile(module);
  qsim::python::register_emu(module);
  qsim::python::register_products(module);
  qsim::python::register_elementwise(module);
  qsim::python::register_story(module);
  qsim::python::register_calib(module);
  qsim::python::register_graph(module);
  qsim::python::register_run(module);
  qsim::python::register_kernels(module);
  qsim::python::register_num(module);
}
