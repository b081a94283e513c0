#pragma once
// Pooling on int8 codes. Pools never look at scales: they return codes of their input's scale.

#include <cstdint>
#include <span>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/num/fit.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::emu {

/// Extents of a 2-D pool on [batch, channels, h, w].
struct PoolShape {
  int batch = 1, channels = 1, h = 1, w = 1;
  int kh = 1, kw = 1, stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0;
  int out_h = 1, out_w = 1;
};

namespace detail {

/// Calls reduce(code) for every pixel of the window that lies inside the image.
template <class Reduce>
void window(const PoolShape& s, const std::int8_t* plane, int oy, int ox, Reduce reduce) {
  for (int ky = 0; ky < s.kh; ++ky)
    for (int kx = 0; kx < s.kw; ++kx) {
      const int y = oy * s.stride_h - s.pad_h + ky;
      const int x = ox * s.stride_w - s.pad_w + kx;
      if (y >= 0 && y < s.h && x >= 0 && x < s.w) reduce(plane[y * s.w + x]);
    }
}

template <class Window>
std::vector<std::int8_t> pool(const PoolShape& s, std::span<const std::int8_t> input,
                              Window value) {
  const std::size_t plane = static_cast<std::size_t>(s.h) * static_cast<std::size_t>(s.w);
  const std::size_t planes =
      static_cast<std::size_t>(s.batch) * static_cast<std::size_t>(s.channels);
  QSIM_ASSERT(input.size() == plane * planes);
  std::vector<std::int8_t> out;
  out.reserve(planes * static_cast<std::size_t>(s.out_h) * static_cast<std::size_t>(s.out_w));
  for (std::size_t p = 0; p < planes; ++p)
    for (int oy = 0; oy < s.out_h; ++oy)
      for (int ox = 0; ox < s.out_w; ++ox) out.push_back(value(input.data() + p * plane, oy, ox));
  return out;
}

}  // namespace detail

/// Largest code of each window in the row's order. A window with no pixel inside answers -128.
inline std::vector<std::int8_t> max_pool(const Pool& rule, const PoolShape& s,
                                         std::span<const std::int8_t> input) {
  const std::int32_t bias = rule.max_order == MaxOrder::biased_bytes ? 128 : 0;
  return detail::pool(s, input, [&](const std::int8_t* plane, int oy, int ox) {
    std::int64_t best = -129;
    std::int8_t answer = -128;
    detail::window(s, plane, oy, ox, [&](std::int8_t q) {
      const std::int64_t key = num::wrap(q + bias, 8);
      if (key <= best) return;
      best = key;
      answer = q;
    });
    return answer;
  });
}

/// (sum of (code + offset)) * floor(2^24 / n) >> 24, saturated, minus the offset; n counts the
/// pixels inside the image. A window with no pixel inside answers 0.
inline std::vector<std::int8_t> average_pool(const Pool& rule, const PoolShape& s,
                                             std::span<const std::int8_t> input) {
  return detail::pool(s, input, [&](const std::int8_t* plane, int oy, int ox) {
    std::int64_t sum = 0;
    std::int64_t n = 0;
    detail::window(s, plane, oy, ox, [&](std::int8_t q) {
      sum += q + rule.average_offset;
      ++n;
    });
    if (n == 0) return std::int8_t{0};
    const std::int64_t mean = (sum * ((std::int64_t{1} << 24) / n)) >> 24;  // floor
    return static_cast<std::int8_t>(num::saturate(mean - rule.average_offset, 8));
  });
}

}  // namespace qsim::emu
