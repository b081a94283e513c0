// Second translation unit with every header; see first.cpp.
#include <cstdint>

#include "all_headers.hpp"

namespace odr {
std::uint32_t second() { return __cplusplus % 1000; }
}  // namespace odr
