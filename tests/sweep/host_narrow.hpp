#pragma once
// From real numbers to codes on the host's floating point: an independent reading of Narrow.
//
// Reals are the host's binary32. Integers are held in binary64, exact below 2^53, so that one loop
// serves every instruction set. Nothing here calls num/ or emu/.

#include "qsim/emu/narrow.hpp"
#include "qsim/profile/profile.hpp"
#include "sweep/lanes.hpp"

namespace qsim::sweep {

/// A rule with the zero point and the limits of one tensor.
struct Narrowing {
  Narrow rule{};
  std::int32_t zero = 0;
  emu::CodeRange range{};
};

/// t = fl(x * factor) under `mode`, whatever the host's mode can do.
void multiply(const Reals& x, float factor, const FloatMode& mode, Reals& t);
/// t = fl(x / scale).
void divide(const Reals& x, float scale, const FloatMode& mode, Reals& t);
/// t = x * factor + addend with one rounding.
void multiply_add(const Reals& x, float factor, float addend, const FloatMode& mode, Reals& t);
/// t = fl(t + addend), for integral addends: no such sum is subnormal unless t is.
void add(Reals& t, float addend);

/// Codes of binary32 values; spoils t.
void narrow_reals(const Narrowing& how, Reals& t, Codes& out);
/// Codes of binary64 values: rules with integer stages only; spoils v.
void narrow_wides(const Narrowing& how, Wides& v, Codes& out);
/// Codes of integers; spoils v.
void narrow_integers(const Narrowing& how, Wides& v, Codes& out);

}  // namespace qsim::sweep
