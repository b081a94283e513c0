#pragma once
// One result of a convolution as the two code vectors that a chain meets, for explanations.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "qsim/emu/window.hpp"

namespace qsim::emu {

/// The field that a route's chain is: "products.u8s8", "taps.nine", ...
inline std::string_view path_of_route(const Profile& p, const Route& route) {
  const struct {
    const Arith* arith;
    std::string_view path;
  } all[] = {{&p.products.u8u8, "products.u8u8"}, {&p.products.u8s8, "products.u8s8"},
             {&p.products.s8u8, "products.s8u8"}, {&p.products.s8s8, "products.s8s8"},
             {&p.products.s16s8, "products.s16s8"}, {&p.products.s16s16, "products.s16s16"},
             {&p.window.constant, "window.constant"}, {&p.window.indirect, "window.indirect"},
             {&p.taps.nine, "taps.nine"}, {&p.taps.other, "taps.other"},
             {&p.taps.rest, "taps.rest"}};
  for (const auto& [arith, path] : all)
    if (arith == route.arith) return path;
  return "";
}

/// Left and right codes along K of one result, and which tap and channel each k is (-1: padding).
struct WindowElement {
  Route route;
  std::vector<std::int32_t> lhs, rhs;
  std::int32_t lhs_zero = 0, rhs_zero = 0;
  std::vector<std::int64_t> tap, channel;
};

/// Of result `element`, an index into [batch, out_channels, ...]. Equation (A.22).
inline WindowElement window_element(const Profile& p, const WindowShape& s,
                                    const WindowOperands& a, std::size_t element) {
  WindowElement e;
  e.route = route_of(p, s, a);
  const detail::KIndex index{s, e.route};
  const std::int32_t flip = e.route.signs_input && a.input_type == CodeType::u8 ? -128 : 0;
  const std::size_t pixels = s.pixels();
  const std::size_t out = element / pixels % s.out_channels;
  const std::size_t image = element / pixels / s.out_channels;
  const std::size_t first = out / (s.out_channels / s.groups) * s.depth();
  const std::size_t plane = std::accumulate(
      s.image.begin(), s.image.end(), std::size_t{1},
      [](std::size_t n, std::int64_t x) { return n * static_cast<std::size_t>(x); });
  const bool skips =
      p.window.skips_padding && e.route.arith->zero_points == ZeroPoints::corrected;
  e.lhs.assign(index.depth(), a.input_zero + flip);
  e.rhs.assign(index.depth(), 0);
  e.tap.assign(index.depth(), -1);
  e.channel.assign(index.depth(), -1);
  detail::visit_taps(s, element % pixels, [&](std::size_t t, std::int64_t offset) {
    for (std::size_t c = 0; c < s.depth(); ++c) {
      const std::size_t k = index(t, c);
      e.tap[k] = static_cast<std::int64_t>(t);
      e.channel[k] = static_cast<std::int64_t>(c);
      if (offset >= 0 || !skips) e.rhs[k] = a.filter[(out * s.depth() + c) * s.taps() + t];
      if (offset >= 0)
        e.lhs[k] = a.input[(image * s.channels + first + c) * plane +
                           static_cast<std::size_t>(offset)] + flip;
    }
  });
  e.lhs_zero = a.input_zero + flip;
  e.rhs_zero = a.filter_zero[out];
  if (e.route.filter_is_lhs) {
    std::swap(e.lhs, e.rhs);
    std::swap(e.lhs_zero, e.rhs_zero);
  }
  return e;
}

}  // namespace qsim::emu
