#pragma once
// Small graphs by name, one-node graphs, and what a refusal said.

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/graph/graph.hpp"
#include "qsim/graph/run.hpp"

namespace qsim::graph::test {

using Floats = std::vector<float>;

inline constexpr float nan = std::numeric_limits<float>::quiet_NaN();
inline constexpr float inf = std::numeric_limits<float>::infinity();

inline F32 f32(float x) { return {std::bit_cast<std::uint32_t>(x)}; }
inline float real(F32 x) { return std::bit_cast<float>(x.bits); }

/// Quantization info as the quantizer stores it.
inline QInfo info(float scale, float zero = 0.0f) {
  return {.scale = f32(scale), .zero = f32(zero)};
}

/// Builds a graph by names; a node is called like its first output.
class Net {
 public:
  Net& input(const std::string& name, Shape shape) {
    graph_.add_input(name, std::move(shape));
    return *this;
  }
  Net& constant(const std::string& name, Shape shape, Floats data) {
    graph_.add_constant(name, std::move(shape), std::move(data));
    return *this;
  }
  Net& node(Op op, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
            Attributes attributes = {}) {
    Node n;
    n.name = outputs.at(0);
    n.op = op;
    n.attributes = std::move(attributes);
    for (const std::string& in : inputs)
      n.inputs.push_back(in.empty() ? no_tensor : graph_.find(in));
    for (const std::string& out : outputs) n.outputs.push_back(graph_.add_tensor(out));
    graph_.add_node(std::move(n));
    return *this;
  }
  Net& describe(const std::string& tensor, const QInfo& q) {
    graph_.describes[graph_.find(tensor)] = {q, "", -1, ""};
    return *this;
  }
  Graph outputs(const std::vector<std::string>& names) {
    for (const std::string& name : names) graph_.mark_output(graph_.find(name));
    graph_.validate();
    return std::move(graph_);
  }

 private:
  Graph graph_;
};

inline const Value& value(const Graph& graph, const Trace& trace, const std::string& name) {
  return trace.values[static_cast<std::size_t>(graph.find(name))];
}

inline const Node& node(const Graph& graph, const std::string& name) {
  for (const Node& n : graph.nodes())
    if (n.name == name) return n;
  fail<UnknownName>("node ", name);
}

/// Values of one tensor of a run.
inline Floats result(const Graph& graph, const Feeds& feeds, const std::string& name,
                     const Profile* profile = nullptr) {
  return value(graph, run(graph, feeds, profile), name).real;
}

/// The outputs of a single node whose inputs are fed in order; an empty shape with no data is
/// an omitted input.
inline std::vector<Value> answers(Op op, const std::vector<Array>& inputs, Attributes attributes,
                                    std::size_t outputs, const Profile* profile = nullptr) {
  Net net;
  Feeds feeds;
  std::vector<std::string> in, out;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool omitted = inputs[i].shape.empty() && inputs[i].data.empty();
    in.push_back(omitted ? "" : text("x", i));
    if (omitted) continue;
    net.input(in.back(), inputs[i].shape);
    feeds.emplace_back(in.back(), inputs[i]);
  }
  for (std::size_t i = 0; i < outputs; ++i) out.push_back(text("y", i));
  net.node(op, in, out, std::move(attributes));
  const Graph graph = net.outputs(out);
  const Trace trace = run(graph, feeds, profile);
  std::vector<Value> values;
  for (const std::string& name : out) values.push_back(value(graph, trace, name));
  return values;
}

inline Value answer(Op op, const std::vector<Array>& inputs, Attributes attributes = {},
                   const Profile* profile = nullptr) {
  return answers(op, inputs, std::move(attributes), 1, profile)[0];
}

/// 0, 1, ..., n-1.
inline Floats count(std::size_t n) {
  Floats out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<float>(i);
  return out;
}

/// What the refusal said; empty when nothing was refused.
template <class Error, class Action>
std::string refusal(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// Whether the words hold every part.
inline testing::AssertionResult says(const std::string& words,
                                     const std::vector<std::string>& parts) {
  if (words.empty()) return testing::AssertionFailure() << "nothing was refused";
  for (const std::string& part : parts)
    if (words.find(part) == std::string::npos)
      return testing::AssertionFailure() << '"' << words << "\" does not say \"" << part << '"';
  return testing::AssertionSuccess();
}

}  // namespace qsim::graph::test
