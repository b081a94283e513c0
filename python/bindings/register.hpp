#pragma once
// One function per subject; module.cpp calls them in order.

#include <pybind11/pybind11.h>

namespace qsim::python {

void register_errors(pybind11::module_& module);
void register_profile(pybind11::module_& module);
void register_emu(pybind11::module_& module);
void register_products(pybind11::module_& module);
void register_elementwise(pybind11::module_& module);
void register_story(pybind11::module_& module);
void register_calib(pybind11::module_& module);
void register_graph(pybind11::module_& module);
void register_run(pybind11::module_& module);
void register_kernels(pybind11::module_& module);
void register_num(pybind11::module_& module);

}  // namespace qsim::python
