#pragma once
// The results that the oracle wrote, and how a row's answers are held against them.

#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/family.hpp"

namespace qsim::court {

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
  if (text.size() % 2 != 0) throw std::invalid_argument("court: half a byte in " + text);
  for (std::size_t i = 0; i < text.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
  return out;
}

/// "case <family> <row> <bytes> <answer>": what `qvec check` and tests/python/court.py read.
inline std::string case_line(const Family& family, const Profile& row, const Bytes& bytes,
                             const Bytes& answer) {
  return "case " + family.name + ' ' + std::string(row.name.view()) + ' ' + hex(bytes) + ' ' +
         hex(answer);
}

/// The first byte of one result's own digest: says which case of a family went wrong.
inline std::uint8_t check_byte(const Bytes& result) {
  Fnv fnv;
  fnv.mix(result);
  return static_cast<std::uint8_t>(fnv.value() >> 56);
}

/// golden.txt (families of graphs) or golden_operators.txt. Lines: `cases <family>=<digest> ...`,
/// one `row <name> <family>=<digest> ...` per profile,
/// `checks <family> <digest> <a byte per case>`.
struct Golden {
  using Digests = std::map<std::string, std::string>;
  Digests cases;
  std::map<std::string, Digests> rows;
  std::map<std::string, std::map<std::string, Bytes>> checks;  ///< by family and digest

  /// Reads a file on top of what is there.
  void read(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error("court: cannot read " + path);
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      std::string kind, name, digest, rest;
      words >> kind;
      if (kind == "cases") add_pairs(words, cases);
      if (kind == "row" && words >> name) add_pairs(words, rows[name]);
      if (kind == "checks" && words >> name >> digest >> rest)
        checks[name][digest] = bytes_of_hex(rest);
    }
  }

 private:
  static void add_pairs(std::istringstream& words, Digests& all) {
    for (std::string word; words >> word;) {
      const std::size_t equals = word.find('=');
      all[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
};

/// All answers of a row to a family, and their digest.
struct Verdict {
  std::string digest;
  std::vector<Bytes> results;
};
inline Verdict judge(const Profile& row, const Family& family) {
  Fnv fnv;
  Verdict verdict;
  for (const Bytes& bytes : family.cases()) {
    verdict.results.push_back(family.answer(row, bytes));
    fnv.mix(verdict.results.back());
  }
  verdict.digest = hex(fnv.value());
  return verdict;
}

/// The first case whose check byte differs from that of digest `want`, as a line to paste back.
inline std::string first_failing(const Golden& golden, const Profile& row, const Family& family,
                                 const Verdict& verdict, const std::string& want) {
  const auto of_family = golden.checks.find(family.name);
  if (of_family == golden.checks.end() || of_family->second.count(want) == 0)
    return "(no check bytes for " + family.name + ' ' + want + ")";
  const Bytes& checks = of_family->second.at(want);
  for (std::size_t i = 0; i < verdict.results.size() && i < checks.size(); ++i)
    if (check_byte(verdict.results[i]) != checks[i])
      return case_line(family, row, family.cases()[i], verdict.results[i]);
  return "(every check byte agrees; a later byte of a digest differs)";
}

/// What is wrong with a row, one line each: families missing, left over or answered otherwise.
inline std::vector<std::string> faults_of(const Golden& golden, const Profile& row,
                                          const std::vector<Family>& families) {
  const std::string name(row.name.view());
  const auto want = golden.rows.find(name);
  if (want == golden.rows.end()) return {name + " has no golden line; run tools/make_golden.py"};
  std::vector<std::string> faults;
  for (const Family& family : families) {
    const auto digest = want->second.find(family.name);
    const bool judged = digest != want->second.end();
    if (judged != family.applies(row))
      faults.push_back(name + (judged ? " lost its rule for " : " has no golden digest of ") +
                       family.name + "; run tools/make_golden.py");
    if (!judged || !family.applies(row)) continue;
    const Verdict verdict = judge(row, family);
    if (verdict.digest != digest->second)
      faults.push_back(first_failing(golden, row, family, verdict, digest->second));
  }
  return faults;
}

/// The digest of a family's case bytes.
inline std::string digest_of_cases(const Family& family) {
  Fnv fnv;
  for (const Bytes& bytes : family.cases()) fnv.mix(bytes);
  return hex(fnv.value());
}

}  // namespace qsim::court
