#pragma once
// The vocabulary of single operators: how a runtime multiplies, rescales, quantizes, adds, pools.
//
// A rule whose first field is `none` is not part of the profile: its operator refuses to run.

#include <cstdint>

#include "qsim/profile/arith.hpp"
#include "qsim/profile/narrow.hpp"

namespace qsim {

/// Chains of matrix products by operand types, left then right (activations, weights).
struct Products {
  Arith u8u8 = no_product, u8s8 = no_product, s8u8 = no_product, s8s8 = no_product;
  Arith s16s8 = no_product, s16s16 = no_product;
  friend constexpr bool operator==(const Products&, const Products&) = default;
};

/// How a convolution becomes matrix products. K order decides which products meet in a step.
enum class KOrder : std::uint8_t {
  channel_last,   ///< kernel row, kernel column, channel
  channel_first,  ///< channel, kernel row, kernel column
};
struct Window {
  KOrder order = KOrder::channel_last;
  bool integer_filter_lhs = false;  ///< a convolution that returns int32 multiplies filter*columns,
                                    ///< channel first: the filter is the left operand
  Arith constant = no_product;      ///< s8*s8 by a constant s8 filter with zero point 0
  Arith indirect = no_product;      ///< the same without groups, with more than one tap, at least
                                    ///< `indirect_channels` input channels, and input and output
                                    ///< channels multiples of `channel_multiple`; every tap is
                                    ///< padded to whole blocks. uint8 input enters as code - 128
  std::uint8_t indirect_channels = 64;
  std::uint8_t channel_multiple = 8;
  std::uint8_t tap_block = 1;       ///< channels of every tap are padded to a multiple
  bool skips_padding = false;       ///< taps outside the image add nothing, not even to the
                                    ///< correction, instead of reading the input's zero point
  friend constexpr bool operator==(const Window&, const Window&) = default;
};

/// Chains over the taps of a depthwise convolution: one channel in and out per group. `nine` and
/// `other` want a constant s8 filter with zero point 0 and channels a multiple of
/// window.channel_multiple, and take uint8 codes as code - 128.
struct Taps {
  Arith nine = no_product;   ///< 9 taps and channels a multiple of 2*window.channel_multiple
  Arith other = no_product;  ///< other such convolutions
  Arith rest = no_product;   ///< all other depthwise convolutions; none: as `products`
  bool rest_multiplies = false;  ///< `rest` is also for several outputs of every channel
  friend constexpr bool operator==(const Taps&, const Taps&) = default;
};

/// From accumulator to code.
enum class Rescale : std::uint8_t {
  none,
  fp32,    ///< fl(fl(acc) * factor)
  fixed,   ///< integer multiplier and shift
  engine,  ///< by the profile's `fuse` and `epilogue`
  f64,     ///< acc * factor in binary64, rounded by `narrow.convert`, then as an integer
  real,    ///< a real value first, v = fl(fl(acc) * fl(x*w)), then fl(v * fl(1/y))
};
/// How input, weight and output scales x, w, y become one factor.
enum class Factor : std::uint8_t {
  f32,             ///< fl(fl(x*w) / y)
  f64,             ///< x*w/y in binary64 (the product is exact); rounded to binary32 for `fp32`
  f32_reciprocal,  ///< fl(fl(x*w) * fl(1/y))
  f32_product,     ///< fl(x*w)/y in binary64 with one weight scale; with one per channel as `f64`
  in_turn,         ///< for `real`: v = fl(fl(fl(acc) * x) * w)
};
/// What becomes of a bias in real units. An int32 bias always joins the sum and wraps.
enum class RealBias : std::uint8_t {
  refused,
  quotient,  ///< fl(fl(acc) + fl(b / fl(x*w))) takes the place of fl(acc)
  real,      ///< fl(v + b) in real units, for `real`
};
struct Requant {
  Rescale scheme = Rescale::none;
  Factor factor = Factor::f32;
  RealBias bias = RealBias::refused;
  bool fused = false;  ///< a real bias joins by fma; so it does where the result stays binary32,
                       ///< fl(acc)*fl(x*w) + bias
  bool codes_per_unit = false;  ///< for `real`: scales are codes per real unit, v = fl(fl(acc) *
                                ///< fl(1/fl(x*w))) (0 for w = 0), then fl(v * y)
  Fixed fixed{};
  Narrow narrow{};
  friend constexpr bool operator==(const Requant&, const Requant&) = default;
};
/// Matrix products of one row that a runtime hands to another kernel: 8-bit codes, at least
/// `columns` results and a depth of at least `depth`.
struct RowGate {
  std::uint8_t columns = 1, depth = 1;
  bool convolutions = false;  ///< an ungrouped convolution with one output pixel counts, too
  bool exact = false;         ///< their products are exact, whatever `products` says
  friend constexpr bool operator==(const RowGate&, const RowGate&) = default;
};

/// From binary32 (or binary16) to code.
enum class Scaling : std::uint8_t {
  none,
  engine,      ///< by the profile's `cast`
  divide,      ///< fl(x / scale)
  reciprocal,  ///< fl(x * fl(1 / scale))
  divide_f64,  ///< x / scale in binary64, rounded from there
  log2_16,     ///< HiSilicon 8-bit: sign and 16*log2|x|; `scale` is the exponent's origin
};
struct Quantizer {
  Scaling scaling = Scaling::none;
  Narrow narrow{};
  bool fused = false;  ///< reciprocal with a real zero point: fma(x, fl(1/scale), fl(zero))
  friend constexpr bool operator==(const Quantizer&, const Quantizer&) = default;
};
struct Quantize {
  Quantizer vector{};      ///< whole groups of `group` elements of a tensor
  Quantizer rest{};        ///< elements left of a group; none: as `vector`
  Quantizer single{};      ///< elements handled one by one: blocks with more than one element after
                           ///< the axis, 4-bit codes alone in their byte; none: as `vector`
  Quantizer half{};        ///< binary16 input; none: there is no such cast
  std::uint8_t group = 1;
  bool axis_by_single = false;  ///< with a scale per axis every element takes `single`
  friend constexpr bool operator==(const Quantize&, const Quantize&) = default;
};

/// From code to real value.
struct Dequantize {
  bool folded = false;  ///< fl(fl(q*scale) + fl(-zero*scale)) for whole groups of 8-bit codes;
                        ///< else fl((q - zero) * scale)
  bool fused = false;   ///< folded by fma(q, scale, fl(-zero*scale))
  std::uint8_t group = 1;
  friend constexpr bool operator==(const Dequantize&, const Dequantize&) = default;
};

/// Scale and zero point from the values themselves.
enum class DynamicScheme : std::uint8_t {
  none,
  unsigned_255,  ///< (max - min)/255, uint8
  signed_255,    ///< 255/(max - min) and a nudged int8 zero point
};
struct Dynamic {
  DynamicScheme scheme = DynamicScheme::none;
  std::uint8_t lanes = 1;       ///< minimum and maximum are kept per lane of a vector
  std::uint8_t unroll = 1;      ///< vectors per step; their results are merged in pairs
  MinMaxNan minmax = MinMaxNan::propagate;       ///< within vectors: op(kept, new)
  MinMaxNan tail = MinMaxNan::first_operand;     ///< the elements left of a vector
  friend constexpr bool operator==(const Dynamic&, const Dynamic&) = default;
};

/// Sum of two code tensors.
enum class AddScheme : std::uint8_t {
  none,
  engine,       ///< by the profile's `eltwise`
  folded_f32,   ///< zero points folded into one binary32 constant
  plain_f32,    ///< fl(fl(sa(a-za)) + fl(sb(b-zb))), divided by the output's scale
  shifted,      ///< integer ratios of at most `bits` bits, one shift
  fixed,        ///< both sides scaled by 2^left, three fixed-point factors
};
struct Add {
  AddScheme scheme = AddScheme::none;
  bool fused = false;            ///< products joined by fma (folded_f32, and plain_f32 where
                                 ///< `shifted` gives up)
  std::uint8_t bits = 21;        ///< shifted: ratio*2^(bits - exponent of the larger ratio)
  Ties shift = Ties::half_away;  ///< shifted: of the one right shift
  bool gives_up = false;         ///< shifted: ratios outside [2^-14, 2^8) take plain_f32
  std::uint8_t left = 20;        ///< fixed: 2^left for 8-bit codes
  std::uint8_t left16 = 15;      ///< fixed: for 16-bit codes
  bool folds_exponent = false;   ///< fixed: an input's exponent joins the left shift
  Fixed fixed{};
  Narrow narrow{};
  Narrow plain{};                ///< shifted: narrowing where it gives up
  friend constexpr bool operator==(const Add&, const Add&) = default;
};

/// Product of two code tensors.
enum class MulScheme : std::uint8_t {
  none,
  engine,     ///< by the profile's `eltwise`
  ratio,      ///< fl(fl((a-za)(b-zb)) * r), r = fl(fl(sa*sb)/sc)
  plain_f32,  ///< fl(fl(sa(a-za)) * fl(sb(b-zb))), divided by the output's scale
  fixed,      ///< integer product, one fixed-point factor
};
struct Mul {
  MulScheme scheme = MulScheme::none;
  Factor factor = Factor::f32;  ///< fixed: of r
  bool fused = false;           ///< ratio: the zero point joins by fma
  Fixed fixed{};
  Narrow narrow{};
  friend constexpr bool operator==(const Mul&, const Mul&) = default;
};

/// Mean of a window of codes.
enum class AverageScheme : std::uint8_t {
  none,
  engine,    ///< by the profile's `pool`
  f32,       ///< real values summed in binary32
  integer,   ///< sum of codes divided by the count
};
struct Average {
  AverageScheme scheme = AverageScheme::none;
  Ties ties = Ties::half_away;         ///< integer: of the division
  bool whole_image_requant = false;    ///< a window that is the whole image sums integers and
                                       ///< rescales them by `requant`
  Narrow narrow{};
  friend constexpr bool operator==(const Average&, const Average&) = default;
};

/// Codes of one scale as codes of another, and leaky relu (one factor for each sign).
enum class Recoding : std::uint8_t {
  none,
  fixed,       ///< a fixed-point factor
  fraction_8,  ///< an integer factor with 8 fractional bits, rounded half up
};
struct Recode {
  Recoding scheme = Recoding::none;
  Factor factor = Factor::f64;
  Fixed fixed{};
  Fixed body{};            ///< whole groups of `group` 8-bit codes, where group > 1
  std::uint8_t group = 1;
  Narrow narrow{};
  friend constexpr bool operator==(const Recode&, const Recode&) = default;
};

/// Mean over axes of a tensor.
enum class MeanScheme : std::uint8_t {
  none,
  fixed,       ///< integer sum of codes without zero points, one fixed-point factor with 1/count
  folded_f32,  ///< s = fl(fl(si/so) * fl(1/n)): fl(fl(sum*s) + fl(zo - fl(fl(n*zi)*s))), raw codes
};
struct Mean {
  MeanScheme scheme = MeanScheme::none;
  Fixed fixed{};             ///< of all means, and of channels left of a group
  bool image_sums = false;   ///< 8-bit means over both image axes of [n, h, w, c] that stay: raw
                             ///< codes are summed, the factor is fl(s / fl(fl(n)*so)), the zero
                             ///< point joins as zo - trunc(t +- 0.5), t = fl(fl(zi*s)/so)
  Fixed image{};             ///< there: whole groups of `group` channels
  std::uint8_t group = 1;
  bool fused = false;        ///< folded_f32: fma(sum, s, fma(-n*zi, s, zo))
  Narrow narrow{};
  friend constexpr bool operator==(const Mean&, const Mean&) = default;
};

/// Functions of one code by a table of 256 entries.
enum class TableScheme : std::uint8_t {
  none,
  quantized,   ///< f of the real value, quantized by `quantize.vector`
  reciprocal,  ///< half_away(fl(f * fl(1/scale))), zero point added in binary32
};
struct Table {
  TableScheme scheme = TableScheme::none;
  friend constexpr bool operator==(const Table&, const Table&) = default;
};

enum class SoftmaxScheme : std::uint8_t {
  none,
  f32_table,  ///< 256 binary32 exponentials, summed in index order
  fixed,      ///< integer exponential with 5 integer bits, sum with 12, Newton reciprocal
  exp_f32,    ///< 256 binary32 exponentials of differences to the maximum, times a reciprocal
  exp_u16,    ///< 256 exponentials as uint16, an integer sum, a fixed-point factor
};
struct Softmax {
  SoftmaxScheme scheme = SoftmaxScheme::none;
  friend constexpr bool operator==(const Softmax&, const Softmax&) = default;
};

}  // namespace qsim
