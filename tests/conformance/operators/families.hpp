#pragma once
// The families of single operators in one list.

#include <vector>

#include "conformance/operators/average.hpp"
#include "conformance/operators/binary.hpp"
#include "conformance/operators/gate.hpp"
#include "conformance/operators/operator.hpp"
#include "conformance/operators/product.hpp"
#include "conformance/operators/quantize.hpp"
#include "conformance/operators/recode.hpp"
#include "conformance/operators/requantize.hpp"
#include "conformance/operators/rescale.hpp"
#include "conformance/operators/table.hpp"
#include "conformance/operators/window.hpp"

namespace qsim::court {

namespace detail {

/// From codes to sums and from sums to codes.
inline void add_sums(std::vector<Operator>& all) {
  const auto products = [&](std::string_view name, std::vector<std::string_view> fields) {
    fields.push_back("row_gate");
    all.push_back({name, std::move(fields), product::applies, product::cases, product::run});
  };
  products("product.u8u8", {"products.u8u8"});
  products("product.u8s8", {"products.u8s8"});
  products("product.s8u8", {"products.s8u8"});
  products("product.s8s8", {"products.s8s8"});
  products("product.s16s8", {"products.s16s8"});
  products("product.s16s16", {"products.s16s16"});
  all.push_back({"gate.row", {"row_gate"}, gate::applies, gate::cases, gate::run});
  const auto windows = [&](std::string_view name, std::vector<std::string_view> fields) {
    all.push_back({name, std::move(fields), product::applies, window::cases, window::run});
  };
  windows("window.u8u8", {"products.u8u8", "window", "taps"});
  windows("window.u8s8", {"products.u8s8", "products.s8u8", "window", "taps"});
  windows("window.s8s8", {"products.s8s8", "window", "taps"});
  windows("window.s16s8", {"products.s16s8", "window", "taps"});
  const auto sums = [&](std::string_view name, std::vector<std::string_view> fields) {
    fields.push_back("float_mode");
    all.push_back({name, std::move(fields), requantize::applies, requantize::cases,
                   requantize::run});
  };
  sums("requantize.convolution", {"requant"});
  sums("requantize.grouped", {"requant", "grouped"});
  sums("requantize.depthwise", {"requant", "channelwise", "channelwise_rest", "channel_group"});
  sums("requantize.product", {"requant", "requant_product"});
  sums("requantize.row", {"requant", "requant_product", "requant_row"});
  sums("requantize.wide", {"requant16"});
  sums("requantize.wide_product", {"requant16", "requant16_product"});
  all.push_back({"rescale.raw",
                 {"requant", "requant_product", "requant_row", "requant16", "requant16_product",
                  "grouped", "channelwise", "channelwise_rest", "add", "mul", "requantize",
                  "leaky_relu", "mean"},
                 rescale::applies, rescale::cases, rescale::run});
  all.push_back({"real.sums", {"requant", "float_mode"}, real::applies, real::cases, real::run});
}

/// Element by element.
inline void add_elementwise(std::vector<Operator>& all) {
  const std::vector<std::string_view> casts{"quantize", "cast", "float_mode"};
  for (const char* name : {"quantize.vector", "quantize.single", "quantize.half"})
    all.push_back({name, casts, quantize::applies, quantize::cases, quantize::run});
  all.push_back({"dequantize.codes", {"quantize", "dequantize", "float_mode"},
                 quantize::has_quantizer,
                 quantize::dequantize_cases, quantize::run_dequantize});
  all.push_back({"dynamic.tensor", {"dynamic", "quantize", "cast", "float_mode"},
                 dynamic::applies, dynamic::cases, dynamic::run});
  for (const char* name : {"add.u8", "add.s8", "add.s16"})
    all.push_back({name, {"add", "eltwise", "float_mode"}, binary::applies, binary::cases,
                   binary::run});
  for (const char* name : {"mul.u8", "mul.s8", "mul.s16"})
    all.push_back({name, {"mul", "eltwise", "float_mode"}, binary::applies, binary::cases,
                   binary::run});
  for (const char* name : {"average.window", "average.whole"})
    all.push_back({name, {"average", "requant", "pool", "float_mode"}, average::applies,
                   average::cases, average::run});
  all.push_back({"table.function", {"table", "quantize", "cast", "float_mode"}, table::applies,
                 table::cases, table::run});
  all.push_back({"softmax.rows", {"softmax", "requantize", "average", "float_mode"},
                 softmax::applies,
                 softmax::cases, softmax::run});
  all.push_back({"recode.codes", {"requantize"}, recode::applies, recode::cases, recode::run});
  all.push_back({"recode.leaky_relu", {"leaky_relu"}, recode::applies, recode::cases,
                 recode::run});
  all.push_back({"mean.rows", {"mean", "float_mode"}, mean::applies, mean::cases, mean::run});
}

}  // namespace detail

inline std::vector<Operator> operators() {
  std::vector<Operator> all;
  detail::add_sums(all);
  detail::add_elementwise(all);
  return all;
}

}  // namespace qsim::court
