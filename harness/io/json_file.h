#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "harness/io/file.h"

namespace vidattn {

/// Writes through a temporary file and a rename, so that a crash or a full disk never leaves half a
/// file. Numbers that are not finite become null. Throws InputError with the system's reason.
void write_json(const std::string& path, const nlohmann::json& json);

/// JSON whose objects name no key twice (the parser alone would silently take the last one). Throws
/// InputError for such a key, and what the parser throws.
nlohmann::json parse_json(const std::string& text);

/// Reads a file of at most 64 MiB. Throws InputError when it cannot be read or is no JSON, with the
/// place of the first error.
nlohmann::json read_json(const std::string& path);

/// Null for a number that is not finite, and back: null is NaN.
nlohmann::json number_or_null(double value);
double number_or_nan(const nlohmann::json& value);

/// What is wrong with a JSON text: the parser's words, quoted, without its own error number.
std::string json_fault(const nlohmann::json::exception& error);

}  // namespace vidattn
