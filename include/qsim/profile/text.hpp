#pragma once
// A profile as text and back, one "path = value" line per field, and a digest of what it computes.

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "qsim/base/check.hpp"
#include "qsim/profile/fields.hpp"

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

/// Throws BadArgument unless the row can be interpreted.
inline void validate(const Profile& p) {
  const auto arith = [](const char* name, const Arith& a) {
    if (a.block < 1 || a.block > 64)
      fail<BadArgument>(name, ".block: expected 1..64, got ", int{a.block});
    if (a.n_steps > 3) fail<BadArgument>(name, ".n_steps: expected 0..3, got ", int{a.n_steps});
    if (a.acc_bits < 8 || a.acc_bits > 32)
      fail<BadArgument>(name, ".acc_bits: expected 8..32, got ", int{a.acc_bits});
    if (a.acc_lanes < 1 || a.acc_lanes > 16)
      fail<BadArgument>(name, ".acc_lanes: expected 1..16, got ", int{a.acc_lanes});
    if (a.lhs_unsigned != (a.lhs_offset == 128) || (a.lhs_offset != 0 && a.lhs_offset != 128))
      fail<BadArgument>(name, ".lhs_offset: expected 128 for an unsigned left side, else 0, got ",
                        a.lhs_offset);
    int count = a.block;
    for (int i = 0; i < a.n_steps; ++i) {
      const Step& s = a.step[static_cast<std::size_t>(i)];
      if (s.fan_in < 1 || s.stride < 1 || count % (s.fan_in * s.stride) != 0)
        fail<BadArgument>(name, ".step", i, ": expected fan_in*stride to divide the ", count,
                          " values of the block, got ", int{s.fan_in}, "*", int{s.stride});
      if (s.bits < 8 || s.bits > 32)
        fail<BadArgument>(name, ".step", i, ".bits: expected 8..32, got ", int{s.bits});
      count /= s.fan_in;
    }
  };
  arith("conv", p.conv);
  arith("conv_fast", p.conv_fast);
  if (p.conv.lhs_offset != p.conv_fast.lhs_offset)
    fail<BadArgument>("conv_fast.lhs_offset: expected conv.lhs_offset ", p.conv.lhs_offset,
                      ", got ", p.conv_fast.lhs_offset);
  if (p.patch.block < 4 || p.patch.block % 4 != 0 || p.patch.pixels < 1)
    fail<BadArgument>("patch: expected a block of whole 4-byte words and pixels >= 1, got block ",
                      int{p.patch.block}, ", pixels ", int{p.patch.pixels});
  if (p.fuse.group < 1 || p.float_math.group < 1)
    fail<BadArgument>("group: expected >= 1 in fuse and float_math, got ", int{p.fuse.group},
                      " and ", int{p.float_math.group});
  const FloatMath& math = p.float_math;
  for (const FloatDot& dot : {math.conv, math.conv_single, math.matmul_row}) {
    if (dot.lanes == 8 && dot.tree != Tree::pairs)
      fail<BadArgument>("float_math: expected the tree pairs for 8 lanes, got ",
                        enum_name(dot.tree));
    if (dot.lanes != 1 && dot.lanes != 4 && dot.lanes != 8)
      fail<BadArgument>("float_math: expected dot products with 1, 4 or 8 lanes, got ",
                        int{dot.lanes});
  }
}

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

/// All fields, one "path = value" per line, in a fixed order; first line "name = ...".
inline std::string to_text(const Profile& profile) {
  std::string out = text("name = ", profile.name.view(), "\n");
  for_each_field(profile, [&](const std::string& path, auto field) {
    out += path + " = " + detail::field_text(field) + "\n";
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
