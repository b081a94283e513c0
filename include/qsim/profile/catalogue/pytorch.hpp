#pragma once
// PyTorch's own quantize operators; its products are rows of fbgemm, qnnpack and onednn.
//
// File names cite pytorch/pytorch, aten/src/ATen/native/quantized/. Live: the 2.13.0 wheel on a
// processor with AVX512-VNNI, held to AVX2 and AVX-512 by its own switches; on Arm 2.8.0 and 2.10.0
// under emulation. Not in these rows: an axis of a single scale, whose elements torch also
// quantizes one by one, and what torch computes in binary32: add, average pools, tables.

#include <array>

#include "qsim/profile/catalogue/fbgemm.hpp"
#include "qsim/profile/catalogue/shared.hpp"

namespace qsim::pytorch {

namespace detail {

/// fma(x, fl(1/s), zero point), capped, cvtps2dq: the zero point joins before rounding. 2.13 calls
/// fbgemm::Quantize<T> where releases before it said <T, false> (pull request 181067), and the
/// library it is built with still takes that for the legacy form.
inline constexpr Narrow legacy{.clamp = ClampStage::int32,
                               .order = ClampOrder::low_first,
                               .minmax = MinMaxNan::second_operand,
                               .convert = shared::x86_even,
                               .zero = ZeroStage::real,
                               .cap = RealCap::below_int32,
                               .through_int16 = false};

/// With a scale per axis, one by one: fl(fl(x * fl(1/s)) + zero point), nearbyint, limits in
/// binary64 that a NaN passes, cast: it becomes 0. FBGEMM's scalar include/fbgemm/QuantUtils.h.
inline constexpr Narrow one_by_one{.clamp = ClampStage::real,
                                   .order = ClampOrder::low_first,
                                   .minmax = MinMaxNan::propagate,
                                   .convert = shared::arm_even,
                                   .zero = ZeroStage::real,
                                   .through_int16 = false};

constexpr Profile make_x64(std::string_view name, const Profile& products) {
  Profile p = products;
  p.name = {name};
  p.quantize.vector = {Scaling::reciprocal, legacy, true};
  p.quantize.single = {Scaling::reciprocal, one_by_one};
  p.quantize.axis_by_single = true;
  p.evidence = Evidence::silicon;
  return p;
}

/// quantize_val_arm: a sum with the zero point beyond int32 becomes the highest code, also at the
/// low end. 8-bit codes cannot tell the upper sum from one capped at 32767.
inline constexpr Narrow arm_rest{.clamp = ClampStage::int32,
                                 .order = ClampOrder::low_first,
                                 .minmax = MinMaxNan::propagate,
                                 .convert = shared::arm_even,
                                 .zero = ZeroStage::int32_wrap,
                                 .cap = RealCap::int16,
                                 .through_int16 = false};

/// AffineQuantizerBase.cpp, quantize_tensor_arm: eight at a time, the rest by quantize_val_arm.
constexpr Profile make_arm64() {
  Profile p;
  p.name = {"pytorch.arm64"};
  p.quantize.vector = {Scaling::reciprocal, shared::packed(shared::arm_even)};
  p.quantize.rest = {Scaling::reciprocal, arm_rest};
  p.quantize.group = 8;
  p.quantize.single = {Scaling::reciprocal, one_by_one};  // rounded before the zero point joins
  p.quantize.single.narrow.zero = ZeroStage::real_integral;
  p.quantize.axis_by_single = true;
  p.evidence = Evidence::emulated;
  return p;
}

}  // namespace detail

inline constexpr std::array rows{
    detail::make_x64("pytorch-2.13.x64.avx2", fbgemm::rows[0]),
    detail::make_x64("pytorch-2.13.x64.avx512vnni", fbgemm::rows[2]),
    detail::make_arm64(),
};

}  // namespace qsim::pytorch
