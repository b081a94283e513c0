#pragma once
// One disagreement as one hexadecimal line that can be pasted back: written by the conformance
// tests, replayed by QSIM_CASE='<line>'.

#include <cstdint>
#include <cstdio>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace qsim::test {

inline std::string hex32(std::uint32_t v) {
  char text[9];
  std::snprintf(text, sizeof text, "%08x", static_cast<unsigned>(v));
  return text;
}
inline std::string hex32(std::int32_t v) { return hex32(static_cast<std::uint32_t>(v)); }

/// Codes as runs: {-128, -128, 1} is "80*2.01"; counts are hexadecimal.
inline std::string hex_runs(const std::vector<std::int8_t>& codes) {
  std::string out;
  for (std::size_t i = 0; i < codes.size();) {
    std::size_t end = i + 1;
    while (end < codes.size() && codes[end] == codes[i]) ++end;
    char text[32];
    std::snprintf(text, sizeof text, "%s%02x", out.empty() ? "" : ".",
                  static_cast<unsigned>(static_cast<std::uint8_t>(codes[i])));
    out += text;
    if (end - i > 1) {
      std::snprintf(text, sizeof text, "*%zx", end - i);
      out += text;
    }
    i = end;
  }
  return out;
}

inline std::vector<std::int8_t> read_runs(const std::string& text) {
  std::vector<std::int8_t> codes;
  std::istringstream in(text);
  for (std::string run; std::getline(in, run, '.');) {
    const std::size_t star = run.find('*');
    const auto code = static_cast<std::int8_t>(std::stoul(run.substr(0, star), nullptr, 16));
    const std::size_t count =
        star == std::string::npos ? 1 : std::stoul(run.substr(star + 1), nullptr, 16);
    codes.insert(codes.end(), count, code);
  }
  return codes;
}

/// One result of a product: row `row` of the left side, column `column` of the right side.
struct GemmLine {
  std::string kernel;
  std::uint32_t row = 0, column = 0;  ///< where in C it stood
  std::int32_t initial = 0;
  std::vector<std::int8_t> lhs, rhs;  ///< k codes each
};

/// One cast. mode: number of the floating-point environment in quantize_kernels.cpp.
struct QuantizeLine {
  std::string kernel;
  std::uint32_t mode = 0, lane = 0;         ///< lane: place in the array
  std::uint32_t value = 0, multiplier = 0;  ///< binary32 patterns
  std::int32_t zero = 0, low = 0, high = 0;
};

inline std::string write(const GemmLine& c) {
  return "gemm kernel=" + c.kernel + " row=" + hex32(c.row) + " column=" + hex32(c.column) +
         " initial=" + hex32(c.initial) + " lhs=" + hex_runs(c.lhs) + " rhs=" + hex_runs(c.rhs);
}

inline std::string write(const QuantizeLine& c) {
  return "quantize kernel=" + c.kernel + " mode=" + hex32(c.mode) + " lane=" + hex32(c.lane) +
         " value=" + hex32(c.value) + " multiplier=" + hex32(c.multiplier) +
         " zero=" + hex32(c.zero) + " low=" + hex32(c.low) + " high=" + hex32(c.high);
}

/// The words of a line; unknown ones, such as want= and got=, do no harm.
class LineWords {
 public:
  explicit LineWords(std::string_view line) {
    std::istringstream in{std::string(line)};
    in >> kind_;
    for (std::string word; in >> word;) {
      const std::size_t equals = word.find('=');
      if (equals == std::string::npos)
        throw std::invalid_argument("case line: expected <name>=<value>, got \"" + word + "\"");
      words_[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
  const std::string& kind() const { return kind_; }
  const std::string& text(const char* name) const {
    const auto found = words_.find(name);
    if (found == words_.end())
      throw std::invalid_argument(std::string("case line: no word ") + name + "=");
    return found->second;
  }
  std::uint32_t bits(const char* name) const {
    return static_cast<std::uint32_t>(std::stoul(text(name), nullptr, 16));
  }
  std::int32_t number(const char* name) const { return static_cast<std::int32_t>(bits(name)); }

 private:
  std::string kind_;
  std::map<std::string, std::string> words_;
};

inline GemmLine read_gemm(const LineWords& w) {
  return {w.text("kernel"),         w.bits("row"),           w.bits("column"), w.number("initial"),
          read_runs(w.text("lhs")), read_runs(w.text("rhs"))};
}
inline QuantizeLine read_quantize(const LineWords& w) {
  return {w.text("kernel"),     w.bits("mode"),   w.bits("lane"),  w.bits("value"),
          w.bits("multiplier"), w.number("zero"), w.number("low"), w.number("high")};
}

}  // namespace qsim::test
