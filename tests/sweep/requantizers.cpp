#include "sweep/requantizers.hpp"

#include "qsim/base/check.hpp"
#include "sweep/fixed_formula.hpp"

namespace qsim::sweep {
namespace {

// ------------------------------------------------------------------------- factors as reals

/// lhs*rhs/out with one weight scale, in binary64.
double wide_factor(Factor factor, const SumSetting& s) {
  const float product = s.lhs * s.rhs;
  const double exact = static_cast<double>(s.lhs) * static_cast<double>(s.rhs);
  switch (factor) {
    case Factor::f32: return static_cast<double>(product / s.out);
    case Factor::f32_reciprocal: return static_cast<double>(product * (1.0f / s.out));
    case Factor::f32_product:
      return static_cast<double>(product) / static_cast<double>(s.out);
    case Factor::f64:
    case Factor::in_turn: break;
  }
  return exact / static_cast<double>(s.out);
}

QSIM_CLONES void sums_as_reals(std::uint32_t first, const SumSetting& s, Reals& x) {
  for (std::size_t i = 0; i < lanes; ++i)
    x[i] = static_cast<float>(sum_of(first + static_cast<std::uint32_t>(i), s));
}
QSIM_CLONES void sums_times(std::uint32_t first, double factor, Wides& v) {
  for (std::size_t i = 0; i < lanes; ++i)
    v[i] = factor * static_cast<double>(
                        static_cast<std::int32_t>(first + static_cast<std::uint32_t>(i)));
}

/// v = fl(acc) in real units, plus a real bias; then times 1/out.
void real_codes(const RequantizerOf& r, const SumSetting& s, Reals& x, Reals& t) {
  const FloatMode& mode = r.row.float_mode;
  const float product = s.lhs * s.rhs;
  const bool counts = r.rule.codes_per_unit;
  const float unit = !counts ? product : s.rhs == 0.0f ? 0.0f : 1.0f / product;
  if (s.bias && r.rule.fused) {
    multiply_add(x, unit, *s.bias, mode, t);
  } else {
    if (r.rule.factor == Factor::in_turn && !counts) {
      multiply(x, s.lhs, mode, t);
      const Reals half = t;
      multiply(half, s.rhs, mode, t);
    } else {
      multiply(x, unit, mode, t);
    }
    if (s.bias) add(t, *s.bias);
  }
  x = t;
  multiply(x, counts ? s.out : 1.0f / s.out, mode, t);
}

}  // namespace

void formula_codes(const RequantizerOf& r, const SumSetting& s, std::uint32_t first, Codes& out) {
  const FloatMode& mode = r.row.float_mode;
  Reals x, t;
  Wides v;
  if (r.epilogue) {
    sums_as_reals(first, s, x);
    multiply(x, s.factor(), mode, t);
    narrow_reals({r.epilogue->narrow, 0, s.range}, t, out);
    return;
  }
  const Narrowing how{r.rule.narrow, s.zero, s.range};
  const double factor = wide_factor(r.rule.factor, s);
  switch (r.rule.scheme) {
    case Rescale::none:
    case Rescale::engine: break;
    case Rescale::fp32:
      sums_as_reals(first, s, x);
      if (s.bias) add(x, *s.bias / (s.lhs * s.rhs));
      multiply(x, static_cast<float>(factor), mode, t);
      narrow_reals(how, t, out);
      return;
    case Rescale::real:
      sums_as_reals(first, s, x);
      real_codes(r, s, x, t);
      narrow_reals(how, t, out);
      return;
    case Rescale::f64:
      sums_times(first, factor, v);
      narrow_wides(how, v, out);
      return;
    case Rescale::fixed: {
      const Factor31 f = factor31(factor, r.rule.fixed);
      for (std::size_t i = 0; i < lanes; ++i)
        v[i] = fixed_sum(sum_of(first + static_cast<std::uint32_t>(i), s), f, r.rule.fixed);
      narrow_integers(how, v, out);
      return;
    }
  }
  QSIM_ASSERT(false);
}

}  // namespace qsim::sweep
