#pragma once
// Plain IEEE float machines: what a graph computes where no engine interferes.

#include <array>

#include "qsim/profile/profile.hpp"

namespace qsim::ieee {

namespace detail {
constexpr Profile make(std::string_view name, Storage storage) {
  Profile p;
  p.name = {name};
  p.float_math.storage = storage;
  p.evidence = Evidence::documented;
  return p;
}
}  // namespace detail

/// float32 throughout; and results stored as binary16, as GPU back ends keep activations.
inline constexpr std::array rows{detail::make("ieee.fp32", Storage::fp32),
                                 detail::make("ieee.fp16", Storage::fp16)};

}  // namespace qsim::ieee
