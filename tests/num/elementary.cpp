#include "qsim/num/elementary.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "num/host.hpp"

namespace qsim::num {
namespace {

F32 f32(float x) { return test::as_f32(x); }

/// Whether y is the float nearest to a value that `host` approximates to 2^-50 relatively: where
/// both ends of that interval round alike there is one answer, else either of the two will do.
::testing::AssertionResult nearest(F32 y, double host) {
  const double error = std::abs(host) * 0x1p-50;
  const F32 low = f32(static_cast<float>(host - error));
  const F32 high = f32(static_cast<float>(host + error));
  if (y == low || y == high) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << test::as_float(y) << " for " << host;
}

/// Every float in [from, to] and in [-to, -from], `step` patterns apart.
template <class Check>
void sweep(float from, float to, std::uint32_t step, Check check) {
  for (std::uint32_t bits = f32(from).bits; bits < f32(to).bits; bits += step)
    for (const std::uint32_t sign : {0u, 0x80000000u}) check(F32{bits | sign});
}

TEST(NumElementary, ExpIsTheNearestFloat) {
  sweep(1e-9f, 104.0f, 60013, [](F32 x) {
    EXPECT_TRUE(nearest(exp_f32(x), std::exp(double{test::as_float(x)})));
  });
}
TEST(NumElementary, ExpAtTheEndsOfItsRange) {
  EXPECT_EQ(exp_f32(f32(0.0f)), f32_one);
  EXPECT_EQ(exp_f32(f32(1e-45f)), f32_one);
  EXPECT_EQ(exp_f32(f32(88.72283f)), F32{0x7f7fff84u});  // the last one below FLT_MAX
  EXPECT_EQ(exp_f32(f32(88.72284f)), f32_infinity);
  EXPECT_EQ(exp_f32(f32(-103.97208f)), F32{0x00000001u});  // e^x just above 2^-150
  EXPECT_EQ(exp_f32(f32(-103.97209f)), f32_zero);
  EXPECT_EQ(exp_f32(f32(3e38f)), f32_infinity);
  EXPECT_EQ(exp_f32(negate(f32_infinity)), f32_zero);
  EXPECT_TRUE(is_nan(exp_f32(f32_nan)));
}

TEST(NumElementary, ExpInBinary64IsWithinOneUnitOfTheHosts) {
  test::Random random(4);
  for (int i = 0; i < 4000; ++i) {
    const double mantissa = 1.0 + 0x1p-32 * random.below(~0u);
    const double size = std::ldexp(mantissa, static_cast<int>(random.below(69)) - 60);
    const double x = random.below(2) == 0 ? size : -size;
    if (std::abs(x) > 690) continue;
    const std::int64_t ours =
        static_cast<std::int64_t>(exp_f64({std::bit_cast<std::uint64_t>(x)}).bits);
    const std::int64_t host = std::bit_cast<std::int64_t>(std::exp(x));
    EXPECT_LE(std::abs(ours - host), 1) << x;
  }
  EXPECT_EQ(exp_f64({}), widen(f32_one));
  EXPECT_EQ(exp_f64(f64_infinity), f64_infinity);
  EXPECT_EQ(exp_f64({std::bit_cast<std::uint64_t>(-1e300)}), F64{});
  EXPECT_EQ(exp_f64({std::bit_cast<std::uint64_t>(-700.0)}), F64{});  // below 2^-1000
}

TEST(NumElementary, LogIsTheNearestFloatFromOneOn) {
  for (std::uint32_t bits = f32_one.bits; bits < f32_infinity.bits; bits += 100003)
    EXPECT_TRUE(nearest(log_f32({bits}), std::log(double{test::as_float({bits})})));
  for (std::uint32_t bits = f32_one.bits; bits < f32_one.bits + 40; ++bits)
    EXPECT_TRUE(nearest(log_f32({bits}), std::log(double{test::as_float({bits})})));
  EXPECT_EQ(log_f32(f32_one), f32_zero);
  EXPECT_THROW(static_cast<void>(log_f32(f32(0.5f))), Bug);
}

TEST(NumElementary, TanhIsTheNearestFloat) {
  sweep(1e-6f, 20.0f, 30011, [](F32 x) {
    EXPECT_TRUE(nearest(tanh_f32(x), std::tanh(double{test::as_float(x)})));
  });
  for (const float x : {0.0f, -0.0f, 1e-45f, -1e-20f, 0x1p-13f})
    EXPECT_EQ(tanh_f32(f32(x)), f32(x));
  EXPECT_EQ(tanh_f32(f32(1e30f)), f32_one);
  EXPECT_EQ(tanh_f32(negate(f32_infinity)), negate(f32_one));
  EXPECT_TRUE(is_nan(tanh_f32(f32_nan)));
}

}  // namespace
}  // namespace qsim::num
