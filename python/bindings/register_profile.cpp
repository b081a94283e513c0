// Profiles: catalogue, fields, text, digest.

#include <pybind11/operators.h>
#include <pybind11/stl.h>

#include <algorithm>

#include "qsim/profile/catalogue.hpp"
#include "qsim/profile/text.hpp"
#include "qsim/profile/uses.hpp"
#include "register.hpp"

namespace qsim::python {

namespace py = pybind11;

namespace {

template <class T>
py::object field_object(T value) {
  if constexpr (std::is_same_v<T, bool>) return py::bool_(value);
  else if constexpr (std::is_enum_v<T>) return py::str(std::string(enum_name(value)));
  else return py::int_(static_cast<int>(value));
}

/// Fields as {"conv.step0.overflow": "wrap", ...} in order.
py::dict flat_fields(const Profile& profile) {
  py::dict out;
  for_each_field(profile, [&](const std::string& path, auto field) {
    out[py::str(path)] = field_object(field);
  });
  return out;
}

std::string value_text(const py::handle& value) {
  if (py::isinstance<py::bool_>(value)) return value.cast<bool>() ? "true" : "false";
  return py::str(value).cast<std::string>();
}

Profile replace_fields(const Profile& profile, const py::dict& fields, const std::string& name) {
  Profile out = profile;
  for (const auto& [path, value] : fields)
    out = with_field(out, py::str(path).cast<std::string>(), value_text(value));
  if (!(out == profile)) out.evidence = Evidence::assumed;
  if (name.size() > 47)
    fail<BadArgument>("name: expected at most 47 characters, got ", name.size());
  if (!name.empty()) out.name = Name(name);
  validate(out);
  return out;
}

/// The used field that a keyword means: "a__b" is the path a.b; else the one whose end it spells
/// with underscores for dots.
std::string path_of(const Profile& profile, const std::string& keyword) {
  std::vector<std::string> matches;
  for_each_field(profile, [&](const std::string& path, auto) {
    std::string dotted, plain = path;
    for (std::size_t i = 0; i < keyword.size(); ++i) {
      const bool separator = keyword.compare(i, 2, "__") == 0;
      dotted += separator ? '.' : keyword[i];
      i += separator ? 1 : 0;
    }
    std::replace(plain.begin(), plain.end(), '.', '_');
    const bool ends = plain.size() > keyword.size() &&
                      plain.compare(plain.size() - keyword.size(), keyword.size(), keyword) == 0 &&
                      plain[plain.size() - keyword.size() - 1] == '_';
    if (path == dotted || plain == keyword) matches.insert(matches.begin(), "=" + path);
    else if (ends && uses(profile, path)) matches.push_back(path);
  });
  if (!matches.empty() && matches[0][0] == '=') return matches[0].substr(1);
  if (matches.size() == 1) return matches[0];
  std::string list;
  for (const std::string& path : matches) list += (list.empty() ? "" : ", ") + path;
  if (matches.empty())
    fail<UnknownName>("profile field \"", keyword, "\" does not exist in ", profile.name.view(),
                      "; profile.fields() lists them, write a__b for a.b");
  fail<BadArgument>(keyword, ": expected one field, got ", matches.size(), " that end so (", list,
                    "); write the whole path, with __ for dots");
}

Profile replace(const Profile& profile, const py::object& fields, const std::string& name,
                const py::kwargs& keywords) {
  py::dict all;
  if (!fields.is_none()) all = py::dict(fields);
  for (const auto& [key, value] : keywords)
    all[py::str(path_of(profile, py::str(key).cast<std::string>()))] = value;
  return replace_fields(profile, all, name);
}

/// Fields that differ from an empty profile's, in order.
py::dict set_fields(const Profile& profile) {
  const py::dict all = flat_fields(profile), empty = flat_fields(Profile{});
  py::dict out;
  for (const auto& [path, value] : all)
    if (!value.equal(empty[path])) out[path] = value;
  return out;
}

std::string to_json(const Profile& profile) {
  py::dict out;
  out["schema"] = "qsim.profile/1";
  out["name"] = std::string(profile.name.view());
  out["fields"] = set_fields(profile);
  return py::module_::import("json").attr("dumps")(out, py::arg("indent") = 1).cast<std::string>();
}

Profile from_json(const std::string& source) {
  py::object parsed;
  try {
    parsed = py::module_::import("json").attr("loads")(source);
  } catch (const py::error_already_set& e) {
    fail<BadFile>("profile JSON: ", e.what());
  }
  if (!py::isinstance<py::dict>(parsed) || !parsed.contains("fields") ||
      !py::isinstance<py::dict>(parsed["fields"]) || !parsed.contains("name") ||
      !py::isinstance<py::str>(parsed["name"]))
    fail<BadFile>("profile JSON: expected an object with \"name\" and \"fields\"");
  if (!parsed.contains("schema") ||
      py::str(parsed["schema"]).cast<std::string>() != "qsim.profile/1")
    fail<BadFile>("profile JSON: expected \"schema\": \"qsim.profile/1\"");
  std::string source_text = "name = " + parsed["name"].cast<std::string>() + "\n";
  for (const auto& [path, value] : py::dict(parsed["fields"]))
    source_text += py::str(path).cast<std::string>() + " = " + value_text(value) + "\n";
  return from_text(source_text);
}

py::list used_paths(const Profile& profile) {
  py::list out;
  for_each_field(profile, [&](const std::string& path, auto) {
    if (uses(profile, path)) out.append(path);
  });
  return out;
}

/// Other values of one field: all enumerators, the other truth value, or integers nearby.
py::list alternatives(const Profile& profile, const std::string& wanted) {
  py::list out;
  for_each_field(profile, [&](const std::string& path, auto field) {
    using T = decltype(field);
    if (path != wanted) return;
    if constexpr (std::is_same_v<T, bool>) {
      out.append(!field);
    } else if constexpr (std::is_enum_v<T>) {
      for (const std::string_view name : enum_names<T>)
        if (name != enum_name(field)) out.append(std::string(name));
    } else {
      const int v = field;
      for (const int other : {v - 1, v + 1, 2 * v, v / 2, v + 128, v - 128})
        if (other != v && other >= int{std::numeric_limits<T>::min()} &&
            other <= int{std::numeric_limits<T>::max()})
          out.append(other);
    }
  });
  return out;
}

/// A table of the fields that differ from an empty profile's, for notebooks.
std::string html(const Profile& profile) {
  std::string out = text("<table><caption>", profile.name.view(), " (",
                         enum_name(profile.evidence), ")</caption>",
                         "<tr><th>field</th><th>value</th></tr>");
  for (const auto& [path, value] : set_fields(profile))
    out += text("<tr><td>", py::str(path).cast<std::string>(), "</td><td>", value_text(value),
                "</td></tr>");
  return out + "</table>";
}

}  // namespace

void register_profile(py::module_& module) {
  py::class_<Profile>(module, "Profile", "One machine's or runtime's exact arithmetic, as data.")
      .def_property_readonly("name", [](const Profile& p) { return std::string(p.name.view()); })
      .def_property_readonly("evidence",
                             [](const Profile& p) { return std::string(enum_name(p.evidence)); })
      .def_property_readonly("digest", [](const Profile& p) { return digest(p); },
                             "64-bit digest of every field but name and evidence.")
      .def("fields", &flat_fields, "Every field by dotted path, in order.")
      .def("replace_fields", &replace_fields, py::arg("fields"), py::arg("name") = "",
           "A copy with fields (dotted paths) changed; evidence becomes 'assumed'.")
      .def("replace", &replace, py::arg("fields") = py::none(), py::pos_only(),
           py::arg("name") = "",
           "A copy with fields changed: a dictionary of dotted paths, or keywords (step0_overflow, "
           "or products__u8s8__step0__overflow); evidence becomes 'assumed'.")
      .def("used", &used_paths, "Paths of the fields that the row's own rules read.")
      .def("alternatives", &alternatives, py::arg("path"),
           "Other values of a field: enumerators, the other truth value, integers nearby.")
      .def("to_json", &to_json, "The row as JSON with a schema version.")
      .def_static("from_json", &from_json)
      .def("_repr_html_", &html)
      .def("to_text", [](const Profile& p) { return to_text(p); })
      .def_static("from_text", [](const std::string& s) { return from_text(s); })
      .def("__eq__", [](const Profile& a, const Profile& b) { return a == b; })
      .def("__hash__", [](const Profile& p) { return digest(p); })
      .def("__repr__", [](const Profile& p) {
        return text("<Profile ", p.name.view(), " (", enum_name(p.evidence), ")>");
      })
      .def(py::pickle([](const Profile& p) { return to_text(p); },
                      [](const std::string& s) { return from_text(s); }));
  module.def("catalogue", &catalogue, "Every built-in profile, in order.");
}

}  // namespace qsim::python
