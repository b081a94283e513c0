#pragma once
// Float arithmetic of the executor: the reference (Eigen, host float32) and by a profile (emu).
//
// Both namespaces offer the same functions; the executor picks one per run.

#include <cstdint>
#include <vector>

#include "movement.hpp"
#include "qsim/graph/graph.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::graph::detail {

using Floats = std::vector<float>;

/// Element-wise op of two arrays of equal length.
enum class Arithmetic : std::uint8_t { add, sub, mul, div };

/// Extents of a matrix product: [batch][m][k] x [batch or 1][k][n].
struct MatShape {
  std::size_t batch = 1, m = 1, k = 1, n = 1;
  bool shared_right = true;  ///< one right side for every batch entry
};

/// Softmax geometry: `outer` independent rows of `count` values `inner` apart.
struct AxisShape {
  std::size_t outer = 1, count = 1, inner = 1;
};

namespace reference {
Floats arithmetic(Arithmetic op, const Floats& a, const Floats& b);
Floats unary(Op op, const Floats& x);  ///< sigmoid, tanh, relu
Floats clip(const Floats& x, float low, float high);
Floats matmul(const Floats& a, const Floats& b, const MatShape& s);
/// Weights [out, in/group, kh, kw]; bias may be empty.
Floats conv(const Floats& x, const Floats& w, const Floats& bias, const Window& g, int out_channels,
            int group);
Floats pool(Op op, const Floats& x, const Window& g, bool count_include_pad);
Floats softmax(const Floats& x, const AxisShape& s);
}  // namespace reference

namespace profiled {
Floats arithmetic(const Profile& p, Arithmetic op, const Floats& a, const Floats& b);
Floats unary(const Profile& p, Op op, const Floats& x);
Floats clip(const Profile& p, const Floats& x, float low, float high);
Floats matmul(const Profile& p, const Floats& a, const Floats& b, const MatShape& s);
Floats conv(const Profile& p, const Floats& x, const Floats& w, const Floats& bias, const Window& g,
            int out_channels, int group);
Floats pool(const Profile& p, Op op, const Floats& x, const Window& g, bool count_include_pad);
Floats softmax(const Profile& p, const Floats& x, const AxisShape& s);
/// Results as they are stored between ops (rounded to binary16 where the profile stores that).
void store(const Profile& p, Floats& values);
}  // namespace profiled

/// The depth vector of output pixel `pixel`, K order (ky, kx, channel) of channels
/// [first, first + count); padding reads 0.
void pack_float_pixel(const Floats& x, const Window& g, int pixel, int first, int count,
                      float* out);
/// Weights of one output channel in the same K order.
void pack_float_weights(const float* w, const Window& g, int count, float* out);

}  // namespace qsim::graph::detail
