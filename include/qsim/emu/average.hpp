#pragma once
// Pools of codes by a row: averages, maxima and whole-image means, any number of spatial axes.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/emu/add.hpp"
#include "qsim/emu/eltwise.hpp"
#include "qsim/emu/narrow.hpp"
#include "qsim/emu/pool.hpp"
#include "qsim/emu/quantizer.hpp"
#include "qsim/emu/window.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::emu {

/// A pool over [batch, channels, ...]: `window.channels` planes per batch, each on its own.
struct PoolOperands {
  WindowShape window{};
  std::span<const std::int32_t> input;  ///< codes, widened
  Scaled in{}, out{};
  CodeRange range{};
  bool padded = false;             ///< some pad is not 0
  bool count_include_pad = false;  ///< averages divide by the kernel's size
};

namespace detail {

inline std::size_t plane_size(const WindowShape& s) {
  return std::accumulate(s.image.begin(), s.image.end(), std::size_t{1},
                         [](std::size_t n, std::int64_t e) {
                           return n * static_cast<std::size_t>(e);
                         });
}

/// result[plane, pixel] = value(codes of the plane, offsets of the window's pixels in the image).
template <class Value>
std::vector<std::int32_t> pooled(const PoolOperands& a, Value value) {
  const WindowShape& s = a.window;
  const std::size_t planes = s.batch * s.channels, plane = plane_size(s), pixels = s.pixels();
  QSIM_ASSERT(a.input.size() == planes * plane);
  std::vector<std::int32_t> out(planes * pixels);
  std::vector<std::size_t> inside;
  for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
    inside.clear();
    visit_taps(s, pixel, [&](std::size_t, std::int64_t offset) {
      if (offset >= 0) inside.push_back(static_cast<std::size_t>(offset));
    });
    for (std::size_t p = 0; p < planes; ++p)
      out[p * pixels + pixel] = value(a.input.subspan(p * plane, plane), inside);
  }
  return out;
}

using Offsets = std::vector<std::size_t>;

/// Mean of fl(scale*(q - zero)), summed in row-major order, divided by the output's scale.
constexpr std::int32_t real_average(const Profile& profile, std::span<const std::int32_t> plane,
                                    const Offsets& inside, std::size_t count,
                                    const PoolOperands& a) {
  const FloatMode& mode = profile.float_mode;
  F32 sum = num::f32_zero;
  for (const std::size_t at : inside) {
    const F32 d = num::from_int(std::int64_t{plane[at]} - a.in.zero);
    sum = num::add(sum, num::mul(a.in.scale, d, mode), mode);
  }
  const F32 mean = num::div(sum, num::from_int(static_cast<std::int64_t>(count)), mode);
  return narrow_real(num::div(mean, a.out.scale, mode), a.out.zero, a.range,
                     profile.average.narrow, mode);
}

inline std::int64_t sum_of(std::span<const std::int32_t> plane, const Offsets& inside) {
  std::int64_t sum = 0;
  for (const std::size_t at : inside) sum += plane[at];
  return sum;
}

inline void need_equal_scales(const PoolOperands& a) {
  if (!(a.in.scale == a.out.scale) || a.in.zero != a.out.zero)
    fail<BadArgument>("out_scale, out_zero: expected those of the input, as the profile pools "
                      "codes without rescaling, got others; rescale afterwards");
}

/// The rule of a row whose `pool` knows two axes, equal pads and no dilation.
inline PoolShape engine_shape(const Profile& profile, const PoolOperands& a) {
  const WindowShape& s = a.window;
  need_int8(profile, a.range, "pool");
  const auto size = [&](std::size_t n) { return static_cast<int>(n); };
  const auto at = [](const std::vector<std::int64_t>& v, std::size_t d) {
    return static_cast<int>(v[d]);
  };
  if (s.image.size() != 2 || at(s.dilation, 0) != 1 || at(s.dilation, 1) != 1 ||
      a.count_include_pad || a.range.low != a.range.type_low ||
      a.range.high != a.range.type_high)
    fail<NotSupported>("kernel: profile ", profile.name.view(), " pools two axes without dilation "
                       "and limits, and counts the pixels inside the image; got another window");
  return {size(s.batch), size(s.channels), at(s.image, 0), at(s.image, 1), at(s.kernel, 0),
          at(s.kernel, 1), at(s.stride, 0), at(s.stride, 1), at(s.pad, 0), at(s.pad, 1),
          at(s.out, 0), at(s.out, 1)};
}
template <class Pool>
std::vector<std::int32_t> engine_pool(const Profile& profile, const PoolOperands& a, Pool pool) {
  const PoolShape shape = engine_shape(profile, a);
  const std::vector<std::int8_t> codes(a.input.begin(), a.input.end());
  const std::vector<std::int8_t> y = pool(profile.pool, shape, codes);
  return {y.begin(), y.end()};
}

/// fl(fl(sum(q) - n*z_in) * fl(s_in / fl(s_out * n))), narrowed as matrix products are.
inline std::vector<std::int32_t> rescaled_sums(const Profile& profile, const PoolOperands& a) {
  const std::int64_t n = static_cast<std::int64_t>(plane_size(a.window));
  const FloatMode& mode = profile.float_mode;
  const F32 factor = num::div(a.in.scale, num::mul(a.out.scale, num::from_int(n), mode), mode);
  return pooled(a, [&](std::span<const std::int32_t> plane, const Offsets& inside) {
    const std::int64_t acc = num::wrap(sum_of(plane, inside) - n * a.in.zero, 32);
    return narrow_real(num::mul(num::from_int(acc), factor, mode), a.out.zero, a.range,
                       profile.requant.narrow, mode);
  });
}

/// The window is the whole image, once, without pads.
inline bool is_whole_image(const PoolOperands& a) {
  const WindowShape& s = a.window;
  return !a.padded && s.kernel == s.image && s.pixels() == 1;
}

}  // namespace detail

/// Averages of the row, [batch, channels, ...]. NotSupported where the row has no such rule.
/// Equation (A.28).
inline std::vector<std::int32_t> average_pool(const Profile& profile, const PoolOperands& a) {
  const Average& rule = profile.average;
  const auto count_of = [&](const detail::Offsets& inside) {
    return a.count_include_pad ? a.window.taps() : inside.size();
  };
  switch (rule.scheme) {
    case AverageScheme::none: break;
    case AverageScheme::engine:
      return detail::engine_pool(profile, a, [](const Pool& p, const PoolShape& s, auto& codes) {
        return average_pool(p, s, codes);
      });
    case AverageScheme::f32:
      if (rule.whole_image_requant && detail::is_whole_image(a))
        return detail::rescaled_sums(profile, a);
      return detail::pooled(a, [&](std::span<const std::int32_t> plane,
                                   const detail::Offsets& inside) {
        return detail::real_average(profile, plane, inside, count_of(inside), a);
      });
    case AverageScheme::integer:
      detail::need_equal_scales(a);
      detail::need_integer_zero(rule.narrow, "average");
      return detail::pooled(a, [&](std::span<const std::int32_t> plane,
                                   const detail::Offsets& inside) {
        const std::int64_t count = static_cast<std::int64_t>(count_of(inside));
        if (count == 0)
          fail<BadArgument>("pads: expected at least one pixel of the image in every window, got a "
                            "window without one");
        const std::int64_t mean = num::divide(detail::sum_of(plane, inside), count, rule.ties);
        return narrow_int(static_cast<std::int32_t>(mean), 0, a.range, rule.narrow);
      });
  }
  refuse(profile, "average_pool", "average.scheme");
}

/// Maxima in the row's order, then limits. A window without a pixel answers the lowest code.
inline std::vector<std::int32_t> max_pool(const Profile& profile, const PoolOperands& a) {
  detail::need_equal_scales(a);
  if (profile.pool.max_order == MaxOrder::biased_bytes ||
      profile.average.scheme == AverageScheme::engine)
    return detail::engine_pool(profile, a, [](const Pool& p, const PoolShape& s, auto& codes) {
      return max_pool(p, s, codes);
    });
  return detail::pooled(a, [&](std::span<const std::int32_t> plane, const detail::Offsets& inside) {
    std::int32_t best = a.range.type_low;
    for (const std::size_t at : inside) best = std::max(best, plane[at]);
    return static_cast<std::int32_t>(num::clamp(best, a.range.low, a.range.high));
  });
}

}  // namespace qsim::emu
