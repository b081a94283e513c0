#pragma once
// The spelling of every enumerator of a profile: what text, JSON and Python see.

#include <array>
#include <string_view>

#include "qsim/base/check.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim {

/// Enumerators of E in order; specialised for each enumeration of a profile.
template <class E>
inline constexpr std::array<std::string_view, 0> enum_names{};

template <> inline constexpr std::array<std::string_view, 2> enum_names<Overflow>{
    "wrap", "saturate"};
template <> inline constexpr std::array<std::string_view, 7> enum_names<Ties>{
    "half_even", "half_away", "half_up", "half_down", "toward_zero", "floor", "add_half"};
template <> inline constexpr std::array<std::string_view, 3> enum_names<Flush>{
    "none", "after_rounding", "before_rounding"};
template <> inline constexpr std::array<std::string_view, 4> enum_names<MinMaxNan>{
    "second_operand", "first_operand", "propagate", "number"};
template <> inline constexpr std::array<std::string_view, 3> enum_names<NanRule>{
    "zero", "lowest", "highest"};
template <> inline constexpr std::array<std::string_view, 2> enum_names<RangeRule>{
    "saturate", "lowest"};
template <> inline constexpr std::array<std::string_view, 4> enum_names<Evidence>{
    "assumed", "documented", "emulated", "silicon"};
template <> inline constexpr std::array<std::string_view, 2> enum_names<PatchWalk>{
    "dense", "word_stride"};
template <> inline constexpr std::array<std::string_view, 6> enum_names<ClampStage>{
    "none", "real", "int16", "int8", "int32", "real_high"};
template <> inline constexpr std::array<std::string_view, 2> enum_names<ClampOrder>{
    "high_first", "low_first"};
template <> inline constexpr std::array<std::string_view, 1> enum_names<Scheme>{"fp32"};
template <> inline constexpr std::array<std::string_view, 2> enum_names<Reciprocal>{
    "divide", "estimate_newton"};
template <> inline constexpr std::array<std::string_view, 2> enum_names<Estimate>{
    "exact", "intel_11"};
template <> inline constexpr std::array<std::string_view, 2> enum_names<Quotient>{"int32", "real"};
template <>
inline constexpr std::array<std::string_view, 3> enum_names<BiasStage>{"sum", "scaled", "real"};
template <> inline constexpr std::array<std::string_view, 2> enum_names<NanIsZero>{"no", "yes"};
template <> inline constexpr std::array<std::string_view, 2> enum_names<MaxOrder>{
    "codes", "biased_bytes"};
template <> inline constexpr std::array<std::string_view, 2> enum_names<PowerOfTwo>{
    "multiply", "add_exponent"};
template <> inline constexpr std::array<std::string_view, 3> enum_names<Tree>{
    "pairs", "halves", "from_one"};
template <> inline constexpr std::array<std::string_view, 2> enum_names<Storage>{"fp32", "fp16"};
template <> inline constexpr std::array<std::string_view, 2> enum_names<Placement>{
    "none", "describes"};

template <> inline constexpr std::array<std::string_view, 2> enum_names<ZeroPoints>{
    "corrected", "subtracted"};
template <> inline constexpr std::array<std::string_view, 6> enum_names<ZeroStage>{
    "included", "real", "real_integral", "int32_wrap", "int32_saturate", "int16_saturate"};
template <> inline constexpr std::array<std::string_view, 3> enum_names<RealCap>{
    "none", "int16", "below_int32"};
template <> inline constexpr std::array<std::string_view, 3> enum_names<Multiplier>{
    "f64_half_away", "f64_half_down", "f32_exact"};
template <> inline constexpr std::array<std::string_view, 2> enum_names<KOrder>{
    "channel_last", "channel_first"};
template <> inline constexpr std::array<std::string_view, 6> enum_names<Rescale>{
    "none", "fp32", "fixed", "engine", "f64", "real"};
template <> inline constexpr std::array<std::string_view, 3> enum_names<RealBias>{
    "refused", "quotient", "real"};
template <> inline constexpr std::array<std::string_view, 5> enum_names<Factor>{
    "f32", "f64", "f32_reciprocal", "f32_product", "in_turn"};
template <> inline constexpr std::array<std::string_view, 6> enum_names<Scaling>{
    "none", "engine", "divide", "reciprocal", "divide_f64", "log2_16"};
template <> inline constexpr std::array<std::string_view, 3> enum_names<DynamicScheme>{
    "none", "unsigned_255", "signed_255"};
template <> inline constexpr std::array<std::string_view, 6> enum_names<AddScheme>{
    "none", "engine", "folded_f32", "plain_f32", "shifted", "fixed"};
template <> inline constexpr std::array<std::string_view, 5> enum_names<MulScheme>{
    "none", "engine", "ratio", "plain_f32", "fixed"};
template <> inline constexpr std::array<std::string_view, 4> enum_names<AverageScheme>{
    "none", "engine", "f32", "integer"};
template <> inline constexpr std::array<std::string_view, 3> enum_names<TableScheme>{
    "none", "quantized", "reciprocal"};
template <> inline constexpr std::array<std::string_view, 5> enum_names<SoftmaxScheme>{
    "none", "f32_table", "fixed", "exp_f32", "exp_u16"};
template <> inline constexpr std::array<std::string_view, 3> enum_names<Recoding>{
    "none", "fixed", "fraction_8"};
template <> inline constexpr std::array<std::string_view, 3> enum_names<MeanScheme>{
    "none", "fixed", "folded_f32"};

template <class E>
constexpr std::string_view enum_name(E value) {
  return enum_names<E>[static_cast<std::size_t>(value)];
}

/// The enumerator spelled `text`; BadArgument that lists the legal ones.
template <class E>
E enum_from_name(std::string_view text, std::string_view argument) {
  std::string legal;
  for (std::size_t i = 0; i < enum_names<E>.size(); ++i) {
    if (enum_names<E>[i] == text) return static_cast<E>(i);
    legal += (i == 0 ? "" : ", ") + std::string(enum_names<E>[i]);
  }
  fail<BadArgument>(argument, ": expected one of ", legal, ", got \"", text, "\"");
}

}  // namespace qsim
