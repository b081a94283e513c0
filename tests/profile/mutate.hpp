#pragma once
// Every profile that differs from a row in one field and is still a legal row.

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "qsim/profile/text.hpp"

namespace qsim::test {

/// One changed field: its path, the new value as text, and the whole changed row.
struct Mutant {
  std::string path, value;
  Profile profile;
};

namespace detail {
/// Other values of a field: all enumerators, the other truth value, or integers nearby.
template <class T>
std::vector<std::string> other_values(T value) {
  std::vector<std::string> all;
  if constexpr (std::is_same_v<T, bool>) {
    all = {value ? "false" : "true"};
  } else if constexpr (std::is_enum_v<T>) {
    for (const std::string_view name : enum_names<T>)
      if (name != enum_name(value)) all.emplace_back(name);
  } else {
    const int v = value;
    for (const int other : {v - 1, v + 1, 2 * v, v / 2, 4 * v, v - 128, v + 128})
      if (other != v && std::find(all.begin(), all.end(), std::to_string(other)) == all.end())
        all.push_back(std::to_string(other));
  }
  return all;
}
}  // namespace detail

/// All legal single-field mutants of `row`, in the order of its fields, whose path is `wanted`.
template <class Wanted>
std::vector<Mutant> mutants(const Profile& row, Wanted wanted) {
  std::vector<Mutant> all;
  for_each_field(row, [&](const std::string& path, auto field) {
    if (!wanted(path)) return;
    for (const std::string& value : detail::other_values(field)) {
      try {
        Mutant mutant{path, value, with_field(row, path, value)};
        validate(mutant.profile);
        all.push_back(std::move(mutant));
      } catch (const BadArgument&) {  // not a legal row
      }
    }
  });
  return all;
}
inline std::vector<Mutant> mutants(const Profile& row) {
  return mutants(row, [](const std::string&) { return true; });
}

/// Mutants of the fields whose value in this row no earlier row had: of everything that fields hold
/// in a catalogue, once.
class FreshMutants {
 public:
  std::vector<Mutant> of(const Profile& row) {
    std::set<std::string> fresh;
    for_each_field(row, [&](const std::string& path, auto field) {
      if (seen_.emplace(path, static_cast<int>(field)).second) fresh.insert(path);
    });
    return mutants(row, [&](const std::string& path) { return fresh.contains(path); });
  }

 private:
  std::set<std::pair<std::string, int>> seen_;
};

}  // namespace qsim::test
