#pragma once
// Error types and the two ways to check: `fail` at public doors, QSIM_ASSERT inside.

#include <sstream>
#include <stdexcept>
#include <string>

namespace qsim {

/// A shape or an option value that breaks a rule. Python: ValueError.
struct BadArgument : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};
/// A legal request that this build, host or profile cannot serve. Python: qsim.NotSupported.
struct NotSupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// A name that no table holds. Python: KeyError with close matches.
struct UnknownName : std::out_of_range {
  using std::out_of_range::out_of_range;
};
/// A file or model that breaks its own format. Python: qsim.BadFile (a ValueError).
struct BadFile : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// A broken promise of this library. Python: RuntimeError that asks for a report.
struct Bug : std::logic_error {
  using std::logic_error::logic_error;
};

/// Joins its arguments with operator<< into one string.
template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// Throws `Error` with the joined parts: "<argument>: expected <rule>, got <value>; <remedy>".
template <class Error, class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw Error(text(parts...));
}

namespace detail {
[[noreturn]] inline void bug(const char* condition, const char* file, int line) {
  fail<Bug>("internal error at ", file, ":", line, ": ", condition,
            " does not hold; please report it with the inputs that led here");
}
}  // namespace detail
}  // namespace qsim

#define QSIM_ASSERT(condition) \
  ((condition) ? (void)0 : ::qsim::detail::bug(#condition, __FILE__, __LINE__))
