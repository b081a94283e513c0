// Runs: traces, comparison metrics, the search for non-finite values.

#include <pybind11/stl.h>

#include "feeds.hpp"
#include "qsim/graph/nonfinite.hpp"
#include "qsim/graph/run.hpp"
#include "qsim/metric/compare.hpp"
#include "register.hpp"

namespace qsim::python {

namespace {

using graph::Graph;
using graph::Trace;
using graph::Value;

/// A finished run together with the graph and profile it belongs to.
struct Run {
  std::shared_ptr<const Graph> graph;
  std::optional<Profile> profile;
  Trace trace;

  const Value& value(const std::string& name) const {
    const graph::TensorId id = graph->find(name);
    if (graph->tensor(id).constant != nullptr)
      fail<BadArgument>("tensor \"", name, "\" is a constant; read it from the graph");
    const Value& v = trace.values[static_cast<std::size_t>(id)];
    if (v.shape.empty() && v.real.empty())
      fail<BadArgument>("tensor \"", name, "\": no node of the graph makes it");
    return v;
  }
};

double number(F32 x) { return double{std::bit_cast<float>(x.bits)}; }

py::object info_of(const Value& v) {
  if (!v.info) return py::none();
  return py::make_tuple(number(v.info->scale), number(v.info->zero), number(v.info->low),
                        number(v.info->high));
}

Run execute(const Graph& graph, const py::dict& feeds, const std::optional<Profile>& profile) {
  Run run{std::make_shared<const Graph>(graph), profile, {}};
  const graph::Feeds in = feeds_of(graph, feeds);
  const py::gil_scoped_release free;
  run.trace = graph::run(*run.graph, in, profile ? &*profile : nullptr);
  return run;
}

/// One node of a run anew, under another profile.
Run rerun(const Run& r, const std::string& node, const Profile& profile) {
  const std::vector<graph::Node>& nodes = r.graph->nodes();
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (nodes[i].name == node)
      return {r.graph, profile, graph::rerun(*r.graph, r.trace, i, profile)};
  fail<UnknownName>("node \"", node, "\" is not in the graph");
}

py::list node_runs(const Run& r) {
  py::list out;
  for (const graph::NodeRun& n : r.trace.nodes) {
    const graph::Node& node = r.graph->nodes()[static_cast<std::size_t>(n.node)];
    py::dict one;
    one["name"] = node.name;
    one["op"] = std::string(graph::op_name(node.op));
    one["integer"] = n.integer;
    one["fused_written"] = n.fused_written;
    const std::int64_t channels = static_cast<std::int64_t>(n.fused_scale.size());
    one["fused_scale"] = to_numpy<float>(n.fused_scale, {channels});
    one["fused_bias"] = to_numpy<std::int32_t>(n.fused_bias, {channels});
    one["fused_real_bias"] = to_numpy<float>(
        n.fused_real_bias, {static_cast<std::int64_t>(n.fused_real_bias.size())});
    one["fused_ratio"] = number(n.fused_ratio);
    out.append(one);
  }
  return out;
}

py::list casts(const Run& r) {
  py::list out;
  for (const graph::CastRun& c : r.trace.casts) {
    py::dict one;
    one["tensor"] = r.graph->tensor(c.tensor).name;
    one["node"] = r.graph->nodes()[static_cast<std::size_t>(c.node)].name;
    one["scale"] = number(c.info.scale);
    one["zero"] = number(c.info.zero);
    one["codes"] = to_numpy<std::int8_t>(c.codes,
                                         r.trace.values[static_cast<std::size_t>(c.tensor)].shape);
    out.append(one);
  }
  return out;
}

/// Codes take part in a comparison only where they mean something.
metric::Side side(const Value& v) {
  if (!v.unspecified_codes.empty()) return {v.real, {}, v.unspecified};
  return {v.real, v.codes, v.unspecified};
}

py::dict metrics_dict(const metric::Metrics& m) {
  py::dict out;
  out["elements"] = m.elements, out["unspecified"] = m.unspecified, out["equal"] = m.equal;
  out["exact_match"] = m.exact_match();
  out["max_lsb"] = m.max_lsb < 0 ? py::object(py::none()) : py::int_(m.max_lsb);
  out["max_abs"] = m.max_abs, out["cosine"] = m.cosine, out["sqnr_db"] = m.sqnr_db;
  out["nonfinite_a"] = m.nonfinite_a, out["nonfinite_b"] = m.nonfinite_b;
  out["finite_mismatch"] = m.finite_mismatch;
  return out;
}

/// Rows for tensors that both runs computed with the same shape, in b's topological order.
py::list compare_runs(const Run& a, const Run& b) {
  py::list rows;
  for (const graph::NodeRun& n : b.trace.nodes) {
    const graph::Node& node = b.graph->nodes()[static_cast<std::size_t>(n.node)];
    for (const graph::TensorId out : node.outputs) {
      if (out == graph::no_tensor) continue;
      const std::string& name = b.graph->tensor(out).name;
      if (!a.graph->has(name)) continue;
      const graph::TensorId other = a.graph->find(name);
      if (a.graph->tensor(other).constant != nullptr) continue;
      const Value& x = a.trace.values[static_cast<std::size_t>(other)];
      const Value& y = b.trace.values[static_cast<std::size_t>(out)];
      if (x.shape != y.shape) continue;
      py::dict row = metrics_dict(metric::compare(side(x), side(y)));
      row["tensor"] = name, row["node"] = node.name;
      row["op"] = std::string(graph::op_name(node.op));
      row["integer"] = n.integer;
      rows.append(row);
    }
  }
  return rows;
}

std::string node_name(const Graph& g, int node) {
  return node < 0 ? "" : g.nodes()[static_cast<std::size_t>(node)].name;
}

std::string op_text(const Graph& g, int node) {
  return node < 0 ? "input"
                  : std::string(graph::op_name(g.nodes()[static_cast<std::size_t>(node)].op));
}

py::dict origin_dict(const Graph& g, const graph::Origin& o) {
  py::dict d;
  d["node"] = node_name(g, o.node);
  d["op"] = op_text(g, o.node);
  d["tensor"] = g.tensor(o.tensor).name;
  d["element"] = o.element, d["count"] = o.count, d["unspecified"] = o.unspecified;
  d["cause"] = std::string(graph::cause_name(o.cause));
  d["parameter"] = o.parameter, d["value"] = o.value, d["batch"] = o.batch, d["words"] = o.words;
  return d;
}

py::dict laundering_dict(const Graph& g, const graph::Laundering& l) {
  py::dict d;
  d["node"] = node_name(g, l.node);
  d["op"] = op_text(g, l.node);
  d["tensor"] = g.tensor(l.tensor).name;
  d["kind"] = l.cast ? "cast" : "op";
  d["nan"] = l.nan, d["inf"] = l.inf, d["answers"] = l.answers;
  return d;
}

py::dict nonfinite(const Run& r) {
  static constexpr const char* taint[] = {"none", "laundered", "nonfinite"};
  const graph::NonfiniteReport report =
      graph::trace_nonfinite(*r.graph, r.trace, r.profile ? &*r.profile : nullptr);
  const Graph& g = *r.graph;
  py::dict out, paths, taints;
  py::list origins, laundered, fixes;
  for (const auto& o : report.origins) origins.append(origin_dict(g, o));
  for (const auto& l : report.laundered) laundered.append(laundering_dict(g, l));
  for (const auto& p : report.paths) {
    py::list steps;
    for (const auto& s : p.steps)
      steps.append(py::make_tuple(node_name(g, s.node), g.tensor(s.tensor).name,
                                  taint[static_cast<int>(s.taint)]));
    paths[py::str(g.tensor(p.output).name)] = steps;
  }
  for (const auto& f : report.fixes) fixes.append(py::make_tuple(f.kind, f.words));
  for (std::size_t i = 0; i < report.taint.size(); ++i)
    if (report.taint[i] != graph::Taint::none)
      taints[py::str(g.tensors()[i].name)] = taint[static_cast<int>(report.taint[i])];
  out["profile"] = report.profile;
  out["origins"] = origins, out["laundered"] = laundered, out["paths"] = paths;
  out["shared_constants"] = report.shared_constants, out["fixes"] = fixes, out["taint"] = taints;
  return out;
}

py::array_t<float> real_of(const Run& r, const std::string& name) {
  const Value& v = r.value(name);
  return to_numpy<float>(v.real, v.shape);
}

}  // namespace

void register_run(py::module_& module) {
  py::class_<Run>(module, "Trace", "A finished run: every named intermediate, codes included.")
      .def_property_readonly("profile", [](const Run& r) { return r.trace.profile; },
                             "Name of the profile; empty for the float reference.")
      .def_property_readonly("row", [](const Run& r) { return r.profile; },
                             "The profile itself; None for the float reference.")
      .def_property_readonly("nonfinite", [](const Run& r) { return r.trace.nonfinite; })
      .def_property_readonly("outputs", [](const Run& r) {
        py::dict out;
        for (const auto id : r.graph->outputs()) {
          const graph::Tensor& t = r.graph->tensor(id);
          out[py::str(t.name)] = t.constant == nullptr
                                     ? real_of(r, t.name)
                                     : to_numpy<float>(t.constant->data, t.constant->shape);
        }
        return out;
      }, "Graph outputs by name, float32.")
      .def_property_readonly("names", [](const Run& r) {
        std::vector<std::string> out;
        for (std::size_t i = 0; i < r.trace.values.size(); ++i)
          if (r.graph->tensors()[i].constant == nullptr) out.push_back(r.graph->tensors()[i].name);
        return out;
      })
      .def("__getitem__", &real_of, py::arg("name"), "A tensor as float consumers read it.")
      .def("__contains__", [](const Run& r, const std::string& n) { return r.graph->has(n); })
      .def("codes", [](const Run& r, const std::string& name) -> py::object {
        const Value& v = r.value(name);
        if (v.codes.empty()) return py::none();
        return to_numpy<std::int8_t>(v.codes, v.shape);
      }, py::arg("name"), "int8 codes of a tensor, None if it is not int8.")
      .def("info", [](const Run& r, const std::string& name) { return info_of(r.value(name)); },
           py::arg("name"), "(scale, zero, min, max) the codes are read by, None if not int8.")
      .def("unspecified", [](const Run& r, const std::string& name, bool codes) {
        const Value& v = r.value(name);
        std::vector<std::uint8_t> mask = codes ? v.code_mask() : v.unspecified;
        mask.resize(v.real.size());
        return to_numpy<bool>(mask, v.shape);
      }, py::arg("name"), py::kw_only(), py::arg("codes") = false,
           "True where the engine answers with memory it never wrote. With codes=True, of the int8 "
           "codes: with a NaN scale such codes all read as NaN, so their real values are known.")
      .def_property_readonly("nodes", &node_runs)
      .def_property_readonly("casts", &casts)
      .def_property_readonly("graph", [](const Run& r) { return *r.graph; })
      .def("trace_nonfinite", &nonfinite)
      .def("__repr__", [](const Run& r) {
        return text("<Trace of ", r.trace.nodes.size(), " nodes, profile ",
                    r.trace.profile.empty() ? "float reference" : r.trace.profile, ", ",
                    r.trace.nonfinite, " non-finite values>");
      });
  module.def("run", &execute, py::arg("graph"), py::arg("feeds"), py::arg("profile") = py::none());
  module.def("rerun", &rerun, py::arg("trace"), py::arg("node"), py::arg("profile"),
             "One node anew on the trace's values, under another profile.");
  module.def("compare_runs", &compare_runs, py::arg("a"), py::arg("b"));
}

}  // namespace qsim::python
