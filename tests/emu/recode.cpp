#include "qsim/emu/recode.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "num/host.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::emu {
namespace {

using Ints = std::vector<std::int32_t>;

F32 f32(float x) { return test::as_f32(x); }

const Profile ref = find_profile("tflite.ref.x64");

Profile grouped_row() {
  Profile p = ref;
  p.requantize.body = {.shift = Ties::half_up};
  p.requantize.group = 4;
  return p;
}
Profile fraction_row() {
  Profile p = ref;
  const Narrow narrow = p.requantize.narrow;
  p.requantize = p.leaky_relu = {.scheme = Recoding::fraction_8, .narrow = narrow};
  return p;
}

struct Options {
  float in = 1, out = 1;
  int zi = 0, zo = 0;
  CodeRange range{};
  bool bytes = true;
};
Ints codes(const Profile& row, const Ints& q, const Options& o = {}) {
  Ints out(q.size());
  recode<std::int32_t>(prepare_requantize(row, {f32(o.in), o.zi}, {f32(o.out), o.zo}, o.range), q,
                       o.bytes, out);
  return out;
}
Ints leaky(const Profile& row, const Ints& q, float slope, const Options& o = {}) {
  Ints out(q.size());
  recode<std::int32_t>(
      prepare_leaky_relu(row, {f32(o.in), o.zi}, {f32(o.out), o.zo}, f32(slope), o.range), q,
      o.bytes, out);
  return out;
}

// (q - 1)*0.25/0.5 + 3
TEST(EmuRecode, FourNumbersByHand) {
  const Options o{.in = 0.25f, .out = 0.5f, .zi = 1, .zo = 3};
  for (const Profile& row : {ref, grouped_row(), fraction_row()})
    EXPECT_EQ(codes(row, {1, 5, -7, 101}, o), (Ints{3, 5, -1, 53}));
}

// A factor of 1/4 has a shift: its ties go away from zero, in whole groups up.
TEST(EmuRecode, TiesFollowTheRow) {
  const Options o{.in = 0.25f};
  const Ints q{-10, -6, 6, 10, -10, -6};
  EXPECT_EQ(codes(ref, q, o), (Ints{-3, -2, 2, 3, -3, -2}));
  EXPECT_EQ(codes(grouped_row(), q, o), (Ints{-2, -1, 2, 3, -3, -2}));
  EXPECT_EQ(codes(fraction_row(), q, o), (Ints{-2, -1, 2, 3, -2, -1}));
  Options wide = o;
  wide.bytes = false;
  EXPECT_EQ(codes(grouped_row(), q, wide), codes(ref, q, o));
}

TEST(EmuRecode, OtherTypesAreAnotherRange) {
  EXPECT_EQ(codes(ref, {-128, 0, 127}, {.zo = 128, .range = {0, 255, false, 0, 255}}),
            (Ints{0, 128, 255}));
  EXPECT_EQ(codes(ref, {-128, 127}, {.in = 256, .range = {-32768, 32767, false, -32768, 32767}}),
            (Ints{-32768, 32512}));
  EXPECT_EQ(codes(ref, {-128, 127}, {.in = 2}), (Ints{-128, 127}));
}

TEST(EmuLeakyRelu, OneFactorForEachSide) {
  const Ints q{-100, -12, 0, 7, 127};
  for (const Profile& row : {ref, fraction_row()})
    EXPECT_EQ(leaky(row, q, 0.25f), (Ints{-25, -3, 0, 7, 127}));
  EXPECT_EQ(leaky(ref, {-7, -6, 4}, 0.5f, {.zi = -6, .zo = 10}), (Ints{10, 10, 20}));
}

// The rounded result is negated: 2.5 up to 3, so -10 * -1/4 is 3 and with the sign it is not -2.
TEST(EmuLeakyRelu, NegativeSlopesNegateTheRoundedResult) {
  EXPECT_EQ(leaky(ref, {-10, -8, 4}, -0.25f), (Ints{3, 2, 4}));
  EXPECT_EQ(leaky(ref, {-10, -8, 4}, 0.25f), (Ints{-3, -2, 4}));
  EXPECT_EQ(leaky(ref, {-10}, -0.0f), (Ints{0}));
}

TEST(EmuRecode, EightFractionalBitsLimitTheFactor) {
  const Profile row = fraction_row();
  EXPECT_EQ(codes(row, {100}, {.in = 1.003f})[0], 100);  // 257/256 = 1.0039
  EXPECT_EQ(codes(row, {127}, {.in = 0.996f})[0], 127);  // 255/256: 126.5 goes up
  EXPECT_THROW(codes(row, {1}, {.in = 0x1p-9f}), BadArgument);
  EXPECT_THROW(codes(row, {1}, {.in = 129}), BadArgument);
  EXPECT_THROW(leaky(row, {1}, 0.001f), BadArgument);
  EXPECT_EQ(leaky(row, {-4}, -0.5f), (Ints{2}));
}

TEST(EmuRecode, BadScalesAndSlopesAreRefused) {
  for (const float bad : {0.0f, -1.0f, test::as_float(num::f32_nan)}) {
    EXPECT_THROW(codes(ref, {1}, {.in = bad}), BadArgument);
    EXPECT_THROW(codes(ref, {1}, {.out = bad}), BadArgument);
  }
  EXPECT_THROW(leaky(ref, {1}, test::as_float(num::f32_infinity)), BadArgument);
  EXPECT_THROW(leaky(ref, {1}, test::as_float(num::f32_nan)), BadArgument);
}

}  // namespace
}  // namespace qsim::emu
