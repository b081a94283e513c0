#pragma once
// The lines of equivalent.txt: changes of a row that no case can notice, with the reasons.

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/family.hpp"
#include "profile/mutate.hpp"
#include "profile/values.hpp"

namespace qsim::court {

inline bool matches(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (text.substr(0, star) != pattern.substr(0, star)) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (std::size_t from = star; from <= text.size(); ++from)
    if (matches(rest, text.substr(from))) return true;
  return false;
}

namespace detail {

struct Reach {
  std::int64_t low, high;
};
/// Codes of an operand, or their differences to a zero point, plus the offset.
inline Reach reach_of(std::uint32_t kind, ZeroPoints zeros, std::int64_t offset) {
  const CodeKind& k = code_kinds[kind];
  if (zeros == ZeroPoints::subtracted) return {k.low - k.high, k.high - k.low};
  return {k.low + offset, k.high + offset};
}

struct NamedArith {
  std::string_view path;
  const Arith& arith;
  std::uint32_t left, right;
};
inline std::vector<NamedArith> chains(const Profile& p) {
  return {{"conv", p.conv, s8, s8},
          {"conv_fast", p.conv_fast, s8, s8},
          {"products.u8u8", p.products.u8u8, u8, u8},
          {"products.u8s8", p.products.u8s8, u8, s8},
          {"products.s8u8", p.products.s8u8, s8, u8},
          {"products.s8s8", p.products.s8s8, s8, s8},
          {"products.s16s8", p.products.s16s8, s16, s8},
          {"products.s16s16", p.products.s16s16, s16, s16},
          {"window.constant", p.window.constant, s8, s8},
          {"window.indirect", p.window.indirect, s8, s8},
          {"taps.nine", p.taps.nine, s8, s8},
          {"taps.other", p.taps.other, s8, s8},
          {"taps.rest", p.taps.rest, s8, s8}};
}

/// Whether no operands can make a word of the chain overflow but the wrap at the end: then the
/// order and the grouping of products do not show.
inline bool is_plain(const NamedArith& n) {
  const Arith& a = n.arith;
  if ((a.acc_bits != 32 && a.acc_bits != 64) || a.acc_overflow != Overflow::wrap) return false;
  const Reach l = reach_of(n.left, a.zero_points, a.lhs_offset);
  Reach r = reach_of(n.right, a.zero_points, a.rhs_offset);
  if (a.halves_rhs) r.low /= 2, r.high /= 2;
  std::int64_t high = 0, low = 0;
  for (const std::int64_t product : {l.low * r.low, l.low * r.high, l.high * r.low,
                                     l.high * r.high})
    high = std::max(high, product), low = std::min(low, product);
  for (int s = 0; s < a.n_steps; ++s) {
    const Step& step = a.step[static_cast<std::size_t>(s)];
    high *= step.fan_in, low *= step.fan_in;
    if (num::fit(high, step.bits, step.overflow) != high ||
        num::fit(low, step.bits, step.overflow) != low)
      return false;
  }
  return true;
}

}  // namespace detail

/// One line: `<path>[=<new value>] [when <path><op><value> ...] # <reason>`, <op> one of = < !=.
/// `*` stands for any text in a path; `@` in a condition repeats what the first `*` stood for.
/// The condition `plain`: before and after the change the chain is a plain sum of the same codes;
/// of a field that chooses among chains, all of them are. `operator`: not a field of graphs alone.
struct Equivalent {
  std::string line, path, value;
  std::vector<std::string> conditions;

  static Equivalent parse(const std::string& line) {
    const std::size_t hash = line.find(" # ");
    if (hash == std::string::npos || line.size() < hash + 6)
      throw std::invalid_argument("equivalent.txt: expected a reason after #: " + line);
    std::istringstream words(line.substr(0, hash));
    Equivalent e{line, "", "", {}};
    words >> e.path;
    if (const std::size_t equals = e.path.find('='); equals != std::string::npos) {
      e.value = e.path.substr(equals + 1);
      e.path.resize(equals);
    }
    std::string word;
    if (words >> word && word != "when")
      throw std::invalid_argument("equivalent.txt: expected when, got " + word + ": " + line);
    while (words >> word) e.conditions.push_back(word);
    return e;
  }

  static bool plain(const Profile& row, const test::Mutant& mutant) {
    if (mutant.path.rfind("conv.", 0) == 0 && row.tile.doubled_rows != 0) return false;
    if (chooses_chains(mutant.path)) return all_plain(row, mutant.path);
    const std::vector<detail::NamedArith> before = detail::chains(row);
    const std::vector<detail::NamedArith> after = detail::chains(mutant.profile);
    for (std::size_t i = 0; i < before.size(); ++i) {
      const std::string_view path = before[i].path;
      if (std::string_view(mutant.path).substr(0, path.size() + 1) != std::string(path) + ".")
        continue;
      return detail::is_plain(before[i]) && detail::is_plain(after[i]) &&
             before[i].arith.halves_rhs == after[i].arith.halves_rhs &&
             before[i].arith.acc_bits == after[i].arith.acc_bits;
    }
    return false;
  }

  /// A condition on a field that the mutant's struct does not have keeps the line from covering it.
  static bool has_field(const std::string& path) {
    static const std::set<std::string> paths = [] {
      std::set<std::string> all;
      for (const test::FieldValue& field : test::field_values(Profile{})) all.insert(field.path);
      return all;
    }();
    return paths.count(path) != 0;
  }
  static bool chooses_chains(const std::string& path) {
    for (const char* field : {"window.order", "window.integer_filter_lhs", "window.tap_block",
                              "window.skips_padding", "taps.rest_multiplies", "row_gate.exact"})
      if (path == field) return true;
    return false;
  }
  /// Whether every chain that the field chooses among is a plain sum.
  static bool all_plain(const Profile& row, const std::string& path) {
    const std::vector<detail::NamedArith> all = detail::chains(row);
    const Products& p = row.products;
    const auto given = [](const Arith& a) { return a.acc_bits != 0; };
    if (path == "window.integer_filter_lhs" &&  // wants the product of exchanged types
        (given(p.s16s8) || given(p.u8s8) != given(p.s8u8)))
      return false;
    const bool own_order = path == "window.order" || path == "window.tap_block" ||
                           path == "taps.rest_multiplies";  // neither steers these routes
    return std::all_of(all.begin(), all.end(), [&](const detail::NamedArith& n) {
      const bool single = n.path == "taps.nine" || n.path == "taps.other" ||
                          n.path == "window.indirect";
      return n.path.substr(0, 4) == "conv" || !given(n.arith) || (own_order && single) ||
             detail::is_plain(n);
    });
  }
  static bool of_operator(const std::string& path) {
    constexpr std::string_view graph[] = {"conv", "conv_fast", "tile", "patch", "epilogue",
                                          "depthwise", "fuse", "cast", "pool", "eltwise",
                                          "float_math"};
    return !test::within_any(path, graph);
  }

  bool covers(const Profile& row, const test::Mutant& mutant) const {
    if (!matches(path, mutant.path)) return false;
    if (!value.empty() && value != mutant.value) return false;
    const std::size_t star = path.find('*');
    std::string stood;
    if (star != std::string::npos) {
      const std::string tail = path.substr(star + 1, path.find('*', star + 1) - star - 1);
      stood = mutant.path.substr(star, mutant.path.find(tail, star) - star);
    }
    return std::all_of(conditions.begin(), conditions.end(), [&](std::string condition) {
      if (const std::size_t at = condition.find('@'); at != std::string::npos)
        condition.replace(at, 1, stood);
      if (condition == "plain") return plain(row, mutant);
      if (condition == "operator") return of_operator(mutant.path);
      const std::size_t op = condition.find_first_of("=<!");
      const std::string field = condition.substr(0, op);
      if (!has_field(field)) return false;
      const std::string have = get_field(row, field);
      const std::string want = condition.substr(condition.find_last_of("=<!") + 1);
      if (condition[op] == '<') return std::stoi(have) < std::stoi(want);
      return (have == want) == (condition[op] == '=');
    });
  }
};

inline std::vector<Equivalent> read_equivalents() {
  std::ifstream file(QSIM_TEST_DATA "/../conformance/equivalent.txt");
  std::vector<Equivalent> all;
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && line[0] != '#') all.push_back(Equivalent::parse(line));
  return all;
}

}  // namespace qsim::court
