#pragma once
// Quantization parameters of tensors as models store them, and where they came from.

#include <string>

#include "qsim/num/f32.hpp"

namespace qsim {

/// Quantization info of a tensor as a model stores it. All four are binary32 and may be non-finite.
struct QInfo {
  F32 scale{};
  F32 zero{};
  F32 low{0xc2fe0000u};   ///< -127
  F32 high{0x42fe0000u};  ///< +127
  friend constexpr bool operator==(const QInfo&, const QInfo&) = default;
};

/// Stored quantization info with its provenance.
struct Describe {
  QInfo info;
  std::string recipe;  ///< name of the recipe that decided it; empty when a file carried it
  int batch = -1;      ///< calibration batch that first made it zero-range or non-finite; -1: none
  std::string reason;  ///< what happened in that batch, in words
};

}  // namespace qsim
