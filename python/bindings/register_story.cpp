// The story of one sum: products, overflows and where they happened.

#include <pybind11/stl.h>

#include "arrays.hpp"
#include "operators.hpp"
#include "qsim/emu/gemm.hpp"
#include "qsim/emu/overflow_events.hpp"
#include "qsim/emu/window_element.hpp"
#include "register.hpp"
#include "window_arguments.hpp"

namespace qsim::python {

namespace {

py::dict story(const Arith& arith, std::span<const std::int32_t> lhs,
               std::span<const std::int32_t> rhs, std::int32_t lhs_zero, std::int32_t rhs_zero) {
  const emu::GemmOperands a{1, 1, lhs.size(), lhs, rhs, {&lhs_zero, 1}, {&rhs_zero, 1}, {}};
  const emu::detail::Multiplied x = emu::detail::multiplied(arith, a);
  std::vector<std::int64_t> products(lhs.size());
  for (std::size_t k = 0; k < products.size(); ++k)
    products[k] = std::int64_t{x.lhs[k]} * x.rhs[k];
  py::list events;
  for (const emu::OverflowEvent& e : emu::overflow_events(arith, products, x.start[0])) {
    py::dict one;
    one["step"] = e.step, one["positions"] = e.positions, one["sum"] = e.sum;
    one["kept"] = e.kept;
    events.append(one);
  }
  py::dict out;
  out["lhs"] = x.lhs, out["rhs"] = x.rhs, out["start"] = x.start[0];
  out["products"] = products, out["events"] = events, out["sum"] = emu::gemm(arith, a)[0];
  return out;
}

py::dict gemm_story(const Profile& profile, const py::object& lhs_in, const py::object& rhs_in,
                    int lhs_zero, int rhs_zero) {
  const Operand lhs = operand(lhs_in, "lhs");
  const Operand rhs = operand(rhs_in, "rhs");
  if (lhs.shape.size() != 1 || lhs.shape != rhs.shape)
    fail<BadArgument>("lhs, rhs: expected two vectors of one length, got ", shape_text(lhs.shape),
                      " and ", shape_text(rhs.shape));
  return story(emu::product_of(profile, lhs.type, rhs.type), lhs.codes, rhs.codes, lhs_zero,
               rhs_zero);
}

py::dict window_story(const Profile& profile, const py::object& x_in, const py::object& w_in,
                      int x_zero, const py::object& w_zero, const ConvolveOptions& o,
                      std::size_t element) {
  const Operand x = operand(x_in, "x");
  const Operand w = operand(w_in, "weights");
  const emu::WindowShape s = window_shape(x, w, o);
  const std::vector<std::int32_t> wz = zeros(w_zero, s.out_channels, "weight_zero");
  const emu::WindowOperands a = window_operands(x, w, x_zero, wz, o);
  if (element >= s.batch * s.out_channels * s.pixels())
    fail<BadArgument>("element: expected an index below ", s.batch * s.out_channels * s.pixels(),
                      ", got ", element);
  const emu::WindowElement e = emu::window_element(profile, s, a, element);
  py::dict out = story(*e.route.arith, e.lhs, e.rhs, e.lhs_zero, e.rhs_zero);
  out["tap"] = e.tap, out["channel"] = e.channel;
  out["path"] = std::string(emu::path_of_route(profile, e.route));
  out["weights"] = e.route.filter_is_lhs ? e.lhs : e.rhs;
  out["signed"] = e.route.signs_input || a.input_type == emu::CodeType::s8;
  return out;
}

}  // namespace

void register_story(py::module_& module) {
  py::module_ ops = module.def_submodule("operators");
  ops.def("gemm_story", &gemm_story, py::arg("profile"), py::arg("lhs"), py::arg("rhs"),
          py::arg("lhs_zero"), py::arg("rhs_zero"), "One sum of a matrix product, in steps.");
  ops.def(
      "window_story",
      [](const Profile& profile, const py::object& x, const py::object& w, int x_zero,
         const py::object& w_zero, const std::vector<std::int64_t>& stride,
         const std::vector<std::int64_t>& pads, const std::vector<std::int64_t>& dilation,
         std::int64_t groups, bool constant_filter, bool returns_integers, std::size_t element) {
        return window_story(profile, x, w, x_zero, w_zero,
                            {stride, pads, dilation, groups, constant_filter, returns_integers},
                            element);
      },
      py::arg("profile"), py::arg("x"), py::arg("weights"), py::arg("x_zero"),
      py::arg("weight_zero"), py::arg("stride"), py::arg("pads"), py::arg("dilation"),
      py::arg("groups"), py::arg("constant_filter"), py::arg("returns_integers"),
      py::arg("element"), "One sum of a convolution, in steps.");
}

}  // namespace qsim::python
