// im2col for float convolutions.

#include "float_ops.hpp"

namespace qsim::graph::detail {

void pack_float_pixel(const Floats& x, const Window& g, int pixel, int first, int count,
                      float* out) {
  const int plane = g.out_h * g.out_w;
  const int n = pixel / plane;
  const int oy = pixel % plane / g.out_w;
  const int ox = pixel % g.out_w;
  for (int ky = 0; ky < g.kh; ++ky)
    for (int kx = 0; kx < g.kw; ++kx) {
      const int y = oy * g.stride_h - g.pad_h + ky * g.dilation_h;
      const int xx = ox * g.stride_w - g.pad_w + kx * g.dilation_w;
      const bool inside = y >= 0 && y < g.h && xx >= 0 && xx < g.w;
      for (int c = first; c < first + count; ++c) {
        const std::size_t at =
            ((static_cast<std::size_t>(n) * static_cast<std::size_t>(g.c) +
              static_cast<std::size_t>(c)) * static_cast<std::size_t>(g.h) +
             static_cast<std::size_t>(inside ? y : 0)) * static_cast<std::size_t>(g.w) +
            static_cast<std::size_t>(inside ? xx : 0);
        *out++ = inside ? x[at] : 0.0f;
      }
    }
}

void pack_float_weights(const float* w, const Window& g, int count, float* out) {
  const int taps = g.kh * g.kw;
  for (int t = 0; t < taps; ++t)
    for (int c = 0; c < count; ++c) *out++ = w[c * taps + t];
}

}  // namespace qsim::graph::detail
