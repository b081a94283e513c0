#pragma once
// FBGEMM, as PyTorch's x86 back end calls it: uint8 activations by int8 weights.
//
// File names cite pytorch/FBGEMM, src/. Live: the library inside PyTorch 2.13's own wheel, its
// instruction set chosen by FBGEMM_ENABLE_INSTRUCTIONS, on a processor that has them all: linear
// layers, convolutions and fbgemm::Quantize<T, false>.

#include <array>

#include "qsim/profile/catalogue/shared.hpp"

namespace qsim::fbgemm {

namespace detail {

/// vpmaddubsw, then vpaddsw into a running int16; int32 takes it over every 256 products (KCB):
/// GenerateKernelU8S8S32ACC16.cc 38-49, include/fbgemm/PackingTraits-inl.h.
inline constexpr Arith acc16{.lhs_unsigned = true,
                             .block = 2,
                             .n_steps = 1,
                             .step = {Step{2, 1, 16, Overflow::saturate}},
                             .acc_bits = 16,
                             .acc_overflow = Overflow::saturate,
                             .spill = 256};

/// min(x/s, 2147483520), cvtps2dq, + zero point wrapping, limits: the cap is minps' second operand,
/// so a NaN becomes the highest code, or the lowest where the zero point makes the sum wrap.
/// QuantUtilsAvx2.cc, QuantizeAvx2<T, false>; the remainder is masked, not scalar.
constexpr Narrow quantize_narrow() {
  Narrow n = shared::in_int32(shared::x86_even);
  n.minmax = MinMaxNan::second_operand;
  n.cap = RealCap::below_int32;
  return n;
}

constexpr Profile make(std::string_view name, const Arith& u8s8) {
  Profile p;
  p.name = {name};
  p.float_mode.negative_nan = true;
  p.products.u8s8 = u8s8;
  p.requant = {.scheme = Rescale::fp32,  // QuantUtilsAvx2.cc, requantizeOutputProcessingAvx2
               .bias = RealBias::quotient,
               .narrow = shared::packed(shared::x86_even)};
  p.quantize.vector = {Scaling::reciprocal, quantize_narrow()};
  p.evidence = Evidence::silicon;
  return p;
}

/// Called by itself: PyTorch uses no 16-bit sums.
constexpr Profile make_acc16() {
  Profile p = make("fbgemm.x64.acc16", acc16);
  p.evidence = Evidence::documented;
  return p;
}

}  // namespace detail

inline constexpr std::array rows{
    // Neighbours along K saturate to int16: GenerateKernelU8S8S32ACC32.cc 47-60.
    detail::make("fbgemm.x64.avx2", shared::of_u8(arith::x86_maddubs)),
    detail::make("fbgemm.x64.avx512", shared::of_u8(arith::x86_maddubs)),
    // Its own 3x3 (pad 1) and 5x5 (pad 2) kernels for one channel per group keep the saturating
    // pairs of taps on VNNI, too (GenerateI8Depthwise.cc): not in this row.
    detail::make("fbgemm.x64.avx512vnni", shared::of_u8(shared::x86_vpdpbusd)),
    detail::make_acc16(),
};

}  // namespace qsim::fbgemm
