#pragma once
// Rules that rows of several engines share.

#include "qsim/profile/catalogue/arith.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::shared {

/// cvtps2dq: NaN and whatever int32 cannot hold become INT_MIN.
inline constexpr Convert x86_even{NanRule::lowest, RangeRule::lowest, RangeRule::saturate,
                                  Ties::half_even};
/// fcvtns: NaN becomes 0, the rest saturates.
inline constexpr Convert arm_even{NanRule::zero, RangeRule::saturate, RangeRule::saturate,
                                  Ties::half_even};
constexpr Convert with_ties(Convert convert, Ties ties) {
  convert.ties = ties;
  return convert;
}

/// Converted, saturated to int16, + zero point saturating, saturated to the byte, then limits:
/// packssdw, paddsw, packuswb on x86; sqxtn, sqadd, sqxtun on Arm.
constexpr Narrow packed(const Convert& convert) {
  return {.order = ClampOrder::high_first,
          .convert = convert,
          .zero = ZeroStage::int16_saturate,
          .through_int16 = false};
}
/// + zero point, then limits, in int32.
constexpr Narrow in_int32(const Convert& convert) {
  return {.clamp = ClampStage::int32,
          .order = ClampOrder::low_first,
          .convert = convert,
          .zero = ZeroStage::int32_wrap,
          .through_int16 = false};
}

/// uint8 left codes as they are.
constexpr Arith of_u8(Arith a) {
  a.lhs_unsigned = true;
  a.lhs_offset = 0;
  return a;
}
/// vpdpbusd: four products exact, added to an int32 accumulator that wraps.
inline constexpr Arith x86_vpdpbusd{.lhs_unsigned = true,
                                    .lhs_offset = 128,
                                    .block = 4,
                                    .n_steps = 1,
                                    .step = {Step{4, 1, 32}}};
inline constexpr Arith exact_u8 = of_u8(arith::exact_i32);

/// Two roundings: the high product up, the shift away from zero.
inline constexpr Fixed two_roundings{};
/// One rounding of the 64-bit product, up.
inline constexpr Fixed one_rounding{.single_rounding = true, .shift = Ties::half_up};
constexpr Requant fixed(const Fixed& rule, Factor factor = Factor::f64) {
  return {.scheme = Rescale::fixed, .factor = factor, .fixed = rule, .narrow = in_int32({})};
}

}  // namespace qsim::shared
