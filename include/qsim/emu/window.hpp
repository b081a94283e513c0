#pragma once
// Convolutions as matrix products: K order, padding, groups and the special routes of a row.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/emu/gemm.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::emu {

/// Types of codes that products know.
enum class CodeType : std::uint8_t { u8, s8, s16 };

constexpr std::string_view type_name(CodeType t) {
  return t == CodeType::u8 ? "uint8" : t == CodeType::s8 ? "int8" : "int16";
}

/// The row's chain for left and right operand types; NotSupported if it has none.
inline const Arith& product_of(const Profile& p, CodeType lhs, CodeType rhs) {
  const Products& all = p.products;
  const Arith* found = &no_product;
  if (lhs == CodeType::u8 && rhs == CodeType::u8) found = &all.u8u8;
  if (lhs == CodeType::u8 && rhs == CodeType::s8) found = &all.u8s8;
  if (lhs == CodeType::s8 && rhs == CodeType::u8) found = &all.s8u8;
  if (lhs == CodeType::s8 && rhs == CodeType::s8) found = &all.s8s8;
  if (lhs == CodeType::s16 && rhs == CodeType::s8) found = &all.s16s8;
  if (lhs == CodeType::s16 && rhs == CodeType::s16) found = &all.s16s16;
  if (found->acc_bits == 0)
    fail<NotSupported>("profile ", p.name.view(), " has no product of ", type_name(lhs), " by ",
                       type_name(rhs), "; convert an operand or choose another profile");
  return *found;
}

/// Whether a matrix product [m, k] by [k, n] is one that `row_gate` is for.
constexpr bool passes_row_gate(const Profile& p, CodeType lhs, std::size_t m, std::size_t n,
                               std::size_t k) {
  const RowGate& gate = p.row_gate;
  return m == 1 && lhs != CodeType::s16 && n >= gate.columns && k >= gate.depth;
}

/// The same of a convolution without groups: `pixels` results of each of n channels, depth k.
constexpr bool convolution_passes_row_gate(const Profile& p, CodeType lhs, std::size_t pixels,
                                           std::size_t n, std::size_t k) {
  return p.row_gate.convolutions && passes_row_gate(p, lhs, pixels, n, k);
}

/// The chain of a matrix product [m, k] by [k, n]; one row that passes the gate may be exact.
inline const Arith& gemm_product_of(const Profile& p, CodeType lhs, CodeType rhs, std::size_t m,
                                    std::size_t n, std::size_t k) {
  static constexpr Arith exact{};
  const Arith& usual = product_of(p, lhs, rhs);
  return p.row_gate.exact && passes_row_gate(p, lhs, m, n, k) ? exact : usual;
}

/// Extents of a convolution with any number of spatial axes. Activations [batch, channels, ...],
/// weights [out_channels, channels/groups, ...], result [batch, out_channels, ...].
struct WindowShape {
  std::size_t batch = 1, channels = 1, out_channels = 1, groups = 1;
  std::vector<std::int64_t> image, kernel, stride, dilation, pad, out;  ///< pad: before each axis
  std::size_t pixels() const {
    return std::accumulate(out.begin(), out.end(), std::size_t{1},
                           [](std::size_t n, std::int64_t e) {
                             return n * static_cast<std::size_t>(e);
                           });
  }
  std::size_t taps() const {
    return std::accumulate(kernel.begin(), kernel.end(), std::size_t{1},
                           [](std::size_t n, std::int64_t e) {
                             return n * static_cast<std::size_t>(e);
                           });
  }
  std::size_t depth() const { return channels / groups; }
};

/// Codes widened to int32, and what the engine knows of the filter.
struct WindowOperands {
  CodeType input_type = CodeType::u8, filter_type = CodeType::s8;
  std::span<const std::int32_t> input, filter;
  std::int32_t input_zero = 0;
  std::span<const std::int32_t> filter_zero;  ///< one per output channel
  bool constant_filter = true;
  bool returns_integers = false;  ///< no rescaling follows
};

/// How a row multiplies one convolution.
struct Route {
  const Arith* arith = nullptr;
  KOrder order = KOrder::channel_last;
  bool filter_is_lhs = false;
  bool signs_input = false;  ///< uint8 input is XORed with 0x80 beforehand
  std::size_t tap_block = 1; ///< channels of a tap are padded to a multiple
};

/// Equation (A.22).
inline Route route_of(const Profile& p, const WindowShape& s, const WindowOperands& a) {
  const Window& w = p.window;
  const auto whole = [&](std::size_t n, int times = 1) {
    return n % (static_cast<std::size_t>(w.channel_multiple) * static_cast<std::size_t>(times)) ==
           0;
  };
  const bool symmetric = a.filter_type == CodeType::s8 && a.constant_filter &&
                         std::all_of(a.filter_zero.begin(), a.filter_zero.end(),
                                     [](std::int32_t z) { return z == 0; });
  const bool bytes = a.input_type != CodeType::s16;
  if (a.returns_integers && w.integer_filter_lhs) {
    return {.arith = &product_of(p, a.filter_type, a.input_type),
            .order = KOrder::channel_first,
            .filter_is_lhs = true};
  }
  const bool depthwise = s.groups == s.channels && s.groups == s.out_channels;
  if (depthwise && bytes) {
    if (symmetric && p.taps.other.acc_bits != 0 && whole(s.channels)) {
      const bool nine = s.taps() == 9 && whole(s.channels, 2) && p.taps.nine.acc_bits != 0;
      return {.arith = nine ? &p.taps.nine : &p.taps.other, .signs_input = true};
    }
    if (p.taps.rest.acc_bits != 0) return {.arith = &p.taps.rest, .order = w.order};
  }
  if (s.groups == s.channels && s.groups > 1 && p.taps.rest_multiplies && bytes &&
      p.taps.rest.acc_bits != 0)
    return {.arith = &p.taps.rest, .order = w.order};
  if (symmetric && bytes) {
    if (w.indirect.acc_bits != 0 && s.groups == 1 && s.taps() > 1 &&
        s.channels >= w.indirect_channels && whole(s.channels) && whole(s.out_channels))
      return {.arith = &w.indirect, .signs_input = true, .tap_block = w.indirect.block};
    if (w.constant.acc_bits != 0 && a.input_type == CodeType::s8)
      return {.arith = &w.constant, .order = w.order, .tap_block = w.tap_block};
  }
  return {.arith = &product_of(p, a.input_type, a.filter_type), .order = w.order,
          .tap_block = w.tap_block};
}

namespace detail {

/// Calls visit(tap, offset of the pixel in its plane, or -1 outside the image) for every tap.
template <class Visit>
void visit_taps(const WindowShape& s, std::size_t pixel, Visit visit) {
  const std::size_t axes = s.image.size();
  std::vector<std::int64_t> at(axes), tap(axes, 0);
  for (std::size_t d = axes; d-- > 0;) {
    const std::size_t extent = static_cast<std::size_t>(s.out[d]);
    at[d] = static_cast<std::int64_t>(pixel % extent) * s.stride[d] - s.pad[d];
    pixel /= extent;
  }
  for (std::size_t t = 0; t < s.taps(); ++t) {
    std::int64_t offset = 0;
    for (std::size_t d = 0; d < axes && offset >= 0; ++d) {
      const std::int64_t x = at[d] + tap[d] * s.dilation[d];
      offset = x < 0 || x >= s.image[d] ? -1 : offset * s.image[d] + x;
    }
    visit(t, offset);
    for (std::size_t d = axes; d-- > 0;) {
      if (++tap[d] < s.kernel[d]) break;
      tap[d] = 0;
    }
  }
}

/// K index of channel c of tap t.
struct KIndex {
  const WindowShape& s;
  const Route& route;
  std::size_t lanes() const {
    return (s.depth() + route.tap_block - 1) / route.tap_block * route.tap_block;
  }
  std::size_t depth() const { return s.taps() * lanes(); }
  std::size_t operator()(std::size_t t, std::size_t c) const {
    return route.order == KOrder::channel_last ? t * lanes() + c : c * s.taps() + t;
  }
};

/// What undoes the zero-point correction of taps outside the image: one per result of the product.
/// Their codes, which make zero products, are in the corrections as if they were at the zero point.
inline std::vector<std::int64_t> uncorrected(const WindowShape& s, const Route& route,
                                             const GemmOperands& a) {
  const KIndex index{s, route};
  const Arith& arith = *route.arith;
  std::vector<std::int64_t> start(a.m * a.n, 0);
  const std::int64_t zero =
      route.filter_is_lhs ? std::int64_t{halved(arith, a.rhs_zero[0])} + arith.rhs_offset
                          : std::int64_t{a.lhs_zero[0]} + arith.lhs_offset;
  const auto weight = [&](std::size_t k, std::size_t o) {  // less its zero point
    if (route.filter_is_lhs) return std::int64_t{a.lhs[o * a.k + k]} - a.lhs_zero[o];
    return std::int64_t{halved(arith, a.rhs[k * a.n + o])} - halved(arith, a.rhs_zero[o]);
  };
  const std::size_t outputs = route.filter_is_lhs ? a.m : a.n;
  for (std::size_t pixel = 0; pixel < s.pixels(); ++pixel)
    visit_taps(s, pixel, [&](std::size_t t, std::int64_t offset) {
      if (offset >= 0) return;
      for (std::size_t c = 0; c < s.depth(); ++c)
        for (std::size_t o = 0; o < outputs; ++o)
          start[route.filter_is_lhs ? o * a.n + pixel : pixel * a.n + o] +=
              zero * weight(index(t, c), o);
    });
  return start;
}

}  // namespace detail

/// int32 (or int64) sums [batch, out_channels, ...] of a convolution. Taps outside the image read
/// the zero point, or add nothing under `skips_padding`. Equation (A.22).
inline std::vector<std::int64_t> convolve_window(const Profile& p, const WindowShape& s,
                                                 const WindowOperands& a,
                                                 std::vector<Overflows>* overflows = nullptr) {
  const Route route = route_of(p, s, a);
  const detail::KIndex index{s, route};
  const std::int32_t flip = route.signs_input && a.input_type == CodeType::u8 ? -128 : 0;
  const std::int32_t input_zero = a.input_zero + flip;
  const std::size_t pixels = s.pixels(), taps = s.taps(), depth = index.depth();
  const std::size_t plane = std::accumulate(
      s.image.begin(), s.image.end(), std::size_t{1},
      [](std::size_t n, std::int64_t e) { return n * static_cast<std::size_t>(e); });
  const std::size_t group_out = s.out_channels / s.groups;
  std::vector<std::int64_t> result(s.batch * s.out_channels * pixels);
  if (overflows != nullptr) overflows->assign(result.size(), {});
  std::vector<std::int32_t> columns(pixels * depth), filter(group_out * depth);
  std::vector<std::int32_t> input_zeros(pixels, input_zero);
  const bool skips =
      p.window.skips_padding && route.arith->zero_points == ZeroPoints::corrected;
  const std::int32_t unweighted = route.filter_is_lhs ? 0 : detail::neutral_rhs(*route.arith);
  const std::int32_t outside = !skips                ? input_zero
                               : route.filter_is_lhs ? detail::neutral_rhs(*route.arith)
                                                     : -route.arith->lhs_offset;
  for (std::size_t n = 0; n < s.batch; ++n)
    for (std::size_t g = 0; g < s.groups; ++g) {
      std::fill(columns.begin(), columns.end(), input_zero);  // unused lanes add nothing: weights
      std::fill(filter.begin(), filter.end(), unweighted);    // of zero, and the correction is zero
      const std::size_t first = g * s.depth();
      for (std::size_t o = 0; o < group_out; ++o)
        for (std::size_t c = 0; c < s.depth(); ++c)
          for (std::size_t t = 0; t < taps; ++t)
            filter[route.filter_is_lhs ? o * depth + index(t, c) : index(t, c) * group_out + o] =
                a.filter[((g * group_out + o) * s.depth() + c) * taps + t];
      for (std::size_t pixel = 0; pixel < pixels; ++pixel)
        detail::visit_taps(s, pixel, [&](std::size_t t, std::int64_t offset) {
          for (std::size_t c = 0; offset < 0 && c < s.depth(); ++c)
            columns[route.filter_is_lhs ? index(t, c) * pixels + pixel
                                        : pixel * depth + index(t, c)] = outside;
          for (std::size_t c = 0; offset >= 0 && c < s.depth(); ++c) {
            const std::size_t at = (n * s.channels + first + c) * plane +
                                   static_cast<std::size_t>(offset);
            columns[route.filter_is_lhs ? index(t, c) * pixels + pixel
                                        : pixel * depth + index(t, c)] = a.input[at] + flip;
          }
        });
      GemmOperands product;
      const std::span<const std::int32_t> zeros = a.filter_zero.subspan(g * group_out, group_out);
      if (route.filter_is_lhs)
        product = {group_out, pixels, depth, filter, columns, zeros, input_zeros, {}};
      else
        product = {pixels, group_out, depth, columns, filter, input_zeros, zeros, {}};
      std::vector<std::int64_t> start;
      if (skips) start = detail::uncorrected(s, route, product);
      product.initial = start;
      std::vector<Overflows> counts;
      const std::vector<std::int64_t> sums =
          gemm(*route.arith, product, overflows != nullptr ? &counts : nullptr);
      for (std::size_t o = 0; o < group_out; ++o)
        for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
          const std::size_t from = route.filter_is_lhs ? o * pixels + pixel : pixel * group_out + o;
          const std::size_t to = (n * s.out_channels + g * group_out + o) * pixels + pixel;
          result[to] = sums[from];
          if (overflows != nullptr) (*overflows)[to] = counts[from];
        }
    }
  return result;
}

}  // namespace qsim::emu
