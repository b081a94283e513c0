#include "qsim/emu/window.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "qsim/profile/catalogue.hpp"

namespace qsim::emu {
namespace {

/// The chain of a depthwise convolution of int8 codes with a symmetric constant filter.
const Arith* depthwise_chain(const Profile& p, std::size_t channels, std::int64_t kernel) {
  const std::vector<std::int32_t> zeros(channels, 0);
  WindowShape s{.batch = 1, .channels = channels, .out_channels = channels, .groups = channels,
                .image = {8, 8}, .kernel = {kernel, kernel}, .stride = {1, 1}, .dilation = {1, 1},
                .pad = {0, 0}, .out = {9 - kernel, 9 - kernel}};
  const WindowOperands a{.input_type = CodeType::s8, .filter_type = CodeType::s8, .input = {},
                         .filter = {}, .filter_zero = zeros};
  return route_of(p, s, a).arith;
}

TEST(EmuWindow, NineTapsOfWholeVectorPairsHaveTheirOwnChain) {
  const Profile p = find_profile("ort-1.30.arm64.dotprod");
  ASSERT_NE(p.taps.nine, p.taps.other);
  EXPECT_EQ(depthwise_chain(p, 16, 3), &p.taps.nine);
  EXPECT_EQ(depthwise_chain(p, 48, 3), &p.taps.nine);
  EXPECT_EQ(depthwise_chain(p, 8, 3), &p.taps.other);
  EXPECT_EQ(depthwise_chain(p, 24, 3), &p.taps.other);
  EXPECT_EQ(depthwise_chain(p, 16, 2), &p.taps.other);
  EXPECT_EQ(depthwise_chain(p, 15, 3), &p.taps.rest);
}

}  // namespace
}  // namespace qsim::emu
