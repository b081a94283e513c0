#pragma once
// MNN after 2.9.0, int8 on CPU: 2.9.3 moves the epilogue to binary32, 3.x its bias too.
//
// Read in source/backend/cpu/CPUConvolution.cpp (updateInputOutputScale), compute/GemmInt8.cpp and
// compute/ConvInt8TiledExecutor.cpp, not run: GCC's -ffast-math may contract or reorder what is
// rounded step by step here. Depthwise convolutions keep the rule of 2.9.0 in both.

#include <array>
#include <string_view>

#include "qsim/profile/catalogue/mnn.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::mnn_later {

namespace detail {

/// Common to both: the depth packing clears its buffer first, the third remaining pixel of the
/// no-dotprod kernel is counted once, and a zero tensor scale falls back to the convolution's own.
/// Two remaining pixels of that kernel still lose their limits.
constexpr Profile later(Profile p, std::string_view name, BiasStage bias) {
  p.name = {name};
  p.patch = {};
  p.tile.doubled_rows = 0;
  p.epilogue.bias = bias;
  p.fuse.stored_scales = true;
  p.evidence = Evidence::documented;
  return p;
}

}  // namespace detail

/// 2.9.3: fl(fl(acc)*S) + fl(fl(B)*S), the int32 bias B as before. 3.x: fl(fl(acc)*alpha) *
/// (s_i/s_o) + (b - K*alpha*z*s_i)/s_o + z_o. Activations' int32 sums keep the +128 on x86.
inline constexpr std::array rows{
    detail::later(mnn::detail::make_avx2(), "mnn-2.9.3.x64.avx2", BiasStage::scaled),
    detail::later(mnn::detail::make_avx512(true), "mnn-2.9.3.x64.avx512vnni", BiasStage::scaled),
    detail::later(mnn::detail::arm64_neon, "mnn-2.9.3.arm64.neon", BiasStage::scaled),
    detail::later(mnn::detail::make_sdot(), "mnn-2.9.3.arm64.sdot", BiasStage::scaled),
    detail::later(mnn::detail::make_i8mm(), "mnn-2.9.3.arm64.i8mm", BiasStage::scaled),
    detail::later(mnn::detail::make_avx2(), "mnn-3.x.x64.avx2", BiasStage::real),
    detail::later(mnn::detail::make_avx512(true), "mnn-3.x.x64.avx512vnni", BiasStage::real),
    detail::later(mnn::detail::arm64_neon, "mnn-3.x.arm64.neon", BiasStage::real),
    detail::later(mnn::detail::make_sdot(), "mnn-3.x.arm64.sdot", BiasStage::real),
    detail::later(mnn::detail::make_i8mm(), "mnn-3.x.arm64.i8mm", BiasStage::real),
};

}  // namespace qsim::mnn_later
