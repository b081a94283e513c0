#include "qsim/emu/quantize_tensor.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "num/host.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::emu {
namespace {

using Ints = std::vector<std::int32_t>;

F32 f32(float x) { return test::as_f32(x); }

const Profile x86 = find_profile("ort-1.30.x64.avx2");
const Profile ruy = find_profile("tflite.ruy.x64");
constexpr CodeRange nibbles{-8, 7, false, -8, 7};

/// Codes of `count` times the same value, all scales 1 and zero points `zero`.
Ints repeated(const Profile& row, F32 x, const ScaleLayout& layout, std::int32_t zero,
              const CodeRange& range, const QuantizeOptions& options = {}) {
  const std::vector<F32> values(layout.size(), x), scale(layout.scales(), num::f32_one);
  const Ints zeros(layout.scales(), zero);
  Ints out(layout.size());
  quantize_tensor<std::int32_t>(row, values, layout, scale, zeros, range, options, out);
  return out;
}

// A NaN shows the form: -8 in a vector, 7 alone (INT_MIN - 1 wraps).
TEST(EmuQuantizeTensor, FourBitCodesAloneInTheirByteAreHandledOneByOne) {
  const auto codes = [&](const ScaleLayout& layout) {
    return repeated(x86, num::f32_nan, layout, -1, nibbles, {.nibbles = true});
  };
  EXPECT_EQ(codes({1, 1, 4}), (Ints{-8, -8, -8, -8}));
  EXPECT_EQ(codes({1, 1, 5}), (Ints{-8, -8, -8, -8, 7}));        // the last at an even place
  EXPECT_EQ(codes({1, 2, 3}), (Ints{-8, -8, 7, 7, -8, -8}));     // both ends of a shared byte
  EXPECT_EQ(codes({2, 3, 1}), (Ints{7, 7, 7, 7, 7, 7}));         // runs of one
  EXPECT_EQ(codes({1, 6, 1, 4}), (Ints{-8, -8, -8, -8, -8, -8}));  // blocks of 4 and 2
  EXPECT_EQ(codes({1, 6, 1, 3}), (Ints{-8, -8, 7, 7, -8, -8}));
  EXPECT_EQ(codes({1, 2, 2, 2}), (Ints{7, 7, 7, 7}));            // blocks across rows
}

TEST(EmuQuantizeTensor, BlocksAcrossRowsAreHandledOneByOne) {
  const CodeRange bytes{};
  EXPECT_EQ(repeated(x86, num::f32_nan, {1, 4, 1, 2}, -1, bytes), Ints(4, -128));
  EXPECT_EQ(repeated(x86, num::f32_nan, {1, 2, 2, 2}, -1, bytes), Ints(4, 127));
  EXPECT_EQ(repeated(x86, num::f32_nan, {1, 2, 2}, -1, bytes), Ints(4, -128));  // per axis
}

TEST(EmuQuantizeTensor, Binary16HasAFormOfItsOwn) {
  EXPECT_EQ(repeated(x86, num::f32_nan, {1, 1, 2}, -1, {}, {.half = true}), Ints(2, 127));
  EXPECT_THROW(repeated(ruy, num::f32_one, {1, 1, 2}, 0, {}, {.half = true}), NotSupported);
}

TEST(EmuQuantizeTensor, WhatIsLeftOfAGroupIsRoundedOtherwise) {
  const Ints codes = repeated(ruy, f32(0.5f), {1, 1, 11}, 0, {});
  EXPECT_EQ(codes, (Ints{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1}));
}

TEST(EmuQuantizeTensor, SeveralScalesAlongAnAxisMayHaveAFormOfTheirOwn) {
  Profile row = x86;
  row.quantize.axis_by_single = true;
  EXPECT_EQ(repeated(row, num::f32_nan, {1, 2, 2}, -1, {}), Ints(4, 127));
  EXPECT_EQ(repeated(row, num::f32_nan, {2, 1, 2}, -1, {}), Ints(4, -128));     // one scale
  EXPECT_EQ(repeated(row, num::f32_nan, {1, 4, 1, 2}, -1, {}), Ints(4, -128));  // blocks
}

// fl(3*0.1) - fl(0.1) is not fl(2*0.1), and fma(3, 0.1, -fl(0.1)) is.
TEST(EmuQuantizeTensor, WholeGroupsOf8BitCodesMayTakeTheZeroPointAsAConstant) {
  Profile row = ruy;
  row.dequantize = {.folded = true, .group = 2};
  const Ints q{3, 3, 3};
  const auto reals = [&](bool bytes) {
    std::vector<F32> out(3);
    const std::vector<F32> scale{f32(0.1f)};
    const Ints zero{1};
    dequantize_tensor<std::int32_t>(row, q, {1, 1, 3}, scale, zero, bytes, out);
    return out;
  };
  const F32 folded{0x3e4cccceu}, plain{0x3e4ccccdu};
  EXPECT_EQ(reals(true), (std::vector<F32>{folded, folded, plain}));
  EXPECT_EQ(reals(false), std::vector<F32>(3, plain));
  row.dequantize.fused = true;
  EXPECT_EQ(reals(true), std::vector<F32>(3, plain));
}

TEST(EmuQuantizeTensor, ScalesFollowTheirLayout) {
  const std::vector<F32> x(12, f32(6.0f));
  const std::vector<F32> scale{f32(1.0f), f32(2.0f), f32(3.0f), f32(6.0f)};
  const Ints zero{0, 1, 2, 3};
  Ints out(12);
  const auto run = [&](const ScaleLayout& layout, std::size_t n) {
    quantize_tensor<std::int32_t>(x86, x, layout, std::span(scale).first(n),
                                  std::span(zero).first(n), {}, {}, out);
    return out;
  };
  EXPECT_EQ(run({2, 2, 3}, 2), (Ints{6, 6, 6, 4, 4, 4, 6, 6, 6, 4, 4, 4}));
  EXPECT_EQ(run({1, 12, 1, 5}, 3), (Ints{6, 6, 6, 6, 6, 4, 4, 4, 4, 4, 4, 4}));
  EXPECT_EQ(run({2, 3, 2, 3}, 4), (Ints{6, 4, 6, 4, 6, 4, 4, 4, 4, 4, 4, 4}));
  std::vector<F32> back(12);
  dequantize_tensor<std::int32_t>(x86, run({2, 3, 2, 3}, 4), {2, 3, 2, 3}, scale, zero, true,
                                  back);
  EXPECT_EQ(back, x);
}

TEST(EmuQuantizeTensor, EveryElementIsVisitedOnce) {
  for (const ScaleLayout& layout :
       {ScaleLayout{1, 1, 13}, ScaleLayout{3, 5, 7}, ScaleLayout{2, 7, 3, 2},
        ScaleLayout{2, 7, 1, 3}, ScaleLayout{1, 1, 1, 9}, ScaleLayout{0, 3, 2}}) {
    Ints seen(layout.size());
    std::size_t scales = 0;
    for_each_run(layout, [&](const ScaleRun& run) {
      scales = std::max(scales, run.scale + 1);
      for (std::size_t i = 0; i < run.count; ++i) ++seen[run.first + i * run.stride];
    });
    EXPECT_EQ(seen, Ints(layout.size(), 1));
    EXPECT_EQ(scales, layout.outer == 0 ? 0 : layout.scales());
  }
}

TEST(EmuQuantizeTensor, RowsWithoutAQuantizerRefuse) {
  const Profile none{.name = {"nobody"}};
  EXPECT_THROW(repeated(none, num::f32_one, {1, 1, 1}, 0, {}), NotSupported);
}

}  // namespace
}  // namespace qsim::emu
