#include "qsim/emu/eltwise.hpp"

#include <gtest/gtest.h>

#include "num/host.hpp"
#include "profile/graph_rows.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::emu {
namespace {

F32 f32(float x) { return test::as_f32(x); }

const Profile x86 = find_profile("mnn-2.9.0.x64.avx2");
const Profile arm = find_profile("mnn-2.9.0.arm64.neon");

struct Operands {
  int q0 = 0, q1 = 0;
  Scaled a{num::f32_one, 0}, b{num::f32_one, 0};
  F32 scale = num::f32_one;
  int zero = 0;
};
int result(const Profile& row, Binary op, const Operands& o, const CodeRange& range = {}) {
  return binary(row, op, static_cast<std::int8_t>(o.q0), static_cast<std::int8_t>(o.q1), o.a, o.b,
                eltwise_multiplier(row, o.scale), o.zero, range);
}

TEST(EmuBinary, AddSubMulAndSquaredDifference) {
  for (const Profile& row : test::graph_rows()) {
    const Operands o{7, -3, {f32(0.5f), 1}, {f32(2.0f), -4}, num::f32_one, 10};
    EXPECT_EQ(result(row, Binary::add, o), 10 + 3 + 2) << row.name.view();
    EXPECT_EQ(result(row, Binary::sub, o), 10 + 3 - 2) << row.name.view();
    EXPECT_EQ(result(row, Binary::mul, o), 10 + 6) << row.name.view();
    EXPECT_EQ(result(row, Binary::squared_difference, o), 10 + 1) << row.name.view();
  }
}

TEST(EmuBinary, MinimumAndMaximumIgnoreTheOutputScale) {
  for (const Profile& row : test::graph_rows())
    for (const float scale : {1.0f, 0.01f, 0.0f}) {
      const Operands o{20, -30, {num::f32_one, 0}, {num::f32_one, 0}, f32(scale), 0};
      EXPECT_EQ(result(row, Binary::maximum, o), 20) << row.name.view();
      EXPECT_EQ(result(row, Binary::minimum, o), -30) << row.name.view();
    }
}

TEST(EmuBinary, NegativeTiesOfMinAndMaxGoUpOnArmAndAwayOnX86) {
  const Operands o{-5, -5, {num::f32_half, 0}, {num::f32_half, 0}};
  EXPECT_EQ(result(arm, Binary::minimum, o), -2);
  EXPECT_EQ(result(x86, Binary::minimum, o), -3);
  const Operands positive{5, 5, {num::f32_half, 0}, {num::f32_half, 0}};
  EXPECT_EQ(result(arm, Binary::maximum, positive), 3);
  EXPECT_EQ(result(x86, Binary::maximum, positive), 3);
}

// (-35 * 0.06) * (-19 * 0.1) / 0.14 is 28.5 mathematically.
TEST(EmuBinary, ProductsFirstDiffersFromScalesFirst) {
  const Operands o{-35, -19, {f32(0.06f), 0}, {f32(0.1f), 0}, f32(0.14f)};
  EXPECT_EQ(result(x86, Binary::mul, o), 29);
  EXPECT_EQ(result(arm, Binary::mul, o), 28);
}

TEST(EmuBinary, BeyondInt16ArmWrapsAroundTheZeroPoint) {
  const Operands o{100, 100, {f32(1000.0f), 0}, {num::f32_one, 0}, num::f32_one, 5};
  EXPECT_EQ(result(arm, Binary::add, o), -128);  // 32767 + 5 wraps
  EXPECT_EQ(result(x86, Binary::add, o), 127);
}

TEST(EmuBinary, BeyondInt32X86AnswersTheMinimum) {
  const Operands o{100, 0, {f32(1e9f), 0}, {num::f32_one, 0}, num::f32_one, 5};
  EXPECT_EQ(result(x86, Binary::add, o), -128);
}

TEST(EmuBinary, NanAnswersTheMinimumOnX86AndTheZeroPointOnArm) {
  const Operands o{1, 1, {num::f32_nan, 0}, {num::f32_one, 0}, num::f32_one, 9};
  EXPECT_EQ(result(x86, Binary::add, o), -128);
  EXPECT_EQ(result(arm, Binary::add, o), 9);
}

TEST(EmuBinary, ANanOutputScaleActsAsZeroOnX86Only) {
  EXPECT_EQ(eltwise_multiplier(x86, num::f32_nan), num::f32_zero);
  EXPECT_TRUE(num::is_nan(eltwise_multiplier(arm, num::f32_nan)));
}

TEST(EmuBinary, AZeroOutputScaleAnswersTheZeroPoint) {
  const Operands o{100, 100, {num::f32_one, 0}, {num::f32_one, 0}, num::f32_zero, -6};
  for (const Profile& row : test::graph_rows()) EXPECT_EQ(result(row, Binary::add, o), -6);
}

TEST(EmuBinary, OperandsInFixedPointWrapInInt32) {
  // 200 * trunc(32767.0 * 2^16) leaves int32 on both engines
  const Operands o{127, 0, {f32(32767.0f), -73}, {num::f32_one, 0}};
  const std::int64_t wide = 200 * (std::int64_t{32767} << 16);
  const std::int64_t want = num::saturate(num::wrap(wide, 32) >> 16, 8);
  EXPECT_EQ(result(arm, Binary::maximum, o), num::wrap(wide, 32) > 0 ? want : 0);
}

TEST(EmuBinary, LimitsApplyLast) {
  const Operands o{50, 50, {num::f32_one, 0}, {num::f32_one, 0}};
  for (const Profile& row : test::graph_rows()) {
    EXPECT_EQ(result(row, Binary::add, o, {-10, 10}), 10);
    EXPECT_EQ(result(row, Binary::sub, o, {3, 10}), 3);
  }
}

TEST(EmuBinary, WholeQuadsAreWrittenOnArmAndAllElementsOnX86) {
  for (std::size_t n = 0; n < 20; ++n) {
    EXPECT_EQ(written_elements(arm.eltwise, n), n - n % 4);
    EXPECT_EQ(written_elements(x86.eltwise, n), n);
  }
}

}  // namespace
}  // namespace qsim::emu
