// Native kernels: the list, and products by one kernel or by the definition of its chain.

#include <pybind11/stl.h>

#include <thread>

#include "arrays.hpp"
#include "qsim/emu/chain.hpp"
#include "qsim/kernels/gemm.hpp"
#include "qsim/kernels/registry.hpp"
#include "register.hpp"

namespace qsim::python {

namespace {

using Codes8 = py::array_t<std::int8_t, py::array::c_style>;

py::list list_kernels() {
  const kernels::Cpu cpu = kernels::host_cpu();
  py::list out;
  for (const kernels::Kernel& k : kernels::kernels()) {
    py::dict one;
    one["name"] = std::string(k.name), one["op"] = std::string(k.op);
    one["isa"] = std::string(k.isa), one["instruction"] = std::string(k.instruction);
    one["obeys"] = std::string(k.obeys);
    one["arch"] = k.arch == kernels::Arch::x86 ? "x86" : "arm64";
    one["runs_here"] = kernels::supported(k, cpu);
    out.append(one);
  }
  return out;
}

py::dict build_info() {
  py::dict out;
  out["version"] = QSIM_VERSION;
#if defined(__clang__)
  out["compiler"] = "Clang " __clang_version__;
#else
  out["compiler"] = "GCC " __VERSION__;
#endif
#if defined(__x86_64__)
  out["architecture"] = "x86_64";
#elif defined(__aarch64__)
  out["architecture"] = "aarch64";
#else
  out["architecture"] = "other";
#endif
#if defined(NDEBUG)
  out["assertions"] = false;
#else
  out["assertions"] = true;
#endif
  out["hardware_threads"] = std::thread::hardware_concurrency();
  return out;
}

/// lhs [m, k] and rhs [k, n]; BadArgument unless they multiply.
kernels::GemmShape gemm_shape(const Codes8& lhs, const Codes8& rhs) {
  if (lhs.ndim() != 2 || rhs.ndim() != 2 || lhs.shape(1) != rhs.shape(0))
    fail<BadArgument>("lhs, rhs: expected shapes [m, k] and [k, n]");
  return {static_cast<std::size_t>(lhs.shape(0)), static_cast<std::size_t>(rhs.shape(1)),
          static_cast<std::size_t>(lhs.shape(1))};
}

py::array_t<std::int32_t> kernel_gemm(const std::string& name, const py::object& lhs_in,
                                      const py::object& rhs_in) {
  const Codes8 lhs = exact<std::int8_t>(lhs_in, "lhs");
  const Codes8 rhs = exact<std::int8_t>(rhs_in, "rhs");
  const kernels::GemmShape s = gemm_shape(lhs, rhs);
  std::vector<std::int32_t> acc(s.m * s.n, 0);
  const auto stride = [](std::size_t v) { return static_cast<std::ptrdiff_t>(v); };
  kernels::gemm(kernels::find(name), s, {lhs.data(), stride(s.k), 1}, {rhs.data(), stride(s.n), 1},
                acc.data(), stride(s.n), kernels::host_cpu());
  return to_numpy<std::int32_t>(acc, {lhs.shape(0), rhs.shape(1)});
}

py::array_t<std::int32_t> chain_gemm(const std::string& name, const py::object& lhs_in,
                                     const py::object& rhs_in) {
  const Codes8 lhs = exact<std::int8_t>(lhs_in, "lhs");
  const Codes8 rhs = exact<std::int8_t>(rhs_in, "rhs");
  const kernels::GemmShape s = gemm_shape(lhs, rhs);
  const kernels::Kernel& kernel = kernels::find(name);
  if (kernel.arith == nullptr)
    fail<BadArgument>("kernel: expected a gemm kernel, got ", name);
  std::vector<std::int32_t> acc(s.m * s.n, 0);
  for (std::size_t i = 0; i < s.m; ++i)
    for (std::size_t j = 0; j < s.n; ++j)
      acc[i * s.n + j] = emu::dot(*kernel.arith, lhs.data() + i * s.k, 1, rhs.data() + j,
                                  static_cast<std::ptrdiff_t>(s.n), s.k);
  return to_numpy<std::int32_t>(acc, {lhs.shape(0), rhs.shape(1)});
}

}  // namespace

void register_kernels(py::module_& module) {
  module.def("kernels", &list_kernels, "Every native kernel, with whether it runs here.");
  module.def("build_info", &build_info, "Compiler, architecture, assertions, threads.");
  module.def("kernel_gemm", &kernel_gemm, py::arg("kernel"), py::arg("lhs"), py::arg("rhs"),
             "int32 product of int8 [m, k] and [k, n] by a native kernel.");
  module.def("chain_gemm", &chain_gemm, py::arg("kernel"), py::arg("lhs"), py::arg("rhs"),
             "The same product by the definition of the chain the kernel obeys.");
}

}  // namespace qsim::python
