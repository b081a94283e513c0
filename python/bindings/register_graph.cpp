// Graphs: building, reading, passes, calibration.

#include <pybind11/stl.h>

#include <memory>
#include <mutex>

#include "arrays.hpp"
#include "feeds.hpp"
#include "qsim/graph/calibrate.hpp"
#include "qsim/graph/graph.hpp"
#include "qsim/graph/passes.hpp"
#include "register.hpp"

namespace qsim::python {

namespace {

using graph::Attributes;
using graph::Graph;
using graph::Node;
using graph::Shape;

void set_attribute(Attributes& a, const std::string& key, const py::handle& value,
                   const std::string& node) {
  const auto ints = [&] { return value.cast<Shape>(); };
  if (key == "kernel") a.kernel = ints();
  else if (key == "strides") a.strides = ints();
  else if (key == "pads") a.pads = ints();
  else if (key == "dilations") a.dilations = ints();
  else if (key == "ints") a.ints = ints();
  else if (key == "starts") a.starts = ints();
  else if (key == "ends") a.ends = ints();
  else if (key == "axes") a.axes = ints();
  else if (key == "steps") a.steps = ints();
  else if (key == "group") a.group = value.cast<std::int64_t>();
  else if (key == "axis") a.axis = value.cast<std::int64_t>();
  else if (key == "trans_a") a.trans_a = value.cast<bool>();
  else if (key == "trans_b") a.trans_b = value.cast<bool>();
  else if (key == "ceil_mode") a.ceil_mode = value.cast<bool>();
  else if (key == "count_include_pad") a.count_include_pad = value.cast<bool>();
  else if (key == "allow_zero") a.allow_zero = value.cast<bool>();
  else if (key == "alpha") a.alpha = value.cast<float>();
  else if (key == "beta") a.beta = value.cast<float>();
  else if (key == "epsilon") a.epsilon = value.cast<float>();
  else if (key == "low") a.low = value.cast<float>();
  else if (key == "high") a.high = value.cast<float>();
  else if (key == "auto_pad") {
    const std::string kind = value.cast<std::string>();
    if (kind == "same_upper") a.auto_pad = graph::AutoPad::same_upper;
    else if (kind == "same_lower") a.auto_pad = graph::AutoPad::same_lower;
    else if (kind != "explicit_pads")
      fail<BadArgument>("node \"", node, "\": auto_pad: expected explicit_pads, same_upper or "
                        "same_lower, got ", kind);
  } else {
    fail<BadArgument>("node \"", node, "\": attribute \"", key, "\" is unknown");
  }
}

void add_node(Graph& g, const std::string& op, const std::string& name,
              const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
              const py::dict& attributes) {
  Node node;
  node.name = name;
  node.op = graph::op_from_name(op, name);
  for (const std::string& in : inputs) {
    if (!in.empty() && !g.has(in))
      fail<BadArgument>("node \"", name, "\": input \"", in, "\" is not defined before it is read");
    node.inputs.push_back(in.empty() ? graph::no_tensor : g.find(in));
  }
  for (const std::string& out : outputs)
    node.outputs.push_back(out.empty() ? graph::no_tensor
                                       : (g.has(out) ? g.find(out) : g.add_tensor(out)));
  for (const auto& [key, value] : attributes) {
    const std::string text_key = py::str(key).cast<std::string>();
    try {
      set_attribute(node.attributes, text_key, value, name);
    } catch (const py::cast_error&) {
      throw py::type_error(text("node \"", name, "\": attribute \"", text_key,
                                "\": expected another type, got ",
                                py::str(py::type::handle_of(value).attr("__name__"))
                                    .cast<std::string>()));
    }
  }
  g.add_node(std::move(node));
}

std::vector<std::string> names(const Graph& g, const std::vector<graph::TensorId>& ids) {
  std::vector<std::string> out;
  for (const graph::TensorId id : ids)
    out.push_back(id == graph::no_tensor ? "" : g.tensor(id).name);
  return out;
}

double number(F32 x) { return double{std::bit_cast<float>(x.bits)}; }

py::dict info_dict(const QInfo& q) {
  py::dict out;
  out["scale"] = number(q.scale);
  out["zero"] = number(q.zero);
  out["low"] = number(q.low);
  out["high"] = number(q.high);
  return out;
}

py::dict node_dict(const Graph& g, const Node& n) {
  py::dict out;
  out["name"] = n.name;
  out["op"] = std::string(graph::op_name(n.op));
  out["inputs"] = names(g, n.inputs);
  out["outputs"] = names(g, n.outputs);
  out["quantized"] = n.quant != nullptr;
  out["fused_relu"] = n.fused_relu;
  out["source"] = n.source;
  out["shared_constant"] = n.shared_constant;
  out["shared_by"] = n.shared_by;
  out["strides"] = n.attributes.strides, out["pads"] = n.attributes.pads;
  out["dilations"] = n.attributes.dilations, out["group"] = n.attributes.group;
  return out;
}

py::dict quant_dict(const Graph& g, const std::string& name) {
  for (const Node& n : g.nodes()) {
    if (n.name != name || n.quant == nullptr) continue;
    py::dict out;
    const std::int64_t count = static_cast<std::int64_t>(n.quant->alpha.size());
    const Shape& shape = g.tensor(n.inputs[1]).constant->shape;
    out["weights"] = to_numpy<std::int8_t>(n.quant->weights, shape);
    out["alpha"] = to_numpy<float>(n.quant->alpha, {count});
    out["bias"] = to_numpy<float>(n.quant->bias, {count});
    out["bits"] = n.quant->bits;
  out["overflow_aware"] = n.quant->overflow_aware;
    out["scale_in"] = number(n.quant->scale_in);
    out["scale_out"] = number(n.quant->scale_out);
    return out;
  }
  fail<UnknownName>("quantized convolution \"", name, "\" is not in the graph");
}

void bind_graph(py::module_& module) {
  py::class_<Graph>(module, "Graph", "A network: named tensors, nodes of a closed list of ops.")
      .def(py::init<>())
      .def("add_input", [](Graph& g, const std::string& name, const Shape& shape) {
        g.add_input(name, shape);
      }, py::arg("name"), py::arg("shape"), "Declare a float32 input; -1 is any extent.")
      .def("add_constant", [](Graph& g, const std::string& name, const py::object& value) {
        const auto array = exact<float>(value, name.c_str());
        g.add_constant(name, shape_of(array), values_of(array));
      }, py::arg("name"), py::arg("value"), "Add a float32 constant.")
      .def("add_node", &add_node, py::arg("op"), py::arg("name"), py::arg("inputs"),
           py::arg("outputs"), py::arg("attributes") = py::dict(),
           "Add a node; op is the ONNX spelling, \"\" omits an optional input.")
      .def("declare_shape", [](Graph& g, const std::string& name, const Shape& shape) {
        g.declare_shape(g.find(name), shape);
      }, py::arg("name"), py::arg("shape"), "Note a computed tensor's shape; -1 is unknown.")
      .def("mark_output", [](Graph& g, const std::string& name) { g.mark_output(g.find(name)); })
      .def("validate", &Graph::validate)
      .def("has", [](const Graph& g, const std::string& name) { return g.has(name); })
      .def_property_readonly("inputs", [](const Graph& g) { return names(g, g.inputs()); })
      .def_property_readonly("outputs", [](const Graph& g) { return names(g, g.outputs()); })
      .def_property_readonly("input_shapes", [](const Graph& g) {
        py::dict out;
        for (const auto id : g.inputs()) out[py::str(g.tensor(id).name)] = *g.tensor(id).shape;
        return out;
      })
      .def_property_readonly("nodes", [](const Graph& g) {
        py::list out;
        for (const Node& n : g.nodes()) out.append(node_dict(g, n));
        return out;
      }, "Nodes in topological order, as dictionaries.")
      .def_property_readonly("constants", [](const Graph& g) {
        py::dict out;
        for (const auto& t : g.tensors())
          if (t.constant != nullptr)
            out[py::str(t.name)] = to_numpy<float>(t.constant->data, t.constant->shape);
        return out;
      })
      .def_property_readonly("describes", [](const Graph& g) {
        py::dict out;
        for (const auto& [id, d] : g.describes) {
          py::dict one = info_dict(d.info);
          one["recipe"] = d.recipe;
          one["batch"] = d.batch;
          one["reason"] = d.reason;
          out[py::str(g.tensor(id).name)] = one;
        }
        return out;
      }, "Stored quantization info by tensor, with its provenance.")
      .def("quant", &quant_dict, py::arg("node"), "int8 weights and scales of a convolution.")
      .def_property_readonly("notes", [](const Graph& g) { return g.notes; })
      .def("__len__", [](const Graph& g) { return g.nodes().size(); })
      .def("__repr__", [](const Graph& g) {
        return text("<Graph: ", g.nodes().size(), " nodes, ", g.inputs().size(), " inputs, ",
                    g.outputs().size(), " outputs, ", g.describes.size(), " described tensors>");
      });
  py::module_ passes = module.def_submodule("passes", "Rewrites; each returns a new graph.");
  passes.def("matmul_to_conv", &graph::matmul_to_conv, py::arg("graph"), py::kw_only(),
             py::arg("max_consumers"),
             "MatMul/Gemm with a constant used by <= max_consumers nodes to 1x1 convolutions.");
  passes.def("fold_batchnorm", &graph::fold_batchnorm, py::arg("graph"));
  passes.def("fuse_relu", &graph::fuse_relu, py::arg("graph"));
}

/// A calibrator for any number of Python threads: batches run without the GIL, one at a time.
struct CalibratorSession {
  graph::Calibrator calibrator;
  std::mutex mutex{};
};

py::object range_tuple(const std::optional<calib::Range>& r) {
  if (!r) return py::none();
  return py::make_tuple(number(r->low), number(r->high));
}

void bind_calibration(py::module_& module) {
  using graph::Calibration;
  using graph::Calibrator;
  py::class_<Calibration>(module, "Calibration", "Running ranges of every convolution.")
      .def_property_readonly("recipe", [](const Calibration& c) { return c.recipe; })
      .def_property_readonly("batches", [](const Calibration& c) { return c.batches; })
      .def_property_readonly("ranges", [](const Calibration& c) {
        py::list out;
        for (const auto& r : c.ranges) {
          py::dict one;
          one["node"] = r.node, one["input"] = r.input, one["output"] = r.output;
          one["in"] = range_tuple(r.in), one["out"] = range_tuple(r.out);
          out.append(one);
        }
        return out;
      })
      .def_property_readonly("incidents", [](const Calibration& c) {
        static constexpr const char* health[] = {"good", "zero_range", "nonfinite"};
        py::list out;
        for (const auto& i : c.incidents) {
          py::dict one;
          one["batch"] = i.batch, one["node"] = i.node;
          one["side"] = i.output ? "output" : "input";
          one["health"] = health[static_cast<int>(i.health)];
          one["guarded"] = i.guarded;
          one["running"] = range_tuple(i.running);
          out.append(one);
        }
        return out;
      }, "Batches that a range could not digest.")
      .def("__repr__", [](const Calibration& c) {
        return text("<Calibration ", c.recipe, ": ", c.batches, " batches, ", c.ranges.size(),
                    " convolutions, ", c.incidents.size(), " incidents>");
      });
  py::class_<CalibratorSession>(module, "Calibrator",
                                "Feeds batches through a fake-quantized network.")
      .def(py::init([](const Graph& g, const std::string& recipe, const std::string& host) {
             return std::make_unique<CalibratorSession>(
                 Calibrator(g, graph::recipe(recipe, host)));
           }),
           py::arg("graph"), py::arg("recipe"), py::arg("host") = "x64")
      .def("update", [](CalibratorSession& session, const py::dict& feeds) {
        Calibrator& c = session.calibrator;
        const graph::Feeds in = feeds_of(c.graph(), feeds);
        graph::Trace trace;
        {
          const py::gil_scoped_release free;
          const std::lock_guard lock(session.mutex);
          trace = c.update(in);
        }
        py::dict out;
        for (const auto id : c.graph().outputs()) {
          const graph::Value& v = trace.values[static_cast<std::size_t>(id)];
          const graph::Tensor& t = c.graph().tensor(id);
          out[py::str(t.name)] = t.constant == nullptr
                                     ? to_numpy<float>(v.real, v.shape)
                                     : to_numpy<float>(t.constant->data, t.constant->shape);
        }
        return out;
      }, py::arg("feeds"), "One batch; returns the outputs of the fake-quantized network.")
      .def("finalize", [](CalibratorSession& session) {
        const py::gil_scoped_release free;
        const std::lock_guard lock(session.mutex);
        return session.calibrator.finalize();
      });
  module.def("quantize", &graph::quantize, py::arg("graph"), py::arg("calibration"));
}

}  // namespace

void register_graph(py::module_& module) {
  bind_graph(module);
  bind_calibration(module);
}

}  // namespace qsim::python
