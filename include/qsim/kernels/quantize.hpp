#pragma once
// Whole arrays of binary32 to int8 by one kernel, in the floating-point environment of a profile.

#include <cstdint>
#include <span>

#include "qsim/kernels/registry.hpp"

namespace qsim::kernels {

/// codes[i] = the cast of values[i]; equals emu::quantize with the kernel's Cast in `mode`
/// (conformance test QuantizeKernel). Rounds to nearest and flushes inputs as `mode` says for the
/// time of the call, then puts back what it found. BadArgument: sizes differ, a limit beyond int8,
/// no quantize kernel. NotSupported: the kernel cannot run here.
void quantize(const Kernel& kernel, const FloatMode& mode, std::span<const float> values,
              const QuantizeArgs& args, std::span<std::int8_t> codes, const Cpu& cpu);

}  // namespace qsim::kernels
