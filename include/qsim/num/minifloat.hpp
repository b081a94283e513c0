#pragma once
// Small number formats by their bit patterns: floats of up to 16 bits, integers of 4 and 2 bits.

#include <cstddef>
#include <cstdint>
#include <span>

#include "qsim/num/f32.hpp"

namespace qsim {

/// Which codes of a float format are not numbers. A code without its sign bit is its magnitude.
enum class NonFinite : std::uint8_t {
  infinity_and_nan,   ///< IEEE 754: in the top exponent the first is infinity, the others NaN
  all_ones_nan,       ///< "FN": the largest magnitude is NaN, there is no infinity
  negative_zero_nan,  ///< "FNUZ": the code of -0 is the only NaN; neither infinity nor -0
  none,               ///< every code is a number
};

/// Where a number between two codes goes; signs are set aside first. ONNX's names for the last
/// three (for e8m0): nearest, down, up.
enum class Rounding : std::uint8_t { half_even, half_away, toward_zero, away_from_zero };

/// A float format as data: sign, exponent and mantissa from the top. Values fit binary32.
struct Minifloat {
  std::uint8_t exponent_bits = 8;
  std::uint8_t mantissa_bits = 23;
  std::int16_t bias = 127;
  NonFinite non_finite = NonFinite::infinity_and_nan;
  std::uint32_t nan = 0;      ///< the code of a positive NaN; where no code is NaN, what it becomes
  bool nan_payload = false;   ///< NaN keeps the top mantissa bits and is made quiet (IEEE 754)
  bool is_signed = true;
  bool has_zero = true;       ///< exponent 0 holds zero and the subnormals, else one more binade
  bool saturates = false;     ///< by custom (ONNX Cast): beyond the largest number stays there
  Rounding rounding = Rounding::half_even;  ///< by custom (ONNX Cast)
  friend constexpr bool operator==(const Minifloat&, const Minifloat&) = default;
};

/// A two's complement or unsigned integer of at most 8 bits.
struct SmallInt {
  std::uint8_t bits = 8;
  bool is_signed = true;
  friend constexpr bool operator==(const SmallInt&, const SmallInt&) = default;
};

}  // namespace qsim

namespace qsim::num {

// --- the formats ---------------------------------------------------------------------------------
// OCP 8-bit Floating Point 1.0 (e4m3, e5m2), OCP Microscaling 1.0 (e2m1, e8m0), ONNX "float stored
// in 8 bits" (FNUZ). Codes of NaN as ONNX's Cast writes them.

inline constexpr Minifloat fp32{.nan = 0x7fc00000, .nan_payload = true};
inline constexpr Minifloat fp16{5, 10, 15, NonFinite::infinity_and_nan, 0x7e00, true};
inline constexpr Minifloat bf16{8, 7, 127, NonFinite::infinity_and_nan, 0x7fc0, true};
inline constexpr Minifloat fp8_e4m3fn{.exponent_bits = 4,
                                      .mantissa_bits = 3,
                                      .bias = 7,
                                      .non_finite = NonFinite::all_ones_nan,
                                      .nan = 0x7f,
                                      .saturates = true};
inline constexpr Minifloat fp8_e4m3fnuz{.exponent_bits = 4,
                                        .mantissa_bits = 3,
                                        .bias = 8,  // not 7: without infinity, one binade lower
                                        .non_finite = NonFinite::negative_zero_nan,
                                        .nan = 0x80,
                                        .saturates = true};
inline constexpr Minifloat fp8_e5m2{.exponent_bits = 5,
                                    .mantissa_bits = 2,
                                    .bias = 15,
                                    .non_finite = NonFinite::infinity_and_nan,
                                    .nan = 0x7e,
                                    .saturates = true};
inline constexpr Minifloat fp8_e5m2fnuz{.exponent_bits = 5,
                                        .mantissa_bits = 2,
                                        .bias = 16,
                                        .non_finite = NonFinite::negative_zero_nan,
                                        .nan = 0x80,
                                        .saturates = true};
inline constexpr Minifloat fp4_e2m1{.exponent_bits = 2,
                                    .mantissa_bits = 1,
                                    .bias = 1,
                                    .non_finite = NonFinite::none,
                                    .nan = 0x8,  // -0
                                    .saturates = true};
// From 2^-127 to 2^-126 the reference code of ONNX 1.23 and ml_dtypes 0.6 err: they take 2^-127
// itself (up) or 1.25 * 2^-127 (nearest) to 2^-126. This row follows the definition there too.
inline constexpr Minifloat fp8_e8m0{.exponent_bits = 8,
                                    .mantissa_bits = 0,
                                    .bias = 127,
                                    .non_finite = NonFinite::all_ones_nan,
                                    .nan = 0xff,
                                    .is_signed = false,
                                    .has_zero = false,
                                    .saturates = true,
                                    .rounding = Rounding::away_from_zero};
inline constexpr SmallInt int4{4, true};
inline constexpr SmallInt uint4{4, false};
inline constexpr SmallInt int2{2, true};
inline constexpr SmallInt uint2{2, false};

constexpr int width(const Minifloat& f) {
  return f.exponent_bits + f.mantissa_bits + (f.is_signed ? 1 : 0);
}
/// The sign bit of a code; 0 without a sign.
constexpr std::uint32_t sign_mask(const Minifloat& f) {
  return f.is_signed ? std::uint32_t{1} << (f.exponent_bits + f.mantissa_bits) : 0;
}
/// The code of the largest number.
constexpr std::uint32_t largest(const Minifloat& f) {
  const std::uint32_t all = (std::uint32_t{1} << (f.exponent_bits + f.mantissa_bits)) - 1;
  switch (f.non_finite) {
    case NonFinite::infinity_and_nan: return all - (std::uint32_t{1} << f.mantissa_bits);
    case NonFinite::all_ones_nan: return all - 1;
    case NonFinite::negative_zero_nan:
    case NonFinite::none: return all;
  }
  return all;
}

/// A row that encode() and decode() understand.
constexpr bool valid(const Minifloat& f) {
  const int lowest = (f.has_zero ? 1 : 0) - f.bias - f.mantissa_bits;  // exponent of the last place
  const int top = static_cast<int>(largest(f) >> f.mantissa_bits) - f.bias;
  const bool fits = f.mantissa_bits <= 23 && lowest >= -149 && top <= 127;
  const bool sign = f.is_signed || f.non_finite != NonFinite::negative_zero_nan;
  return f.exponent_bits >= 1 && f.exponent_bits <= 8 && fits && sign &&
         std::uint64_t{f.nan} >> width(f) == 0 &&
         (!f.nan_payload || f.non_finite == NonFinite::infinity_and_nan);
}
static_assert(valid(fp32) && valid(fp16) && valid(bf16) && valid(fp4_e2m1) && valid(fp8_e8m0));
static_assert(valid(fp8_e4m3fn) && valid(fp8_e4m3fnuz) && valid(fp8_e5m2) && valid(fp8_e5m2fnuz));

namespace detail {

/// v / 2^shift rounded. 0 <= shift <= 63, v < 2^63.
constexpr std::uint64_t round_shift(std::uint64_t v, int shift, Rounding rounding) {
  if (shift == 0) return v;
  const std::uint64_t q = v >> shift;
  const std::uint64_t rest = v & ((std::uint64_t{1} << shift) - 1);
  const std::uint64_t half = std::uint64_t{1} << (shift - 1);
  switch (rounding) {
    case Rounding::half_even: return q + (rest + (q & 1) > half ? 1 : 0);
    case Rounding::half_away: return q + (rest >= half ? 1 : 0);
    case Rounding::toward_zero: return q;
    case Rounding::away_from_zero: return q + (rest != 0 ? 1 : 0);
  }
  return q;
}

/// The binary64 pattern of the same value; NaN keeps its payload at the top.
constexpr std::uint64_t binary64_bits(F32 x) {
  const std::uint64_t sign_bit = static_cast<std::uint64_t>(x.bits >> 31) << 63;
  const std::uint64_t m = magnitude(x);
  if (m >= 0x7f800000u) return sign_bit | std::uint64_t{0x7ff} << 52 | (m & 0x7fffffu) << 29;
  if (m >= 0x00800000u) return sign_bit | ((m << 29) + (std::uint64_t{1023 - 127} << 52));
  if (m == 0) return sign_bit;
  const int top = msb(m);  // subnormal: the value is m * 2^-149
  return sign_bit |
         ((static_cast<std::uint64_t>(top - 149 + 1022) << 52) + (m << (52 - top)));
}

/// Magnitude of a finite binary64 pattern `a` >= 0 as if the exponent field had no ends: above
/// largest() it is out of range, below 0 there is no such power of two.
constexpr std::int64_t round_magnitude(const Minifloat& f, std::uint64_t a, Rounding rounding) {
  const int drop = 52 - f.mantissa_bits;
  const int below = f.has_zero ? 1024 - f.bias - static_cast<int>(a >> 52) : 0;
  if (below <= 0) {  // exponent and mantissa round as one integer: a carry moves to the next binade
    const std::int64_t rebias = std::int64_t{1023 - f.bias} << f.mantissa_bits;
    return static_cast<std::int64_t>(round_shift(a, drop, rounding)) - rebias;
  }
  const std::uint64_t hidden = a >> 52 == 0 ? 0 : std::uint64_t{1} << 52;
  const std::uint64_t significand = hidden | (a & ((std::uint64_t{1} << 52) - 1));
  const int shift = drop + below > 63 ? 63 : drop + below;  // beyond 53 only "is it zero" matters
  return static_cast<std::int64_t>(round_shift(significand, shift, rounding));
}

constexpr std::uint32_t encode_nan(const Minifloat& f, bool negative, std::uint64_t a) {
  const bool has_sign = f.is_signed && (f.non_finite == NonFinite::infinity_and_nan ||
                                        f.non_finite == NonFinite::all_ones_nan);
  const std::uint32_t sign_bit = negative && has_sign ? sign_mask(f) : 0;
  if (!f.nan_payload) return sign_bit | f.nan;
  const std::uint64_t fraction = a & ((std::uint64_t{1} << 52) - 1);
  return sign_bit | f.nan | static_cast<std::uint32_t>(fraction >> (52 - f.mantissa_bits));
}

}  // namespace detail

// --- from and to codes ---------------------------------------------------------------------------

/// The code of the binary64 value with pattern `x`, rounded once.
/// The rounded number is out of range if it would need a larger exponent field, or a code that is
/// not a number. Out of range, infinities included, is the largest number if `saturate`, else
/// infinity if the format has one, else NaN, else the largest number. Without has_zero, zero and
/// what is rounded below the smallest number is the smallest number if `saturate`, else NaN.
/// Unsigned formats answer NaN to negative numbers and take -0 for 0.
constexpr std::uint32_t encode_binary64(const Minifloat& f, std::uint64_t x, bool saturate,
                                        Rounding rounding) {
  const bool negative = x >> 63 != 0;
  const std::uint64_t a = x & ((std::uint64_t{1} << 63) - 1);
  constexpr std::uint64_t infinity = std::uint64_t{0x7ff} << 52;
  if (a > infinity) return detail::encode_nan(f, negative, a);
  if (negative && !f.is_signed && a != 0) return f.nan;
  const std::uint32_t sign_bit = negative ? sign_mask(f) : 0;
  const std::int64_t top = largest(f);
  const std::int64_t m = a == infinity ? top + 1 : detail::round_magnitude(f, a, rounding);
  if (m < 0) return saturate ? 0 : f.nan;
  if (m <= top) {
    if (m == 0 && f.non_finite == NonFinite::negative_zero_nan) return 0;
    return sign_bit | static_cast<std::uint32_t>(m);
  }
  if (saturate) return sign_bit | largest(f);
  switch (f.non_finite) {
    case NonFinite::infinity_and_nan: return sign_bit | (largest(f) + 1);
    case NonFinite::all_ones_nan: return sign_bit | f.nan;
    case NonFinite::negative_zero_nan: return f.nan;
    case NonFinite::none: break;
  }
  return sign_bit | largest(f);
}
constexpr std::uint32_t encode_binary64(const Minifloat& f, std::uint64_t x) {
  return encode_binary64(f, x, f.saturates, f.rounding);
}

/// The code of x; see encode_binary64.
constexpr std::uint32_t encode(const Minifloat& f, F32 x, bool saturate, Rounding rounding) {
  return encode_binary64(f, detail::binary64_bits(x), saturate, rounding);
}
constexpr std::uint32_t encode(const Minifloat& f, F32 x, bool saturate) {
  return encode(f, x, saturate, f.rounding);
}
constexpr std::uint32_t encode(const Minifloat& f, F32 x) { return encode(f, x, f.saturates); }

constexpr bool is_nan(const Minifloat& f, std::uint32_t code) {
  const std::uint32_t m = code & ~sign_mask(f);
  switch (f.non_finite) {
    case NonFinite::infinity_and_nan: return m > largest(f) + 1;
    case NonFinite::all_ones_nan: return m > largest(f);
    case NonFinite::negative_zero_nan: return code == sign_mask(f);
    case NonFinite::none: break;
  }
  return false;
}
constexpr bool is_inf(const Minifloat& f, std::uint32_t code) {
  return f.non_finite == NonFinite::infinity_and_nan && (code & ~sign_mask(f)) == largest(f) + 1;
}

/// The value of a code, exactly. code < 2^width(f). A NaN is quiet and keeps the code's sign.
constexpr F32 decode(const Minifloat& f, std::uint32_t code) {
  const bool negative = (code & sign_mask(f)) != 0;
  const std::uint32_t sign_bit = negative ? 0x80000000u : 0u;
  const std::uint32_t m = code & ~sign_mask(f);
  if (is_inf(f, code)) return {sign_bit | f32_infinity.bits};
  const std::uint32_t fraction = m & ((std::uint32_t{1} << f.mantissa_bits) - 1);
  if (is_nan(f, code)) {
    const std::uint32_t payload = f.nan_payload ? fraction << (23 - f.mantissa_bits) : 0;
    return {sign_bit | f32_nan.bits | payload};
  }
  const int field = static_cast<int>(m >> f.mantissa_bits);
  if (field == 0 && f.has_zero)
    return detail::round_pack(negative, 1 - f.bias - f.mantissa_bits, fraction, {});
  const std::uint64_t significand = fraction | std::uint64_t{1} << f.mantissa_bits;
  return detail::round_pack(negative, field - f.bias - f.mantissa_bits, significand, {});
}

static_assert(decode(fp8_e4m3fn, 0x7e) == F32{0x43e00000u});         // 448
static_assert(encode(fp8_e4m3fn, F32{0x43e80000u}, false) == 0x7e);  // 464 ties to even: 448
static_assert(encode(fp8_e4m3fn, F32{0x43e80001u}, false) == 0x7f);  // NaN
static_assert(encode(fp8_e5m2, F32{0x47700000u}, false) == 0x7c);    // 61440 ties to 65536: inf
static_assert(encode(fp8_e5m2fnuz, F32{0x80000000u}) == 0x00);       // -0 has no code
static_assert(encode(fp8_e8m0, F32{0x3f800001u}) == 0x80);           // up to 2
static_assert(decode(fp8_e8m0, 0) == F32{0x00400000u});              // 2^-127
static_assert(encode(bf16, F32{0x3f808000u}) == 0x3f80);             // ties to even
static_assert(encode_binary64(fp16, 0x3ff0020000001000u) == 0x3c01);  // in two steps 0x3c00

// --- integers of 4 and 2 bits --------------------------------------------------------------------

constexpr std::int32_t lowest(const SmallInt& f) {
  return f.is_signed ? -(std::int32_t{1} << (f.bits - 1)) : 0;
}
constexpr std::int32_t highest(const SmallInt& f) {
  return lowest(f) + (std::int32_t{1} << f.bits) - 1;
}

/// The integer of a code. code < 2^bits.
constexpr std::int32_t decode(const SmallInt& f, std::uint32_t code) {
  const std::int32_t v = static_cast<std::int32_t>(code);
  return v > highest(f) ? v - (std::int32_t{1} << f.bits) : v;
}

/// The code of finite binary64 `x` made an integer by `rounding`; out of range it is the nearest
/// end if `saturate`, else it keeps its low bits. ONNX's Cast truncates and keeps low bits.
constexpr std::uint32_t encode_binary64(const SmallInt& f, std::uint64_t x, bool saturate = false,
                                        Rounding rounding = Rounding::toward_zero) {
  const bool negative = x >> 63 != 0;
  const int field = static_cast<int>((x >> 52) & 0x7ffu);
  const std::uint64_t fraction = x & ((std::uint64_t{1} << 52) - 1);
  const std::uint64_t significand = field == 0 ? fraction : fraction | std::uint64_t{1} << 52;
  const int drop = 1075 - field;  // value = significand / 2^drop
  constexpr std::int64_t beyond = 256;  // its low 8 bits are zero, and no SmallInt reaches it
  std::int64_t v = beyond;
  if (drop > 0) {
    const int shift = drop > 63 ? 63 : drop;
    v = static_cast<std::int64_t>(detail::round_shift(significand, shift, rounding));
  } else if (drop > -8) {
    v = static_cast<std::int64_t>(significand << -drop);
  }
  if (negative) v = -v;
  if (saturate) v = clamp(v, lowest(f), highest(f));
  return static_cast<std::uint32_t>(v) & ((std::uint32_t{1} << f.bits) - 1);
}
constexpr std::uint32_t encode(const SmallInt& f, F32 x, bool saturate = false,
                               Rounding rounding = Rounding::toward_zero) {
  return encode_binary64(f, detail::binary64_bits(x), saturate, rounding);
}

// --- packing -------------------------------------------------------------------------------------

/// Bytes that hold `count` codes of `bits`, one of 1, 2, 4 and 8.
constexpr std::size_t packed_size(std::size_t count, int bits) {
  const std::size_t per_byte = static_cast<std::size_t>(8 / bits);
  return count / per_byte + (count % per_byte != 0 ? 1 : 0);
}

/// Codes to bytes, lowest bits first: code i of a byte is at bit i * bits, unused bits are zero.
/// codes[i] < 2^bits; `bytes` has packed_size() of them.
constexpr void pack(std::span<const std::uint8_t> codes, int bits, std::span<std::uint8_t> bytes) {
  const std::size_t per_byte = static_cast<std::size_t>(8 / bits);
  for (std::uint8_t& byte : bytes) byte = 0;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const int at = static_cast<int>(i % per_byte) * bits;
    std::uint8_t& byte = bytes[i / per_byte];
    byte = static_cast<std::uint8_t>(byte | codes[i] << at);
  }
}

/// The first codes.size() codes of `bytes`.
constexpr void unpack(std::span<const std::uint8_t> bytes, int bits,
                      std::span<std::uint8_t> codes) {
  const std::size_t per_byte = static_cast<std::size_t>(8 / bits);
  const int mask = (1 << bits) - 1;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const int at = static_cast<int>(i % per_byte) * bits;
    codes[i] = static_cast<std::uint8_t>(bytes[i / per_byte] >> at & mask);
  }
}

// --- rounding through binary16 -------------------------------------------------------------------

/// x rounded to binary16 (nearest even) and widened back. Beyond 65519.99 the answer is inf.
/// decode(fp16, encode(fp16, x)) except that NaN passes untouched.
constexpr F32 through_f16(F32 x) {
  if (!is_finite(x) || is_zero(x)) return x;
  const detail::Parts p = detail::unpack(x);
  const int top = p.exponent + detail::msb(p.significand);
  const int unit = top - 10 > -24 ? top - 10 : -24;  // exponent of binary16's last place
  const int shift = unit - p.exponent;
  const std::uint32_t sign_bit = x.bits & 0x80000000u;
  if (shift <= 0) return top > 15 ? F32{sign_bit | 0x7f800000u} : x;
  const std::uint64_t m = detail::round_even(p.significand, shift);
  const F32 y = detail::round_pack(p.negative, unit, m, {});
  return magnitude(y) >= 0x47800000u ? F32{sign_bit | 0x7f800000u} : y;  // 65536
}

static_assert(through_f16(F32{0x477fe000u}) == F32{0x477fe000u});  // 65504
static_assert(through_f16(F32{0x477ff000u}) == F32{0x7f800000u});  // 65520 ties to 65536
static_assert(through_f16(F32{0x33000000u}) == F32{0x00000000u});  // 2^-25 ties to 0

}  // namespace qsim::num
