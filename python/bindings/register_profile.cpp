// Profiles: catalogue, fields, text, digest.

#include <pybind11/operators.h>
#include <pybind11/stl.h>

#include "qsim/profile/catalogue.hpp"
#include "qsim/profile/text.hpp"
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
