#pragma once
// The general int8 convolution of a profile: packing, dot-product chain, tile remainders, epilogue.

#include "qsim/emu/conv.hpp"
#include "qsim/emu/patch.hpp"

namespace qsim::emu {

namespace detail {

/// Whether any byte of a row that meets a nonzero weight was never written.
inline bool reads_stale(const std::uint8_t* stale, const std::int8_t* weights, std::size_t depth) {
  for (std::size_t k = 0; k < depth; ++k)
    if (stale[k] != 0 && weights[k] != 0) return true;
  return false;
}

}  // namespace detail

/// A convolution with its weights packed, ready to compute output pixels in any order.
/// Weights [out, in, kh, kw]; grouped convolutions run one Convolution per group.
class Convolution {
 public:
  Convolution(const Profile& profile, const ConvShape& shape, const ConvOperands& operands)
      : profile_(profile), s_(shape), a_(operands),
        arith_(operands.overflow_aware ? profile.conv_fast : profile.conv),
        tile_(operands.overflow_aware ? Tile{} : profile.tile),
        depth_(detail::packed_depth(shape)),
        weights_(detail::pack_weights(shape, operands.weights)) {
    QSIM_ASSERT(a_.fused != nullptr && a_.fused->scale.size() == static_cast<std::size_t>(s_.out));
    if (profile.patch.walk == PatchWalk::word_stride && s_.taps() > 1) {
      patches_ = walk_patches(profile.patch, s_, a_);
      widen_weights(patches_.depth);
    }
    int low = 0;
    int high = 0;
    for (const std::int8_t w : weights_) {
      low = w < low ? w : low;
      high = w > high ? w : high;
    }
    plain_ = is_plain_sum(arith_, depth_, low, high);
  }

  bool may_read_stale() const { return !patches_.bytes.empty(); }

  /// Codes of output pixel p for every channel; channel c goes to code[c * stride].
  void compute(int p, std::int8_t* code, std::uint8_t* unspecified, std::ptrdiff_t stride) const {
    std::vector<std::int8_t> own;
    const std::int8_t* row = nullptr;
    if (patches_.bytes.empty()) {
      own.resize(depth_);
      detail::pack_pixel(s_, a_, p, own.data());
      row = own.data();
    } else {
      row = &patches_.bytes[static_cast<std::size_t>(p) * depth_];
    }
    const RowFate fate = row_fate(tile_, p, s_.pixels());
    for (int o = 0; o < s_.out; ++o) {
      const std::int8_t* w = &weights_[static_cast<std::size_t>(o) * depth_];
      const std::ptrdiff_t at = o * stride;
      if (!patches_.stale.empty() &&
          detail::reads_stale(&patches_.stale[static_cast<std::size_t>(p) * depth_], w, depth_)) {
        code[at] = 0;
        unspecified[at] = 1;
        continue;
      }
      const std::int32_t acc = detail::row_dot(arith_, row, w, depth_, fate.doubled, plain_);
      code[at] = finish_element(profile_.epilogue, a_, acc, o, fate.unclamped, profile_.float_mode);
    }
  }

 private:
  /// Pads each channel's weights with zeros to `depth` bytes, the walk's whole blocks.
  void widen_weights(std::size_t depth) {
    std::vector<std::int8_t> wide(depth * static_cast<std::size_t>(s_.out));
    for (std::size_t o = 0; o < static_cast<std::size_t>(s_.out); ++o)
      std::copy_n(&weights_[o * depth_], depth_, &wide[o * depth]);
    weights_ = std::move(wide);
    depth_ = depth;
  }

  const Profile& profile_;
  ConvShape s_;
  ConvOperands a_;
  Arith arith_;
  Tile tile_;
  std::size_t depth_;
  std::vector<std::int8_t> weights_;
  bool plain_ = false;
  Patches patches_;
};

/// All output codes of a convolution with group 1. Equation (A.5).
inline Codes convolve(const Profile& profile, const ConvShape& s, const ConvOperands& a) {
  const Convolution conv(profile, s, a);
  const std::size_t plane = static_cast<std::size_t>(s.out_h) * static_cast<std::size_t>(s.out_w);
  Codes result;
  result.code.resize(plane * static_cast<std::size_t>(s.batch) * static_cast<std::size_t>(s.out));
  if (conv.may_read_stale()) result.unspecified.resize(result.code.size());
  std::uint8_t* const mask = result.unspecified.data();
  for (int p = 0; p < s.pixels(); ++p) {
    const std::size_t image = static_cast<std::size_t>(p) / plane;
    const std::size_t at = image * plane * static_cast<std::size_t>(s.out) +
                           static_cast<std::size_t>(p) % plane;
    conv.compute(p, &result.code[at], mask == nullptr ? nullptr : mask + at,
                 static_cast<std::ptrdiff_t>(plane));
  }
  return result;
}

}  // namespace qsim::emu
