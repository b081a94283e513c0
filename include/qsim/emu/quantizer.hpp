#pragma once
// From real numbers to codes by a row's quantizer, one value at a time.

#include <cstdint>
#include <string_view>

#include "qsim/base/check.hpp"
#include "qsim/emu/cast.hpp"
#include "qsim/emu/log2.hpp"
#include "qsim/emu/narrow.hpp"
#include "qsim/num/f32.hpp"
#include "qsim/num/f64.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::emu {

/// Throws NotSupported: the row leaves `field` at none, so `operation` has no rule.
[[noreturn]] inline void refuse(const Profile& profile, std::string_view operation,
                                std::string_view field) {
  fail<NotSupported>("profile: ", profile.name.view(), " has no rule for ", operation, " (field ",
                     field, " is none); choose another profile or set the field with "
                     "Profile.replace_fields");
}

namespace detail {

/// Division by one number, many times: the same bits as num::div without dividing.
class Divisor {
 public:
  constexpr Divisor() = default;
  constexpr explicit Divisor(F32 value) : value_(value) {
    const std::uint32_t field = num::magnitude(value) >> 23;
    quick_ = field != 0 && field != 255;
    if (!quick_) return;
    field_ = static_cast<std::int32_t>(field);
    significand_ = (value.bits & 0x007fffffu) | 0x00800000u;
    inverse_ = (std::uint64_t{1} << 62) / significand_;
  }

  constexpr F32 quotient(F32 x, const FloatMode& mode) const {
    const std::int32_t field_x = static_cast<std::int32_t>(num::magnitude(x) >> 23);
    const std::uint64_t significand_x = (x.bits & 0x007fffffu) | 0x00800000u;
    // q = floor(2^26 * x / value) of the significands: the inverse gives it or one less.
    std::uint64_t q = (significand_x * inverse_) >> 36;
    std::uint64_t rest = (significand_x << 26) - q * significand_;
    if (rest >= significand_) {
      ++q;
      rest -= significand_;
    }
    const int drop = 2 + static_cast<int>(q >> 26);  // q has 26 or 27 bits
    const std::int32_t field = field_x - field_ + 124 + drop;
    if (!quick_ || field_x == 0 || field_x == 255 || field < 1 || field > 253)
      return num::div(x, value_, mode);
    const std::uint64_t m = q >> drop;
    const std::uint64_t low = (q << 1 | (rest != 0 ? 1u : 0u)) & ((std::uint64_t{2} << drop) - 1);
    const std::uint64_t half = std::uint64_t{1} << drop;
    const std::uint64_t up = low > half || (low == half && (m & 1) != 0) ? 1 : 0;
    const std::uint32_t packed = (static_cast<std::uint32_t>(field - 1) << 23) +
                                 static_cast<std::uint32_t>(m + up);
    return {packed | ((x.bits ^ value_.bits) & 0x80000000u)};
  }

 private:
  F32 value_{};
  bool quick_ = false;
  std::int32_t field_ = 0;
  std::uint64_t significand_ = 1;
  std::uint64_t inverse_ = 0;
};

}  // namespace detail

/// A quantizer with one scale, zero point and range, ready for many values.
struct PreparedQuantizer {
  Scaling scaling = Scaling::none;
  Narrow narrow{};
  FloatMode mode{};
  bool fused = false;       ///< engine, reciprocal: the zero point joins by fma
  F32 factor{};             ///< what x is multiplied by
  F32 scale{};
  std::int32_t zero = 0;
  std::int32_t origin = 0;  ///< of logarithmic codes
  CodeRange range{};
  detail::Divisor divisor{};
  bool direct = false;      ///< below 2^14, narrowing is rounding, + zero, limits
  bool saturates = false;   ///< and from 2^14 on it is the nearer limit
  std::int32_t low = 0, high = 0;
};

namespace detail {

/// Below this magnitude (2^14) a direct quantizer needs no word limits.
inline constexpr std::uint32_t direct_magnitude = 0x46800000u;

/// Whether all stages but rounding, zero point and limits are without effect on |t| < 2^14.
constexpr bool is_direct(const PreparedQuantizer& q) {
  const CodeRange& r = q.range;
  const bool ordered = r.type_low <= r.low && r.low <= r.high && r.high <= r.type_high;
  const bool in_words = q.zero >= -8192 && q.zero <= 8192 && q.narrow.offset >= -8192 &&
                        q.narrow.offset <= 8192;
  const bool integral = q.narrow.zero != ZeroStage::included && q.narrow.zero != ZeroStage::real;
  return ordered && in_words && integral;
}

constexpr std::int32_t narrowed(const PreparedQuantizer& q, F32 t) {
  if (q.direct && num::magnitude(t) < direct_magnitude) {
    const std::int64_t v = num::round_to_int(t, q.narrow.convert.ties) + q.zero;
    return static_cast<std::int32_t>(num::clamp(v, q.low, q.high));
  }
  if (q.saturates && !num::is_nan(t)) return num::sign(t) ? q.low : q.high;
  return narrow_real(t, q.zero, q.range, q.narrow, q.mode);
}

constexpr std::int32_t engine_code(const PreparedQuantizer& q, F32 x) {
  const F32 z = num::from_int(q.zero);
  const F32 t = q.fused ? num::fma(x, q.factor, z, q.mode)
                        : num::add(num::mul(x, q.factor, q.mode), z, q.mode);
  return narrow_real(t, 0, q.range, q.narrow);
}

}  // namespace detail

/// The quantizer `rule` of a profile for one scale, zero point and range. NotSupported if the
/// profile has none, or none for such codes; `operation` and `field` name it in the message.
inline PreparedQuantizer prepare_quantizer(const Profile& profile, const Quantizer& rule, F32 scale,
                                           std::int32_t zero, const CodeRange& range,
                                           std::string_view operation = "quantize",
                                           std::string_view field = "quantize.vector.scaling") {
  PreparedQuantizer q;
  q.scaling = rule.scaling;
  q.narrow = rule.narrow;
  q.mode = profile.float_mode;
  q.scale = scale;
  q.zero = zero;
  q.range = range;
  const bool bytes = range.type_low >= -128 && range.type_high <= 255;
  switch (rule.scaling) {
    case Scaling::none: refuse(profile, operation, field);
    case Scaling::engine:
      if (range.type_low != -128 || range.type_high != 127)
        fail<NotSupported>("dtype: profile ", profile.name.view(), " quantizes to int8 only; use "
                           "dtype=\"int8\" or another profile");
      q.factor = cast_multiplier(scale, q.mode);
      q.fused = profile.cast.fused_multiply_add;
      q.narrow = profile.cast.narrow;
      return q;
    case Scaling::divide: q.divisor = detail::Divisor(scale); break;
    case Scaling::reciprocal:
      q.factor = num::div(num::f32_one, scale, q.mode);
      q.fused = rule.fused;
      if (q.fused) q.narrow.zero = ZeroStage::included;
      break;
    case Scaling::divide_f64: {
      const Narrow& n = rule.narrow;
      if (n.cap != RealCap::none || detail::joins_real(n.zero) || n.clamp == ClampStage::real ||
          n.clamp == ClampStage::real_high)
        fail<BadArgument>("profile: expected ", field, " divide_f64 to narrow as an integer, got a "
                          "cap, zero point or limit in binary32");
      return q;
    }
    case Scaling::log2_16:
      if (!bytes || range.type_high - range.type_low != 255)
        fail<NotSupported>("dtype: profile ", profile.name.view(), " has 8-bit logarithmic codes; "
                           "use dtype=\"uint8\" for the bytes, or \"int8\"");
      if (zero != 0)
        fail<BadArgument>("zero_point: expected 0 for logarithmic codes, got ", zero,
                          "; their origin is the scale");
      q.origin = log2_origin(scale);
      return q;
  }
  q.direct = detail::is_direct(q);
  const bool limited = !range.skip && rule.narrow.clamp != ClampStage::none;
  q.low = limited ? range.low : range.type_low;
  q.high = limited ? range.high : range.type_high;
  q.saturates = q.direct && limited && rule.narrow.clamp == ClampStage::real &&
                q.low - zero > -16384 && q.high - zero < 16384;
  return q;
}

/// The code of x. Logarithmic codes are bytes: as int8 their upper half is negative. Equation
/// (A.24).
constexpr std::int32_t code_of(const PreparedQuantizer& q, F32 x) {
  switch (q.scaling) {
    case Scaling::none: break;
    case Scaling::engine: return detail::engine_code(q, x);
    case Scaling::divide: return detail::narrowed(q, q.divisor.quotient(x, q.mode));
    case Scaling::reciprocal:
      return detail::narrowed(q, q.fused ? num::fma(x, q.factor, num::from_int(q.zero), q.mode)
                                         : num::mul(x, q.factor, q.mode));
    case Scaling::divide_f64: {
      const F64 t = num::quotient(num::widen(x), q.scale);
      const ClampStage stage = q.range.skip ? ClampStage::none : q.narrow.clamp;
      return detail::pack(num::to_int32(t, q.narrow.convert), q.zero, q.range, q.narrow, stage);
    }
    case Scaling::log2_16: {
      const std::int32_t byte = log2_encode(x, q.origin);
      return byte > q.range.type_high ? byte - 256 : byte;
    }
  }
  QSIM_ASSERT(false);
  return 0;
}

/// The code of x by the quantizer `rule` of a profile.
inline std::int32_t quantize_value(const Profile& profile, const Quantizer& rule, F32 x, F32 scale,
                                   std::int32_t zero, const CodeRange& range) {
  return code_of(prepare_quantizer(profile, rule, scale, zero, range), x);
}

/// The real value of a code: fl(fl(q - zero) * scale), the difference in 32 bits, or that of a
/// logarithmic code. Equation (A.24).
constexpr F32 real_of(const Profile& profile, std::int32_t q, F32 scale, std::int32_t zero) {
  if (profile.quantize.vector.scaling == Scaling::log2_16)
    return log2_decode(q & 0xff, log2_origin(scale));
  const std::int64_t difference = num::wrap(std::int64_t{q} - zero, 32);
  return num::mul(num::from_int(difference), scale, profile.float_mode);
}

/// The same with the zero point as a constant, fl(fl(q*scale) + fl(-zero*scale)) or fma(q, scale,
/// fl(-zero*scale)): what `dequantize.folded` says of whole groups.
constexpr F32 folded_real_of(const Profile& profile, std::int32_t q, F32 scale,
                             std::int32_t zero) {
  const FloatMode& mode = profile.float_mode;
  const F32 constant = num::mul(num::from_int(-std::int64_t{zero}), scale, mode);
  const F32 code = num::from_int(q);
  if (profile.dequantize.fused) return num::fma(code, scale, constant, mode);
  return num::add(num::mul(code, scale, mode), constant, mode);
}

}  // namespace qsim::emu
