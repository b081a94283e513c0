#pragma once
// Two deterministic networks that use every op: an unrolled GRU and a small CNN.

#include <string>
#include <vector>

#include "graph/build.hpp"
#include "num/host.hpp"

namespace qsim::graph::test {

/// n integers of [-1000, 1000] times a power of two.
inline Floats drawn(qsim::test::Random& random, std::size_t n, float unit) {
  Floats out(n);
  for (float& v : out) v = (static_cast<float>(random.below(2001)) - 1000.0f) * unit;
  return out;
}

struct Network {
  std::string name;
  Graph graph;
  std::vector<Feeds> batches;  ///< for calibration
  Feeds sample;                ///< for the run
};

/// Three steps of h' = (1 - z) n + z h over [batch 3, 3 steps, 6 features] with 10 hidden units;
/// the initial state is an input of zeros and all steps share their matrices.
inline Network gru() {
  qsim::test::Random random(2024);
  constexpr std::int64_t batch = 3, in = 6, hidden = 10, steps = 3;
  Net net;
  net.input("x", {batch, steps, in}).input("h0", {batch, hidden}).constant("one", {}, {1.0f});
  net.constant("W", {in, 3 * hidden}, drawn(random, 180, 0x1p-11f));
  net.constant("U", {hidden, 3 * hidden}, drawn(random, 300, 0x1p-12f));
  net.constant("b", {3 * hidden}, drawn(random, 30, 0x1p-13f));
  Attributes gates, drop;
  gates.axis = 1;
  drop.ints = {1};
  std::string h = "h0";
  std::vector<std::string> states;
  for (int t = 0; t < steps; ++t) {
    const auto at = [&](const char* name) { return text(name, t); };
    Attributes cut;
    cut.starts = {t}, cut.ends = {t + 1}, cut.axes = {1};
    net.node(Op::slice, {"x"}, {at("cut")}, cut).node(Op::squeeze, {at("cut")}, {at("xt")}, drop);
    net.node(Op::matmul, {at("xt"), "W"}, {at("xw")}).node(Op::matmul, {h, "U"}, {at("hu")});
    net.node(Op::add, {at("xw"), "b"}, {at("xb")});
    net.node(Op::split, {at("xb")}, {at("xr"), at("xz"), at("xn")}, gates);
    net.node(Op::split, {at("hu")}, {at("hr"), at("hz"), at("hn")}, gates);
    net.node(Op::add, {at("xr"), at("hr")}, {at("sr")}).node(Op::sigmoid, {at("sr")}, {at("r")});
    net.node(Op::add, {at("xz"), at("hz")}, {at("sz")}).node(Op::sigmoid, {at("sz")}, {at("z")});
    net.node(Op::mul, {at("r"), at("hn")}, {at("rh")});
    net.node(Op::add, {at("xn"), at("rh")}, {at("sn")});
    net.node(Op::tanh, {at("sn")}, {at("n")}).node(Op::sub, {"one", at("z")}, {at("keep")});
    net.node(Op::mul, {at("keep"), at("n")}, {at("new")}).node(Op::mul, {at("z"), h}, {at("old")});
    net.node(Op::add, {at("new"), at("old")}, {at("state")});
    h = at("state");
    net.node(Op::unsqueeze, {h}, {at("row")}, drop);
    states.push_back(at("row"));
  }
  net.node(Op::concat, states, {"y"}, gates);
  Network out{"gru", net.outputs({"y", h}), {}, {}};
  const auto feeds = [&] {
    return Feeds{{"x", {{batch, steps, in}, drawn(random, 54, 0x1p-9f)}},
                 {"h0", {{batch, hidden}, Floats(30)}}};
  };
  out.batches = {feeds(), feeds()};
  out.sample = feeds();
  return out;
}

/// [2, 3, 9, 9] to 5 classes: convolutions of every kind, a residual sum, all pools.
inline Network cnn() {
  qsim::test::Random random(7);
  Attributes three, depthwise, point, grouped, line, six, half, mean, flat, rows, turned, axis;
  three.kernel = {3, 3}, three.pads = {1, 1, 1, 1};
  depthwise = three, depthwise.group = 8;
  point.kernel = {1, 1};
  grouped.kernel = {2, 2}, grouped.strides = {2, 1}, grouped.group = 2;
  grouped.auto_pad = AutoPad::same_upper;
  line.kernel = {2}, line.dilations = {2};
  six.high = 6.0f;
  half.kernel = {2, 2}, half.strides = {2, 2}, half.ceil_mode = true;
  mean.kernel = {3, 3}, mean.pads = {1, 1, 1, 1};
  rows.ints = {0, 8, -1};
  turned.ints = {0, 2, 1};
  flat.axis = 1, axis.axis = -1;
  Attributes gemm;
  gemm.trans_b = true;
  Net net;
  net.input("x", {2, 3, 9, 9});
  net.constant("w1", {8, 3, 3, 3}, drawn(random, 216, 0x1p-12f));
  net.constant("b1", {8}, drawn(random, 8, 0x1p-12f));
  net.constant("wd", {8, 1, 3, 3}, drawn(random, 72, 0x1p-11f));
  net.constant("gamma", {8}, drawn(random, 8, 0x1p-9f));
  net.constant("beta", {8}, drawn(random, 8, 0x1p-11f));
  net.constant("mean", {8}, drawn(random, 8, 0x1p-12f)).constant("var", {8}, Floats(8, 0.7f));
  net.constant("wp", {8, 8, 1, 1}, drawn(random, 64, 0x1p-11f));
  net.constant("wg", {6, 4, 2, 2}, drawn(random, 96, 0x1p-11f));
  net.constant("wl", {4, 6, 2}, drawn(random, 48, 0x1p-11f));
  net.constant("wf", {5, 6}, drawn(random, 30, 0x1p-10f));
  net.constant("bf", {5}, drawn(random, 5, 0x1p-10f));
  net.constant("two", {1, 8, 1, 1}, drawn(random, 8, 0x1p-9f));
  net.node(Op::conv, {"x", "w1", "b1"}, {"c1"}, three).node(Op::relu, {"c1"}, {"r1"});
  net.node(Op::conv, {"r1", "wd"}, {"cd"}, depthwise);
  net.node(Op::batch_normalization, {"cd", "gamma", "beta", "mean", "var"}, {"bn"});
  net.node(Op::clip, {"bn"}, {"r2"}, six).node(Op::conv, {"r2", "wp"}, {"cp"}, point);
  net.node(Op::add, {"cp", "r1"}, {"sum"}).node(Op::relu, {"sum"}, {"r3"});
  net.node(Op::max_pool, {"r3"}, {"m"}, half).node(Op::conv, {"m", "wp"}, {"c3"}, point);
  net.node(Op::average_pool, {"c3"}, {"a"}, mean).node(Op::mul, {"m", "a"}, {"ma"});
  net.node(Op::conv, {"ma", "wg"}, {"cg"}, grouped).node(Op::sub, {"ma", "a"}, {"ms"});
  net.node(Op::conv, {"ms", "wp"}, {"cs"}, point).node(Op::div, {"cs", "two"}, {"q"});
  net.node(Op::reshape, {"m"}, {"rows"}, rows).node(Op::transpose, {"rows"}, {"turned"}, turned);
  net.node(Op::identity, {"turned"}, {"same"});
  net.node(Op::global_average_pool, {"cg"}, {"g"}).node(Op::flatten, {"g"}, {"f"}, flat);
  net.node(Op::gemm, {"f", "wf", "bf"}, {"logits"}, gemm);
  net.node(Op::softmax, {"logits"}, {"y"}, axis);
  Attributes lines;
  lines.ints = {0, 6, -1};
  net.node(Op::reshape, {"cg"}, {"lines"}, lines).node(Op::conv, {"lines", "wl"}, {"cl"}, line);
  Network out{"cnn", net.outputs({"y", "same", "cl", "q"}), {}, {}};
  const auto feeds = [&] { return Feeds{{"x", {{2, 3, 9, 9}, drawn(random, 486, 0x1p-9f)}}}; };
  out.batches = {feeds(), feeds()};
  out.sample = feeds();
  return out;
}

}  // namespace qsim::graph::test
