#pragma once
// oneDNN 3.x on x86-64: u8*s8 and s8*s8, with and without VNNI.
//
// File names cite uxlfoundation/oneDNN, src/cpu/x64/. Live: 3.12 inside PyTorch 2.13, and 3.2 for
// convolutions of int8 activations; the instruction set chosen by ONEDNN_MAX_CPU_ISA.

#include <array>

#include "qsim/profile/catalogue/shared.hpp"

namespace qsim::onednn {

namespace detail {

/// fl(t + zero point), maxps(low), minps(high), cvtps2dq.
inline constexpr Narrow narrow{.clamp = ClampStage::real,
                               .order = ClampOrder::low_first,
                               .minmax = MinMaxNan::second_operand,
                               .convert = shared::x86_even,
                               .zero = ZeroStage::real,
                               .through_int16 = false};

/// int8 activations of a convolution + 128 as uint8, weights halved and rounded to even so that no
/// pair can saturate, the sum counted twice: jit_brgemm_conv_utils.cpp 2445-2456.
constexpr Arith halved() {
  Arith a = arith::x86_maddubs;
  a.halves_rhs = true;
  return a;
}

constexpr Profile make(std::string_view name, Factor factor) {
  Profile p;
  p.name = {name};
  p.float_mode.negative_nan = true;
  p.window.tap_block = 4;        // pairs never straddle two taps
  p.window.skips_padding = true; // taps outside the image are left out of kernel and correction
  p.requant = {
      .scheme = Rescale::real, .factor = factor, .bias = RealBias::real, .narrow = narrow};
  p.evidence = Evidence::silicon;
  return p;
}
/// Not in this row: a matrix product of 256 < K < 768 is cut in two at ceil(K/2), which moves pairs
/// where that is odd (gemm/gemm_driver.cpp); one of int8 codes with a zero point is exact; so are
/// grouped convolutions that no JIT kernel takes (ref:any), for channels per group that are no
/// multiples of 4, unless it is one in and one out.
constexpr Profile make_avx2() {
  Profile p = make("onednn-3.x64.avx2", Factor::f32);
  p.products.u8s8 = shared::of_u8(arith::x86_maddubs);
  p.products.s8s8 = arith::x86_maddubs;
  p.window.constant = halved();
  return p;
}
/// brgemm scales by the source, then by the weights, and is exact for int8 by int8. Convolutions
/// with such groups, or of one channel, pack kernel columns together: other pairs, not in this row.
constexpr Profile make_avx512() {
  Profile p = make("onednn-3.x64.avx512", Factor::in_turn);
  p.products.u8s8 = shared::of_u8(arith::x86_maddubs);
  p.products.s8s8 = arith::exact_i32;
  p.window.constant = halved();
  return p;
}
/// Not in this row: such groups with one channel in give wrong sums (a defect of 3.12's brgconv)
/// where the results are a single column and the stride across is 2.
constexpr Profile make_vnni() {
  Profile p = make("onednn-3.x64.avx512vnni", Factor::in_turn);
  p.products.u8s8 = shared::of_u8(shared::x86_vpdpbusd);
  p.products.s8s8 = shared::x86_vpdpbusd;
  return p;
}

}  // namespace detail

inline constexpr std::array rows{detail::make_vnni(), detail::make_avx512(), detail::make_avx2()};

}  // namespace qsim::onednn
