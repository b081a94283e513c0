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
template <> inline constexpr std::array<std::string_view, 4> enum_names<ClampStage>{
    "none", "real", "int16", "int8"};
template <> inline constexpr std::array<std::string_view, 2> enum_names<ClampOrder>{
    "high_first", "low_first"};
template <> inline constexpr std::array<std::string_view, 1> enum_names<Scheme>{"fp32"};
template <> inline constexpr std::array<std::string_view, 2> enum_names<Reciprocal>{
    "divide", "estimate_newton"};
template <> inline constexpr std::array<std::string_view, 2> enum_names<Estimate>{
    "exact", "intel_11"};
template <> inline constexpr std::array<std::string_view, 2> enum_names<Quotient>{"int32", "real"};
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
