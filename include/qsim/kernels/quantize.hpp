#pragma once
// Whole arrays of binary32 to int8 by one kernel, in the floating-point environment of a profile.

#include <cstdint>
#include <span>

#include "qsim/kernels/registry.hpp"

namespace qsim::kernels {

/// Whether this processor can be put into `mode`. x86 flushes after rounding and inputs and results
/// apart; Arm flushes before rounding and both together. The sign of a NaN does not reach a code.
bool has_float_mode(const FloatMode& mode);

/// codes[i] = the cast of values[i]; equals emu::quantize with the kernel's Cast in `mode`
/// (conformance test QuantizeKernel). Sets rounding to nearest and the flushes of `mode` for the
/// call and puts back what it found. BadArgument: sizes differ, a limit beyond int8, no quantize
/// kernel. NotSupported: the kernel or `mode` cannot run here.
void quantize(const Kernel& kernel, const FloatMode& mode, std::span<const float> values,
              const QuantizeArgs& args, std::span<std::int8_t> codes, const Cpu& cpu);

}  // namespace qsim::kernels
