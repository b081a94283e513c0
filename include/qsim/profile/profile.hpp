#pragma once
// The vocabulary of a profile: what a machine or runtime computes, as a row of integers and enums.
//
// Scales, zero points and shapes are inputs of an operation, never part of a profile. Rows live in
// catalogue/<engine>.hpp; the code that gives the fields their meaning lives in emu/.

#include <array>
#include <cstdint>
#include <string_view>

#include "qsim/num/f32.hpp"
#include "qsim/num/fit.hpp"
#include "qsim/num/reciprocal.hpp"
#include "qsim/num/round.hpp"
#include "qsim/profile/arith.hpp"
#include "qsim/profile/narrow.hpp"
#include "qsim/profile/rules.hpp"

namespace qsim {

/// How we know that a row is right.
enum class Evidence : std::uint8_t {
  assumed,     ///< plausible, nothing checked
  documented,  ///< read in source or documentation
  emulated,    ///< equal to the engine's own binary under an instruction emulator
  silicon,     ///< equal to the engine's own binary on the processor itself
};

/// A profile's dotted name, general to special: "mnn-2.9.0.arm64.neon". At most 47 characters.
struct Name {
  std::array<char, 48> chars{};
  constexpr Name() = default;
  constexpr Name(std::string_view text) {  // NOLINT(google-explicit-constructor): rows read aloud
    for (std::size_t i = 0; i < text.size() && i + 1 < chars.size(); ++i) chars[i] = text[i];
  }
  constexpr std::string_view view() const {
    std::size_t n = 0;
    while (chars[n] != '\0') ++n;
    return {chars.data(), n};
  }
  friend constexpr bool operator==(const Name&, const Name&) = default;
};

/// What a GEMM does differently on the last, partial tile of output rows (pixels).
struct Tile {
  std::uint8_t rows = 0;            ///< rows of a full tile; 0: rows do not matter
  std::uint8_t doubled_rows = 0;    ///< with this many rows left, the last of them counts the upper
                                    ///< half of every block but the first twice; 0: never
  std::uint8_t unclamped_rows = 0;  ///< with this many rows left, they are not clamped; 0: never
  friend constexpr bool operator==(const Tile&, const Tile&) = default;
};

/// Where im2col puts the 4-channel words of a convolution's taps.
enum class PatchWalk : std::uint8_t {
  dense,        ///< tap after tap, channels padded to 4
  word_stride,  ///< a tap that starts inside a block advances by the words it wrote, not by a block
};
struct Patch {
  PatchWalk walk = PatchWalk::dense;
  std::uint8_t block = 4;   ///< bytes of depth per slot (one pixel, one block)
  std::uint8_t pixels = 4;  ///< slots per tile
  friend constexpr bool operator==(const Patch&, const Patch&) = default;
};

/// How an int32 sum becomes a real number before it is narrowed.
enum class Scheme : std::uint8_t {
  fp32,  ///< fl(fl(acc + bias) * S), both steps in binary32
};

/// Where the bias of a convolution joins its sum. Equations (A.9), (A.33).
enum class BiasStage : std::uint8_t {
  sum,     ///< an int32 joins the int32 sum
  scaled,  ///< the same int32, scaled by itself: fl(fl(fl(acc)*S) + fl(fl(B)*S))
  real,    ///< in units of codes: fl(fl(fl(fl(acc)*alpha)*(s_i/s_o)) + R)
};

/// From accumulator to code.
struct Epilogue {
  Scheme scheme = Scheme::fp32;
  BiasStage bias = BiasStage::sum;
  Narrow narrow{};
  friend constexpr bool operator==(const Epilogue&, const Epilogue&) = default;
};

// -------------------------------------------------------------------- fused scale and int32 bias

/// The type that holds the two truncated quotients of a fused bias.
enum class Quotient : std::uint8_t { int32, real };
/// Which comparisons with zero a NaN passes.
enum class NanIsZero : std::uint8_t { no, yes };

/// int32 bias = b/(s_i*a) + z_o/S - K*(z_i + offset), see docs/arithmetic.md, "Fused parameters".
struct Fuse {
  std::int16_t zero_offset = 0;   ///< added to the input's zero point
  bool fused_multiply_add = false;///< K*(z+offset) is subtracted with one rounding
  Quotient quotient = Quotient::int32;
  Reciprocal reciprocal = Reciprocal::divide;
  Estimate estimate = Estimate::exact;
  std::uint8_t group = 1;         ///< channels that the estimate serves together; the rest divide
  bool nan_alpha_in_tail = false; ///< a NaN weight scale survives in the channels left of a group
  NanIsZero nan_scale = NanIsZero::no;  ///< a NaN tensor scale takes the zero-scale early return
  bool stored_scales = false;  ///< in place of that return, the scales stored with the convolution
  Convert convert{};              ///< real -> int32 of quotients and of the sum
  friend constexpr bool operator==(const Fuse&, const Fuse&) = default;
};

// ------------------------------------------------------------------------- casts and other ops

/// float -> int8: t = x*m + z (in binary32), narrow(t).
struct Cast {
  bool fused_multiply_add = false;
  Narrow narrow{};
  friend constexpr bool operator==(const Cast&, const Cast&) = default;
};

/// How max pooling orders codes.
enum class MaxOrder : std::uint8_t {
  codes,
  biased_bytes,  ///< code + 128 compared as a signed byte: negative codes win over others
};
struct Pool {
  MaxOrder max_order = MaxOrder::codes;
  std::int16_t average_offset = 0;  ///< added to every code before the sum, removed after
  friend constexpr bool operator==(const Pool&, const Pool&) = default;
};

/// Element-wise arithmetic of two int8 tensors by way of binary32.
struct Eltwise {
  bool products_first = false;    ///< mul as (q0*q1)*(s0*s1) instead of (q0*s0)*(q1*s1)
  Convert convert{};              ///< result / s_o to int32
  bool zero_after_int16 = false;  ///< saturate to int16, then + z_o wrapping; else + z_o in int32
  Ties min_max_shift = Ties::half_up;  ///< the >> 16 of min and max
  bool whole_quads_only = false;  ///< only size/4*4 elements are written; the rest is unspecified
  NanIsZero nan_scale = NanIsZero::no;  ///< a NaN output scale acts as 0
  friend constexpr bool operator==(const Eltwise&, const Eltwise&) = default;
};

// ----------------------------------------------------------------------------- float functions

/// How 2^n joins the polynomial of exp.
enum class PowerOfTwo : std::uint8_t {
  multiply,      ///< fl(2^n * p)
  add_exponent,  ///< n << 23 added to the bit pattern of p
};

/// How the partial sums of a float dot product meet at the end.
enum class Tree : std::uint8_t {
  pairs,     ///< ((0+1)+(2+3)) + ((4+5)+(6+7))
  halves,    ///< (0+2) + (1+3)
  from_one,  ///< ((1+2)+0) + 3
};
/// Product k joins lane k % lanes, by fma or by multiply and add.
struct FloatDot {
  std::uint8_t lanes = 1;  ///< 1, 4 or 8
  bool fused = false;
  Tree tree = Tree::pairs;
  friend constexpr bool operator==(const FloatDot&, const FloatDot&) = default;
};
/// Format in which float results are stored between ops.
enum class Storage : std::uint8_t { fp32, fp16 };

/// exp, sigmoid, tanh and dot products on binary32.
struct FloatMath {
  FloatDot conv{};         ///< convolutions, and matrix products of more than one row
  FloatDot conv_single{};  ///< convolutions: pixels left over after tiles of 24, 20, 16 and 5
  FloatDot matmul_row{};   ///< matrix products with one row
  MinMaxNan minmax = MinMaxNan::propagate;  ///< NaN answer of clamps (relu, before exp, after conv)
  bool clamps_convolutions = false;///< float convolutions end in max(-FLT_MAX), min(FLT_MAX)
  ClampOrder exp_clamp = ClampOrder::low_first;  ///< order of the limits -87 and 87 before exp
  Ties exp_range = Ties::half_even;///< x/ln2 to an integer
  bool exp_reduce_fused = false;   ///< x - n*ln2 with one rounding
  bool exp_poly_fused = false;     ///< Horner steps with fma
  PowerOfTwo exp_power = PowerOfTwo::multiply;
  Reciprocal reciprocal = Reciprocal::divide;
  Estimate estimate = Estimate::exact;
  std::uint8_t group = 1;          ///< elements the estimate serves together; the rest divide
  Storage storage = Storage::fp32;
  friend constexpr bool operator==(const FloatMath&, const FloatMath&) = default;
};

/// Which operations of a quantized graph run on integers.
enum class Placement : std::uint8_t {
  none,       ///< none: everything in float
  describes,  ///< an op whose inputs and output all carry (propagated) quantization info
};

/// A whole runtime.
struct Profile {
  Name name{};
  Arith conv{};               ///< products of convolutions
  Arith conv_fast{};          ///< of convolutions that ask for the overflow-aware kernel
  Tile tile{};
  Patch patch{};
  Epilogue epilogue{};
  Epilogue depthwise{};
  Fuse fuse{};
  Cast cast{};
  Pool pool{};
  Eltwise eltwise{};
  FloatMode float_mode{};
  FloatMath float_math{};
  // Single operators.
  Products products{};
  Window window{};
  Taps taps{};
  Requant requant{};           ///< of convolutions and matrix products
  Requant requant_product{};   ///< of matrix products; none: as `requant`
  Requant requant_row{};       ///< of matrix products with one row that pass `row_gate`; none: as
                               ///< `requant_product`
  RowGate row_gate{};
  Requant requant16{};         ///< of int64 sums
  Requant requant16_product{}; ///< of int64 sums of matrix products; none: as `requant16`
  Requant grouped{};           ///< of convolutions with groups, not depthwise; none: `requant`
  Requant channelwise{};       ///< of depthwise convolutions, whole groups of channels; none:
                               ///< `requant`
  Requant channelwise_rest{};  ///< channels left of a group; none: as `channelwise`
  std::uint8_t channel_group = 1;
  bool signed_to_unsigned = false;  ///< a graph with int8 activations is rewritten to uint8
  Quantize quantize{};
  Dequantize dequantize{};
  Dynamic dynamic{};
  Add add{};
  Mul mul{};
  Average average{};
  Table table{};
  Softmax softmax{};
  Recode requantize{};        ///< codes to codes of another scale
  Recode leaky_relu{};
  Mean mean{};
  Placement placement = Placement::none;
  Evidence evidence = Evidence::assumed;
  friend constexpr bool operator==(const Profile&, const Profile&) = default;
};

}  // namespace qsim
