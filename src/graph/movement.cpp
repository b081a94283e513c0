// Index maps of the movement ops.

#include "movement.hpp"

#include <algorithm>
#include <numeric>

#include "qsim/base/check.hpp"
#include "qsim/base/checked.hpp"

namespace qsim::graph::detail {

std::string shape_text(const Shape& shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i)
    out += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return out + "]";
}

std::size_t axis_of(std::int64_t axis, std::size_t rank, const std::string& node) {
  const std::int64_t r = static_cast<std::int64_t>(rank);
  if (axis < -r || axis >= r)
    fail<BadArgument>("node \"", node, "\": expected an axis in ", -r, "..", r - 1, ", got ", axis);
  return static_cast<std::size_t>(axis < 0 ? axis + r : axis);
}

namespace {

std::vector<std::int64_t> strides_of(const Shape& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

/// Positions base + sum coordinate*stride over all coordinates of `shape`, row-major.
std::vector<std::int64_t> walk(const Shape& shape, const std::vector<std::int64_t>& strides,
                               std::int64_t base) {
  const std::size_t count = element_count(shape);
  std::vector<std::int64_t> out;
  out.reserve(count);
  if (count == 0) return out;
  std::vector<std::int64_t> at(shape.size(), 0);
  std::int64_t position = base;
  for (;;) {
    out.push_back(position);
    std::size_t d = shape.size();
    while (d > 0) {
      --d;
      position += strides[d];
      if (++at[d] < shape[d]) break;
      position -= strides[d] * shape[d];
      at[d] = 0;
      if (d == 0) return out;
    }
    if (shape.empty()) return out;
  }
}

Gather keep(Shape shape) {
  Gather g{std::move(shape), {}};
  g.index.resize(element_count(g.shape));
  std::iota(g.index.begin(), g.index.end(), std::int64_t{0});
  return g;
}

Shape reshaped(const Node& node, const Shape& shape) {
  const std::size_t total = element_count(shape);
  Shape out = node.attributes.ints;
  std::int64_t open = -1;
  std::size_t known = 1;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] == 0 && !node.attributes.allow_zero) {
      if (i >= shape.size())
        fail<BadArgument>("node \"", node.name, "\": shape entry ", i, " is 0 but the input has ",
                          shape.size(), " axes");
      out[i] = shape[i];
    }
    if (out[i] == -1) {
      if (open >= 0) fail<BadArgument>("node \"", node.name, "\": more than one -1 in the shape");
      open = static_cast<std::int64_t>(i);
    } else {
      if (out[i] < 0) fail<BadArgument>("node \"", node.name, "\": negative extent ", out[i]);
      known = checked_mul(known, static_cast<std::size_t>(out[i]));
    }
  }
  if (open >= 0 && known != 0 && total % known == 0)
    out[static_cast<std::size_t>(open)] = static_cast<std::int64_t>(total / known);
  if (std::count(out.begin(), out.end(), -1) != 0 || element_count(out) != total)
    fail<BadArgument>("node \"", node.name, "\": cannot reshape ", shape_text(shape), " into ",
                      shape_text(node.attributes.ints));
  return out;
}

Gather transpose(const Node& node, const Shape& shape) {
  Shape perm = node.attributes.ints;
  if (perm.empty()) {
    perm.resize(shape.size());
    std::iota(perm.rbegin(), perm.rend(), std::int64_t{0});
  }
  std::vector<bool> seen(shape.size(), false);
  Gather g;
  const std::vector<std::int64_t> from = strides_of(shape);
  std::vector<std::int64_t> strides;
  for (const std::int64_t p : perm) {
    const std::size_t d = axis_of(p, shape.size(), node.name);
    if (seen[d] || perm.size() != shape.size())
      fail<BadArgument>("node \"", node.name, "\": perm is not a permutation of ", shape.size(),
                        " axes");
    seen[d] = true;
    g.shape.push_back(shape[d]);
    strides.push_back(from[d]);
  }
  g.index = walk(g.shape, strides, 0);
  return g;
}

std::vector<Gather> split(const Node& node, const Shape& shape) {
  const std::size_t axis = axis_of(node.attributes.axis, shape.size(), node.name);
  Shape sizes = node.attributes.ints;
  const std::int64_t parts = static_cast<std::int64_t>(node.outputs.size());
  if (sizes.empty()) {  // equal parts, the last one smaller (opset 18)
    const std::int64_t part = (shape[axis] + parts - 1) / parts;
    for (std::int64_t i = 0; i < parts; ++i)
      sizes.push_back(std::clamp<std::int64_t>(shape[axis] - i * part, 0, part));
  }
  const auto within = [&](std::int64_t size) { return size >= 0 && size <= shape[axis]; };
  if (static_cast<std::int64_t>(sizes.size()) != parts ||
      !std::all_of(sizes.begin(), sizes.end(), within) ||
      std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}) != shape[axis])
    fail<BadArgument>("node \"", node.name, "\": sizes ", shape_text(sizes),
                      " do not split extent ", shape[axis], " into ", parts, " outputs");
  std::vector<Gather> out;
  const std::vector<std::int64_t> strides = strides_of(shape);
  std::int64_t start = 0;
  for (const std::int64_t size : sizes) {
    Gather g{shape, {}};
    g.shape[axis] = size;
    g.index = walk(g.shape, strides, start * strides[axis]);
    out.push_back(std::move(g));
    start += size;
  }
  return out;
}

Gather slice(const Node& node, const Shape& shape) {
  const Attributes& a = node.attributes;
  Gather g{shape, {}};
  std::vector<std::int64_t> strides = strides_of(shape);
  std::vector<bool> sliced(shape.size(), false);
  std::int64_t base = 0;
  for (std::size_t i = 0; i < a.starts.size(); ++i) {
    const std::size_t d =
        axis_of(a.axes.empty() ? static_cast<std::int64_t>(i) : a.axes[i], shape.size(), node.name);
    const std::int64_t step = a.steps.empty() ? 1 : a.steps[i];
    if (step == 0) fail<BadArgument>("node \"", node.name, "\": slice step is 0");
    if (sliced[d]) fail<BadArgument>("node \"", node.name, "\": axis ", d, " is sliced twice");
    sliced[d] = true;
    const std::int64_t n = shape[d];
    std::int64_t start = a.starts[i] < 0 ? a.starts[i] + n : a.starts[i];
    std::int64_t end = a.ends[i] < 0 ? std::max<std::int64_t>(a.ends[i], -n - 1) + n : a.ends[i];
    if (n == 0) continue;  // stays empty
    start = std::clamp<std::int64_t>(start, 0, step > 0 ? n : n - 1);
    end = std::clamp<std::int64_t>(end, step > 0 ? 0 : -1, step > 0 ? n : n - 1);
    const std::int64_t span = step > 0 ? end - start : start - end;
    const std::int64_t stride = step > 0 ? step : -step;
    g.shape[d] = span > 0 ? (span + stride - 1) / stride : 0;
    base += start * strides[d];
    strides[d] *= step;
  }
  g.index = walk(g.shape, strides, base);
  return g;
}

Shape squeezed(const Node& node, const Shape& shape) {
  std::vector<bool> drop(shape.size(), false);
  for (const std::int64_t axis : node.attributes.ints) {
    const std::size_t d = axis_of(axis, shape.size(), node.name);
    if (shape[d] != 1)
      fail<BadArgument>("node \"", node.name, "\": cannot squeeze axis ", axis, " of ",
                        shape_text(shape));
    if (drop[d]) fail<BadArgument>("node \"", node.name, "\": axis ", axis, " given twice");
    drop[d] = true;
  }
  Shape out;
  for (std::size_t d = 0; d < shape.size(); ++d)
    if (node.attributes.ints.empty() ? shape[d] != 1 : !drop[d]) out.push_back(shape[d]);
  return out;
}

Shape unsqueezed(const Node& node, const Shape& shape) {
  const std::size_t rank = shape.size() + node.attributes.ints.size();
  Shape out(rank, 0);
  for (const std::int64_t axis : node.attributes.ints) {
    std::int64_t& extent = out[axis_of(axis, rank, node.name)];
    if (extent == 1) fail<BadArgument>("node \"", node.name, "\": axis ", axis, " given twice");
    extent = 1;
  }
  std::size_t next = 0;
  for (std::int64_t& extent : out)
    if (extent == 0) extent = shape[next++];
  return out;
}

Shape flattened(const Node& node, const Shape& shape) {
  const std::int64_t rank = static_cast<std::int64_t>(shape.size());
  const std::int64_t axis = node.attributes.axis < 0 ? node.attributes.axis + rank
                                                     : node.attributes.axis;
  if (axis < 0 || axis > rank)
    fail<BadArgument>("node \"", node.name, "\": flatten axis ", node.attributes.axis,
                      " is outside rank ", rank);
  Shape out{1, 1};
  for (std::int64_t d = 0; d < rank; ++d)
    out[d < axis ? 0 : 1] *= shape[static_cast<std::size_t>(d)];
  return out;
}

}  // namespace

bool is_movement(Op op) {
  switch (op) {
    case Op::split: case Op::slice: case Op::reshape: case Op::transpose: case Op::squeeze:
    case Op::unsqueeze: case Op::flatten: case Op::identity:
      return true;
    case Op::conv: case Op::matmul: case Op::gemm: case Op::add: case Op::sub: case Op::mul:
    case Op::div: case Op::sigmoid: case Op::tanh: case Op::relu: case Op::clip: case Op::softmax:
    case Op::average_pool: case Op::max_pool: case Op::global_average_pool: case Op::concat:
    case Op::batch_normalization:
      return false;
  }
  return false;
}

std::vector<Gather> move(const Node& node, const Shape& shape) {
  switch (node.op) {
    case Op::split: return split(node, shape);
    case Op::slice: return {slice(node, shape)};
    case Op::transpose: return {transpose(node, shape)};
    case Op::reshape: return {keep(reshaped(node, shape))};
    case Op::squeeze: return {keep(squeezed(node, shape))};
    case Op::unsqueeze: return {keep(unsqueezed(node, shape))};
    case Op::flatten: return {keep(flattened(node, shape))};
    case Op::identity: case Op::conv: case Op::matmul: case Op::gemm: case Op::add: case Op::sub:
    case Op::mul: case Op::div: case Op::sigmoid: case Op::tanh: case Op::relu: case Op::clip:
    case Op::softmax: case Op::average_pool: case Op::max_pool: case Op::global_average_pool:
    case Op::concat: case Op::batch_normalization: break;
  }
  return {keep(shape)};
}

Shape broadcast_shape(const Shape& a, const Shape& b, const std::string& node) {
  const std::size_t rank = std::max(a.size(), b.size());
  Shape out(rank, 1);
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1)
      fail<BadArgument>("node \"", node, "\": shapes ", shape_text(a), " and ", shape_text(b),
                        " do not broadcast");
    out[rank - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

std::vector<std::int64_t> broadcast_index(const Shape& from, const Shape& to) {
  const std::vector<std::int64_t> own = strides_of(from);
  std::vector<std::int64_t> strides(to.size(), 0);
  for (std::size_t i = 0; i < from.size(); ++i)
    if (from[i] != 1) strides[to.size() - from.size() + i] = own[i];
  return walk(to, strides, 0);
}

Concat concat(const Node& node, const std::vector<Shape>& shapes) {
  const std::size_t axis = axis_of(node.attributes.axis, shapes[0].size(), node.name);
  Concat out;
  out.shape = shapes[0];
  out.shape[axis] = 0;
  for (const Shape& s : shapes) {
    for (std::size_t d = 0; d < out.shape.size(); ++d)
      if (s.size() != out.shape.size() || (d != axis && s[d] != out.shape[d]))
        fail<BadArgument>("node \"", node.name, "\": cannot join ", shape_text(shapes[0]), " and ",
                          shape_text(s), " along axis ", axis);
    out.shape[axis] += s[axis];
  }
  const std::vector<std::int64_t> strides = strides_of(out.shape);
  out.source.resize(element_count(out.shape));
  out.index.resize(out.source.size());
  std::int64_t start = 0;
  for (std::size_t s = 0; s < shapes.size(); ++s) {
    std::int64_t next = 0;
    for (const std::int64_t at : walk(shapes[s], strides, start * strides[axis])) {
      out.source[static_cast<std::size_t>(at)] = static_cast<std::int32_t>(s);
      out.index[static_cast<std::size_t>(at)] = next++;
    }
    start += shapes[s][axis];
  }
  return out;
}

Shape Window::out_shape(std::int64_t channels) const {
  if (one_dimensional) return {n, channels, out_w};
  return {n, channels, out_h, out_w};
}

int Window::padded_taps(int oy, int ox) const {
  const auto count = [](int first, int taps, int dilation, int end) {
    const int room = end - first;
    return room <= 0 ? 0 : std::min(taps, (room + dilation - 1) / dilation);
  };
  return count(oy * stride_h - pad_h, kh, dilation_h, h + pad_bottom) *
         count(ox * stride_w - pad_w, kw, dilation_w, w + pad_right);
}

Window window(const Node& node, const Shape& shape) {
  const Attributes& a = node.attributes;
  if (shape.size() != 4 && shape.size() != 3)
    fail<BadArgument>("node \"", node.name, "\": expected [n, c, h, w] or [n, c, w], got ",
                      shape_text(shape));
  const std::size_t dims = shape.size() - 2;
  for (const Shape* list : {&a.kernel, &a.strides, &a.dilations})
    if (!list->empty() && list->size() != dims)
      fail<BadArgument>("node \"", node.name, "\": kernel, strides, dilations: expected ", dims,
                        " values, got ", list->size());
  if (!a.pads.empty() && a.pads.size() != 2 * dims)
    fail<BadArgument>("node \"", node.name, "\": pads: expected ", 2 * dims, " values, got ",
                      a.pads.size());
  const auto size = [](std::int64_t v) { return checked_cast<int>(v, "extent"); };
  const auto pick = [&](const Shape& list, std::size_t d, std::int64_t otherwise) {
    return list.empty() ? otherwise : list[d];
  };
  Window g;
  g.one_dimensional = dims == 1;
  g.n = size(shape[0]), g.c = size(shape[1]);
  int extent[2] = {1, 1}, kernel[2] = {1, 1}, stride[2] = {1, 1}, dilation[2] = {1, 1};
  int begin[2] = {0, 0}, finish[2] = {0, 0}, out[2] = {1, 1};
  for (std::size_t d = 0; d < dims; ++d) {
    const std::size_t to = d + 2 - dims;
    extent[to] = size(shape[d + 2]);
    kernel[to] = node.op == Op::global_average_pool ? extent[to] : size(pick(a.kernel, d, 1));
    stride[to] = size(pick(a.strides, d, 1));
    dilation[to] = size(pick(a.dilations, d, 1));
    if (kernel[to] < 1 || stride[to] < 1 || dilation[to] < 1)
      fail<BadArgument>("node \"", node.name, "\": expected kernel, stride and dilation >= 1, got ",
                        kernel[to], ", ", stride[to], " and ", dilation[to]);
    std::int64_t before = size(pick(a.pads, d, 0));
    std::int64_t after = a.pads.empty() ? 0 : size(a.pads[d + dims]);
    const std::int64_t reach = std::int64_t{dilation[to]} * (kernel[to] - 1) + 1;
    if (a.auto_pad != AutoPad::explicit_pads) {
      const std::int64_t wanted = (std::int64_t{extent[to]} + stride[to] - 1) / stride[to];
      const std::int64_t total =
          std::max<std::int64_t>(0, (wanted - 1) * stride[to] + reach - extent[to]);
      before = a.auto_pad == AutoPad::same_upper ? total / 2 : total - total / 2;
      after = total - before;
    }
    const std::int64_t span = extent[to] + before + after - reach;
    if (before < 0 || after < 0 || span < 0)
      fail<BadArgument>("node \"", node.name, "\": a window of ", reach, " with pads ", before,
                        " and ", after, " does not fit extent ", extent[to]);
    out[to] = size((span + (a.ceil_mode ? stride[to] - 1 : 0)) / stride[to] + 1);
    if (a.ceil_mode && (std::int64_t{out[to]} - 1) * stride[to] >= extent[to] + before) --out[to];
    begin[to] = size(before);
    finish[to] = size(after);
    static_cast<void>(size(extent[to] + before + after + stride[to]));  // positions are int
  }
  g.h = extent[0], g.w = extent[1], g.kh = kernel[0], g.kw = kernel[1];
  g.stride_h = stride[0], g.stride_w = stride[1];
  g.dilation_h = dilation[0], g.dilation_w = dilation[1];
  g.pad_h = begin[0], g.pad_w = begin[1];
  g.pad_bottom = finish[0], g.pad_right = finish[1];
  g.out_h = out[0], g.out_w = out[1];
  for (const Shape& flat : {Shape{g.n, g.out_h, g.out_w}, Shape{g.h, g.w}, Shape{g.c, g.kh, g.kw}})
    static_cast<void>(checked_cast<int>(element_count(flat), "extents"));  // flat indices are int
  return g;
}

void check_weights(const Node& node, const Shape& weights, const Window& g, const Shape& input) {
  const std::int64_t group = node.attributes.group;
  if (weights.size() != input.size() || group < 1 || weights[0] < 1 || weights[0] % group != 0 ||
      weights[1] < 1 || weights[1] * group != g.c || weights.back() != g.kw ||
      (!g.one_dimensional && weights[2] != g.kh))
    fail<BadArgument>("node \"", node.name, "\": weights ", shape_text(weights),
                      " do not fit input ", shape_text(input), ", group ", group,
                      " and the kernel");
}

}  // namespace qsim::graph::detail
