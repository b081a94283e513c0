#pragma once
// The yardstick: exact products, and the ONNX operators as their specification words them.

#include <array>

#include "qsim/profile/catalogue/arith.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::exact {

namespace detail {

/// Rounded half to even, then the zero point, then limits; NaN counts as 0. ONNX QuantizeLinear.
inline constexpr Narrow narrow{.clamp = ClampStage::int32,
                               .order = ClampOrder::low_first,
                               .zero = ZeroStage::int32_saturate,
                               .through_int16 = false};
inline constexpr Narrow plain{.clamp = ClampStage::int32,
                              .order = ClampOrder::low_first,
                              .zero = ZeroStage::real,
                              .through_int16 = false};
inline constexpr Arith exact_u8{.lhs_unsigned = true};
inline constexpr Arith exact_i64{.acc_bits = 64};

}  // namespace detail

inline constexpr std::array rows{Profile{
    .name = {"exact.i32"},
    .products = {.u8u8 = detail::exact_u8,
                 .u8s8 = detail::exact_u8,
                 .s8u8 = arith::exact_i32,
                 .s8s8 = arith::exact_i32,
                 .s16s8 = detail::exact_i64,
                 .s16s16 = detail::exact_i64},
    .requant = {.scheme = Rescale::fp32, .narrow = detail::narrow},
    .requant16 = {.scheme = Rescale::fp32, .narrow = detail::narrow},
    .quantize = {.vector = {Scaling::divide, detail::narrow},
                 .half = {Scaling::divide, detail::narrow}},
    .dynamic = {.scheme = DynamicScheme::unsigned_255},
    .add = {.scheme = AddScheme::plain_f32, .narrow = detail::plain},
    .mul = {.scheme = MulScheme::plain_f32, .narrow = detail::plain},
    .average = {.scheme = AverageScheme::f32, .narrow = detail::plain},
    .table = {.scheme = TableScheme::quantized},
    .softmax = {.scheme = SoftmaxScheme::f32_table},
    .evidence = Evidence::documented}};

}  // namespace qsim::exact
