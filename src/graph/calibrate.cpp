// The training-style pass over calibration batches: every convolution sees fake-quantized values.

#include "qsim/graph/calibrate.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "bits.hpp"
#include "float_node.hpp"
#include "hook.hpp"
#include "placement.hpp"
#include "qsim/base/check.hpp"
#include "qsim/graph/passes.hpp"
#include "qsim/profile/catalogue.hpp"

namespace qsim::graph {

namespace {

/// fake_quantize over an array, in place.
void fake_quantize(const calib::EmaRule& rule, const calib::Grid& grid, std::vector<float>& x) {
  for (float& v : x)
    v = std::bit_cast<float>(
        calib::ema::fake_quantize(rule, {std::bit_cast<std::uint32_t>(v)}, grid.scale, grid.zero)
            .bits);
}

void refuse_nonfinite(const Feeds& feeds, int batch) {
  for (const auto& [name, array] : feeds) {
    const auto bad = std::count_if(array.data.begin(), array.data.end(),
                                   [](float v) { return !std::isfinite(v); });
    if (bad != 0)
      fail<BadArgument>("calibration batch ", batch, ", input \"", name, "\": expected finite "
                        "values, got ", bad, " NaN or infinite of ", array.data.size(),
                        "; clean the data or leave the batch out");
  }
}

}  // namespace

Recipe recipe(const std::string& name, const std::string& host) {
  if (name == "qsim.ema") {
    calib::EmaRule rule = calib::ema::guarded(calib::ema::ieee);
    rule.mode = {};
    return {name, rule, std::nullopt};
  }
  if (name != "mnn.ema")
    fail<UnknownName>("recipe: expected mnn.ema or qsim.ema, got \"", name, "\"");
  if (host == "x64")
    return {"mnn.ema on x64", calib::ema::x64, find_profile("mnn-2.9.0.x64.avx512vnni")};
  if (host == "ieee")
    return {"mnn.ema on ieee", calib::ema::ieee, find_profile("mnn-2.9.0.arm64.neon")};
  fail<BadArgument>("host: expected x64 or ieee, got \"", host, "\"");
}

Calibrator::Calibrator(const Graph& graph, Recipe recipe)
    : graph_(fuse_relu(fold_batchnorm(graph))), recipe_(std::move(recipe)) {
  state_.recipe = recipe_.name;
  state_.rule = recipe_.rule;
  range_of_.assign(graph_.nodes().size(), -1);
  fake_weights_.resize(graph_.nodes().size());
  for (std::size_t n = 0; n < graph_.nodes().size(); ++n) {
    const Node& node = graph_.nodes()[n];
    if (!detail::quantizable(graph_, node)) continue;
    for (const ConvRange& other : state_.ranges)
      if (other.node == node.name)
        fail<BadArgument>("node \"", node.name, "\": another convolution has that name; ranges are "
                          "kept by name, so give each its own");
    range_of_[n] = static_cast<int>(state_.ranges.size());
    state_.ranges.push_back({node.name, graph_.tensor(node.inputs[0]).name,
                             graph_.tensor(node.outputs[0]).name, {}, {}});
    const Array& w = *graph_.tensor(node.inputs[1]).constant;
    const calib::WeightCodes codes = calib::ema::quantize_weights(
        recipe_.rule, detail::bits(w.data), static_cast<std::size_t>(w.shape[0]));
    for (const F32 v : calib::ema::fake_weights(recipe_.rule, codes))
      fake_weights_[n].push_back(std::bit_cast<float>(v.bits));
  }
}

void Calibrator::note(std::size_t n, bool output, const calib::Observation& seen,
                      std::optional<calib::Range>& running) {
  running = calib::ema::update(recipe_.rule, running, seen);
  const calib::Range now = running.value_or(calib::Range{});
  const bool broken = !num::is_finite(now.low) || !num::is_finite(now.high);
  if (seen.grid.health == calib::Health::good && !broken) return;
  state_.incidents.push_back({state_.batches, graph_.nodes()[n].name, output, seen.grid.health,
                              seen.grid.guarded, now});
}

Value Calibrator::convolve(std::size_t n, const Value& input) {
  const Node& node = graph_.nodes()[n];
  const Profile* host = recipe_.host ? &*recipe_.host : nullptr;
  std::vector<detail::Source> sources;
  for (const TensorId id : node.inputs) {
    const Array* c = id == no_tensor ? nullptr : graph_.tensor(id).constant.get();
    if (c == nullptr) sources.push_back({});
    else sources.push_back({&c->shape, &c->data, nullptr, graph_.tensor(id).name});
  }
  sources[0] = {&input.shape, &input.real, nullptr, graph_.tensor(node.inputs[0]).name};
  ConvRange& range = state_.ranges[static_cast<std::size_t>(range_of_[n])];
  std::vector<float> x = input.real;
  const calib::Observation in = calib::ema::observe(recipe_.rule, detail::bits(x));
  note(n, false, in, range.in);
  fake_quantize(recipe_.rule, in.grid, x);
  sources[0].real = &x;
  sources[1].real = &fake_weights_[n];
  Value y = detail::float_node(node, sources, host);
  const calib::Observation out = calib::ema::observe(recipe_.rule, detail::bits(y.real));
  note(n, true, out, range.out);
  fake_quantize(recipe_.rule, out.grid, y.real);
  return y;
}

Trace Calibrator::update(const Feeds& feeds) {
  refuse_nonfinite(feeds, state_.batches);
  const detail::ConvHook hook = [this](std::size_t n, const Value& x) {
    return range_of_[n] < 0 ? std::nullopt : std::optional<Value>(convolve(n, x));
  };
  const Calibration before = state_;
  try {
    Trace trace =
        detail::run_hooked(graph_, feeds, recipe_.host ? &*recipe_.host : nullptr, hook);
    ++state_.batches;
    return trace;
  } catch (...) {
    state_ = before;  // a batch that failed half way leaves no range behind
    throw;
  }
}

Calibration Calibrator::finalize() const {
  if (state_.batches == 0)
    fail<BadArgument>("calibration: expected at least one batch, got none");
  return state_;
}

}  // namespace qsim::graph
