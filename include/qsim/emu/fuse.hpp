#pragma once
// The fused parameters of an int8 convolution: one fp32 scale and one int32 bias per channel.

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/emu/narrow.hpp"
#include "qsim/num/reciprocal.hpp"
#include "qsim/profile/profile.hpp"
#include "qsim/quant/spec.hpp"

namespace qsim::emu {

/// Scale and bias per output channel. `written` is false where the engine returns early and leaves
/// its buffers uninitialised: the values then mean nothing.
struct Fused {
  std::vector<F32> scale;
  std::vector<std::int32_t> bias;
  std::vector<F32> real_bias{};  ///< in codes, where the bias joins after scaling; else empty
  F32 ratio{};                   ///< s_i/s_o, where sums are scaled twice
  bool written = true;
};

namespace detail {

inline constexpr F32 alpha_floor{0x358637bdu};  // fl(1e-6), itself below 1e-6 and so replaced

constexpr F32 floor_alpha(F32 alpha, bool in_tail, const Fuse& rule) {
  if (num::is_nan(alpha) && in_tail && rule.nan_alpha_in_tail) return alpha;
  return num::is_nan(alpha) || num::magnitude(alpha) <= alpha_floor.bits ? alpha_floor : alpha;
}

constexpr F32 truncated(F32 q, const Fuse& rule) {
  if (rule.quotient == Quotient::real) return num::trunc_f32(q);
  return num::from_int(num::to_int32(q, rule.convert));
}

constexpr bool acts_as_zero(F32 scale, NanIsZero nan, const FloatMode& mode) {
  return num::is_zero(num::read(scale, mode)) || (nan == NanIsZero::yes && num::is_nan(scale));
}

}  // namespace detail

/// The plain sum of each channel's weights; `weights` is channel major and holds whole channels.
inline std::vector<std::int32_t> kernel_sums(std::span<const std::int8_t> weights,
                                             std::size_t channels) {
  std::vector<std::int32_t> sums(channels, 0);
  if (weights.empty()) return sums;
  const std::size_t depth = weights.size() / channels;
  for (std::size_t i = 0; i < weights.size(); ++i) sums[i / depth] += weights[i];
  return sums;
}

/// The infos that `fuse` goes by: where one scale acts as zero and the row falls back, those stored
/// with the convolution, which have zero point 0.
inline std::pair<QInfo, QInfo> fused_infos(const Profile& profile, QInfo in, QInfo out,
                                           F32 stored_in, F32 stored_out) {
  const auto is_zero = [&](F32 scale) {
    return detail::acts_as_zero(scale, profile.fuse.nan_scale, profile.float_mode);
  };
  if (profile.fuse.stored_scales && (is_zero(in.scale) || is_zero(out.scale))) {
    in.scale = stored_in, in.zero = num::f32_zero;
    out.scale = stored_out, out.zero = num::f32_zero;
  }
  return {in, out};
}

namespace detail {

/// Equation (A.33): everything but the sum of products, in codes of the output.
inline F32 real_bias(const Profile& profile, const QInfo& in, const QInfo& out, F32 alpha, F32 bias,
                     std::int32_t kernel_sum) {
  const FloatMode& mode = profile.float_mode;
  const F32 offset = num::add(in.zero, num::from_int(profile.fuse.zero_offset), mode);
  const F32 weights = num::mul(num::from_int(kernel_sum), alpha, mode);
  const F32 zeros = num::mul(num::mul(weights, offset, mode), in.scale, mode);
  return num::add(num::div(num::sub(bias, zeros, mode), out.scale, mode), out.zero, mode);
}

}  // namespace detail

/// Equations (A.4) and (A.33). `alpha`, `bias` (real units) and `kernel_sum` have one entry per
/// channel; `stage` is that of the epilogue that follows.
inline Fused fuse(const Profile& profile, const QInfo& in, const QInfo& out,
                  std::span<const F32> alpha, std::span<const F32> bias,
                  std::span<const std::int32_t> kernel_sum, BiasStage stage = BiasStage::sum) {
  QSIM_ASSERT(alpha.size() == kernel_sum.size() && bias.size() == alpha.size());
  const Fuse& rule = profile.fuse;
  const FloatMode& mode = profile.float_mode;
  const std::size_t n = alpha.size();
  Fused fused{std::vector<F32>(n), std::vector<std::int32_t>(n)};
  if (stage != BiasStage::sum) fused.real_bias.resize(n);
  if (detail::acts_as_zero(in.scale, rule.nan_scale, mode) ||
      detail::acts_as_zero(out.scale, rule.nan_scale, mode)) {
    fused.written = false;
    return fused;
  }
  const F32 ratio = num::div(in.scale, out.scale, mode);
  if (stage == BiasStage::real) {
    fused.ratio = ratio;
    fused.scale.assign(alpha.begin(), alpha.end());
    for (std::size_t k = 0; k < n; ++k)
      fused.real_bias[k] = detail::real_bias(profile, in, out, alpha[k], bias[k], kernel_sum[k]);
    return fused;
  }
  const F32 offset = num::add(in.zero, num::from_int(rule.zero_offset), mode);
  const std::size_t grouped = n / rule.group * rule.group;
  for (std::size_t k = 0; k < n; ++k) {
    const bool in_tail = k >= grouped;
    const Reciprocal how = in_tail ? Reciprocal::divide : rule.reciprocal;
    const F32 a = detail::floor_alpha(alpha[k], in_tail, rule);
    const F32 s = num::mul(a, ratio, mode);
    const F32 unit = num::mul(in.scale, a, mode);
    const F32 b = num::quotient(bias[k], unit, how, rule.estimate, mode);
    const F32 z = num::quotient(out.zero, s, how, rule.estimate, mode);
    const F32 sum = num::add(detail::truncated(b, rule), detail::truncated(z, rule), mode);
    const F32 weight = num::from_int(kernel_sum[k]);
    const F32 total = rule.fused_multiply_add
                          ? num::fma(num::negate(weight), offset, sum, mode)
                          : num::sub(sum, num::mul(weight, offset, mode), mode);
    fused.scale[k] = s;
    fused.bias[k] = num::to_int32(total, rule.convert);
    if (stage == BiasStage::scaled)
      fused.real_bias[k] = num::mul(num::from_int(fused.bias[k]), s, mode);
  }
  return fused;
}

/// The code of a plain accumulator of channel k: bias and scale join as the epilogue says, then it
/// is narrowed. Equations (A.9), (A.33).
inline std::int8_t requantize(const Epilogue& epilogue, std::int32_t acc, const Fused& fused,
                              std::size_t k, const CodeRange& range, const FloatMode& mode) {
  if (epilogue.bias == BiasStage::sum) {
    const std::int64_t sum = num::wrap(std::int64_t{acc} + fused.bias[k], 32);
    return requantize(epilogue, static_cast<std::int32_t>(sum), fused.scale[k], range, mode);
  }
  F32 t = num::mul(num::from_int(acc), fused.scale[k], mode);
  if (epilogue.bias == BiasStage::real) t = num::mul(t, fused.ratio, mode);
  return narrow(num::add(t, fused.real_bias[k], mode), range, epilogue.narrow);
}

}  // namespace qsim::emu
