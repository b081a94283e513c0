#include "qsim/emu/table.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "num/host.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::emu {
namespace {

F32 f32(float x) { return test::as_f32(x); }

const Profile x86 = find_profile("ort-1.30.x64.avx2");
const Profile wasm = find_profile("ort-1.30.wasm.simd");
const Profile tflite = find_profile("tflite.ref.x64");
constexpr CodeRange bytes{0, 255, false, 0, 255};

std::int32_t at(const CodeTable& table, std::int32_t code, const CodeRange& range = {}) {
  return table[static_cast<std::size_t>(code - range.type_low)];
}

TEST(EmuTable, EntriesFollowTheCodesInOrder) {
  const RealTable reals = real_table(x86, Function::identity, {f32(0.5f), 2}, {});
  EXPECT_EQ(reals[0], f32(-65.0f));
  EXPECT_EQ(reals[130], num::f32_zero);
  EXPECT_EQ(reals[255], f32(62.5f));
  EXPECT_EQ(real_table(x86, Function::identity, {f32(0.5f), 2}, bytes)[255], f32(126.5f));
}

TEST(EmuTable, SigmoidAndTanhByHand) {
  const Scaled out{f32(0x1p-8f), -128};
  const CodeTable s = code_table(x86, real_table(x86, Function::sigmoid, {f32(0.25f), 0}, {}),
                                 out, {});
  EXPECT_EQ(at(s, 0), 0);     // 1/2
  EXPECT_EQ(at(s, 4), 59);    // 0.7310586*256 = 187.15
  EXPECT_EQ(at(s, -4), -59);  // 68.85
  EXPECT_EQ(at(s, 127), 127);
  const CodeTable t = code_table(tflite, real_table(tflite, Function::tanh, {f32(0.25f), 0}, {}),
                                 {f32(0x1p-7f), 0}, {});
  EXPECT_EQ(at(t, 0), 0);
  EXPECT_EQ(at(t, 2), 59);  // 0.4621172*128 = 59.15
  EXPECT_EQ(at(t, -128), -128);
}

TEST(EmuTable, LeakyReluMultipliesWhatIsBelowZero) {
  const RealTable r = real_table(x86, Function::leaky_relu, {num::f32_one, 0}, {}, f32(0.25f));
  EXPECT_EQ(r[128 - 8], f32(-2.0f));
  EXPECT_EQ(r[128 + 8], f32(8.0f));
  EXPECT_EQ(r[128], num::f32_zero);
}

TEST(EmuTable, QuantizedTablesRoundAsTheQuantizer) {
  RealTable r{};
  r[0] = f32(0.5f), r[1] = f32(1.5f), r[2] = num::f32_nan, r[3] = f32(1e30f);
  const CodeTable x = code_table(x86, r, {num::f32_one, 3}, {});
  EXPECT_EQ(x[0], 3);
  EXPECT_EQ(x[1], 5);
  EXPECT_EQ(x[2], -128);
  EXPECT_EQ(x[3], 127);
  EXPECT_EQ(code_table(wasm, r, {num::f32_one, 3}, {})[2], 0);
}

// 12.5 and 0.5 go away from zero, then the zero point joins; 1.55*fl(1/0.1) is 15.5.
TEST(EmuTable, ReciprocalTablesRoundAwayFromZeroBeforeTheZeroPoint) {
  RealTable r{};
  r[0] = f32(12.5f), r[1] = f32(-0.5f), r[2] = f32(1e30f), r[3] = f32(-300.0f);
  const CodeTable x = code_table(tflite, r, {num::f32_one, -5}, {});
  EXPECT_EQ(x[0], 8);
  EXPECT_EQ(x[1], -6);
  EXPECT_EQ(x[2], -128);  // cast to INT_MIN on x86
  EXPECT_EQ(x[3], -128);
  r[0] = f32(1.55f);
  EXPECT_EQ(code_table(tflite, r, {f32(0.1f), 0}, {})[0], 16);
  EXPECT_EQ(code_table(find_profile("tflite.ref.arm64"), r, {num::f32_one, 0}, {})[2], 127);
}

// Two roundings before the last: a unit off the nearest float here and there.
TEST(EmuTable, SigmoidIsComputedInSteps) {
  int differ = 0;
  for (std::int32_t i = -400; i <= 400; ++i) {
    const F32 x = num::mul(num::from_int(i), f32(0.0371f));
    const F32 y = detail::sigmoid(x, {});
    const F32 nearest = f32(static_cast<float>(1 / (1 + std::exp(-double{test::as_float(x)}))));
    EXPECT_LE(std::abs(static_cast<int>(y.bits) - static_cast<int>(nearest.bits)), 2) << i;
    differ += !(y == nearest);
  }
  EXPECT_GT(differ, 0);
  EXPECT_EQ(detail::sigmoid(f32(-1000.0f), {}), num::f32_zero);
  EXPECT_EQ(detail::sigmoid(f32(1000.0f), {}), num::f32_one);
}

TEST(EmuTable, RowsWithoutARuleRefuse) {
  const Profile none{.name = {"nobody"}};
  EXPECT_THROW(code_table(none, RealTable{}, {num::f32_one, 0}, {}), NotSupported);
}

}  // namespace
}  // namespace qsim::emu
