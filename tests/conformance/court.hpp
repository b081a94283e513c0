#pragma once
// Runs a case of a graph family by emu: bytes in, bytes out.

#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/cases.hpp"
#include "qsim/emu/activation.hpp"
#include "qsim/emu/cast.hpp"
#include "qsim/emu/convolve.hpp"
#include "qsim/emu/eltwise.hpp"
#include "qsim/emu/pool.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::court {

/// What stands in a result for a value that the engine leaves unspecified.
inline constexpr std::uint32_t unspecified_code = 0x5555, unspecified_word = 0x55555555;

/// Reads what a Writer wrote.
class Reader {
 public:
  explicit Reader(const Bytes& bytes) : bytes_(bytes) {}
  std::uint32_t u8() { return bytes_.at(at_++); }
  std::uint32_t u16() {
    const std::uint32_t low = u8();
    return low | u8() << 8;
  }
  std::uint32_t u32() {
    const std::uint32_t low = u16();
    return low | u16() << 16;
  }
  int i8() { return static_cast<std::int8_t>(u8()); }
  int i16() { return static_cast<std::int16_t>(u16()); }
  std::int32_t i32() { return static_cast<std::int32_t>(u32()); }
  std::int64_t i64() {
    const std::uint64_t low = u32();
    return static_cast<std::int64_t>(low | std::uint64_t{u32()} << 32);
  }
  int extent() { return static_cast<int>(u8()); }
  F32 f32() { return {u32()}; }
  QInfo info() {
    QInfo q;
    q.scale = f32(), q.zero = f32(), q.low = f32(), q.high = f32();
    return q;
  }
  std::vector<std::int8_t> codes(std::size_t n) {
    std::vector<std::int8_t> all(n);
    for (std::int8_t& q : all) q = static_cast<std::int8_t>(u8());
    return all;
  }
  std::vector<F32> floats(std::size_t n) {
    std::vector<F32> all(n);
    for (F32& x : all) x = f32();
    return all;
  }
  bool at_end() const { return at_ == bytes_.size(); }

 private:
  const Bytes& bytes_;
  std::size_t at_ = 0;
};

namespace detail {

inline void put_code(Writer& w, std::int8_t q, bool unspecified) {
  w.u16(unspecified ? unspecified_code : static_cast<std::uint32_t>(std::int32_t{q}));
}

inline void run_dot(const Profile& row, Reader& r, Writer& w) {
  const Arith& arith = r.u8() != 0 ? row.conv_fast : row.conv;
  const std::size_t k = r.u32();
  const std::int32_t initial = r.i32();
  const std::vector<std::int8_t> lhs = r.codes(k);
  const std::vector<std::int8_t> rhs = r.codes(k);
  w.i32(emu::dot(arith, lhs.data(), 1, rhs.data(), 1, k, initial));
}

inline void run_fuse(const Profile& row, Reader& r, Writer& w) {
  const std::size_t n = r.u8();
  const QInfo in = r.info();
  const QInfo out = r.info();
  const std::vector<F32> alpha = r.floats(n);
  const std::vector<F32> bias = r.floats(n);
  std::vector<std::int32_t> sums(n);
  for (std::int32_t& sum : sums) sum = r.i32();
  std::vector<BiasStage> stages{row.epilogue.bias};
  if (row.depthwise.bias != row.epilogue.bias) stages.push_back(row.depthwise.bias);
  for (const BiasStage stage : stages) {
    const emu::Fused fused = emu::fuse(row, in, out, alpha, bias, sums, stage);
    for (std::size_t k = 0; k < n; ++k) {
      w.u32(fused.written ? fused.scale[k].bits : unspecified_word);
      w.i32(fused.written ? fused.bias[k] : static_cast<std::int32_t>(unspecified_word));
      if (!fused.real_bias.empty())
        w.u32(fused.written ? fused.real_bias[k].bits : unspecified_word);
    }
  }
}

/// Floor of the last window's start over the stride, plus one.
constexpr int out_extent(int in, int kernel, int stride, int pad, int dilation) {
  return (in + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
}

inline void run_conv(const Profile& row, Reader& r, Writer& w, bool per_channel) {
  emu::ConvShape s;
  for (int* v : {&s.batch, &s.in, &s.h, &s.w, &s.out, &s.kh, &s.kw, &s.stride_h, &s.stride_w,
                 &s.pad_h, &s.pad_w, &s.dilation_h, &s.dilation_w})
    *v = r.extent();
  s.out_h = out_extent(s.h, s.kh, s.stride_h, s.pad_h, s.dilation_h);
  s.out_w = out_extent(s.w, s.kw, s.stride_w, s.pad_w, s.dilation_w);
  const std::uint32_t flags = r.u8();
  const QInfo in = r.info();
  const QInfo out = r.info();
  const std::size_t channels = static_cast<std::size_t>(s.out);
  const std::vector<F32> alpha = r.floats(channels);
  const std::vector<F32> bias = r.floats(channels);
  const std::vector<std::int8_t> input =
      r.codes(static_cast<std::size_t>(s.batch * s.in * s.h * s.w));
  const int depth = (per_channel ? 1 : s.in) * s.taps();
  const std::vector<std::int8_t> weights = r.codes(channels * static_cast<std::size_t>(depth));
  std::vector<std::int32_t> sums(channels);
  for (std::size_t i = 0; i < weights.size(); ++i)
    sums[i / static_cast<std::size_t>(depth)] += weights[i];
  const emu::Fused fused = emu::fuse(row, in, out, alpha, bias, sums,
                                     per_channel ? row.depthwise.bias : row.epilogue.bias);
  emu::ConvOperands a{};
  a.input = input;
  a.weights = weights;
  a.fused = &fused;
  a.overflow_aware = (flags & 2) != 0;
  const std::int32_t zero = emu::int_zero(in.zero);
  a.pad_code = static_cast<std::int8_t>(zero);
  a.lane_code = static_cast<std::int8_t>(
      num::clamp(zero, emu::int_limit(in.low), emu::int_limit(in.high)));
  a.range.low = (flags & 1) != 0 ? emu::int_zero(out.zero) : emu::int_limit(out.low);
  a.range.high = emu::int_limit(out.high);
  const emu::Codes y = per_channel ? emu::depthwise(row, s, a) : emu::convolve(row, s, a);
  for (std::size_t i = 0; i < y.code.size(); ++i)
    put_code(w, y.code[i], !fused.written || (!y.unspecified.empty() && y.unspecified[i] != 0));
}

inline void run_quantize(const Profile& row, Reader& r, Writer& w) {
  const F32 multiplier = emu::cast_multiplier(r.f32(), row.float_mode);
  const std::int32_t zero = r.i8();
  emu::CodeRange range;
  range.low = r.i8();
  range.high = r.i8();
  const std::size_t n = r.u8();
  w.u32(multiplier.bits);
  for (const F32 x : r.floats(n)) w.i8(emu::quantize(row, x, multiplier, zero, range));
}

inline void run_dequantize(const Profile& row, Reader& r, Writer& w) {
  const F32 scale = r.f32();
  const std::int32_t zero = r.i8();
  const std::size_t n = r.u8();
  for (const std::int8_t q : r.codes(n)) w.u32(emu::dequantize(row, q, scale, zero).bits);
}

inline void run_pool(const Profile& row, Reader& r, Writer& w, bool average) {
  emu::PoolShape s;
  for (int* v : {&s.batch, &s.channels, &s.h, &s.w, &s.kh, &s.kw, &s.stride_h, &s.stride_w,
                 &s.pad_h, &s.pad_w})
    *v = r.extent();
  const bool ceil = r.u8() != 0;
  s.out_h = out_extent(s.h + (ceil ? s.stride_h - 1 : 0), s.kh, s.stride_h, s.pad_h, 1);
  s.out_w = out_extent(s.w + (ceil ? s.stride_w - 1 : 0), s.kw, s.stride_w, s.pad_w, 1);
  const std::vector<std::int8_t> x =
      r.codes(static_cast<std::size_t>(s.batch * s.channels * s.h * s.w));
  for (const std::int8_t q :
       average ? emu::average_pool(row.pool, s, x) : emu::max_pool(row.pool, s, x))
    w.i8(q);
}

inline void run_binary(const Profile& row, Reader& r, Writer& w) {
  const emu::Binary op = static_cast<emu::Binary>(r.u8());
  const bool relu = r.u8() != 0;
  const QInfo a = r.info();
  const QInfo b = r.info();
  const QInfo out = r.info();
  const std::size_t n = r.u8();
  const std::vector<std::int8_t> left = r.codes(n);
  const std::vector<std::int8_t> right = r.codes(n);
  emu::CodeRange range;
  range.low = relu ? 0 : emu::int_limit(out.low);
  range.high = emu::int_limit(out.high);
  const F32 multiplier = emu::eltwise_multiplier(row, out.scale);
  for (std::size_t i = 0; i < n; ++i)
    put_code(w,
             emu::binary(row, op, left[i], right[i], {a.scale, emu::int_zero(a.zero)},
                         {b.scale, emu::int_zero(b.zero)}, multiplier, emu::int_zero(out.zero),
                         range),
             i >= emu::written_elements(row.eltwise, n));
}

inline void run_unary(const Profile& row, std::string_view op, Reader& r, Writer& w) {
  const std::size_t n = r.u8();
  const std::vector<F32> x = r.floats(n);
  for (std::size_t i = 0; i < n; ++i) {
    if (op == "exp") w.u32(emu::exp(row, x[i]).bits);
    if (op == "sigmoid") w.u32(emu::sigmoid(row, x[i], i, n).bits);
    if (op == "tanh") w.u32(emu::tanh(row, x[i], i, n).bits);
  }
}

inline void run_float_dot(const Profile& row, Reader& r, Writer& w) {
  const FloatMath& math = row.float_math;
  const FloatDot* dots[] = {&math.conv, &math.conv_single, &math.matmul_row};
  const FloatDot& dot = *dots[r.u8()];
  const F32 bias = r.f32();
  const std::size_t n = r.u8();
  const std::vector<F32> a = r.floats(n);
  const std::vector<F32> b = r.floats(n);
  const F32 sum = emu::float_dot(dot, a.data(), 1, b.data(), 1, n, row.float_mode);
  w.u32(sum.bits);
  w.u32(emu::finish_convolution(row, num::add(sum, bias, row.float_mode)).bits);
}

}  // namespace detail

/// Runs one case of a graph family by emu.
inline void run(const Profile& row, std::string_view family, Reader& r, Writer& w) {
  if (family == "dot") detail::run_dot(row, r, w);
  else if (family == "fuse") detail::run_fuse(row, r, w);
  else if (family == "conv" || family == "taps") detail::run_conv(row, r, w, false);
  else if (family == "depthwise") detail::run_conv(row, r, w, true);
  else if (family == "quantize") detail::run_quantize(row, r, w);
  else if (family == "dequantize") detail::run_dequantize(row, r, w);
  else if (family == "max_pool") detail::run_pool(row, r, w, false);
  else if (family == "avg_pool") detail::run_pool(row, r, w, true);
  else if (family == "binary") detail::run_binary(row, r, w);
  else if (family == "float_dot") detail::run_float_dot(row, r, w);
  else if (family == "exp" || family == "sigmoid" || family == "tanh")
    detail::run_unary(row, family, r, w);
  else throw std::invalid_argument("court: no family " + std::string(family));
}

}  // namespace qsim::court
