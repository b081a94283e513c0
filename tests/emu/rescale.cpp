#include "qsim/emu/rescale.hpp"

#include <gtest/gtest.h>

namespace qsim::emu {
namespace {

TEST(EmuRescale, ARealBiasJoinsAfterTheProductIsRoundedUnlessFused) {
  const F32 near_one{0x3f800001u};
  const F32 bias = num::from_int(-16777216);
  Requant rule{.scheme = Rescale::real, .factor = Factor::f32, .bias = RealBias::real};
  const PreparedFactor by = prepare(rule, {num::f32_one, near_one, num::f32_one});
  const auto code = [&] { return requantize_sum(rule, 16777215, by, 0, {}, {}, &bias); };
  EXPECT_EQ(code(), 0);  // the product, 16777216.9999999, rounds to 2^24
  rule.fused = true;
  EXPECT_EQ(code(), 1);
}

}  // namespace
}  // namespace qsim::emu
