// Small number formats on NumPy arrays: codes, values, packing.

#include <pybind11/stl.h>

#include <bit>
#include <optional>
#include <string_view>

#include "arrays.hpp"
#include "qsim/base/close.hpp"
#include "qsim/num/minifloat.hpp"
#include "register.hpp"

namespace qsim::python {

namespace {

using Codes = py::array_t<std::uint8_t, py::array::c_style>;

struct NamedFloat {
  std::string_view name;
  Minifloat format;
};
/// As ONNX writes the element types of tensors, in lower case.
constexpr NamedFloat floats[] = {
    {"float32", num::fp32},
    {"float16", num::fp16},
    {"bfloat16", num::bf16},
    {"float8e4m3fn", num::fp8_e4m3fn},
    {"float8e4m3fnuz", num::fp8_e4m3fnuz},
    {"float8e5m2", num::fp8_e5m2},
    {"float8e5m2fnuz", num::fp8_e5m2fnuz},
    {"float8e8m0", num::fp8_e8m0},
    {"float4e2m1", num::fp4_e2m1},
};
struct NamedInt {
  std::string_view name;
  SmallInt format;
};
constexpr NamedInt integers[] = {
    {"int4", num::int4}, {"uint4", num::uint4}, {"int2", num::int2}, {"uint2", num::uint2}};

constexpr std::string_view rounding_names[] = {"half_even", "half_away", "toward_zero",
                                               "away_from_zero"};
constexpr std::string_view non_finite_names[] = {"infinity_and_nan", "all_ones_nan",
                                                 "negative_zero_nan", "none"};

const Minifloat* find_float(std::string_view name) {
  for (const NamedFloat& row : floats)
    if (row.name == name) return &row.format;
  return nullptr;
}

/// UnknownName if there is none.
const SmallInt& find_integer(std::string_view name) {
  std::vector<std::string_view> names;
  for (const NamedInt& row : integers) {
    if (row.name == name) return row.format;
    names.push_back(row.name);
  }
  for (const NamedFloat& row : floats) names.push_back(row.name);
  fail<UnknownName>("format: \"", name, "\" is not a number format; close matches: ",
                    close_matches(name, names));
}

Rounding rounding_of(const std::optional<std::string>& name, Rounding by_custom) {
  if (!name) return by_custom;
  for (std::size_t i = 0; i < std::size(rounding_names); ++i)
    if (rounding_names[i] == *name) return static_cast<Rounding>(i);
  fail<BadArgument>("rounding: expected half_even, half_away, toward_zero or away_from_zero, got ",
                    *name);
}

int width_of(const std::string& format) {
  const Minifloat* f = find_float(format);
  return f != nullptr ? num::width(*f) : find_integer(format).bits;
}

/// The codes of binary64 patterns.
template <class Code, class Pattern>
std::vector<Code> encode_all(const std::string& format, const Pattern& pattern, std::size_t n,
                             std::optional<bool> saturate,
                             const std::optional<std::string>& rounding) {
  std::vector<Code> out(n);
  const Minifloat* f = find_float(format);
  if (f != nullptr) {
    const Rounding how = rounding_of(rounding, f->rounding);
    const bool stay = saturate.value_or(f->saturates);
    const py::gil_scoped_release free;
    for (std::size_t i = 0; i < n; ++i)
      out[i] = static_cast<Code>(num::encode_binary64(*f, pattern(i), stay, how));
    return out;
  }
  const SmallInt& s = find_integer(format);
  const Rounding how = rounding_of(rounding, Rounding::toward_zero);
  const py::gil_scoped_release free;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t x = pattern(i);
    if ((x >> 52 & 0x7ffu) == 0x7ffu)
      fail<BadArgument>("x: expected finite numbers for ", format,
                        ", got infinity or NaN at element ", i,
                        "; replace it, for example by np.nan_to_num");
    out[i] = static_cast<Code>(num::encode_binary64(s, x, saturate.value_or(false), how));
  }
  return out;
}

template <class Pattern>
py::array encode_to(const std::string& format, const py::array& x, const Pattern& pattern,
                    std::optional<bool> saturate, const std::optional<std::string>& rounding) {
  const std::size_t n = static_cast<std::size_t>(x.size());
  const int width = width_of(format);
  if (width <= 8)
    return to_numpy<std::uint8_t>(
        encode_all<std::uint8_t>(format, pattern, n, saturate, rounding), shape_of(x));
  if (width <= 16)
    return to_numpy<std::uint16_t>(
        encode_all<std::uint16_t>(format, pattern, n, saturate, rounding), shape_of(x));
  return to_numpy<std::uint32_t>(
      encode_all<std::uint32_t>(format, pattern, n, saturate, rounding), shape_of(x));
}

py::array encode(const std::string& format, const py::object& x_in, std::optional<bool> saturate,
                 const std::optional<std::string>& rounding) {
  const py::array any = as_array(x_in, "x");
  if (any.dtype().equal(py::dtype::of<double>())) {
    const auto x = exact<double>(x_in, "x");
    const auto pattern = [&](std::size_t i) { return std::bit_cast<std::uint64_t>(x.data()[i]); };
    return encode_to(format, x, pattern, saturate, rounding);
  }
  const auto x = exact<float>(x_in, "x");
  const auto pattern = [&](std::size_t i) {
    return num::detail::binary64_bits({std::bit_cast<std::uint32_t>(x.data()[i])});
  };
  return encode_to(format, x, pattern, saturate, rounding);
}

template <class Code>
py::array_t<float> decode_from(const std::string& format, const py::object& codes_in) {
  const auto codes = exact<Code>(codes_in, "codes");
  const Minifloat* f = find_float(format);
  const SmallInt* s = f == nullptr ? &find_integer(format) : nullptr;
  const int width = width_of(format);
  const std::size_t n = static_cast<std::size_t>(codes.size());
  std::vector<F32> out(n);
  {
    const py::gil_scoped_release free;
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint32_t code = codes.data()[i];
      if (std::uint64_t{code} >> width != 0)
        fail<BadArgument>("codes: expected values below ", 1 << width, " for ", format, ", got ",
                          code, " at element ", i);
      out[i] = f != nullptr ? num::decode(*f, code) : num::from_int(num::decode(*s, code));
    }
  }
  return to_numpy<float>(out, shape_of(codes));
}

py::array_t<float> decode(const std::string& format, const py::object& codes) {
  const int width = width_of(format);
  if (width <= 8) return decode_from<std::uint8_t>(format, codes);
  if (width <= 16) return decode_from<std::uint16_t>(format, codes);
  return decode_from<std::uint32_t>(format, codes);
}

void need_bits(int bits) {
  if (bits != 1 && bits != 2 && bits != 4 && bits != 8)
    fail<BadArgument>("bits: expected 1, 2, 4 or 8, got ", bits);
}

py::array_t<std::uint8_t> pack(const py::object& codes_in, int bits) {
  need_bits(bits);
  const Codes codes = exact<std::uint8_t>(codes_in, "codes");
  const std::size_t n = static_cast<std::size_t>(codes.size());
  for (std::size_t i = 0; i < n; ++i)
    if (codes.data()[i] >> bits != 0)
      fail<BadArgument>("codes: expected values below ", 1 << bits, " for ", bits, " bits, got ",
                        int{codes.data()[i]}, " at element ", i);
  std::vector<std::uint8_t> bytes(num::packed_size(n, bits));
  num::pack({codes.data(), n}, bits, bytes);
  return to_numpy<std::uint8_t>(bytes, {static_cast<std::int64_t>(bytes.size())});
}

py::array_t<std::uint8_t> unpack(const py::object& bytes_in, int bits, std::int64_t count) {
  need_bits(bits);
  const Codes bytes = exact<std::uint8_t>(bytes_in, "bytes");
  const std::size_t size = static_cast<std::size_t>(bytes.size());
  const std::int64_t room = static_cast<std::int64_t>(size) * (8 / bits);
  if (count < 0 || count > room ||
      num::packed_size(static_cast<std::size_t>(count), bits) != size)
    fail<BadArgument>("count: expected a number of codes that takes ", size, " bytes at ", bits,
                      " bits each, got ", count);
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(count));
  num::unpack({bytes.data(), size}, bits, codes);
  return to_numpy<std::uint8_t>(codes, {count});
}

py::dict formats() {
  py::dict out;
  for (const NamedFloat& row : floats) {
    const Minifloat& f = row.format;
    py::dict fields;
    fields["bits"] = num::width(f);
    fields["exponent_bits"] = int{f.exponent_bits};
    fields["mantissa_bits"] = int{f.mantissa_bits};
    fields["bias"] = int{f.bias};
    fields["non_finite"] = std::string(non_finite_names[static_cast<std::size_t>(f.non_finite)]);
    fields["nan"] = f.nan;
    fields["nan_payload"] = f.nan_payload;
    fields["is_signed"] = f.is_signed;
    fields["has_zero"] = f.has_zero;
    fields["saturates"] = f.saturates;
    fields["rounding"] = std::string(rounding_names[static_cast<std::size_t>(f.rounding)]);
    fields["largest"] = num::largest(f);
    out[py::str(std::string(row.name))] = fields;
  }
  for (const NamedInt& row : integers) {
    py::dict fields;
    fields["bits"] = int{row.format.bits};
    fields["is_signed"] = row.format.is_signed;
    out[py::str(std::string(row.name))] = fields;
  }
  return out;
}

}  // namespace

void register_num(py::module_& module) {
  py::module_ m = module.def_submodule("num", "Small number formats: codes, values, packing.");
  m.def("formats", &formats, "The fields of every format by its name.");
  m.def("encode", &encode, py::arg("format"), py::arg("x"), py::kw_only(),
        py::arg("saturate") = py::none(), py::arg("rounding") = py::none(),
        "Codes (uint8, uint16 from 9 bits on, uint32 from 17) of float32 or float64 `x`, rounded\n"
        "once. Without `saturate` or `rounding` (half_even, half_away, toward_zero,\n"
        "away_from_zero) as ONNX's operator Cast does it for the format.");
  m.def("decode", &decode, py::arg("format"), py::arg("codes"),
        "float32 values of codes, exactly.");
  m.def("pack", &pack, py::arg("codes"), py::arg("bits"),
        "uint8 [ceil(codes * bits / 8)] of uint8 codes of 1, 2, 4 or 8 bits, lowest bits first.");
  m.def("unpack", &unpack, py::arg("bytes"), py::arg("bits"), py::arg("count"),
        "uint8 [count]: the codes of 1, 2, 4 or 8 bits that pack() put into uint8 `bytes`.");
}

}  // namespace qsim::python
