#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace vidattn {

/// SHA-256 as 64 lower-case hexadecimal digits (FIPS 180-4).
std::string sha256(std::string_view bytes);

/// SHA-256 of a file's bytes, read in pieces. Throws InputError when it cannot be read.
std::string sha256_file(const std::filesystem::path& path);

}  // namespace vidattn
