#pragma once
// Sums and products of two codes by every distinct rule of the catalogue, computed a second time on
// the host's floating point and in plain integers.

#include <string>
#include <vector>

#include "num/host.hpp"
#include "qsim/emu/add.hpp"
#include "qsim/emu/mul.hpp"
#include "qsim/profile/catalogue.hpp"
#include "sweep/host_narrow.hpp"

namespace qsim::sweep {

/// One operation: a + b, a - b, a * b; in sums one operand may be alone.
enum class Operation { add, subtract, mul };

struct Tensor {
  float scale = 1.0f;
  std::int32_t zero = 0;
};
struct TableSetting {
  Tensor a{}, b{}, out{};
};

struct TableCase {
  Profile row{};
  Operation operation = Operation::add;
  emu::Lone lone = emu::Lone::neither;
  TableSetting scales{};
  emu::CodeRange range{};
};

struct RuleOf {
  std::string name;  ///< of the first row that has it
  Profile row{};
};

inline bool same_mode(const Profile& a, const Profile& b) {
  return a.float_mode.flush_inputs == b.float_mode.flush_inputs &&
         a.float_mode.flush_results == b.float_mode.flush_results;
}
inline bool same_add(const Profile& a, const Profile& b) {
  if (a.add.scheme == AddScheme::engine && b.add.scheme == AddScheme::engine)
    return a.eltwise == b.eltwise && same_mode(a, b);
  return a.add == b.add && same_mode(a, b);
}
inline bool same_mul(const Profile& a, const Profile& b) {
  if (a.mul.scheme == MulScheme::engine && b.mul.scheme == MulScheme::engine)
    return a.eltwise == b.eltwise && same_mode(a, b);
  return a.mul == b.mul && same_mode(a, b);
}
inline std::vector<RuleOf> distinct_adds() {
  std::vector<RuleOf> all;
  for (const Profile& p : catalogue()) {
    bool known = p.add.scheme == AddScheme::none;
    for (const RuleOf& r : all) known = known || same_add(r.row, p);
    if (!known) all.push_back({std::string(p.name.view()), p});
  }
  return all;
}
inline std::vector<RuleOf> distinct_muls() {
  std::vector<RuleOf> all;
  for (const Profile& p : catalogue()) {
    bool known = p.mul.scheme == MulScheme::none;
    for (const RuleOf& r : all) known = known || same_mul(r.row, p);
    if (!known) all.push_back({std::string(p.name.view()), p});
  }
  return all;
}

/// The table of one value of a and 256 of b, and so on: code [256*a + b] for codes from the lowest.
void host_table(const TableCase& c, std::vector<std::int32_t>& codes);

}  // namespace qsim::sweep
