#pragma once
// Every distinct quantizer of the catalogue, and two independent computations of it: its fields
// read on the host's floating point, and the instructions that engines run.

#include <string>
#include <vector>

#include "num/host.hpp"
#include "qsim/emu/quantizer.hpp"
#include "qsim/profile/catalogue.hpp"
#include "sweep/host_narrow.hpp"

namespace qsim::sweep {

struct QuantizerOf {
  std::string name;  ///< of the first row that has it, and the field
  Profile row{};
  Quantizer rule{};
};

/// What a quantizer's codes depend on.
inline bool same_quantizer(const QuantizerOf& a, const QuantizerOf& b) {
  const FloatMode &m = a.row.float_mode, &n = b.row.float_mode;
  if (m.flush_inputs != n.flush_inputs || m.flush_results != n.flush_results) return false;
  if (a.rule.scaling == Scaling::engine && b.rule.scaling == Scaling::engine)
    return a.row.cast == b.row.cast;
  return a.rule == b.rule;
}

/// All of them, or those of one field.
inline std::vector<QuantizerOf> distinct_quantizers(std::string_view only = "") {
  std::vector<QuantizerOf> all;
  for (const Profile& p : catalogue()) {
    const struct {
      const char* field;
      const Quantizer& rule;
    } fields[] = {{"vector", p.quantize.vector}, {"rest", p.quantize.rest},
                  {"single", p.quantize.single}, {"half", p.quantize.half}};
    for (const auto& [field, rule] : fields) {
      const QuantizerOf q{std::string(p.name.view()) + "." + field, p, rule};
      bool known = rule.scaling == Scaling::none || (!only.empty() && only != field);
      for (const QuantizerOf& other : all) known = known || same_quantizer(q, other);
      if (!known) all.push_back(q);
    }
  }
  return all;
}

/// Scale, zero point and type of a tensor of codes.
struct Setting {
  float scale = 1.0f;
  std::int32_t zero = 0;
  emu::CodeRange range{};
};
inline constexpr emu::CodeRange int8_codes{-128, 127, false, -128, 127};
inline constexpr emu::CodeRange uint8_codes{0, 255, false, 0, 255};
inline constexpr emu::CodeRange int16_codes{-32768, 32767, false, -32768, 32767};

/// Three types of codes, each with and without a zero point. Multiples of 1/16 tie; those of
/// fl(0.0237) come close to ties and their reciprocal is not exact. Logarithmic codes have an
/// integer origin instead.
inline std::vector<Setting> settings_of(const QuantizerOf& q) {
  if (q.rule.scaling == Scaling::log2_16)
    return {{-127.0f, 0, int8_codes}, {-127.0f, 0, uint8_codes}, {-51.0f, 0, uint8_codes}};
  std::vector<Setting> all{{0.0625f, 0, int8_codes}, {0.0237f, -5, int8_codes}};
  if (q.rule.scaling == Scaling::engine) return all;  // int8 only
  all.insert(all.end(), {{0.0625f, 0, uint8_codes}, {0.0237f, 131, uint8_codes},
                         {0.0625f, 0, int16_codes}, {0.0237f, 1000, int16_codes}});
  return all;
}

inline emu::PreparedQuantizer prepared(const QuantizerOf& q, const Setting& s) {
  return emu::prepare_quantizer(q.row, q.rule, test::as_f32(s.scale), s.zero, s.range);
}

/// Codes by the fields, computed on the host. NaN scales are not among the settings.
void host_codes(const QuantizerOf& q, const Setting& s, const Reals& x, Codes& out);

/// The instructions of an engine, as its sources or its binary have them.
struct Sequence {
  const char* row;
  const char* field;  ///< vector, rest, single
  void (*run)(const Reals& x, const Setting& s, Codes& out);
  bool bytes_only = false;
};
/// Those that this processor has.
std::vector<Sequence> sequences();

/// The rule that a sequence is said to be.
inline const Quantizer& rule_of(const Profile& row, std::string_view field) {
  const Quantize& q = row.quantize;
  return field == "rest" ? q.rest : field == "single" ? q.single : q.vector;
}

}  // namespace qsim::sweep
