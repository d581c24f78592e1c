#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace vidattn {

/// Bits that nobody can foretell, from the system.
uint64_t unforeseeable_bits();

/// So many hexadecimal digits of them: a name that can neither be guessed nor says anything.
std::string random_name(size_t digits);

}  // namespace vidattn
