// Integers of 4 and 2 bits, and packing.

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "num/host.hpp"
#include "qsim/num/minifloat.hpp"

namespace qsim::num {
namespace {

constexpr SmallInt formats[] = {int4, uint4, int2, uint2, {8, true}, {8, false}, {1, false}};
using Bytes = std::vector<std::uint8_t>;

/// By the host: x made an integer, then limited or cut to its low bits.
std::uint32_t by_host(const SmallInt& f, float x, bool saturate, Rounding rounding) {
  double v = x;
  switch (rounding) {
    case Rounding::half_even: v = std::nearbyint(v); break;
    case Rounding::half_away: v = std::round(v); break;
    case Rounding::toward_zero: v = std::trunc(v); break;
    case Rounding::away_from_zero: v = v < 0 ? std::floor(v) : std::ceil(v); break;
  }
  const double low = f.is_signed ? -std::ldexp(1.0, f.bits - 1) : 0;
  const double high = low + std::ldexp(1.0, f.bits) - 1;
  if (saturate) v = std::fmin(std::fmax(v, low), high);
  const double range = std::ldexp(1.0, f.bits);
  return static_cast<std::uint32_t>(v - std::floor(v / range) * range);  // exact: |x| < 2^53
}

TEST(SmallIntegers, EveryCodeIsAnIntegerOfItsRangeAndComesBack) {
  for (const SmallInt& f : formats) {
    std::int32_t expected = 0;
    for (std::uint32_t code = 0; code < 1u << f.bits; ++code) {
      ASSERT_EQ(decode(f, code), expected);
      for (const bool saturate : {false, true})
        ASSERT_EQ(encode(f, from_int(expected), saturate), code);
      expected = expected == highest(f) ? lowest(f) : expected + 1;
    }
    EXPECT_EQ(expected, 0);
  }
  EXPECT_EQ(lowest(int4), -8);
  EXPECT_EQ(highest(int4), 7);
  EXPECT_EQ(lowest(uint4), 0);
  EXPECT_EQ(highest(uint4), 15);
  EXPECT_EQ(lowest(int2), -2);
  EXPECT_EQ(highest(uint2), 3);
}

TEST(SmallIntegers, CastsTruncateAndKeepLowBits) {
  const auto cast = [](float x) { return decode(int4, encode(int4, test::as_f32(x))); };
  EXPECT_EQ(cast(-9.0f), 7);
  EXPECT_EQ(cast(15.0f), -1);
  EXPECT_EQ(cast(-2.75f), -2);
  EXPECT_EQ(cast(8.5f), -8);
  EXPECT_EQ(cast(1e30f), 0);
  EXPECT_EQ(decode(int4, encode(int4, test::as_f32(-9.0f), true)), -8);
  EXPECT_EQ(decode(uint2, encode(uint2, test::as_f32(-1.0f), true)), 0);
  EXPECT_EQ(decode(uint2, encode(uint2, test::as_f32(1e30f), true)), 3);
}

TEST(SmallIntegers, LowBitsOfLargeBinary64Count) {
  const auto low_bits = [](int shift) {  // of (2^52 + 1) * 2^shift
    const double x = std::ldexp(4503599627370497.0, shift);
    return encode_binary64(SmallInt{8, false}, std::bit_cast<std::uint64_t>(x));
  };
  EXPECT_EQ(low_bits(0), 1u);
  EXPECT_EQ(low_bits(7), 128u);
  EXPECT_EQ(low_bits(8), 0u);
  EXPECT_EQ(low_bits(900), 0u);
}

TEST(SmallIntegers, AgreeWithTheHostOnQuartersAndRandomFloats) {
  constexpr Rounding roundings[] = {Rounding::half_even, Rounding::half_away,
                                    Rounding::toward_zero, Rounding::away_from_zero};
  std::vector<F32> values;
  for (int quarter = -2400; quarter <= 2400; ++quarter) {
    const F32 x = mul(from_int(quarter), F32{0x3e800000u});
    values.insert(values.end(), {x, {x.bits + 1}, {x.bits - (magnitude(x) != 0 ? 1 : 0)}});
  }
  test::Random random(4);
  for (int i = 0; i < 100000; ++i) values.push_back(random.pattern());
  for (const SmallInt& f : formats) {
    for (const Rounding rounding : roundings) {
      for (const bool saturate : {false, true}) {
        for (const F32 x : values) {
          if (magnitude(x) >= 0x59800000u) continue;  // 2^52
          ASSERT_EQ(encode(f, x, saturate, rounding),
                    by_host(f, test::as_float(x), saturate, rounding))
              << test::as_float(x) << " bits " << int{f.bits} << " saturate " << saturate;
        }
      }
    }
  }
}

TEST(Packing, PutsTheFirstCodeIntoTheLowestBits) {
  Bytes bytes(3, 0xff);
  pack(Bytes{7, 8, 9, 10, 11}, 4, bytes);
  EXPECT_EQ(bytes, (Bytes{0x87, 0xa9, 0x0b}));
  Bytes quarters(2, 0xff);
  pack(Bytes{1, 2, 3, 0, 1, 2}, 2, quarters);
  EXPECT_EQ(quarters, (Bytes{0x39, 0x09}));
  Bytes flags(2, 0xff);
  pack(Bytes{1, 0, 0, 0, 0, 0, 0, 1, 1}, 1, flags);
  EXPECT_EQ(flags, (Bytes{0x81, 0x01}));
}

TEST(Packing, EveryByteAndLengthComesBack) {
  for (const int bits : {1, 2, 4, 8}) {
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      Bytes codes(static_cast<std::size_t>(8 / bits));
      unpack(Bytes{static_cast<std::uint8_t>(byte)}, bits, codes);
      Bytes back(1);
      pack(codes, bits, back);
      ASSERT_EQ(back[0], byte);
    }
    test::Random random(9);
    for (std::size_t count = 0; count <= 33; ++count) {
      Bytes codes(count);
      for (std::uint8_t& code : codes)
        code = static_cast<std::uint8_t>(random.below(1u << bits));
      Bytes bytes(packed_size(count, bits), 0xff);
      ASSERT_EQ(bytes.size(), (count * static_cast<std::size_t>(bits) + 7) / 8);
      pack(codes, bits, bytes);
      Bytes back(count);
      unpack(bytes, bits, back);
      ASSERT_EQ(back, codes);
    }
  }
}

}  // namespace
}  // namespace qsim::num
