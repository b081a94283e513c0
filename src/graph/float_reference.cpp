// The float reference on Eigen: float32, products summed in index order with two roundings per
// step, so no bit depends on the host; exp and tanh by the C library in binary64, rounded once.

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>

#include "float_ops.hpp"
#include "parallel.hpp"

namespace qsim::graph::detail::reference {

namespace {

using ArrayMap = Eigen::Map<Eigen::ArrayXf>;
using ConstArrayMap = Eigen::Map<const Eigen::ArrayXf>;
using RowMap = Eigen::Map<Eigen::RowVectorXf>;
using ConstRowMap = Eigen::Map<const Eigen::RowVectorXf>;

ConstArrayMap view(const Floats& x) {
  return {x.data(), static_cast<Eigen::Index>(x.size())};
}
ArrayMap view(Floats& x) { return {x.data(), static_cast<Eigen::Index>(x.size())}; }

template <class F>
Floats map_double(const Floats& x, F f) {
  Floats out(x.size());
  view(out) = view(x).unaryExpr([f](float v) { return static_cast<float>(f(double{v})); });
  return out;
}

/// out += sum_k a[k] * b[k, :], k in order; Eigen runs along n, so no sum is reordered.
void accumulate_row(const float* a, const float* b, std::size_t k, std::size_t n, float* out) {
  RowMap row(out, static_cast<Eigen::Index>(n));
  for (std::size_t i = 0; i < k; ++i)
    row += a[i] * ConstRowMap(b + i * n, static_cast<Eigen::Index>(n));
}

}  // namespace

Floats arithmetic(Arithmetic op, const Floats& a, const Floats& b) {
  Floats out(a.size());
  switch (op) {
    case Arithmetic::add: view(out) = view(a) + view(b); break;
    case Arithmetic::sub: view(out) = view(a) - view(b); break;
    case Arithmetic::mul: view(out) = view(a) * view(b); break;
    case Arithmetic::div:
      for (std::size_t i = 0; i < a.size(); ++i) out[i] = a[i] / b[i];
      break;
  }
  return out;
}

Floats unary(Op op, const Floats& x) {
  if (op == Op::sigmoid) return map_double(x, [](double v) { return 1.0 / (1.0 + std::exp(-v)); });
  if (op == Op::tanh) return map_double(x, [](double v) { return std::tanh(v); });
  return clip(x, 0.0f, std::numeric_limits<float>::infinity());
}

Floats clip(const Floats& x, float low, float high) {
  Floats out(x.size());
  for (std::size_t i = 0; i < x.size(); ++i)  // NaN compares false and passes through
    out[i] = x[i] < low ? low : (x[i] > high ? high : x[i]);
  return out;
}

Floats matmul(const Floats& a, const Floats& b, const MatShape& s) {
  Floats out(s.batch * s.m * s.n, 0.0f);
  parallel_rows(s.batch * s.m, s.batch * s.m * s.k * s.n, [&](std::size_t row) {
    const std::size_t batch = s.shared_right ? 0 : row / s.m;
    accumulate_row(a.data() + row * s.k, b.data() + batch * s.k * s.n, s.k, s.n,
                   out.data() + row * s.n);
  });
  return out;
}

Floats conv(const Floats& x, const Floats& w, const Floats& bias, const Window& g, int out_channels,
            int group) {
  const std::size_t per_group = static_cast<std::size_t>(out_channels / group);
  const int count = g.c / group;
  const std::size_t depth = static_cast<std::size_t>(count * g.kh * g.kw);
  const std::size_t plane = static_cast<std::size_t>(g.out_h) * static_cast<std::size_t>(g.out_w);
  const std::size_t pixels = static_cast<std::size_t>(g.n) * plane;
  const std::size_t channels = static_cast<std::size_t>(out_channels);
  Floats packed(depth * channels);  // [group][depth][out]
  Floats column(depth);
  for (std::size_t o = 0; o < channels; ++o) {
    pack_float_weights(&w[o * depth], g, count, column.data());
    float* const base = &packed[o / per_group * depth * per_group + o % per_group];
    for (std::size_t k = 0; k < depth; ++k) base[k * per_group] = column[k];
  }
  Floats out(pixels * channels);
  parallel_rows(pixels, pixels * depth * channels, [&](std::size_t p) {
    Floats patch(depth);
    Floats sums(per_group);
    for (std::size_t q = 0; q < static_cast<std::size_t>(group); ++q) {
      pack_float_pixel(x, g, static_cast<int>(p), static_cast<int>(q) * count, count, patch.data());
      std::fill(sums.begin(), sums.end(), 0.0f);
      accumulate_row(patch.data(), &packed[q * depth * per_group], depth, per_group, sums.data());
      for (std::size_t o = 0; o < per_group; ++o) {
        const std::size_t channel = q * per_group + o;
        out[(p / plane * channels + channel) * plane + p % plane] =
            sums[o] + (bias.empty() ? 0.0f : bias[channel]);
      }
    }
  });
  return out;
}

Floats pool(Op op, const Floats& x, const Window& g, bool count_include_pad) {
  const std::size_t plane = static_cast<std::size_t>(g.out_h) * static_cast<std::size_t>(g.out_w);
  const std::size_t planes = static_cast<std::size_t>(g.n) * static_cast<std::size_t>(g.c);
  Floats out(planes * plane);
  for (std::size_t p = 0; p < planes; ++p)
    for (std::size_t o = 0; o < plane; ++o) {
      const float* const in = x.data() + p * static_cast<std::size_t>(g.h * g.w);
      const int oy = static_cast<int>(o) / g.out_w;
      const int ox = static_cast<int>(o) % g.out_w;
      float sum = 0.0f;
      float best = -std::numeric_limits<float>::infinity();
      int n = 0;
      for (int t = 0; t < g.kh * g.kw; ++t) {
        const int y = oy * g.stride_h - g.pad_h + t / g.kw * g.dilation_h;
        const int xx = ox * g.stride_w - g.pad_w + t % g.kw * g.dilation_w;
        if (y < 0 || y >= g.h || xx < 0 || xx >= g.w) continue;
        const float v = in[y * g.w + xx];
        sum += v;
        best = (v > best || std::isnan(v)) && !std::isnan(best) ? v : best;
        ++n;
      }
      const int divisor = std::max(1, count_include_pad ? g.padded_taps(oy, ox) : n);
      out[p * plane + o] = op == Op::max_pool ? best : sum / static_cast<float>(divisor);
    }
  return out;
}

Floats softmax(const Floats& x, const AxisShape& s) {
  Floats out(x.size());
  for (std::size_t row = 0; row < s.outer * s.inner; ++row) {
    const std::size_t base = row / s.inner * s.count * s.inner + row % s.inner;
    double top = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < s.count; ++i) top = std::max(top, double{x[base + i * s.inner]});
    double sum = 0.0;
    for (std::size_t i = 0; i < s.count; ++i) sum += std::exp(double{x[base + i * s.inner]} - top);
    for (std::size_t i = 0; i < s.count; ++i)
      out[base + i * s.inner] =
          static_cast<float>(std::exp(double{x[base + i * s.inner]} - top) / sum);
  }
  return out;
}

}  // namespace qsim::graph::detail::reference
