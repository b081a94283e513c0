// Small floats: every code, every place where rounding changes code, and the host's instructions.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "num/minifloat_host.hpp"
#include "num/minifloat_tables.hpp"

namespace qsim::num {
namespace {

using test::code_of;
using test::NamedFormat;
using test::Piece;
using test::value_of;

std::uint64_t bits64(double x) { return std::bit_cast<std::uint64_t>(x); }

class Minifloats : public testing::TestWithParam<NamedFormat> {
 protected:
  const Minifloat f = GetParam().format;
  const std::uint32_t codes = std::uint32_t{1} << width(f);
};

INSTANTIATE_TEST_SUITE_P(EveryFormat, Minifloats, testing::ValuesIn(test::formats),
                         [](const auto& given) { return std::string(given.param.name); });

TEST_P(Minifloats, EveryNumberHasTheValueOfItsDefinition) {
  const std::uint32_t sign = sign_mask(f);
  for (std::uint32_t m = 0; m <= largest(f); ++m) {
    ASSERT_EQ(test::as_float(decode(f, m)), value_of(f, m)) << m;
    if (sign == 0 || is_nan(f, sign | m)) continue;
    ASSERT_EQ(decode(f, sign | m), negate(decode(f, m))) << m;
  }
}

TEST_P(Minifloats, EveryCodeThatIsNoNanComesBack) {
  for (std::uint32_t code = 0; code < codes; ++code) {
    if (is_nan(f, code)) continue;
    const F32 x = decode(f, code);
    for (const Rounding rounding : test::roundings) {
      for (const bool saturate : {false, true}) {
        if (num::is_inf(x) && saturate) continue;
        ASSERT_EQ(encode(f, x, saturate, rounding), code);
      }
    }
  }
}

TEST_P(Minifloats, NanStaysNanOfTheSameSign) {
  for (std::uint32_t code = 0; code < codes; ++code) {
    const F32 x = decode(f, code);
    ASSERT_EQ(is_nan(x), is_nan(f, code)) << code;
    if (!is_nan(x)) continue;
    ASSERT_EQ(sign(x), (code & sign_mask(f)) != 0);
    ASSERT_NE(x.bits & 0x00400000u, 0u) << "signalling";
    const std::uint32_t back = encode(f, x);
    if (f.nan_payload) {
      ASSERT_EQ(back, code | f.nan);
    }
    ASSERT_TRUE(is_nan(f, back));
    ASSERT_EQ(decode(f, back), x);
  }
}

TEST_P(Minifloats, RoundingChangesCodeWhereTheDefinitionSays) {
  for (const Rounding rounding : test::roundings) {
    for (const bool saturate : {false, true}) {
      std::uint64_t next = 0;
      for (const Piece& piece : test::pieces(f, saturate, rounding)) {
        ASSERT_EQ(piece.first, next);
        next = std::uint64_t{piece.last} + 1;
        for (std::uint64_t k = 0; k <= 4; ++k) {
          const std::uint64_t length = next - piece.first - 1;
          const F32 x{static_cast<std::uint32_t>(piece.first + length * k / 4)};
          ASSERT_EQ(encode(f, x, saturate, rounding), piece.code)
              << std::hex << x.bits << " saturate " << saturate << " rounding "
              << static_cast<int>(rounding);
        }
      }
      ASSERT_EQ(next, std::uint64_t{1} << 32);
    }
  }
}

TEST_P(Minifloats, ABinary64IsRoundedOnce) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const bool negative : {false, true}) {
    if (negative && !f.is_signed) continue;
    const double unit = negative ? -1 : 1;
    for (std::int64_t m = f.has_zero ? 0 : -1; m <= largest(f); ++m) {
      const double middle = (value_of(f, m) + value_of(f, m + 1)) / 2;
      const auto code = [&](double x, Rounding rounding) {
        return encode_binary64(f, bits64(unit * x), false, rounding);
      };
      const double above_here = std::nextafter(value_of(f, m), infinity);
      const double below_next = std::nextafter(value_of(f, m + 1), 0.0);
      const std::uint32_t low = code_of(f, m, negative, false);
      const std::uint32_t high = code_of(f, m + 1, negative, false);
      for (const Rounding rounding : {Rounding::half_even, Rounding::half_away}) {
        // Both neighbours of the middle are the middle itself in binary32.
        ASSERT_EQ(code(std::nextafter(middle, 0.0), rounding), low) << m;
        ASSERT_EQ(code(std::nextafter(middle, infinity), rounding), high) << m;
      }
      ASSERT_EQ(code(middle, Rounding::half_even), m % 2 == 0 ? low : high) << m;
      ASSERT_EQ(code(middle, Rounding::half_away), high) << m;
      ASSERT_EQ(code(below_next, Rounding::toward_zero), low) << m;
      ASSERT_EQ(code(above_here, Rounding::away_from_zero), high) << m;
    }
  }
}

TEST_P(Minifloats, ABinary64BeyondBinary32IsOutOfRange) {
  const std::uint32_t beyond = code_of(f, std::int64_t{largest(f)} + 1, false, false);
  for (const double x : {1e39, 1e300, std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(encode_binary64(f, bits64(x), true, Rounding::half_even), largest(f));
    EXPECT_EQ(encode_binary64(f, bits64(x), false, Rounding::half_even), beyond);
  }
  const std::uint32_t below = code_of(f, f.has_zero ? 0 : -1, false, false);
  for (const double x : {0.0, 1e-50, 1e-300, 5e-324}) {
    EXPECT_EQ(encode_binary64(f, bits64(x), true, Rounding::half_even), 0u);
    EXPECT_EQ(encode_binary64(f, bits64(x), false, Rounding::half_even), below);
  }
  if (f.has_zero) {
    EXPECT_EQ(encode_binary64(f, bits64(5e-324), false, Rounding::away_from_zero), 1u);
  }
}

TEST(Minifloat, RangesAndSpecialCodesOfTheStandards) {
  const auto top = [](const Minifloat& f) { return test::as_float(decode(f, largest(f))); };
  const auto least = [](const Minifloat& f) {
    return test::as_float(decode(f, f.has_zero ? 1 : 0));
  };
  EXPECT_EQ(top(fp16), 65504.0f);
  EXPECT_EQ(top(bf16), std::ldexp(255.0f, 120));
  EXPECT_EQ(top(fp8_e4m3fn), 448.0f);
  EXPECT_EQ(top(fp8_e4m3fnuz), 240.0f);
  EXPECT_EQ(top(fp8_e5m2), 57344.0f);
  EXPECT_EQ(top(fp8_e5m2fnuz), 57344.0f);
  EXPECT_EQ(top(fp4_e2m1), 6.0f);
  EXPECT_EQ(top(fp8_e8m0), std::ldexp(1.0f, 127));
  EXPECT_EQ(least(fp16), std::ldexp(1.0f, -24));
  EXPECT_EQ(least(bf16), std::ldexp(1.0f, -133));
  EXPECT_EQ(least(fp8_e4m3fn), std::ldexp(1.0f, -9));
  EXPECT_EQ(least(fp8_e4m3fnuz), std::ldexp(1.0f, -10));
  EXPECT_EQ(least(fp8_e5m2), std::ldexp(1.0f, -16));
  EXPECT_EQ(least(fp8_e5m2fnuz), std::ldexp(1.0f, -17));
  EXPECT_EQ(least(fp4_e2m1), 0.5f);
  EXPECT_EQ(least(fp8_e8m0), std::ldexp(1.0f, -127));
}

/// Codes of NaN, -NaN, infinity, -infinity, 1e6, -1e6, -0, -1e-7 (but -1e-20 in wide formats).
std::vector<std::uint32_t> special_codes(const Minifloat& f, bool saturate) {
  std::vector<std::uint32_t> out;
  for (const std::uint32_t x : {0x7fc00000u, 0xffc00000u, 0x7f800000u, 0xff800000u, 0x49742400u,
                                0xc9742400u, 0x80000000u, 0xb3d6bf95u})
    out.push_back(encode(f, F32{x}, saturate));
  return out;
}

TEST(Minifloat, AnswersTheTablesOfTheOnnxCast) {
  using Codes = std::vector<std::uint32_t>;
  EXPECT_EQ(special_codes(fp8_e4m3fn, true),
            (Codes{0x7f, 0xff, 0x7e, 0xfe, 0x7e, 0xfe, 0x80, 0x80}));
  EXPECT_EQ(special_codes(fp8_e4m3fn, false),
            (Codes{0x7f, 0xff, 0x7f, 0xff, 0x7f, 0xff, 0x80, 0x80}));
  EXPECT_EQ(special_codes(fp8_e5m2, true),
            (Codes{0x7e, 0xfe, 0x7b, 0xfb, 0x7b, 0xfb, 0x80, 0x80}));
  EXPECT_EQ(special_codes(fp8_e5m2, false),
            (Codes{0x7e, 0xfe, 0x7c, 0xfc, 0x7c, 0xfc, 0x80, 0x80}));
  for (const Minifloat& f : {fp8_e4m3fnuz, fp8_e5m2fnuz}) {
    EXPECT_EQ(special_codes(f, true), (Codes{0x80, 0x80, 0x7f, 0xff, 0x7f, 0xff, 0, 0}));
    EXPECT_EQ(special_codes(f, false), (Codes{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0}));
  }
  for (const bool saturate : {false, true})
    EXPECT_EQ(special_codes(fp4_e2m1, saturate), (Codes{8, 8, 7, 15, 7, 15, 8, 8}));
  EXPECT_EQ(special_codes(fp16, false),
            (Codes{0x7e00, 0xfe00, 0x7c00, 0xfc00, 0x7c00, 0xfc00, 0x8000, 0x8002}));
  EXPECT_EQ(special_codes(fp16, true),
            (Codes{0x7e00, 0xfe00, 0x7bff, 0xfbff, 0x7bff, 0xfbff, 0x8000, 0x8002}));
  EXPECT_EQ(special_codes(bf16, false),
            (Codes{0x7fc0, 0xffc0, 0x7f80, 0xff80, 0x4974, 0xc974, 0x8000, 0xb3d7}));
  EXPECT_EQ(special_codes(fp8_e8m0, true),
            (Codes{0xff, 0xff, 0xfe, 0xff, 0x93, 0xff, 0x00, 0xff}));
  EXPECT_EQ(special_codes(fp8_e8m0, false),
            (Codes{0xff, 0xff, 0xff, 0xff, 0x93, 0xff, 0xff, 0xff}));
}

TEST(Minifloat, CustomsAreThoseOfTheOnnxCast) {
  for (const NamedFormat& named : test::formats) {
    const Minifloat& f = named.format;
    const bool wide = f == fp16 || f == bf16;
    EXPECT_EQ(f.saturates, !wide) << named;
    EXPECT_EQ(encode(f, f32_infinity), largest(f) + (wide ? 1 : 0)) << named;
    const Rounding rounding = f == fp8_e8m0 ? Rounding::away_from_zero : Rounding::half_even;
    EXPECT_EQ(f.rounding, rounding) << named;
  }
  EXPECT_EQ(encode(fp8_e8m0, test::as_f32(1.25f)), 128u);
}

TEST(Minifloat, DoubleRoundingIsSeen) {
  const double x = 1 + std::ldexp(1.0, -11) + std::ldexp(1.0, -40);  // above the middle, 1 in fp16
  EXPECT_EQ(encode_binary64(fp16, bits64(x)), 0x3c01u);
  EXPECT_EQ(encode(fp16, test::as_f32(static_cast<float>(x))), 0x3c00u);
  const double y = 1 + std::ldexp(1.0, -8) + std::ldexp(1.0, -30);
  EXPECT_EQ(encode_binary64(bf16, bits64(y)), 0x3f81u);
  EXPECT_EQ(encode(bf16, test::as_f32(static_cast<float>(y))), 0x3f80u);
}

TEST(Minifloat, E8m0RoundsUpDownOrToTheNearest) {
  const auto codes = [](float x) {
    std::vector<std::uint32_t> out;
    for (const Rounding rounding : {Rounding::away_from_zero, Rounding::toward_zero,
                                    Rounding::half_away, Rounding::half_even})
      out.push_back(encode(fp8_e8m0, test::as_f32(x), true, rounding));
    return out;
  };
  using Codes = std::vector<std::uint32_t>;
  EXPECT_EQ(codes(1.0f), (Codes{127, 127, 127, 127}));
  EXPECT_EQ(codes(1.25f), (Codes{128, 127, 127, 127}));
  EXPECT_EQ(codes(1.5f), (Codes{128, 127, 128, 128}));
  EXPECT_EQ(codes(3.0f), (Codes{129, 128, 129, 128}));  // the middle of 2 and 4
  EXPECT_EQ(codes(std::ldexp(1.0f, -127)), (Codes{0, 0, 0, 0}));
  EXPECT_EQ(codes(std::ldexp(1.25f, -127)), (Codes{1, 0, 0, 0}));
  EXPECT_EQ(codes(std::ldexp(1.0f, -149)), (Codes{0, 0, 0, 0}));
  EXPECT_EQ(codes(std::ldexp(1.5f, 127)), (Codes{254, 254, 254, 254}));
}

TEST(Minifloat, Fp32FromBinary64IsTheHostsConversion) {
  test::Random random(20);
  const auto check = [](std::uint64_t p) {
    const double x = std::bit_cast<double>(p);
    const F32 host = test::as_f32(static_cast<float>(x));
    if (!std::isnan(x)) {
      ASSERT_EQ(encode_binary64(fp32, p), host.bits) << std::hex << p;
    } else {
      ASSERT_TRUE(is_nan(F32{encode_binary64(fp32, p)}));
    }
  };
  for (int i = 0; i < 1000000; ++i) {
    const F32 x = random.pattern();
    if (is_nan(x)) continue;
    const std::uint64_t p = detail::binary64_bits(x);
    ASSERT_EQ(p, bits64(test::as_float(x)));
    check(p);
    check(p + 1);                              // just above a binary32 number
    check(p + (std::uint64_t{1} << 28));       // a tie, where x is normal
    check(p + (std::uint64_t{1} << 28) + 1);
    check(p + (std::uint64_t{1} << 28) - 1);
    check(random.next());
    check(bits64(std::ldexp(1.0 + random.below(1000), -151)));  // subnormal binary32, with ties
  }
}

TEST(Minifloat, Fp16IsTheInstructionOfTheHost) {
  if (!test::host_has_f16()) GTEST_SKIP() << "no binary16 conversion here";
  for (std::uint32_t code = 0; code < 0x10000u; ++code)
    ASSERT_EQ(decode(fp16, code), test::host_from_f16(static_cast<std::uint16_t>(code))) << code;
  for (const Piece& piece : test::pieces(fp16, false, Rounding::half_even)) {
    for (const std::uint32_t p : {piece.first, piece.last})
      ASSERT_EQ(encode(fp16, F32{p}), test::host_to_f16(F32{p})) << std::hex << p;
  }
}

TEST(Minifloat, Fp16OfBinary64IsTheInstructionOfTheHost) {
  if (!test::host_has_f16_of_binary64()) GTEST_SKIP() << "no binary64 to binary16 here";
  for (const Piece& piece : test::pieces(fp16, false, Rounding::half_even)) {
    for (const std::uint32_t bits : {piece.first, piece.last}) {
      const std::uint64_t p = detail::binary64_bits(F32{bits});
      for (const std::uint64_t q : {p, p + 1, (p & ~std::uint64_t{0} >> 1) == 0 ? p : p - 1})
        ASSERT_EQ(encode_binary64(fp16, q), test::host_to_f16(q)) << std::hex << q;
    }
  }
}

TEST(Minifloat, Bf16IsTheInstructionOfTheHost) {
  if (!test::host_has_bf16()) GTEST_SKIP() << "no bfloat16 conversion here";
  for (const Piece& piece : test::pieces(bf16, false, Rounding::half_even)) {
    for (const std::uint32_t p : {piece.first, piece.last}) {
      const F32 x = test::host_reads_bf16(F32{p});
      ASSERT_EQ(encode(bf16, x), test::host_to_bf16(F32{p})) << std::hex << p;
    }
  }
}

TEST(Minifloat, RowsThatMakeNoSenseAreNotValid) {
  for (const NamedFormat& named : test::formats) EXPECT_TRUE(valid(named.format)) << named;
  Minifloat wide = fp16;
  wide.bias = 200;  // subnormals below 2^-149
  EXPECT_FALSE(valid(wide));
  wide.bias = -120;  // numbers above binary32
  EXPECT_FALSE(valid(wide));
  Minifloat unsigned_fnuz = fp8_e4m3fnuz;
  unsigned_fnuz.is_signed = false;
  unsigned_fnuz.nan = 0;
  EXPECT_FALSE(valid(unsigned_fnuz));
  Minifloat long_nan = fp4_e2m1;
  long_nan.nan = 0x10;
  EXPECT_FALSE(valid(long_nan));
  Minifloat payload = fp8_e4m3fn;
  payload.nan_payload = true;
  EXPECT_FALSE(valid(payload));
}

}  // namespace
}  // namespace qsim::num
