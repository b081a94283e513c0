#pragma once
// ncnn, int8: int8 products exact, rescaling by way of real values.
//
// File names cite Tencent/ncnn, src/layer/. Scales are the engine's own: codes per real unit. Codes
// stop at -127: pass low = -127. Live: the Requantize layer of 1.0.20261020. With a relu the Arm
// build folds it and the output scale into one factor: not in these rows.

#include <array>

#include "qsim/profile/catalogue/shared.hpp"

namespace qsim::ncnn {

namespace detail {

/// x86/x86_usability.h 287-305: trunc(t +- 0.5); NaN and overflow become INT_MIN, so -127.
inline constexpr Narrow x86_narrow{.convert = shared::with_ties(shared::x86_even, Ties::add_half)};
/// arm/arm_usability.h 31-45: fcvtas; ARMv7 adds +-0.5 and truncates.
inline constexpr Narrow arm64_narrow{.convert =
                                         shared::with_ties(shared::arm_even, Ties::half_away)};
inline constexpr Narrow armv7_narrow{.convert =
                                         shared::with_ties(shared::arm_even, Ties::add_half)};

constexpr Profile make(std::string_view name, const Narrow& narrow, bool fused, Evidence evidence) {
  Profile p;
  p.name = {name};
  p.products.s8s8 = arith::exact_i32;
  p.requant = {.scheme = Rescale::real,
               .bias = RealBias::real,
               .fused = fused,
               .codes_per_unit = true,
               .narrow = narrow};
  p.evidence = evidence;
  return p;
}

}  // namespace detail

inline constexpr std::array rows{
    detail::make("ncnn.x64", detail::x86_narrow, false, Evidence::emulated),
    detail::make("ncnn.x64.fma", detail::x86_narrow, true, Evidence::silicon),
    detail::make("ncnn.arm64", detail::arm64_narrow, true, Evidence::emulated),
    detail::make("ncnn.armv7", detail::armv7_narrow, false, Evidence::documented),  // vmla
};

}  // namespace qsim::ncnn
