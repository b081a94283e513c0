#pragma once
// gemmlowp: uint8 matrix products and fixed-point rescaling.
//
// File names cite google/gemmlowp, fixedpoint/.

#include <array>

#include "qsim/profile/catalogue/shared.hpp"

namespace qsim::gemmlowp {

namespace detail {

constexpr Profile make(std::string_view name, Overflow product) {
  Profile p;
  p.name = {name};
  p.products.u8u8 = shared::exact_u8;
  p.requant = shared::fixed({.product = product});
  p.evidence = Evidence::documented;
  return p;
}

}  // namespace detail

/// The scalar and the NEON form agree: the latter mends its shift, fixedpoint_neon.h 280-309.
inline constexpr std::array rows{
    detail::make("gemmlowp", Overflow::saturate),
    // fixedpoint_sse.h 321-356 selects the minimum for (-2^31)*(-2^31).
    detail::make("gemmlowp.sse4", Overflow::wrap),
};

}  // namespace qsim::gemmlowp
