#pragma once
// Arm Compute Library: QASYMM8 output stage and quantize layer.
//
// File names cite ARM-software/ComputeLibrary.

#include <array>

#include "qsim/profile/catalogue/shared.hpp"

namespace qsim::acl {

namespace detail {

/// src/core/NEON/NEAsymm.h: high product up, shift away, + offset, saturated. The multiplier is of
/// a binary32 factor, AsymmHelpers.cpp.
constexpr Profile make(std::string_view name, Ties body) {
  Profile p;
  p.name = {name};
  p.products.u8u8 = shared::exact_u8;
  p.products.s8s8 = arith::exact_i32;
  p.requant = shared::fixed(shared::two_roundings, Factor::f32);
  // cpu/kernels/CpuQuantizeKernel.cpp: sixteen at a time by the reciprocal, the rest by division.
  p.quantize.vector = {Scaling::reciprocal,
                       shared::in_int32(shared::with_ties(shared::arm_even, body))};
  const Ties rest = body == Ties::toward_zero ? Ties::toward_zero : Ties::half_even;
  p.quantize.rest = {Scaling::divide, shared::in_int32(shared::with_ties(shared::arm_even, rest))};
  p.quantize.group = 16;
  p.evidence = Evidence::documented;
  return p;
}
/// The assembly kernels round once: as PyTorch 2.10's uint8 linear layers answer on a Neoverse N1.
constexpr Profile make_assembly() {
  Profile p = make("acl.arm64.assembly", Ties::half_even);
  p.products.u8s8 = shared::exact_u8;
  p.requant = shared::fixed(shared::one_rounding, Factor::f32);
  p.evidence = Evidence::emulated;
  return p;
}

}  // namespace detail

inline constexpr std::array rows{
    detail::make("acl.arm64", Ties::half_even),
    detail::make("acl.arm64.half_away", Ties::half_away),  // releases with vcvtaq in NEAsymm.h
    detail::make("acl.armv7", Ties::toward_zero),          // meant so: issue 834
    detail::make_assembly(),
};

}  // namespace qsim::acl
