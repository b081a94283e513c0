// qvec: the court's cases on the command line. One case is one line,
//
//   case <family> <row> <bytes in> <bytes out>      hexadecimal; an answer of 00 alone: refused;
//                                                   lines that begin with # are comments
//
//   qvec gen [--family F] [--row R] [--seed N] [--count M]   lines with emu's answers
//   qvec inputs [--family F]            "case <family> <bytes in>" of all families, once
//   qvec rows [--row R]                 "row <name> <field>=<value> ..." of the catalogue
//   qvec check < lines                  prints lines that emu answers otherwise, with its answer
//   qvec judge GOLDEN ...               emu against golden files; prints the first faults
//
// F and R are parts of names. --count M: only M cases per family and row, beginning at a place that
// the seed N decides. Exit status 1 if anything differs, 2 for a line or argument without sense.

#include <cstdlib>
#include <iostream>
#include <string>

#include "conformance/golden.hpp"
#include "qsim/profile/catalogue.hpp"
#include "qsim/profile/text.hpp"

namespace qsim::court {
namespace {

struct Options {
  std::string family, row;
  std::uint64_t seed = 0;
  std::size_t count = ~std::size_t{0};
  std::vector<std::string> files;
};

Options options_of(const std::vector<std::string>& words) {
  Options o;
  for (std::size_t i = 2; i < words.size(); ++i) {
    if (words[i].substr(0, 2) != "--") {
      o.files.push_back(words[i]);
      continue;
    }
    if (i + 1 == words.size()) throw std::invalid_argument("qvec: no value for " + words[i]);
    const std::string& value = words[++i];
    if (words[i - 1] == "--family") o.family = value;
    else if (words[i - 1] == "--row") o.row = value;
    else if (words[i - 1] == "--seed") o.seed = std::stoull(value);
    else if (words[i - 1] == "--count") o.count = std::stoull(value);
    else throw std::invalid_argument("qvec: no option " + words[i - 1]);
  }
  return o;
}

bool has(std::string_view name, const std::string& part) {
  return name.find(part) != std::string_view::npos;
}

int generate(const Options& o) {
  std::size_t printed = 0;
  for (const Family& family : families()) {
    if (!has(family.name, o.family)) continue;
    for (const Profile& row : catalogue()) {
      if (!has(row.name.view(), o.row) || !family.applies(row)) continue;
      const std::vector<Bytes>& cases = family.cases();
      const std::size_t first = static_cast<std::size_t>(o.seed * 2654435761u % cases.size());
      for (std::size_t k = 0; k < std::min(o.count, cases.size()); ++k) {
        const Bytes& bytes = cases[(first + k) % cases.size()];
        std::cout << case_line(family, row, bytes, family.answer(row, bytes)) << '\n';
        ++printed;
      }
    }
  }
  if (printed == 0) throw std::invalid_argument("qvec: no family and row of those names");
  return 0;
}

int inputs(const Options& o) {
  for (const Family& family : families())
    if (has(family.name, o.family))
      for (const Bytes& bytes : family.cases())
        std::cout << "case " << family.name << ' ' << hex(bytes) << '\n';
  return 0;
}

int rows(const Options& o) {
  for (const Profile& row : catalogue()) {
    if (!has(row.name.view(), o.row)) continue;
    std::cout << "row " << row.name.view();
    for_each_field(row, [](const std::string& path, auto field) {
      std::cout << ' ' << path << '=' << qsim::detail::field_text(field);
    });
    std::cout << '\n';
  }
  return 0;
}

int check() {
  const std::vector<Family> all = families();
  std::size_t read = 0, different = 0;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.substr(0, 1) == "#") continue;
    std::istringstream words(line);
    std::string kind, family, row, bytes, want;
    if (!(words >> kind >> family >> row >> bytes) || kind != "case")
      throw std::invalid_argument("qvec: not a case line: " + line.substr(0, 200));
    words >> want;
    const Bytes got = family_named(all, family).answer(find_profile(row), bytes_of_hex(bytes));
    ++read;
    if (hex(got) == want) continue;
    ++different;
    std::cout << line << " got=" << hex(got) << '\n';
  }
  std::cerr << read << " cases, " << different << " different\n";
  if (read == 0) throw std::invalid_argument("qvec: no case line to check");
  return different == 0 ? 0 : 1;
}

int judge_all(const Options& o) {
  Golden golden;
  for (const std::string& path : o.files) golden.read(path);
  std::vector<Family> judged;
  for (Family& family : families())
    if (golden.cases.count(family.name) != 0 && has(family.name, o.family))
      judged.push_back(std::move(family));
  if (judged.empty()) throw std::invalid_argument("qvec: no golden file with such a family");
  std::size_t wrong = 0;
  for (const Profile& row : catalogue()) {
    if (!has(row.name.view(), o.row)) continue;
    for (const std::string& fault : faults_of(golden, row, judged)) {
      if (++wrong <= 5) std::cout << fault << '\n';
    }
  }
  std::cerr << wrong << " faults\n";
  return wrong == 0 ? 0 : 1;
}

int run_command(const std::vector<std::string>& words) {
  const std::string command = words.size() > 1 ? words[1] : "";
  const Options o = options_of(words);
  if (command == "gen") return generate(o);
  if (command == "inputs") return inputs(o);
  if (command == "rows") return rows(o);
  if (command == "check") return check();
  if (command == "judge") return judge_all(o);
  throw std::invalid_argument("qvec: expected gen, inputs, rows, check or judge");
}

}  // namespace
}  // namespace qsim::court

int main(int argc, char** argv) {
  try {
    return qsim::court::run_command({argv, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
