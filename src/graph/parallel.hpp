#pragma once
// Parallel loops over independent rows, in a known floating-point environment.

#include <cfenv>
#include <cstddef>
#include <exception>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace qsim::graph::detail {

/// Puts the host into IEEE default mode (nearest even, subnormals kept) while alive: float results
/// must not depend on what the caller's program did to its thread.
class DefaultFloatMode {
 public:
  DefaultFloatMode() {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
#if defined(__x86_64__)
    control_ = _mm_getcsr();
    _mm_setcsr(0x1f80);
#endif
  }
  ~DefaultFloatMode() {
#if defined(__x86_64__)
    _mm_setcsr(control_);
#endif
    std::fesetenv(&saved_);
  }
  DefaultFloatMode(const DefaultFloatMode&) = delete;
  DefaultFloatMode& operator=(const DefaultFloatMode&) = delete;

 private:
  std::fenv_t saved_{};
#if defined(__x86_64__)
  unsigned control_ = 0;
#endif
};

/// Calls body(row) for every row in [0, rows). Rows must write disjoint memory; `work` estimates
/// the elementary steps of all rows together, small jobs stay on one thread.
template <class Body>
void parallel_rows(std::size_t rows, std::size_t work, const Body& body) {
  std::exception_ptr failure;
#pragma omp parallel if (work > 200000)
  {
    const DefaultFloatMode mode;
#pragma omp for schedule(static)
    for (std::ptrdiff_t row = 0; row < static_cast<std::ptrdiff_t>(rows); ++row) {
      try {
        body(static_cast<std::size_t>(row));
      } catch (...) {
#pragma omp critical(qsim_parallel_rows)
        if (!failure) failure = std::current_exception();
      }
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace qsim::graph::detail
