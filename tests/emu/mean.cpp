#include "qsim/emu/mean.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "num/host.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::emu {
namespace {

using Ints = std::vector<std::int32_t>;

F32 f32(float x) { return test::as_f32(x); }

const Profile ref = find_profile("tflite.ref.x64");
const Profile ruy = find_profile("tflite.ruy.x64");

Profile folded_row(bool fused) {
  Profile p = ref;
  p.mean = {.scheme = MeanScheme::folded_f32, .fused = fused,
            .narrow = {.convert = {.ties = Ties::half_even}}};
  return p;
}

struct Options {
  float in = 1, out = 1;
  int zi = 0, zo = 0;
  bool image = false;
  std::size_t channels = 1;
};
Ints means(const Profile& row, const Ints& x, std::size_t count, const Options& o = {}) {
  return mean(row, {count, o.channels, x, {f32(o.in), o.zi}, {f32(o.out), o.zo}, {}, o.image});
}

// (3 + 5 - 2 + 6)/4 = 3; in units of 1/2, with zero points 1 and -4: (3 - 1)*2 - 4.
TEST(EmuMean, FourNumbersByHand) {
  const Ints x{3, 5, -2, 6};
  for (const Profile& row : {ref, ruy, folded_row(false), folded_row(true)})
    for (const bool image : {false, true}) {
      EXPECT_EQ(means(row, x, 4, {.image = image}), (Ints{3})) << row.name.view();
      EXPECT_EQ(means(row, x, 4, {.out = 0.5f, .zi = 1, .zo = -4, .image = image}), (Ints{0}))
          << row.name.view();
    }
}

// Ties by one factor with 1/count in it go up; those of images in groups too, with a shift away.
TEST(EmuMean, TiesOfOddSums) {
  const Ints x{1, 2, -1, -2, 3, 4, -3, -4};
  EXPECT_EQ(means(ref, x, 2), (Ints{2, -1, 4, -3}));
  EXPECT_EQ(means(folded_row(false), x, 2), (Ints{2, -2, 4, -4}));
}

// A third is below 1/3 as a truncated multiplier.
TEST(EmuMean, TheCountIsCutFromTheMultiplier) {
  const Multiple m = detail::with_count({1 << 30, 1}, 3);  // 1/3
  EXPECT_EQ(m, (Multiple{715827882, 0}));
  EXPECT_EQ(detail::with_count({1 << 30, 1}, 1), (Multiple{1 << 30, 1}));
  EXPECT_EQ(detail::with_count({1 << 30, -31}, 5), (Multiple{(1 << 30) / 5, -31}));
  EXPECT_EQ(detail::with_count({1 << 30, 1}, 1LL << 40), (Multiple{1 << 22, -31}));
}

// (11 - 6)/4: 2.5 goes up to 3, 1.5 away to 2. Images: 5.5 goes to 6, 3 by the shift, less the zero
// point trunc(1.5 + 0.5).
TEST(EmuMean, ImagesRoundTheZeroPointByItself) {
  const Ints x{5, 6};
  const Options o{.in = 0.5f, .zi = 3};
  Options image = o;
  image.image = true;
  EXPECT_EQ(means(ref, x, 2, o), (Ints{2}));
  EXPECT_EQ(means(ref, x, 2, image), (Ints{2}));  // a row without image sums
  EXPECT_EQ(means(ruy, x, 2, o), (Ints{2}));
  EXPECT_EQ(means(ruy, x, 2, image), (Ints{1}));
}

// Sums of -6 in units of 1/4: -3/2 by the factor 1/4 of a two-fold mean, a shift of one.
TEST(EmuMean, ChannelsLeftOfAGroupRoundAwayFromZero) {
  Ints x;
  for (int c = 0; c < 18; ++c) x.insert(x.end(), {-3, -3});
  const Ints y = means(ruy, x, 2, {.in = 0.5f, .image = true, .channels = 18});
  EXPECT_EQ(Ints(y.begin(), y.begin() + 16), Ints(16, -1));
  EXPECT_EQ(y[16], -2);
  EXPECT_EQ(y[17], -2);
  EXPECT_EQ(means(ruy, x, 2, {.in = 0.5f, .channels = 18}), means(ref, x, 2, {.in = 0.5f}));
}

TEST(EmuMean, FoldedZeroPointsJoinBeforeRounding) {
  EXPECT_EQ(means(folded_row(false), {24, 25}, 2, {.zo = 53}), (Ints{78}));  // 77.5, ties to even
  EXPECT_EQ(means(folded_row(false), {24, 25}, 2, {.zo = 54}), (Ints{78}));  // 78.5
}

// Found by search: 33 codes' worth of 0.18627095 in units of 0.13696396 lies beside 31.5.
TEST(EmuMean, FusingMovesWhatLiesBesideATie) {
  const Options o{.in = test::as_float(F32{0x3e3ebdd0u}), .out = test::as_float(F32{0x3e0c4048u}),
                  .zi = 2, .zo = 23};
  EXPECT_EQ(means(folded_row(false), {30, 1, 1, 1}, 4, o), (Ints{32}));
  EXPECT_EQ(means(folded_row(true), {30, 1, 1, 1}, 4, o), (Ints{31}));
}

TEST(EmuMean, BadScalesAndRowsWithoutARuleAreRefused) {
  EXPECT_THROW(means(ref, {1}, 1, {.in = 0}), BadArgument);
  EXPECT_THROW(means(folded_row(true), {1}, 1, {.out = -1}), BadArgument);
  EXPECT_THROW(means(Profile{.name = {"nobody"}}, {1}, 1), NotSupported);
}

}  // namespace
}  // namespace qsim::emu
