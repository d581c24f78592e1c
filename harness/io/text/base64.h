#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace vidattn {

/// RFC 4648, with padding and without line breaks.
std::string base64(std::span<const uint8_t> bytes);

}  // namespace vidattn
