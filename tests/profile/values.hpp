#pragma once
// The fields of a profile as plain numbers, all at once: to compare and to mix rows quickly.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "qsim/profile/fields.hpp"

namespace qsim::test {

struct FieldValue {
  std::string path;
  std::int64_t value = 0;
};

/// Every field in the fixed order of fields.hpp.
inline std::vector<FieldValue> field_values(const Profile& row) {
  std::vector<FieldValue> all;
  for_each_field(row, [&](const std::string& path, auto field) {
    all.push_back({path, static_cast<std::int64_t>(field)});
  });
  return all;
}

/// Whether `path` is the field `prefix` or lies in the struct `prefix`.
constexpr bool within(std::string_view path, std::string_view prefix) {
  return path.substr(0, prefix.size()) == prefix &&
         (path.size() == prefix.size() || path[prefix.size()] == '.');
}
constexpr bool within_any(std::string_view path, std::span<const std::string_view> prefixes) {
  for (const std::string_view prefix : prefixes)
    if (within(path, prefix)) return true;
  return false;
}

/// `row` with the fields of `other`, but for those within `kept`.
inline Profile with_other_fields(Profile row, const Profile& other,
                                 std::span<const std::string_view> kept) {
  const std::vector<FieldValue> values = field_values(other);
  std::size_t i = 0;
  for_each_field(row, [&](const std::string& path, auto& field) {
    const std::int64_t value = values[i++].value;
    if (!within_any(path, kept))
      field = static_cast<std::remove_reference_t<decltype(field)>>(value);
  });
  return row;
}

}  // namespace qsim::test
