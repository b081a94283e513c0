#pragma once
// A profile as text and back, one "path = value" line per field, and a digest of what it computes.

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/profile/fields.hpp"
#include "qsim/profile/validate.hpp"

namespace qsim {

namespace detail {

template <class T>
std::string field_text(T value) {
  if constexpr (std::is_same_v<T, bool>) return value ? "true" : "false";
  else if constexpr (std::is_enum_v<T>) return std::string(enum_name(value));
  else return std::to_string(static_cast<int>(value));
}

template <class T>
T parse_field(std::string_view path, std::string_view value) {
  if constexpr (std::is_same_v<T, bool>) {
    if (value == "true") return true;
    if (value == "false") return false;
    fail<BadArgument>(path, ": expected true or false, got \"", value, "\"");
  } else if constexpr (std::is_enum_v<T>) {
    return enum_from_name<T>(value, path);
  } else {
    std::int64_t number = 0;
    std::size_t used = 0;
    try {
      number = std::stoll(std::string(value), &used);
    } catch (const std::exception&) {
      used = 0;
    }
    if (used == 0 || used != value.size() || number < std::numeric_limits<T>::min() ||
        number > std::numeric_limits<T>::max())
      fail<BadArgument>(path, ": expected an integer in ", int{std::numeric_limits<T>::min()},
                        "..", int{std::numeric_limits<T>::max()}, ", got \"", value, "\"");
    return static_cast<T>(number);
  }
}

}  // namespace detail

/// The value of one field as text; UnknownName for a path no profile has.
inline std::string get_field(const Profile& profile, std::string_view path) {
  std::string found;
  bool known = false;
  for_each_field(profile, [&](const std::string& at, auto field) {
    if (at != path) return;
    known = true;
    found = detail::field_text(field);
  });
  if (!known) fail<UnknownName>("profile field \"", path, "\" does not exist");
  return found;
}

/// A copy with one field changed; the result is validated only by the caller's last change.
inline Profile with_field(Profile profile, std::string_view path, std::string_view value) {
  bool known = false;
  for_each_field(profile, [&](const std::string& at, auto& field) {
    if (at != path) return;
    known = true;
    field = detail::parse_field<std::remove_reference_t<decltype(field)>>(path, value);
  });
  if (!known) fail<UnknownName>("profile field \"", path, "\" does not exist");
  return profile;
}

/// Fields that differ from those of an empty profile, one "path = value" per line in a fixed order;
/// first line "name = ...".
inline std::string to_text(const Profile& profile) {
  const Profile empty;
  std::vector<std::string> plain;
  for_each_field(empty, [&](const std::string&, auto field) {
    plain.push_back(detail::field_text(field));
  });
  std::string out = text("name = ", profile.name.view(), "\n");
  std::size_t i = 0;
  for_each_field(profile, [&](const std::string& path, auto field) {
    const std::string value = detail::field_text(field);
    if (value != plain[i++]) out += path + " = " + value + "\n";
  });
  return out;
}

/// The profile of a text made by to_text; fields left out keep their defaults. BadFile on others.
inline Profile from_text(std::string_view source) {
  Profile profile;
  int line_number = 0;
  while (!source.empty()) {
    const std::size_t end = source.find('\n');
    const std::string_view line = source.substr(0, end);
    source.remove_prefix(end == std::string_view::npos ? source.size() : end + 1);
    ++line_number;
    if (line.empty()) continue;
    const std::size_t equals = line.find(" = ");
    if (equals == std::string_view::npos)
      fail<BadFile>("profile text, line ", line_number, ": expected \"path = value\", got \"", line,
                    "\"");
    const std::string_view path = line.substr(0, equals);
    const std::string_view value = line.substr(equals + 3);
    if (path == "name" && value.size() > 47)
      fail<BadFile>("profile text, line ", line_number, ": expected a name of at most 47 "
                    "characters, got ", value.size());
    if (path == "name") profile.name = Name(value);
    else profile = with_field(profile, path, value);
  }
  validate(profile);
  return profile;
}

/// FNV-1a over all fields but name and evidence: equal digests, equal arithmetic.
inline std::uint64_t digest(const Profile& profile) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  const auto mix = [&](std::string_view s) {
    for (const char c : s) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  };
  for_each_field(profile, [&](const std::string& path, auto field) {
    if (path == "evidence") return;
    mix(path);
    mix(detail::field_text(field));
  });
  return hash;
}

}  // namespace qsim
