#pragma once
// Arguments of convolutions at the border: extents, steps, pads and zero points.

#include <vector>

#include "operators.hpp"
#include "qsim/emu/window.hpp"

namespace qsim::python {

/// Zero points as one per row or column: a scalar is repeated.
inline std::vector<std::int32_t> zeros(const py::handle& object, std::size_t count,
                                       const char* argument) {
  const auto array = exact<std::int32_t>(object, argument);
  if (array.size() != 1 && static_cast<std::size_t>(array.size()) != count)
    fail<BadArgument>(argument, ": expected 1 or ", count, " values, got ", array.size());
  std::vector<std::int32_t> all = values_of(array);
  if (all.size() != count) all.assign(count, all[0]);
  return all;
}

/// How a convolution walks, and what the engine knows of it.
struct ConvolveOptions {
  std::vector<std::int64_t> stride, pads, dilation;
  std::int64_t groups = 1;
  bool constant_filter = true, returns_integers = false;
};

/// The extents of a convolution; BadArgument for operands that do not fit.
inline emu::WindowShape window_shape(const Operand& x, const Operand& w, const ConvolveOptions& o) {
  if (x.shape.size() < 3 || w.shape.size() != x.shape.size())
    fail<BadArgument>("x, weights: expected [n, c, ...] and [m, c/groups, ...] of one rank >= 3, "
                      "got ", shape_text(x.shape), " and ", shape_text(w.shape));
  const std::size_t axes = x.shape.size() - 2;
  if (o.stride.size() != axes || o.dilation.size() != axes || o.pads.size() != 2 * axes)
    fail<BadArgument>("stride, dilation, pads: expected ", axes, ", ", axes, " and ", 2 * axes,
                      " values, got ", o.stride.size(), ", ", o.dilation.size(), " and ",
                      o.pads.size());
  emu::WindowShape s;
  s.batch = static_cast<std::size_t>(x.shape[0]), s.channels = static_cast<std::size_t>(x.shape[1]);
  s.out_channels = static_cast<std::size_t>(w.shape[0]);
  if (o.groups < 1 || x.shape[1] % o.groups != 0 || w.shape[0] % o.groups != 0 ||
      w.shape[1] * o.groups != x.shape[1] || w.shape[1] < 1 || w.shape[0] < 1)
    fail<BadArgument>("groups: expected a divisor of ", x.shape[1], " channels and ", w.shape[0],
                      " filters with weights [m, c/groups, ...], got ", o.groups, " and weights ",
                      shape_text(w.shape));
  s.groups = static_cast<std::size_t>(o.groups);
  s.stride = o.stride, s.dilation = o.dilation;
  for (std::size_t d = 0; d < axes; ++d) {
    const std::int64_t in = x.shape[d + 2], k = w.shape[d + 2];
    const std::int64_t begin = o.pads[d], end = o.pads[d + axes];
    constexpr std::int64_t most = 1 << 24;
    if (k < 1 || o.stride[d] < 1 || o.dilation[d] < 1 || begin < 0 || end < 0 || k > most ||
        begin > most || end > most || o.stride[d] > most || o.dilation[d] > most || in > most)
      fail<BadArgument>("stride, dilation, pads: expected positive steps and pads >= 0 within 24 "
                        "bits, got ", o.stride[d], ", ", o.dilation[d], ", ", begin, " and ", end);
    const std::int64_t span = in + begin + end - o.dilation[d] * (k - 1) - 1;
    if (span < 0)
      fail<BadArgument>("pads: expected a window that fits the image, got image ", in, ", kernel ",
                        k, ", dilation ", o.dilation[d], ", pads ", begin, " and ", end);
    s.image.push_back(in), s.kernel.push_back(k), s.pad.push_back(begin);
    s.out.push_back(span / o.stride[d] + 1);
  }
  return s;
}

inline emu::WindowOperands window_operands(const Operand& x, const Operand& w, int x_zero,
                                           const std::vector<std::int32_t>& w_zero,
                                           const ConvolveOptions& o) {
  emu::WindowOperands a;
  a.input_type = x.type, a.filter_type = w.type;
  a.input = x.codes, a.filter = w.codes, a.input_zero = x_zero, a.filter_zero = w_zero;
  a.constant_filter = o.constant_filter, a.returns_integers = o.returns_integers;
  return a;
}

}  // namespace qsim::python
