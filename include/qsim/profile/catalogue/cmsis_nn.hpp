#pragma once
// CMSIS-NN: int8 and int16 kernels for Cortex-M.
//
// File names cite ARM-software/CMSIS-NN, Include/arm_nnsupportfunctions.h.

#include <array>

#include "qsim/profile/catalogue/shared.hpp"

namespace qsim::cmsis_nn {

namespace detail {

constexpr Arith subtracted(Arith a) {
  a.zero_points = ZeroPoints::subtracted;
  return a;
}

/// arm_nn_requantize, 1568-1710. The high product has no overflow case: -2^31 squared wraps.
constexpr Profile make(std::string_view name, Fixed fixed) {
  fixed.product = Overflow::wrap;
  Profile p;
  p.name = {name};
  p.products.s8s8 = subtracted(arith::exact_i32);
  p.products.s16s8 = subtracted({.acc_bits = 64});
  p.products.s16s16 = subtracted({.acc_bits = 64});
  p.requant = shared::fixed(fixed);
  // arm_nn_requantize_s64, 1722-1732: the multiplier cut to 15 bits.
  p.requant16 = shared::fixed({.bits = 16, .single_rounding = true, .shift = Ties::half_up});
  // arm_avgpool_s8: a truncating division of the sum plus or minus half the count.
  p.average = {
      .scheme = AverageScheme::integer, .ties = Ties::half_away, .narrow = p.requant.narrow};
  p.evidence = Evidence::documented;
  return p;
}

}  // namespace detail

inline constexpr std::array rows{
    detail::make("cmsis-nn.double_rounding", shared::two_roundings),
    detail::make("cmsis-nn.single_rounding", shared::one_rounding),  // CMSIS_NN_USE_SINGLE_ROUNDING
};

}  // namespace qsim::cmsis_nn
