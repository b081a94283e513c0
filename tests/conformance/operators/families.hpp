#pragma once
// The families of single operators in one list.

#include <vector>

#include "conformance/operators/operator.hpp"
#include "conformance/operators/product.hpp"
#include "conformance/operators/requantize.hpp"
#include "conformance/operators/rescale.hpp"
#include "conformance/operators/window.hpp"

namespace qsim::court {

inline std::vector<Operator> operators() {
  std::vector<Operator> all;
  const auto products = [&](std::string_view name, std::vector<std::string_view> fields) {
    all.push_back({name, std::move(fields), product::applies, product::cases, product::run});
  };
  products("product.u8u8", {"products.u8u8"});
  products("product.u8s8", {"products.u8s8"});
  products("product.s8u8", {"products.s8u8"});
  products("product.s8s8", {"products.s8s8"});
  products("product.s16s8", {"products.s16s8"});
  products("product.s16s16", {"products.s16s16"});
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
  sums("requantize.product", {"requant"});
  sums("requantize.row", {"requant", "requant_row"});
  sums("requantize.wide", {"requant16"});
  sums("requantize.depthwise", {"requant", "channelwise", "channelwise_rest", "channel_group"});
  all.push_back({"rescale.raw",
                 {"requant", "requant_row", "requant16", "channelwise", "channelwise_rest", "add",
                  "mul", "requantize", "leaky_relu", "mean"},
                 rescale::applies, rescale::cases, rescale::run});
  all.push_back({"real.sums", {"requant", "float_mode"}, real::applies, real::cases, real::run});
  return all;
}

}  // namespace qsim::court
