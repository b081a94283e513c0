#pragma once
// The families with their cases, and the golden results that the oracle wrote for them.

#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/cases_conv.hpp"
#include "conformance/cases_elementwise.hpp"

namespace qsim::court {

struct Family {
  std::string name;
  std::vector<Bytes> cases;
};

/// Every family, cases made anew.
inline std::vector<Family> families() {
  std::vector<Family> all;
  all.push_back({"dot", dot_cases()});
  all.push_back({"fuse", fuse_cases()});
  all.push_back({"conv", conv_cases()});
  all.push_back({"taps", taps_cases()});
  all.push_back({"depthwise", depthwise_cases()});
  all.push_back({"quantize", quantize_cases()});
  all.push_back({"dequantize", dequantize_cases()});
  all.push_back({"max_pool", pool_cases("max_pool")});
  all.push_back({"avg_pool", pool_cases("avg_pool")});
  all.push_back({"binary", binary_cases()});
  for (const char* name : {"exp", "sigmoid", "tanh"}) all.push_back({name, unary_cases(name)});
  all.push_back({"float_dot", float_dot_cases()});
  return all;
}

inline std::string hex(std::uint64_t v) {
  std::ostringstream out;
  out.fill('0');
  out.width(16);
  out << std::hex << v;
  return out.str();
}
inline std::string hex(const Bytes& bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t b : bytes) (out += digits[b >> 4]) += digits[b & 15];
  return out;
}
inline Bytes bytes_of_hex(const std::string& text) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
  return out;
}

/// The first byte of one result's own digest: says which case of a family went wrong.
inline std::uint8_t check_byte(const Bytes& result) {
  Fnv fnv;
  fnv.mix(result);
  return static_cast<std::uint8_t>(fnv.value() >> 56);
}

/// tests/conformance/golden.txt. Lines: `cases <family>=<digest> ...`, one
/// `row <name> <family>=<digest> ...` per profile, `checks <family> <digest> <a byte per case>`.
struct Golden {
  using Digests = std::map<std::string, std::string>;
  Digests cases;
  std::map<std::string, Digests> rows;
  std::map<std::string, Bytes> checks;  ///< by digest

  static Golden read() {
    const std::string path = QSIM_TEST_DATA "/../conformance/golden.txt";
    std::ifstream file(path);
    if (!file) throw std::runtime_error("court: cannot read " + path);
    Golden golden;
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      std::string kind, name, digest, rest;
      words >> kind;
      if (kind == "cases") golden.cases = pairs(words);
      if (kind == "row" && words >> name) golden.rows[name] = pairs(words);
      if (kind == "checks" && words >> name >> digest >> rest)
        golden.checks[digest] = bytes_of_hex(rest);
    }
    return golden;
  }

 private:
  static Digests pairs(std::istringstream& words) {
    Digests all;
    for (std::string word; words >> word;) {
      const std::size_t equals = word.find('=');
      all[word.substr(0, equals)] = word.substr(equals + 1);
    }
    return all;
  }
};

}  // namespace qsim::court
