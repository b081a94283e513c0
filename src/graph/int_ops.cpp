// Integer ops: convolutions, element-wise arithmetic, pools, relu on codes.

#include "int_ops.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "bits.hpp"
#include "parallel.hpp"
#include "qsim/base/check.hpp"
#include "qsim/base/checked.hpp"
#include "qsim/emu/cast.hpp"
#include "qsim/emu/convolve.hpp"
#include "qsim/emu/eltwise.hpp"
#include "qsim/emu/pool.hpp"

namespace qsim::graph::detail {

namespace {

emu::CodeRange code_range(const QInfo& info) {
  return {emu::int_limit(info.low), emu::int_limit(info.high)};
}

emu::ConvShape conv_shape(const Window& g, int in, int out) {
  return {.batch = g.n, .in = in, .h = g.h, .w = g.w, .out = out, .kh = g.kh, .kw = g.kw,
          .stride_h = g.stride_h, .stride_w = g.stride_w, .pad_h = g.pad_h, .pad_w = g.pad_w,
          .dilation_h = g.dilation_h, .dilation_w = g.dilation_w, .out_h = g.out_h,
          .out_w = g.out_w};
}

/// Channels [first, first + count) of [n, channels, plane].
std::vector<std::int8_t> take_channels(const std::vector<std::int8_t>& x, std::size_t n,
                                       std::size_t channels, std::size_t first, std::size_t count) {
  const std::size_t plane = n == 0 ? 0 : x.size() / (n * channels);
  std::vector<std::int8_t> out;
  out.reserve(n * count * plane);
  for (std::size_t i = 0; i < n; ++i) {
    const auto begin = x.begin() + static_cast<std::ptrdiff_t>((i * channels + first) * plane);
    out.insert(out.end(), begin, begin + static_cast<std::ptrdiff_t>(count * plane));
  }
  return out;
}

/// One group of a general convolution into channels [first, ...) of `out`.
void run_group(const Profile& p, const emu::ConvShape& s, const emu::ConvOperands& a,
               std::size_t first, std::size_t channels, emu::Codes& out) {
  const emu::Convolution conv(p, s, a);
  const std::size_t plane = static_cast<std::size_t>(s.out_h) * static_cast<std::size_t>(s.out_w);
  if (conv.may_read_stale() && out.unspecified.empty()) out.unspecified.resize(out.code.size());
  const std::size_t pixels = static_cast<std::size_t>(s.pixels());
  const std::size_t work = pixels * emu::detail::packed_depth(s) * static_cast<std::size_t>(s.out);
  parallel_rows(pixels, work, [&](std::size_t pixel) {
    const std::size_t at = (pixel / plane * channels + first) * plane + pixel % plane;
    conv.compute(static_cast<int>(pixel), &out.code[at],
                 out.unspecified.empty() ? nullptr : &out.unspecified[at],
                 static_cast<std::ptrdiff_t>(plane));
  });
}

}  // namespace

std::vector<std::int8_t> cast_codes(const Profile& p, const std::vector<float>& real,
                                    const QInfo& info) {
  const F32 multiplier = emu::cast_multiplier(info.scale, p.float_mode);
  const std::int32_t zero = emu::int_zero(info.zero);
  const emu::CodeRange range = code_range(info);
  std::vector<std::int8_t> codes(real.size());
  for (std::size_t i = 0; i < real.size(); ++i)
    codes[i] =
        emu::quantize(p, {std::bit_cast<std::uint32_t>(real[i])}, multiplier, zero, range);
  return codes;
}

void read_codes(const Profile& p, Value& value) {
  QSIM_ASSERT(value.info.has_value());
  const F32 scale = value.info->scale;
  const std::int32_t zero = emu::int_zero(value.info->zero);
  value.real.resize(value.codes.size());
  if (num::is_nan(scale)) value.unspecified_codes = std::exchange(value.unspecified, {});
  for (std::size_t i = 0; i < value.codes.size(); ++i) {
    const bool unknown = !value.unspecified.empty() && value.unspecified[i] != 0;
    value.real[i] = unknown ? 0.0f
                            : std::bit_cast<float>(
                                  emu::dequantize(p, value.codes[i], scale, zero).bits);
  }
}

Value int_conv(const Profile& p, const Node& node, const Operand& x, const Shape& shape,
               const QInfo& out, NodeRun& record) {
  const QuantConv& q = *node.quant;
  const Window g = window(node, shape);
  const std::size_t channels = q.alpha.size();
  const int group = checked_cast<int>(node.attributes.group, "group");
  const bool is_depthwise =
      group > 1 && group == g.c && channels == static_cast<std::size_t>(group);
  const auto [from, to] = emu::fused_infos(p, x.info, out, q.scale_in, q.scale_out);
  const emu::Fused fused =
      emu::fuse(p, from, to, q.alpha, q.bias, emu::kernel_sums(q.weights, channels),
                is_depthwise ? p.depthwise.bias : p.epilogue.bias);
  record.fused_written = fused.written;
  record.fused_scale = fused.scale;
  record.fused_bias = fused.bias;
  record.fused_real_bias = fused.real_bias;
  record.fused_ratio = fused.ratio;
  const std::int32_t zero = emu::int_zero(x.info.zero);
  emu::ConvOperands a;
  a.pad_code = static_cast<std::int8_t>(emu::byte_zero(from.zero));
  a.overflow_aware = q.overflow_aware;
  a.lane_code = static_cast<std::int8_t>(emu::detail::clamp_ordered(
      zero, emu::int_limit(x.info.low), emu::int_limit(x.info.high), ClampOrder::high_first));
  a.range = code_range(out);
  if (node.fused_relu) a.range.low = emu::byte_zero(to.zero);

  Value value;
  value.shape = g.out_shape(static_cast<std::int64_t>(channels));
  value.info = out;
  value.packed = true;
  emu::Codes codes;
  codes.code.resize(element_count(value.shape));
  if (is_depthwise) {
    a.input = *x.codes, a.weights = q.weights, a.fused = &fused;
    codes = emu::depthwise(p, conv_shape(g, g.c, g.c), a);
  } else {
    const std::size_t per_group = channels / static_cast<std::size_t>(group);
    const std::size_t count = static_cast<std::size_t>(g.c / group);
    const std::size_t depth = q.weights.size() / channels;
    for (std::size_t i = 0; i < static_cast<std::size_t>(group); ++i) {
      const std::vector<std::int8_t> part =
          take_channels(*x.codes, static_cast<std::size_t>(g.n), static_cast<std::size_t>(g.c),
                        i * count, count);
      const auto slice = [&](const auto& all) {
        const auto first = all.begin() + static_cast<std::ptrdiff_t>(i * per_group);
        return std::decay_t<decltype(all)>(first, first + static_cast<std::ptrdiff_t>(per_group));
      };
      const emu::Fused own{slice(fused.scale), slice(fused.bias),
                           fused.real_bias.empty() ? fused.real_bias : slice(fused.real_bias),
                           fused.ratio, fused.written};
      a.input = part, a.fused = &own;
      a.weights = std::span(q.weights).subspan(i * per_group * depth, per_group * depth);
      run_group(p, conv_shape(g, static_cast<int>(count), static_cast<int>(per_group)), a,
                i * per_group, channels, codes);
    }
  }
  value.codes = std::move(codes.code);
  value.unspecified = std::move(codes.unspecified);
  if (!fused.written || any(x.unspecified)) value.unspecified.assign(value.codes.size(), 1);
  for (std::size_t i = 0; i < value.unspecified.size(); ++i)
    if (value.unspecified[i] != 0) value.codes[i] = 0;
  read_codes(p, value);
  return value;
}

Value int_binary(const Profile& p, Op op, const Operand& a, const Operand& b, const Shape& shape,
                 const QInfo& out, bool packed) {
  const emu::Binary kind = op == Op::add   ? emu::Binary::add
                           : op == Op::sub ? emu::Binary::sub
                                           : emu::Binary::mul;
  const emu::Scaled left{a.info.scale, emu::int_zero(a.info.zero)};
  const emu::Scaled right{b.info.scale, emu::int_zero(b.info.zero)};
  const F32 multiplier = emu::eltwise_multiplier(p, out.scale);
  const std::int32_t zero = emu::int_zero(out.zero);
  Value value;
  value.shape = shape;
  value.info = out;
  value.packed = packed;
  value.codes.resize(a.codes->size());
  const std::size_t n = value.codes.size();
  const std::size_t written = packed ? n : emu::written_elements(p.eltwise, n);
  if (written < n || any(a.unspecified) || any(b.unspecified)) value.unspecified.resize(n);
  const auto unknown = [](const Operand& o, std::size_t i) {
    return o.unspecified != nullptr && !o.unspecified->empty() && (*o.unspecified)[i] != 0;
  };
  for (std::size_t i = 0; i < n; ++i) {
    if (i >= written || unknown(a, i) || unknown(b, i)) {
      value.unspecified[i] = 1;
      continue;
    }
    value.codes[i] = emu::binary(p, kind, (*a.codes)[i], (*b.codes)[i], left, right, multiplier,
                                 zero, code_range(out));
  }
  read_codes(p, value);
  return value;
}

Value int_pool(const Profile& p, const Node& node, const Operand& x, const Shape& shape,
               const QInfo& out) {
  const Window g = window(node, shape);
  if (g.dilation_h != 1 || g.dilation_w != 1)
    fail<NotSupported>("node \"", node.name, "\": ", op_name(node.op), " with dilations ",
                       g.dilation_h, " and ", g.dilation_w, " has no integer form; run it in "
                       "float: leave its input or output without quantization info");
  const emu::PoolShape s{.batch = g.n, .channels = g.c, .h = g.h, .w = g.w, .kh = g.kh, .kw = g.kw,
                         .stride_h = g.stride_h, .stride_w = g.stride_w, .pad_h = g.pad_h,
                         .pad_w = g.pad_w, .out_h = g.out_h, .out_w = g.out_w};
  Value value;
  value.shape = g.out_shape(g.c);
  value.info = out;
  value.packed = true;
  value.codes = node.op == Op::max_pool ? emu::max_pool(p.pool, s, *x.codes)
                                        : emu::average_pool(p.pool, s, *x.codes);
  if (any(x.unspecified)) value.unspecified.assign(value.codes.size(), 1);
  read_codes(p, value);
  return value;
}

Value int_relu(const Operand& x, const Shape& shape, const QInfo& out, bool packed) {
  Value value;
  value.shape = shape;
  value.info = out;
  value.packed = packed;
  value.codes = *x.codes;
  const std::int32_t zero = emu::byte_zero(out.zero);
  for (std::int8_t& q : value.codes)
    q = static_cast<std::int8_t>(std::max<std::int32_t>(q, zero));
  if (x.unspecified != nullptr) value.unspecified = *x.unspecified;
  return value;
}

}  // namespace qsim::graph::detail
