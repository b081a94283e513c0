// Puts origins, launderings, paths and fixes of one run together.

#include "qsim/graph/nonfinite.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "movement.hpp"
#include "origins.hpp"

namespace qsim::graph {

std::string_view cause_name(Cause cause) {
  switch (cause) {
    case Cause::zero_range_scale: return "zero_range_scale";
    case Cause::nonfinite_parameter: return "nonfinite_parameter";
    case Cause::zero_times_inf: return "zero_times_inf";
    case Cause::inf_minus_inf: return "inf_minus_inf";
    case Cause::zero_by_zero: return "zero_by_zero";
    case Cause::inf_by_inf: return "inf_by_inf";
    case Cause::division_by_zero: return "division_by_zero";
    case Cause::overflow_fp32: return "overflow_fp32";
    case Cause::overflow_fp16: return "overflow_fp16";
    case Cause::unwritten_memory: return "unwritten_memory";
    case Cause::nan_input: return "nan_input";
  }
  return "";
}

namespace {

/// What each tensor carries, and through which input it came.
struct Contamination {
  std::vector<Taint> taint;
  std::vector<TensorId> from;
  std::vector<int> steps;  ///< from the nearest origin
};

Taint own_taint(const detail::RunView& run, TensorId id) {
  return detail::census(run.real(id), &run.value(id).unspecified).bad() > 0 ? Taint::nonfinite
                                                                            : Taint::none;
}

/// Follows non-finite and laundered values through the run. A movement op that picked only clean
/// elements stays clean; any other op that reads a tainted tensor is tainted.
Contamination contaminate(const detail::RunView& run) {
  Contamination c;
  c.taint.assign(run.graph.tensors().size(), Taint::none);
  c.from.assign(run.graph.tensors().size(), no_tensor);
  c.steps.assign(run.graph.tensors().size(), 0);
  for (const TensorId in : run.graph.inputs())
    c.taint[static_cast<std::size_t>(in)] = own_taint(run, in);
  for (const Node& node : run.graph.nodes()) {
    TensorId worst = no_tensor;
    for (const TensorId in : node.inputs) {
      if (in == no_tensor) continue;
      const Taint t = c.taint[static_cast<std::size_t>(in)];
      if (t == Taint::none) continue;
      const std::size_t w = static_cast<std::size_t>(worst);
      if (worst == no_tensor || t > c.taint[w] ||
          (t == c.taint[w] && c.steps[static_cast<std::size_t>(in)] < c.steps[w]))
        worst = in;
    }
    for (const TensorId out : node.outputs) {
      if (out == no_tensor) continue;
      const std::size_t at = static_cast<std::size_t>(out);
      c.taint[at] = own_taint(run, out);
      if (worst == no_tensor) continue;
      const Taint came = c.taint[static_cast<std::size_t>(worst)];
      const bool clean_part = detail::is_movement(node.op) && came == Taint::nonfinite &&
                              c.taint[at] == Taint::none;
      if (clean_part) continue;
      c.from[at] = worst;
      c.steps[at] = c.steps[static_cast<std::size_t>(worst)] + 1;
      if (c.taint[at] == Taint::none) c.taint[at] = Taint::laundered;
    }
  }
  return c;
}

Path path_to(const Contamination& c, const std::vector<int>& made_by,
             TensorId output) {
  Path path;
  path.output = output;
  if (c.taint[static_cast<std::size_t>(output)] == Taint::none) return path;
  for (TensorId id = output; id != no_tensor; id = c.from[static_cast<std::size_t>(id)])
    path.steps.push_back({made_by[static_cast<std::size_t>(id)], id,
                          c.taint[static_cast<std::size_t>(id)]});
  std::reverse(path.steps.begin(), path.steps.end());
  return path;
}

Fix fix_for(Cause cause) {
  switch (cause) {
    case Cause::zero_range_scale:
      return {"guard_zero_range",
              "Calibrate again with a guard: a batch whose range is zero gets scale 1 and zero "
              "point 0 and is left out of the moving average. Weights and network stay as they "
              "are."};
    case Cause::nonfinite_parameter:
      return {"repair_parameter",
              "Replace the parameter: it is NaN or infinite in the file itself."};
    case Cause::unwritten_memory:
      return {"avoid_kernel",
              "Change the shape of the op or the target: this kernel answers with memory it never "
              "wrote. Channels padded to a multiple of the depth block avoid it."};
    case Cause::nan_input:
      return {"clean_input", "Clean the input: it holds NaN or infinite values already."};
    case Cause::overflow_fp16:
      return {"widen_storage", "Store this tensor as float32, or scale the op's input down."};
    case Cause::overflow_fp32:
      return {"rescale", "Scale the op's inputs or weights down: float32 is not wide enough."};
    case Cause::zero_times_inf: case Cause::inf_minus_inf: case Cause::inf_by_inf:
      return {"remove_infinity",
              "Stop the infinity upstream: clamp it, or mask with a large finite value."};
    case Cause::zero_by_zero: case Cause::division_by_zero:
      return {"guard_division", "Add a small epsilon to the divisor, or clamp it away from 0."};
  }
  return {};
}

}  // namespace

NonfiniteReport trace_nonfinite(const Graph& graph, const Trace& trace, const Profile* profile) {
  const detail::RunView run{graph, trace, profile};
  NonfiniteReport report;
  report.profile = trace.profile;
  for (const TensorId in : graph.inputs()) {
    const detail::Census c = detail::census(run.real(in), nullptr);
    if (c.bad() == 0) continue;
    Origin o;
    o.tensor = in;
    o.count = c.bad();
    const auto& data = run.real(in);
    o.element = std::find_if(data.begin(), data.end(), [](float v) { return !std::isfinite(v); }) -
                data.begin();
    o.words.push_back("the caller's input \"" + graph.tensor(in).name + "\" is not finite");
    report.origins.push_back(std::move(o));
  }
  for (const NodeRun& record : trace.nodes) {
    if (auto origin = detail::origin_at(run, record)) report.origins.push_back(*origin);
    for (Laundering& l : detail::laundering_at(run, record)) report.laundered.push_back(l);
  }
  const Contamination c = contaminate(run);
  report.taint = c.taint;
  const std::vector<int> made_by = producers(graph);
  for (const TensorId out : graph.outputs())
    report.paths.push_back(path_to(c, made_by, out));
  std::set<std::string> constants, kinds;
  for (const Origin& o : report.origins) {
    if (o.node >= 0) {
      const Node& node = graph.nodes()[static_cast<std::size_t>(o.node)];
      if (node.shared_by > 1 && constants.insert(node.shared_constant).second)
        report.shared_constants.emplace_back(node.shared_constant, node.shared_by);
    }
    const Fix fix = fix_for(o.cause);
    if (kinds.insert(fix.kind).second) report.fixes.push_back(fix);
  }
  return report;
}

}  // namespace qsim::graph
