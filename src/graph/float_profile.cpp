// Float arithmetic as a profile's machine does it: emu functions over arrays.

#include <algorithm>
#include <bit>

#include "bits.hpp"
#include "float_ops.hpp"
#include "parallel.hpp"
#include "qsim/emu/activation.hpp"
#include "qsim/num/minifloat.hpp"

namespace qsim::graph::detail::profiled {

namespace {

template <class F>
Floats map(const Floats& x, F f) {
  Floats out(x.size());
  parallel_rows(x.size() / 1024 + 1, x.size() * 20, [&](std::size_t block) {
    const std::size_t end = std::min(x.size(), (block + 1) * 1024);
    for (std::size_t i = block * 1024; i < end; ++i) out[i] = value(f(bits(x[i]), i));
  });
  return out;
}

/// Whether pixel p of a convolution is left over after tiles of 24, 20, 16 and 5 pixels.
bool is_single(std::size_t p, std::size_t pixels) {
  std::size_t left = pixels % 24;
  left -= left >= 20 ? 20 : 0;
  left -= left >= 16 ? 16 : 0;
  return p >= pixels - left % 5;
}

}  // namespace

void store(const Profile& p, Floats& values) {
  if (p.float_math.storage == Storage::fp32) return;
  for (float& v : values) v = value(num::through_f16(bits(v)));
}

Floats arithmetic(const Profile& p, Arithmetic op, const Floats& a, const Floats& b) {
  const FloatMode& mode = p.float_mode;
  return map(a, [&](F32 x, std::size_t i) {
    const F32 y = bits(b[i]);
    switch (op) {
      case Arithmetic::add: return num::add(x, y, mode);
      case Arithmetic::sub: return num::sub(x, y, mode);
      case Arithmetic::mul: return num::mul(x, y, mode);
      case Arithmetic::div: return num::div(x, y, mode);
    }
    return x;
  });
}

Floats unary(const Profile& p, Op op, const Floats& x) {
  const std::size_t n = x.size();
  return map(x, [&](F32 v, std::size_t i) {
    if (op == Op::sigmoid) return emu::sigmoid(p, v, i, n);
    if (op == Op::tanh) return emu::tanh(p, v, i, n);
    return emu::relu(p, v);
  });
}

Floats clip(const Profile& p, const Floats& x, float low, float high) {
  return map(x, [&](F32 v, std::size_t) {
    return emu::clamp_f32(p.float_math, num::read(v, p.float_mode), bits(low), bits(high),
                          ClampOrder::low_first);
  });
}

Floats matmul(const Profile& p, const Floats& a, const Floats& b, const MatShape& s) {
  const FloatDot& dot = s.m == 1 ? p.float_math.matmul_row : p.float_math.conv;
  const std::vector<F32> left = bits(a);
  const std::vector<F32> right = bits(b);
  Floats out(s.batch * s.m * s.n);
  parallel_rows(s.batch * s.m, s.batch * s.m * s.k * s.n, [&](std::size_t row) {
    const std::size_t batch = s.shared_right ? 0 : row / s.m;
    for (std::size_t j = 0; j < s.n; ++j)
      out[row * s.n + j] = value(emu::float_dot(dot, left.data() + row * s.k, 1,
                                                right.data() + batch * s.k * s.n + j,
                                                static_cast<std::ptrdiff_t>(s.n), s.k,
                                                p.float_mode));
  });
  return out;
}

Floats conv(const Profile& p, const Floats& x, const Floats& w, const Floats& bias, const Window& g,
            int out_channels, int group) {
  const std::size_t per_group = static_cast<std::size_t>(out_channels / group);
  const int count = g.c / group;
  const std::size_t depth = static_cast<std::size_t>(count * g.kh * g.kw);
  const std::size_t plane = static_cast<std::size_t>(g.out_h) * static_cast<std::size_t>(g.out_w);
  const std::size_t pixels = static_cast<std::size_t>(g.n) * plane;
  const std::size_t channels = static_cast<std::size_t>(out_channels);
  Floats packed(depth * channels);
  for (std::size_t o = 0; o < channels; ++o)
    pack_float_weights(&w[o * depth], g, count, &packed[o * depth]);
  const std::vector<F32> weights = bits(packed);
  Floats out(pixels * channels);
  parallel_rows(pixels, pixels * depth * channels, [&](std::size_t pixel) {
    const FloatDot& dot =
        is_single(pixel, pixels) ? p.float_math.conv_single : p.float_math.conv;
    Floats patch(depth);
    for (std::size_t q = 0; q < static_cast<std::size_t>(group); ++q) {
      pack_float_pixel(x, g, static_cast<int>(pixel), static_cast<int>(q) * count, count,
                       patch.data());
      const std::vector<F32> row = bits(patch);
      for (std::size_t o = q * per_group; o < (q + 1) * per_group; ++o) {
        const F32 sum =
            emu::float_dot(dot, row.data(), 1, &weights[o * depth], 1, depth, p.float_mode);
        const F32 y = bias.empty() ? sum : num::add(sum, bits(bias[o]), p.float_mode);
        out[(pixel / plane * channels + o) * plane + pixel % plane] =
            value(emu::finish_convolution(p, y));
      }
    }
  });
  return out;
}

Floats pool(const Profile& p, Op op, const Floats& x, const Window& g, bool count_include_pad) {
  const std::size_t plane = static_cast<std::size_t>(g.out_h) * static_cast<std::size_t>(g.out_w);
  const std::size_t planes = static_cast<std::size_t>(g.n) * static_cast<std::size_t>(g.c);
  Floats out(planes * plane);
  for (std::size_t i = 0; i < planes * plane; ++i) {
    const float* const in = x.data() + i / plane * static_cast<std::size_t>(g.h * g.w);
    const int oy = static_cast<int>(i % plane) / g.out_w;
    const int ox = static_cast<int>(i % plane) % g.out_w;
    F32 sum = num::f32_zero;
    F32 best = num::negate(num::f32_infinity);
    int n = 0;
    for (int t = 0; t < g.kh * g.kw; ++t) {
      const int y = oy * g.stride_h - g.pad_h + t / g.kw * g.dilation_h;
      const int xx = ox * g.stride_w - g.pad_w + t % g.kw * g.dilation_w;
      if (y < 0 || y >= g.h || xx < 0 || xx >= g.w) continue;
      const F32 v = bits(in[y * g.w + xx]);
      sum = num::add(sum, v, p.float_mode);
      best = num::max(best, v, p.float_math.minmax);
      ++n;
    }
    const F32 divisor =
        num::from_int(std::max(1, count_include_pad ? g.padded_taps(oy, ox) : n));
    out[i] = value(op == Op::max_pool ? best : num::div(sum, divisor, p.float_mode));
  }
  return out;
}

Floats softmax(const Profile& p, const Floats& x, const AxisShape& s) {
  Floats out(x.size());
  const FloatMode& mode = p.float_mode;
  for (std::size_t row = 0; row < s.outer * s.inner; ++row) {
    const std::size_t base = row / s.inner * s.count * s.inner + row % s.inner;
    F32 top = bits(x[base]);
    for (std::size_t i = 1; i < s.count; ++i)
      top = num::max(top, bits(x[base + i * s.inner]), p.float_math.minmax);
    F32 sum = num::f32_zero;
    for (std::size_t i = 0; i < s.count; ++i) {
      const F32 e = emu::exp(p, num::sub(bits(x[base + i * s.inner]), top, mode));
      out[base + i * s.inner] = value(e);
      sum = num::add(sum, e, mode);
    }
    for (std::size_t i = 0; i < s.count; ++i)
      out[base + i * s.inner] = value(num::div(bits(out[base + i * s.inner]), sum, mode));
  }
  return out;
}

}  // namespace qsim::graph::detail::profiled
