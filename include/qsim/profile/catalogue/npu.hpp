#pragma once
// Neural processors, from what their makers and users have published. What is not public stays at a
// plainly chosen value; each row says which fields those are ("configurable").

#include <array>

#include "qsim/profile/catalogue/shared.hpp"

namespace qsim::npu {

namespace detail {

constexpr Profile make(std::string_view name, Evidence evidence) {
  Profile p;
  p.name = {name};
  p.evidence = evidence;
  return p;
}

/// Logarithmic codes, sign and magnitude: ModelTC/MQBench, mqbench/fake_quantize/nnie.py. That the
/// processor rounds as that code does is assumed.
constexpr Profile make_nnie8() {
  Profile p = make("npu.hisilicon.nnie8", Evidence::documented);
  p.quantize.vector = {Scaling::log2_16, shared::in_int32({})};
  return p;
}
/// The 16-bit mode is not public: linear codes, 64-bit sums and half to even are configurable.
constexpr Profile make_nnie16() {
  Profile p = make("npu.hisilicon.nnie16", Evidence::assumed);
  p.products.s16s16 = {.acc_bits = 64};
  p.quantize.vector = {Scaling::divide, shared::in_int32({})};
  return p;
}
/// Power-of-two scales per channel are public (the runtime header's shift kind); one rounding up
/// and saturation are configurable.
constexpr Profile make_horizon() {
  Profile p = make("npu.horizon.bpu", Evidence::assumed);
  p.products.s8s8 = arith::exact_i32;
  p.requant = shared::fixed(shared::one_rounding);
  p.quantize.vector = {Scaling::divide, shared::in_int32({})};
  return p;
}
/// Types are public (MDLA 1.5 turns int8 into uint8 at its edges, q XOR 0x80); the arithmetic is
/// configurable and set to the Android neural network interface's reference.
constexpr Profile make_mediatek() {
  Profile p = make("npu.mediatek.mdla", Evidence::assumed);
  p.products = {.u8u8 = shared::exact_u8, .u8s8 = shared::exact_u8, .s8s8 = arith::exact_i32};
  p.requant = shared::fixed(shared::two_roundings);
  return p;
}
/// airockchip/rknn_model_zoo, postprocess.cc, qnt_f32_to_affine: x/scale + zero point limited in
/// binary32 and truncated. The host's helper, not the processor.
constexpr Profile make_rockchip() {
  Profile p = make("npu.rockchip.host", Evidence::documented);
  p.quantize.vector = {
      Scaling::divide,
      {.clamp = ClampStage::real,
       .order = ClampOrder::low_first,
       .minmax = MinMaxNan::propagate,
       .convert = shared::with_ties(shared::arm_even, Ties::toward_zero),
       .zero = ZeroStage::real,
       .through_int16 = false}};
  return p;
}
/// SNPE encodings are public, round(255*(x - min)/(max - min)); products and their rescaling by a
/// 16-bit multiplier are configurable.
constexpr Profile make_qualcomm() {
  Profile p = make("npu.qualcomm.htp", Evidence::assumed);
  p.products = {.u8u8 = shared::exact_u8, .u8s8 = shared::exact_u8};
  p.requant = shared::fixed({.bits = 16, .single_rounding = true, .shift = Ties::half_up});
  p.quantize.vector = {
      Scaling::divide, shared::in_int32(shared::with_ties(shared::arm_even, Ties::half_away))};
  return p;
}

}  // namespace detail

inline constexpr std::array rows{
    detail::make_nnie8(),    detail::make_nnie16(),   detail::make_horizon(),
    detail::make_mediatek(), detail::make_rockchip(), detail::make_qualcomm(),
};

}  // namespace qsim::npu
