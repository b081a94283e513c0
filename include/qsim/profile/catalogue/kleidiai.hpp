#pragma once
// KleidiAI: int8 micro-kernels for 64-bit Arm.
//
// File names cite ARM-software/kleidiai, kai/ukernels/.

#include <array>

#include "qsim/profile/catalogue/shared.hpp"

namespace qsim::kleidiai {

namespace detail {

constexpr Profile make_sme() {
  Profile p;
  p.name = {"kleidiai.arm64.sme"};
  p.products.s8s8 = arith::exact_i32;
  // scvtf, fmul, frintn, fcvtzs, + zero point, limits:
  // matmul/imatmul_clamp_qai8_qai8p2vlx4_qsi8cxpsb2vlx4_2vlx2vl_sme2_mopa_asm.S 164-177. The
  // caller makes the factor; how is not the kernel's business, binary32 is assumed.
  p.requant = {.scheme = Rescale::fp32, .narrow = shared::in_int32(shared::arm_even)};
  // matmul/pack/kai_lhs_quant_pack_qai8dxp_bf16_neon.c 180-245. NaN answers were not read.
  p.dynamic = {.scheme = DynamicScheme::signed_255};
  p.evidence = Evidence::documented;
  return p;
}

}  // namespace detail

inline constexpr std::array rows{detail::make_sme()};

}  // namespace qsim::kleidiai
