#pragma once
// Functions of one 8-bit code by a table of 256 entries.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "qsim/base/check.hpp"
#include "qsim/emu/eltwise.hpp"
#include "qsim/emu/quantizer.hpp"
#include "qsim/num/elementary.hpp"
#include "qsim/num/f32.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::emu {

/// Functions that tables are made of.
enum class Function : std::uint8_t { identity, sigmoid, tanh, leaky_relu };

/// 256 values in the order of the codes: -128..127 or 0..255.
using RealTable = std::array<F32, 256>;
using CodeTable = std::array<std::int32_t, 256>;

namespace detail {
/// fl(1 / fl(1 + fl(e^-x))).
constexpr F32 sigmoid(F32 x, const FloatMode& mode) {
  return num::div(num::f32_one, num::add(num::f32_one, num::exp_f32(num::negate(x)), mode), mode);
}
}  // namespace detail

/// f of the real value of every code, fl(scale*(q - zero)). The exponential of a sigmoid, and tanh,
/// are correctly rounded: where an engine calls a C library, that may differ in the last bit.
inline RealTable real_table(const Profile& profile, Function f, const Scaled& in,
                            const CodeRange& codes, F32 slope = {}) {
  const FloatMode& mode = profile.float_mode;
  RealTable table;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const std::int64_t d = codes.type_low + static_cast<std::int64_t>(i) - in.zero;
    const F32 x = num::mul(in.scale, num::from_int(d), mode);
    switch (f) {
      case Function::identity: table[i] = x; break;
      case Function::sigmoid: table[i] = detail::sigmoid(x, mode); break;
      case Function::tanh: table[i] = num::tanh_f32(x); break;
      case Function::leaky_relu:
        table[i] = num::less(x, num::f32_zero) ? num::mul(slope, x, mode) : x;
        break;
    }
  }
  return table;
}

/// The codes of a table's real values by the row. Equation (A.29). NotSupported without tables.
inline CodeTable code_table(const Profile& profile, const RealTable& reals, const Scaled& out,
                            const CodeRange& range) {
  const FloatMode& mode = profile.float_mode;
  CodeTable codes{};
  switch (profile.table.scheme) {
    case TableScheme::none: refuse(profile, "lut", "table.scheme");
    case TableScheme::quantized: {
      const PreparedQuantizer q =
          prepare_quantizer(profile, profile.quantize.vector, out.scale, out.zero, range);
      for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = code_of(q, reals[i]);
      break;
    }
    case TableScheme::reciprocal: {
      const F32 inverse = num::div(num::f32_one, out.scale, mode);
      Convert truncate = profile.quantize.vector.narrow.convert;
      truncate.ties = Ties::toward_zero;
      for (std::size_t i = 0; i < codes.size(); ++i) {
        const F32 r = detail::integral(num::mul(reals[i], inverse, mode), Ties::half_away);
        const F32 t = num::add(r, num::from_int(out.zero), mode);
        codes[i] = static_cast<std::int32_t>(
            num::clamp(num::to_int32(t, truncate), range.low, range.high));
      }
      break;
    }
  }
  return codes;
}

}  // namespace qsim::emu
