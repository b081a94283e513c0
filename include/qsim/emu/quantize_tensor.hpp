#pragma once
// Whole tensors from real numbers to codes and back: per tensor, per axis, in blocks along an axis.

#include <cstddef>
#include <cstdint>
#include <span>

#include "qsim/base/check.hpp"
#include "qsim/emu/quantizer.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::emu {

/// How scales lie over a tensor of extents [outer, axis, inner]. One scale for all: {1, 1, n}.
/// Per axis: one scale for each index of the axis. Blocked (block > 0): scales [outer,
/// ceil(axis/block), inner], each for up to `block` neighbours along the axis.
struct ScaleLayout {
  std::size_t outer = 1, axis = 1, inner = 1;
  std::size_t block = 0;
  std::size_t blocks() const { return block == 0 ? axis : (axis + block - 1) / block; }
  std::size_t size() const { return outer * axis * inner; }
  std::size_t scales() const { return block == 0 ? axis : outer * blocks() * inner; }
};

/// Elements that share a scale: `count` of them from `first`, `stride` apart.
struct ScaleRun {
  std::size_t first = 0, count = 0, stride = 1;
  std::size_t scale = 0;   ///< index of their scale
  bool one_by_one = false; ///< not neighbours: no vector holds two of them
};

namespace detail {

template <class Visit>
void for_each_block(const ScaleLayout& s, std::size_t o, Visit visit) {
  for (std::size_t b = 0; b < s.blocks(); ++b) {
    const std::size_t begin = b * s.block;
    const std::size_t count = begin + s.block < s.axis ? s.block : s.axis - begin;
    for (std::size_t i = 0; i < s.inner; ++i)
      visit(ScaleRun{(o * s.axis + begin) * s.inner + i, count, s.inner,
                     (o * s.blocks() + b) * s.inner + i, s.inner > 1});
  }
}

}  // namespace detail

/// Calls visit(ScaleRun) for all elements.
template <class Visit>
void for_each_run(const ScaleLayout& s, Visit visit) {
  for (std::size_t o = 0; o < s.outer; ++o) {
    if (s.block != 0) {
      detail::for_each_block(s, o, visit);
      continue;
    }
    for (std::size_t a = 0; a < s.axis; ++a)
      visit(ScaleRun{(o * s.axis + a) * s.inner, s.inner, 1, a, false});
  }
}

/// What else decides which of a row's quantizers takes an element.
struct QuantizeOptions {
  bool half = false;     ///< the values came as binary16
  bool nibbles = false;  ///< 4-bit codes, two to a byte
};

namespace detail {

/// The row's quantizers for one run, prepared once each.
struct RunQuantizers {
  PreparedQuantizer body{}, rest{}, alone{};
};

inline RunQuantizers run_quantizers(const Profile& p, const QuantizeOptions& o, bool one_by_one,
                                    F32 scale, std::int32_t zero, const CodeRange& range) {
  const Quantize& rule = p.quantize;
  if (o.half) {
    const PreparedQuantizer q =
        prepare_quantizer(p, rule.half, scale, zero, range, "quantize of float16",
                          "quantize.half.scaling");
    return {q, q, q};
  }
  const auto given = [](const Quantizer& q) { return q.scaling != Scaling::none; };
  const Quantizer& alone = given(rule.single) ? rule.single : rule.vector;
  if (one_by_one) {
    const PreparedQuantizer q = prepare_quantizer(p, alone, scale, zero, range);
    return {q, q, q};
  }
  RunQuantizers q;
  q.body = prepare_quantizer(p, rule.vector, scale, zero, range);
  q.rest = given(rule.rest) ? prepare_quantizer(p, rule.rest, scale, zero, range) : q.body;
  q.alone = o.nibbles ? prepare_quantizer(p, alone, scale, zero, range) : q.body;
  return q;
}

}  // namespace detail

/// Codes of `x` by the row: whole groups of a run by `vector`, what is left by `rest`; elements of
/// runs that are not neighbours, and 4-bit codes alone in their byte (the first of a run at an odd
/// place of the tensor, the last at an even one), by `single`, and so is everything with several
/// scales along an axis where the row says so; binary16 values by `half`. Equation (A.24).
template <class Code>
void quantize_tensor(const Profile& profile, std::span<const F32> x, const ScaleLayout& layout,
                     std::span<const F32> scale, std::span<const std::int32_t> zero,
                     const CodeRange& range, const QuantizeOptions& options,
                     std::span<Code> out) {
  QSIM_ASSERT(x.size() == layout.size() && out.size() == x.size());
  QSIM_ASSERT(scale.size() == layout.scales() && zero.size() == scale.size());
  const bool by_axis =
      profile.quantize.axis_by_single && layout.block == 0 && layout.scales() > 1;
  for_each_run(layout, [&](const ScaleRun& run) {
    if (run.count == 0) return;
    const detail::RunQuantizers q =
        detail::run_quantizers(profile, options, run.one_by_one || by_axis, scale[run.scale],
                               zero[run.scale], range);
    const std::size_t grouped = run.count / profile.quantize.group * profile.quantize.group;
    const auto put = [&](const PreparedQuantizer& how, std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        const std::size_t at = run.first + i * run.stride;
        out[at] = static_cast<Code>(code_of(how, x[at]));
      }
    };
    put(q.body, 0, grouped);
    put(q.rest, grouped, run.count);
    if (!options.nibbles || options.half || run.one_by_one) return;
    if (run.first % 2 != 0) put(q.alone, 0, 1);
    if ((run.first + run.count) % 2 != 0) put(q.alone, run.count - 1, run.count);
  });
}

/// Real values of codes by the row: `folded` for whole groups of 8-bit codes (`bytes`) with one
/// scale for all, else the difference to the zero point. Equation (A.24).
template <class Code>
void dequantize_tensor(const Profile& profile, std::span<const Code> q, const ScaleLayout& layout,
                       std::span<const F32> scale, std::span<const std::int32_t> zero, bool bytes,
                       std::span<F32> out) {
  QSIM_ASSERT(q.size() == layout.size() && out.size() == q.size());
  QSIM_ASSERT(scale.size() == layout.scales() && zero.size() == scale.size());
  const Dequantize& rule = profile.dequantize;
  const bool affine = profile.quantize.vector.scaling != Scaling::log2_16;
  const bool folds =
      rule.folded && affine && bytes && layout.block == 0 && layout.scales() == 1;
  for_each_run(layout, [&](const ScaleRun& run) {
    const std::size_t grouped = folds ? run.count / rule.group * rule.group : 0;
    for (std::size_t i = 0; i < run.count; ++i) {
      const std::size_t at = run.first + i * run.stride;
      const std::int32_t code{q[at]};
      out[at] = i < grouped ? folded_real_of(profile, code, scale[run.scale], zero[run.scale])
                            : real_of(profile, code, scale[run.scale], zero[run.scale]);
    }
  });
}

}  // namespace qsim::emu
