#pragma once
// Every family of the court: which rows it is for, its cases, and emu's answers to them.

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/cases_conv.hpp"
#include "conformance/cases_elementwise.hpp"
#include "conformance/court.hpp"
#include "conformance/operators/families.hpp"
#include "qsim/profile/uses.hpp"

namespace qsim::court {

struct Family {
  std::string name;
  std::vector<std::string_view> fields;  ///< what answers may depend on, as in Operator
  std::function<bool(const Profile&)> applies;
  std::function<std::vector<Bytes>()> make;
  std::function<void(const Profile&, Reader&, Writer&)> run;

  /// Families of operators have a dot in their names.
  bool is_operator() const { return name.find('.') != std::string::npos; }

  const std::vector<Bytes>& cases() const {
    if (made.empty()) made = make();
    return made;
  }
  /// The result bytes of one case by emu, or `refusal`.
  Bytes answer(const Profile& row, const Bytes& bytes) const {
    Reader r(bytes);
    Writer w;
    try {
      run(row, r, w);
    } catch (const BadArgument&) {
      return refusal;
    } catch (const NotSupported&) {
      return refusal;
    }
    if (!r.at_end()) throw std::invalid_argument("court: bytes left over in a case of " + name);
    return w.bytes;
  }

  mutable std::vector<Bytes> made{};  ///< by cases(), on first use
};

namespace detail {

struct GraphFamily {
  std::string_view name;
  std::vector<std::string_view> fields;
  std::vector<Bytes> (*cases)();
};

inline std::vector<GraphFamily> graph_table() {
  const std::vector<std::string_view> conv{"conv", "conv_fast", "tile", "patch",
                                           "epilogue", "depthwise", "fuse", "float_mode"};
  const std::vector<std::string_view> fused{"conv", "conv_fast", "epilogue", "depthwise", "fuse",
                                            "float_mode"};
  const std::vector<std::string_view> math{"float_math", "float_mode"};
  return {{"dot", {"conv", "conv_fast"}, dot_cases},
          {"fuse", fused, fuse_cases},
          {"conv", conv, conv_cases},
          {"taps", conv, taps_cases},
          {"depthwise", conv, depthwise_cases},
          {"quantize", {"cast", "float_mode"}, quantize_cases},
          {"dequantize", {"float_mode"}, dequantize_cases},
          {"max_pool", {"pool"}, [] { return pool_cases("max_pool"); }},
          {"avg_pool", {"pool"}, [] { return pool_cases("avg_pool"); }},
          {"binary", {"eltwise", "float_mode"}, binary_cases},
          {"exp", math, [] { return unary_cases("exp"); }},
          {"sigmoid", math, [] { return unary_cases("sigmoid"); }},
          {"tanh", math, [] { return unary_cases("tanh"); }},
          {"float_dot", math, float_dot_cases}};
}

}  // namespace detail

/// All families: those of graphs, for rows that run graphs, then those of single operators.
inline std::vector<Family> families() {
  std::vector<Family> all;
  for (const detail::GraphFamily& g : detail::graph_table()) {
    const std::string name(g.name);
    all.push_back({name, g.fields, runs_graphs, g.cases,
                   [name](const Profile& row, Reader& r, Writer& w) { run(row, name, r, w); }});
  }
  for (const Operator& o : operators())
    all.push_back({std::string(o.name), o.fields,
                   [o](const Profile& row) { return o.applies(row, o.name); },
                   [o] { return o.cases(o.name); },
                   [o](const Profile& row, Reader& r, Writer& w) { o.run(row, o.name, r, w); }});
  return all;
}

inline const Family& family_named(const std::vector<Family>& all, std::string_view name) {
  for (const Family& f : all)
    if (f.name == name) return f;
  throw std::invalid_argument("court: no family " + std::string(name));
}

}  // namespace qsim::court
