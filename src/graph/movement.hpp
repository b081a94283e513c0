#pragma once
// Shapes and index maps: every op that only moves data is a list of source positions.

#include <cstdint>
#include <vector>

#include "qsim/graph/graph.hpp"

namespace qsim::graph::detail {

/// Element i of the result is element index[i] of the source; -1 stands for a fill value.
struct Gather {
  Shape shape;
  std::vector<std::int64_t> index;
};

/// The outputs of a movement node with one data input of `shape`. BadArgument when it cannot apply.
std::vector<Gather> move(const Node& node, const Shape& shape);

/// Whether the op only moves data of its first input.
bool is_movement(Op op);

/// NumPy broadcasting of two shapes; BadArgument naming the node otherwise.
Shape broadcast_shape(const Shape& a, const Shape& b, const std::string& node);
/// Source positions that expand `from` to `to`.
std::vector<std::int64_t> broadcast_index(const Shape& from, const Shape& to);

/// The source tensor and position of each element of a concatenation.
struct Concat {
  Shape shape;
  std::vector<std::int32_t> source;
  std::vector<std::int64_t> index;
};
Concat concat(const Node& node, const std::vector<Shape>& shapes);

/// Extents of a 2-D window op on [n, c, h, w] (or [n, c, w], which counts as h = 1).
struct Window {
  int n = 1, c = 1, h = 1, w = 1;
  int kh = 1, kw = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int pad_h = 0, pad_w = 0;          // above and left
  int pad_bottom = 0, pad_right = 0;
  int out_h = 1, out_w = 1;
  bool one_dimensional = false;
  Shape out_shape(std::int64_t channels) const;
  /// Taps of the window at (oy, ox) that lie in the image or its padding: a ceiled last window
  /// reaches beyond both.
  int padded_taps(int oy, int ox) const;
};
/// Geometry of a conv or pool node on an input of `shape`; kernel extents from the attributes.
Window window(const Node& node, const Shape& shape);

/// BadArgument unless the weights of a convolution fit its input, group and window.
void check_weights(const Node& node, const Shape& weights, const Window& g, const Shape& input);

/// A non-negative axis; BadArgument if out of range.
std::size_t axis_of(std::int64_t axis, std::size_t rank, const std::string& node);

std::string shape_text(const Shape& shape);

template <class T>
std::vector<T> gathered(const std::vector<std::int64_t>& index, const std::vector<T>& source) {
  std::vector<T> out(index.size());
  for (std::size_t i = 0; i < index.size(); ++i)
    out[i] = source[static_cast<std::size_t>(index[i])];
  return out;
}

}  // namespace qsim::graph::detail
