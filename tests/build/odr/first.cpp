// First of two translation units that hold every header: linking them proves one definition each.
#include <cstdint>

#include "all_headers.hpp"

namespace odr {
std::uint32_t second();
}

int main() { return odr::second() == __cplusplus % 1000 ? 0 : 1; }
