#pragma once
// The 8-bit logarithmic codes of HiSilicon's NNIE: a sign bit and 16*log2|x| above an origin.
//
// Origin z and magnitude k = 0..127 stand for +-2^((k + z)/16), z = round(16*log2(c)) - 127 for the
// largest magnitude c. Negative numbers start at k = 1: the byte 0x80 would be "-0" and is 0.

#include <array>
#include <cstdint>

#include "qsim/base/check.hpp"
#include "qsim/num/f32.hpp"
#include "qsim/num/fit.hpp"

namespace qsim::emu {

/// The byte of 0.
inline constexpr std::int32_t log2_zero = 0x80;

namespace detail {

/// ceil(2^(23 + j/32)): the least mantissa whose 32*log2 is at least j.
inline constexpr std::array<std::uint32_t, 32> log2_mantissa{
    0x800000, 0x82cd87, 0x85aac4, 0x88980f, 0x8b95c2, 0x8ea43a, 0x91c3d4, 0x94f4f0,
    0x9837f1, 0x9b8d3a, 0x9ef533, 0xa27044, 0xa5fed7, 0xa9a15b, 0xad583f, 0xb123f6,
    0xb504f4, 0xb8fbb0, 0xbd08a4, 0xc12c4d, 0xc5672b, 0xc9b9be, 0xce248d, 0xd2a81e,
    0xd744fd, 0xdbfbb8, 0xe0ccdf, 0xe5b907, 0xeac0c7, 0xefe4ba, 0xf5257e, 0xfa83b3};

/// floor(2^(63 + j/16)).
inline constexpr std::array<std::uint64_t, 16> exp2_mantissa{
    0x8000000000000000, 0x85aac367cc487b14, 0x8b95c1e3ea8bd6e6, 0x91c3d373ab11c336,
    0x9837f0518db8a96f, 0x9ef5326091a111ad, 0xa5fed6a9b15138ea, 0xad583eea42a14ac6,
    0xb504f333f9de6484, 0xbd08a39f580c36be, 0xc5672a115506dadd, 0xce248c151f8480e3,
    0xd744fccad69d6af4, 0xe0ccdeec2a94e111, 0xeac0c6e7dd24392e, 0xf5257d152486cc2c};

/// floor(32*log2|x|) for finite x other than 0, and whether it is exact.
struct Log2 {
  std::int32_t floor = 0;
  bool exact = false;
};
constexpr Log2 log2_32(F32 x) {
  num::detail::Parts p = num::detail::unpack(x);
  const int lift = 23 - num::detail::msb(p.significand);
  p.significand <<= lift;
  std::int32_t j = 31;
  while (p.significand < log2_mantissa[static_cast<std::size_t>(j)]) --j;
  return {32 * (p.exponent - lift + 23) + j, p.significand == 0x800000u};
}

}  // namespace detail

/// The origin that a scale stands for: an integer. BadArgument otherwise.
constexpr std::int32_t log2_origin(F32 scale) {
  const bool integral = num::is_finite(scale) && num::magnitude(scale) < 0x45800000u &&  // 4096
                        num::from_int(num::round_to_int(scale, Ties::half_even)).bits ==
                            (num::is_zero(scale) ? 0u : scale.bits);
  if (!integral)
    fail<BadArgument>("scale: expected an integer between -4095 and 4095, the origin "
                      "round(16*log2(c)) - 127 of logarithmic codes, got another value");
  return static_cast<std::int32_t>(num::round_to_int(scale, Ties::half_even));
}

/// The byte of x, 0..255. Below 2^((z-16)/16), and down to -2^((z-15)/16), it is that of 0; so is
/// that of NaN, which the format cannot hold.
constexpr std::int32_t log2_encode(F32 x, std::int32_t origin) {
  if (num::is_nan(x) || num::is_zero(x)) return log2_zero;
  const bool negative = num::sign(x);
  if (num::is_inf(x)) return negative ? 0xff : 0x7f;
  const detail::Log2 y = detail::log2_32(x);
  const std::int32_t band = 2 * (origin - (negative ? 15 : 16));
  if (y.floor < band || (negative && y.floor == band && y.exact)) return log2_zero;
  const std::int64_t nearest = num::shift_right(y.floor, 1, Ties::half_up);
  const std::int64_t k = num::clamp(nearest - origin, negative ? 1 : 0, 127);
  return static_cast<std::int32_t>(k) | (negative ? 0x80 : 0);
}

/// The real value of byte 0..255, rounded to binary32.
constexpr F32 log2_decode(std::int32_t byte, std::int32_t origin) {
  if (byte == log2_zero) return num::f32_zero;
  const std::int32_t sixteenths = (byte & 0x7f) + origin;
  const std::int32_t whole = sixteenths >> 4;  // floor
  const std::uint64_t m = detail::exp2_mantissa[static_cast<std::size_t>(sixteenths & 15)];
  const std::uint64_t rest = (sixteenths & 15) != 0 ? 1u : 0u;
  return num::detail::round_pack((byte & 0x80) != 0, whole - 62, m >> 1 | rest, {});
}

static_assert(log2_encode(num::f32_one, -127) == 127 && log2_decode(127, -127) == num::f32_one);
static_assert(log2_encode(F32{0xbf800000u}, 0) == 0x81);  // k = 0 would be, negatives start at 1

}  // namespace qsim::emu
