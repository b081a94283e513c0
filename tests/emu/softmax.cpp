#include "qsim/emu/softmax.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "num/host.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::emu {
namespace {

using Ints = std::vector<std::int32_t>;

F32 f32(float x) { return test::as_f32(x); }

const Profile x86 = find_profile("ort-1.30.x64.avx2");
const Profile arm = find_profile("ort-1.30.arm64.neon");
const Profile tflite = find_profile("tflite.ref.x64");
const Profile ruy_x86 = find_profile("tflite.ruy.x64");
const Profile ruy_arm = find_profile("tflite.ruy.arm64");
constexpr CodeRange bytes{0, 255, false, 0, 255};

struct Options {
  float in = 0.1f, out = 0x1p-8f, beta = 1;
  std::int32_t zero = -128;
  CodeRange range{};
  std::size_t depth = 0;  // 0: one row
};
Ints codes(const Profile& row, const Ints& q, const Options& o = {}) {
  Ints out(q.size());
  const SoftmaxOperands a{o.depth == 0 ? q.size() : o.depth, q, {f32(o.in), 0},
                          {f32(o.out), o.zero}, f32(o.beta), o.range};
  softmax(row, a, out);
  return out;
}

// e^0, e^1, e^2, e^3 over their sum, times 256: 8.2, 22.3, 60.6, 164.8.
TEST(EmuSoftmax, FourNumbersByHand) {
  const Ints q{-15, -5, 5, 15};
  for (const Profile& row : {x86, arm, tflite, ruy_x86, ruy_arm})
    EXPECT_EQ(codes(row, q), (Ints{-120, -106, -67, 37})) << row.name.view();
  const Ints u{0, 10, 20, 30};
  for (const Profile& row : {x86, tflite, ruy_x86, ruy_arm})
    EXPECT_EQ(codes(row, u, {.zero = 0, .range = bytes}), (Ints{8, 22, 61, 165}))
        << row.name.view();
}

TEST(EmuSoftmax, RowsAreIndependent) {
  const Ints q{0, 10, 3, 3};
  for (const Profile& row : {x86, tflite, ruy_x86, ruy_arm}) {
    const Ints y = codes(row, q, {.depth = 2});
    EXPECT_EQ(Ints(y.begin(), y.begin() + 2), codes(row, {0, 10})) << row.name.view();
    EXPECT_EQ(y[2], 0) << row.name.view();  // equal codes share evenly
    EXPECT_EQ(y[3], 0) << row.name.view();
  }
}

TEST(EmuSoftmax, StaysNearTheRealOne) {
  test::Random random(7);
  for (int i = 0; i < 200; ++i) {
    const float scale = 0.01f + 0.002f * static_cast<float>(random.below(100));
    Ints q(2 + random.below(40));
    double sum = 0;
    for (std::int32_t& v : q) v = static_cast<std::int32_t>(random.below(256)) - 128;
    for (const std::int32_t v : q) sum += std::exp(double{scale} * (v - 127));
    for (const Profile& row : {x86, tflite, ruy_x86, ruy_arm}) {
      const Ints y = codes(row, q, {.in = scale});
      for (std::size_t k = 0; k < q.size(); ++k) {
        const double exact = std::min(255.0, 256 * std::exp(double{scale} * (q[k] - 127)) / sum);
        EXPECT_LE(std::abs(y[k] + 128 - exact), 0.52) << row.name.view() << " " << scale;
      }
    }
  }
}

TEST(EmuSoftmax, BetaScalesTheInput) {
  const Ints q{-15, -5, 5, 15};
  for (const Profile& row : {tflite, ruy_x86, ruy_arm})
    EXPECT_EQ(codes(row, q, {.in = 0.2f, .beta = 0.5f}), codes(row, q)) << row.name.view();
  EXPECT_THROW(codes(x86, q, {.beta = 0.5f}), NotSupported);
}

// e^-0.85 over the sum and the scale is 0.49999997 by the reciprocal, 0.5 by one division.
TEST(EmuSoftmax, ExponentialsAreMultipliedByAReciprocal) {
  EXPECT_EQ(codes(ruy_x86, {10, -7, 3}, {.in = 0.05f, .out = 0x1.9a8e1cp-2f}),
            (Ints{-127, -128, -127}));
}

// T*256 of a single code is infinite, and infinity over T is cast: 0 (uint8, x86), 2^32 - 1 (Arm),
// INT_MIN and INT_MAX. Then the zero point joins in 32 bits.
TEST(EmuSoftmax, OneCodeAloneOverflowsIntoTheCast) {
  const auto one = [](const Profile& row, std::int32_t zero, const CodeRange& range) {
    return codes(row, {5}, {.zero = zero, .range = range})[0];
  };
  EXPECT_EQ(one(x86, 0, bytes), 0);
  EXPECT_EQ(one(x86, 3, bytes), 3);
  EXPECT_EQ(one(arm, 0, bytes), 255);
  EXPECT_EQ(one(arm, 3, bytes), 2);
  EXPECT_EQ(one(x86, 0, {}), -128);
  EXPECT_EQ(one(x86, -3, {}), 127);
  EXPECT_EQ(one(arm, 0, {}), 127);
  EXPECT_EQ(one(arm, 5, {}), -128);
  for (const Profile& row : {tflite, ruy_x86, ruy_arm}) EXPECT_EQ(one(row, -128, {}), 127);
}

TEST(EmuSoftmax, ACastToUint32EndsAtTheWord) {
  const Convert cut = x86.average.narrow.convert, saturating = arm.average.narrow.convert;
  EXPECT_EQ(detail::to_uint32(f32(4294967040.0f), cut), 4294967040);
  EXPECT_EQ(detail::to_uint32(f32(0x1p32f), cut), 0);
  EXPECT_EQ(detail::to_uint32(num::f32_infinity, cut), 0);
  EXPECT_EQ(detail::to_uint32(f32(0x1p32f), saturating), 0xffffffff);
}

// The polynomial of degree 4 is off by up to 2^-22.
TEST(EmuSoftmaxFixed, ExponentialsAreAccurateTo22Bits) {
  EXPECT_EQ(detail::exp_negative(0), 2147483647);
  for (std::int32_t a = -1; a > -2147483647 + 70001; a -= 70001) {
    const double exact = std::exp(a * 0x1p-26) * 0x1p31;
    EXPECT_NEAR(detail::exp_negative(a), exact, 512) << a;
  }
  EXPECT_EQ(detail::exp_negative(-2147483647 - 1), 0);  // e^-32
}

// Newton's x has 29 fractional bits and is at least 1.
TEST(EmuSoftmaxFixed, ReciprocalsAreAccurateTo27Bits) {
  for (std::int32_t s = 1 << 19; s < 2147483647 - 90001; s += 90001) {
    const detail::Reciprocal31 r = detail::reciprocal_of_sum(s);
    const double exact = 0x1p19 / s;
    EXPECT_NEAR(std::ldexp(r.mantissa, -31 - r.bits_over_unit) / exact, 1.0, 0x1p-27) << s;
  }
}

// 31*2^26 / 2^exponent: the power of two alone counts, not the multiplier.
TEST(EmuSoftmaxFixed, FarDifferencesDoNotCount) {
  EXPECT_EQ(prepare_fixed_softmax(f32(0.5f), num::f32_one, {}).least_difference, -31);
  EXPECT_EQ(prepare_fixed_softmax(f32(0.99f), num::f32_one, {}).least_difference, -31);
  EXPECT_EQ(prepare_fixed_softmax(f32(0.3f), num::f32_one, {}).least_difference, -62);
  // 255 codes of e^-8 each would be 0.0858 of the sum, 22 units fewer for the largest.
  Ints q(256, 84);
  q[0] = 100;
  EXPECT_EQ(codes(tflite, q, {.in = 0.5f})[0], 108);
  for (std::int32_t& v : q) v = v == 84 ? 68 : v;
  EXPECT_EQ(codes(tflite, q, {.in = 0.5f})[0], 127);
}

TEST(EmuSoftmaxFixed, BadScalesAndLongRowsAreRefused) {
  EXPECT_THROW(codes(tflite, {1, 2}, {.in = 0x1p-26f}), BadArgument);
  EXPECT_NO_THROW(codes(tflite, {1, 2}, {.in = 0x1p-25f}));
  EXPECT_NO_THROW(codes(tflite, {1, 2}, {.in = 1000.0f}));  // the factor saturates
  EXPECT_THROW(codes(tflite, {1, 2}, {.out = 0x1p-7f}), BadArgument);
  EXPECT_THROW(codes(tflite, {1, 2}, {.zero = 0}), BadArgument);
  EXPECT_EQ(codes(tflite, Ints(511, 9))[0], -127);  // 256/511
  EXPECT_THROW(codes(tflite, Ints(513, 9)), BadArgument);
  for (const float bad : {0.0f, -1.0f, HUGE_VALF})
    for (const Profile& row : {x86, tflite, ruy_arm})
      EXPECT_THROW(codes(row, {1, 2}, {.in = bad}), BadArgument) << bad;
}

TEST(EmuSoftmax, RowsWithoutARuleRefuse) {
  const Profile none{.name = {"nobody"}};
  EXPECT_THROW(codes(none, {1, 2}), NotSupported);
  EXPECT_THROW(codes(x86, {1, 2}, {.range = {-32768, 32767, false, -32768, 32767}}),
               NotSupported);
}

}  // namespace
}  // namespace qsim::emu
