#pragma once
// Every distinct rule from sum to code in the catalogue, and independent computations of it: the
// formulas of engines in plain integers and host floating point, and instructions.

#include <optional>
#include <string>
#include <vector>

#include "num/host.hpp"
#include "qsim/emu/rescale.hpp"
#include "qsim/profile/catalogue.hpp"
#include "sweep/host_narrow.hpp"

namespace qsim::sweep {

struct RequantizerOf {
  std::string name;  ///< of the first row that has it, and the field
  Profile row{};
  Requant rule{};
  std::optional<Epilogue> epilogue{};  ///< a convolution's of a graph, in place of `rule`
};

/// The rule without the fields that a sum and its factor do not reach; `past_factor`: nor those
/// that make the factor.
inline Requant reached(Requant r, bool past_factor) {
  const bool integers = r.scheme == Rescale::fixed;
  if (r.bias == RealBias::refused) r.fused = false;
  if (past_factor && r.scheme != Rescale::real) r.factor = {};
  if (past_factor) r.fixed.multiplier = {};
  if (integers) {
    r.narrow.convert = {};
    r.narrow.minmax = {};
    r.narrow.cap = RealCap::none;
  } else {
    r.fixed = {};
  }
  return r;
}

inline bool same_requantizer(const RequantizerOf& a, const RequantizerOf& b,
                             bool past_factor = false) {
  if (a.epilogue != b.epilogue) return false;
  const FloatMode &m = a.row.float_mode, &n = b.row.float_mode;
  const bool same_mode =
      m.flush_inputs == n.flush_inputs && m.flush_results == n.flush_results;
  if (a.epilogue) return same_mode;
  return reached(a.rule, past_factor) == reached(b.rule, past_factor) &&
         (a.rule.scheme == Rescale::fixed || same_mode);
}

/// `past_factor`: those that differ once the three scales are one factor.
inline std::vector<RequantizerOf> distinct_requantizers(bool past_factor = false) {
  std::vector<RequantizerOf> all;
  const auto put = [&](const RequantizerOf& r) {
    for (const RequantizerOf& other : all)
      if (same_requantizer(r, other, past_factor)) return;
    all.push_back(r);
  };
  for (const Profile& p : catalogue()) {
    const std::string row = std::string(p.name.view()) + ".";
    const struct {
      const char* field;
      const Requant& rule;
    } fields[] = {{"requant", p.requant}, {"requant_product", p.requant_product},
                  {"requant_row", p.requant_row}, {"requant16", p.requant16},
                  {"requant16_product", p.requant16_product}, {"grouped", p.grouped},
                  {"channelwise", p.channelwise}, {"channelwise_rest", p.channelwise_rest}};
    for (const auto& [field, rule] : fields)
      if (rule.scheme != Rescale::none && rule.scheme != Rescale::engine)
        put({row + field, p, rule, {}});
    if (p.placement != Placement::describes) continue;
    put({row + "epilogue", p, {}, p.epilogue});
    put({row + "depthwise", p, {}, p.depthwise});
  }
  return all;
}

/// Scales of both operands and the result, and where the result goes.
struct SumSetting {
  float lhs = 1.0f, rhs = 1.0f, out = 1.0f;
  std::int32_t zero = 0;
  emu::CodeRange range{};
  std::optional<float> bias{};  ///< in real units
  bool wide = false;            ///< sums of 47 bits: the word is its upper part
  float factor() const { return lhs * rhs / out; }
};
/// Factors 1/16 (every sixteenth sum ties), above 1, tiny, and one that is no round number; a rule
/// with real biases or sums of 64 bits has more. `more`: other types, too.
inline std::vector<SumSetting> settings_of(const RequantizerOf& r, bool more) {
  const emu::CodeRange s8{}, u8{0, 255, false, 0, 255}, s16{-32768, 32767, false, -32768, 32767};
  const SumSetting tie{0.5f, 0.25f, 2.0f, 0, s8}, typical{0.0237f, 0.0041f, 0.0313f, 0, s8};
  std::vector<SumSetting> all{{0.75f, 3.0f, 0.5f, 7, s8}, {0.0001f, 0.0001f, 10.0f, 0, s8}};
  if (r.epilogue) {
    all.insert(all.end(), {tie, typical});
    return all;
  }
  all.insert(all.end(), {{tie.lhs, tie.rhs, tie.out, 1000, s16},
                         {typical.lhs, typical.rhs, typical.out, 131, u8}});
  if (r.rule.bias != RealBias::refused)
    all.push_back({typical.lhs, typical.rhs, typical.out, -5, s8, 0.377f});
  if (r.rule.scheme == Rescale::fixed && r.rule.fixed.bits == 16)
    all.insert(all.end(), {{0.0003f, 0.0041f, 10.0f, 0, s16, {}, true},
                           {0x1p-20f, 0x1p-10f, 4.0f, 0, s16, {}, true}});
  if (more) all.insert(all.end(), {tie, typical});
  return all;
}

/// The sum that a word of the sweep stands for.
inline std::int64_t sum_of(std::uint32_t word, const SumSetting& s) {
  const std::int64_t sum = static_cast<std::int32_t>(word);
  return s.wide ? sum * 32768 + (word * 2654435761u >> 17) : sum;
}

/// Codes by engines' formulas, for `lanes` words from `first`.
void formula_codes(const RequantizerOf& r, const SumSetting& s, std::uint32_t first, Codes& out);

/// The instructions of an engine that rescale by one binary32 factor.
struct SumSequence {
  const char* row;
  const char* field;  ///< requant, epilogue, depthwise
  void (*run)(std::uint32_t first, float factor, const SumSetting& s, Codes& out);
  bool bytes_only = false;
};
std::vector<SumSequence> sum_sequences();

}  // namespace qsim::sweep
