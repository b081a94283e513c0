// All 2^32 binary32 patterns to every small format.

#include <gtest/gtest.h>

#include "num/minifloat_host.hpp"
#include "num/minifloat_tables.hpp"

namespace qsim::num {
namespace {

/// The number of patterns of a piece with another code.
template <Minifloat f, bool saturate, Rounding rounding>
[[gnu::flatten]] std::uint64_t wrong(const test::Piece& piece) {
  std::uint64_t count = 0;
  for (std::uint64_t p = piece.first; p <= piece.last; ++p) {
    const F32 x{static_cast<std::uint32_t>(p)};
    count += encode(f, x, saturate, rounding) != piece.code ? 1 : 0;
  }
  return count;
}

template <Minifloat f, bool saturate, Rounding rounding = f.rounding>
void expect_exact() {
  std::uint64_t next = 0;
  for (const test::Piece& piece : test::pieces(f, saturate, rounding)) {
    ASSERT_EQ(piece.first, next);
    ASSERT_EQ((wrong<f, saturate, rounding>(piece)), 0u) << std::hex << piece.first;
    next = std::uint64_t{piece.last} + 1;
  }
  EXPECT_EQ(next, std::uint64_t{1} << 32);
}

TEST(NightlyMinifloat, Fp16) { expect_exact<fp16, false>(); }
TEST(NightlyMinifloat, Fp16Saturating) { expect_exact<fp16, true>(); }
TEST(NightlyMinifloat, Bf16) { expect_exact<bf16, false>(); }
TEST(NightlyMinifloat, Bf16Saturating) { expect_exact<bf16, true>(); }
TEST(NightlyMinifloat, E4m3fn) { expect_exact<fp8_e4m3fn, false>(); }
TEST(NightlyMinifloat, E4m3fnSaturating) { expect_exact<fp8_e4m3fn, true>(); }
TEST(NightlyMinifloat, E4m3fnuz) { expect_exact<fp8_e4m3fnuz, false>(); }
TEST(NightlyMinifloat, E4m3fnuzSaturating) { expect_exact<fp8_e4m3fnuz, true>(); }
TEST(NightlyMinifloat, E5m2) { expect_exact<fp8_e5m2, false>(); }
TEST(NightlyMinifloat, E5m2Saturating) { expect_exact<fp8_e5m2, true>(); }
TEST(NightlyMinifloat, E5m2fnuz) { expect_exact<fp8_e5m2fnuz, false>(); }
TEST(NightlyMinifloat, E5m2fnuzSaturating) { expect_exact<fp8_e5m2fnuz, true>(); }
TEST(NightlyMinifloat, E2m1) { expect_exact<fp4_e2m1, false>(); }
TEST(NightlyMinifloat, E2m1Saturating) { expect_exact<fp4_e2m1, true>(); }
TEST(NightlyMinifloat, E8m0UpSaturating) { expect_exact<fp8_e8m0, true>(); }
TEST(NightlyMinifloat, E8m0Up) { expect_exact<fp8_e8m0, false>(); }
TEST(NightlyMinifloat, E8m0Down) { expect_exact<fp8_e8m0, false, Rounding::toward_zero>(); }
TEST(NightlyMinifloat, E8m0Nearest) { expect_exact<fp8_e8m0, false, Rounding::half_away>(); }

TEST(NightlyMinifloat, Fp32KeepsEveryPatternAndMakesNanQuiet) {
  std::uint64_t differ = 0;
  std::uint32_t p = 0;
  do {
    const std::uint32_t kept = is_nan(F32{p}) ? p | 0x00400000u : p;
    differ += encode(fp32, F32{p}) != kept ? 1 : 0;
  } while (++p != 0);
  EXPECT_EQ(differ, 0u);
}

TEST(NightlyMinifloat, ThroughF16IsThereAndBack) {
  std::uint64_t differ = 0;
  std::uint32_t p = 0;
  do {
    const F32 x{p};
    differ += !is_nan(x) && through_f16(x) != decode(fp16, encode(fp16, x)) ? 1 : 0;
  } while (++p != 0);
  EXPECT_EQ(differ, 0u);
}

TEST(NightlyMinifloat, Fp16IsTheInstructionOfTheHost) {
  if (!test::host_has_f16()) GTEST_SKIP() << "no binary16 conversion here";
  std::uint64_t differ = 0;
  std::uint32_t p = 0;
  do differ += encode(fp16, F32{p}) != test::host_to_f16(F32{p}) ? 1 : 0;
  while (++p != 0);
  EXPECT_EQ(differ, 0u);
}

TEST(NightlyMinifloat, Bf16IsTheInstructionOfTheHost) {
  if (!test::host_has_bf16()) GTEST_SKIP() << "no bfloat16 conversion here";
  std::uint64_t differ = 0;
  std::uint32_t p = 0;
  do differ += encode(bf16, test::host_reads_bf16(F32{p})) != test::host_to_bf16(F32{p}) ? 1 : 0;
  while (++p != 0);
  EXPECT_EQ(differ, 0u);
}

}  // namespace
}  // namespace qsim::num
