#pragma once
// QNNPACK of 2019, and PyTorch's fork of it: uint8 activations.
//
// File names cite pytorch/QNNPACK, src/, and pytorch/pytorch, aten/src/ATen/native/quantized/cpu/.

#include <array>

#include "qsim/profile/catalogue/shared.hpp"

namespace qsim::qnnpack {

namespace detail {

/// requantization.h, q31: 24 bits of the scale's mantissa, up, then away. All processors alike.
inline constexpr Fixed q31{.multiplier = Multiplier::f32_exact};

constexpr Profile make(std::string_view name, const Convert& convert) {
  Profile p;
  p.name = {name};
  p.products.u8u8 = shared::exact_u8;
  p.products.u8s8 = shared::exact_u8;  // weights become uint8, + 128
  p.requant = shared::fixed(q31, Factor::f32);
  p.add = {.scheme = AddScheme::shifted,  // q8vadd: 21 bits, ties away from zero
           .narrow = shared::packed(convert)};
  p.evidence = Evidence::documented;
  return p;
}

/// The fork rescales in binary32: fl(fl(x*w) * fl(1/y)), QnnpackUtils.h
/// generate_requantization_scales. A real bias is quantized to int32 by the caller. Not in these
/// rows: max pooling with padding and dilation, which reads the nearest pixel of the image for a
/// tap outside it (qnnpack/src/indirection.c).
constexpr Profile make_fork(std::string_view name, const Convert& convert, Evidence evidence) {
  Profile p = make(name, convert);
  p.requant = {.scheme = Rescale::fp32,
               .factor = Factor::f32_reciprocal,
               .narrow = shared::packed(convert)};
  p.evidence = evidence;
  return p;
}

}  // namespace detail

inline constexpr std::array rows{
    detail::make("qnnpack", shared::arm_even),
    detail::make_fork("pytorch.arm64.qnnpack", shared::arm_even, Evidence::emulated),
    detail::make_fork("pytorch.x64.qnnpack", shared::x86_even, Evidence::silicon),
};

}  // namespace qsim::qnnpack
