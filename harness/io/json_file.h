#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "harness/io/file.h"
#include "harness/io/json_reader.h"

namespace vidattn {

/// Writes through a temporary file and a rename, so that a crash or a full disk never leaves half a
/// file. Numbers that are not finite become null. Throws InputError with the system's reason.
void write_json(const std::string& path, const nlohmann::json& json);

/// In one line, without its end; what is not UTF-8 is replaced.
std::string json_line(const nlohmann::json& json);

/// The one way by which JSON comes in. Refuses, with an InputError of one line: what is no JSON,
/// numbers beyond double, an object that names a key twice (of which the parser alone would take
/// the last in silence), more than 64 levels of nesting (code that walks a value recurses), and
/// more than 512 MiB.
nlohmann::json parse_json(std::string_view text);

/// parse_json() of a regular file. Throws InputError that names the file.
nlohmann::json read_json(const std::string& path);

/// Reads a file with a JSON text on every line that is not blank, and gives each to `take`, whose
/// messages begin with the file's name and the number of the line. Throws InputError.
void read_json_lines(const std::string& path, const std::function<void(const JsonReader&)>& take);
/// The same of a file that another process adds lines to, or was killed while it did: a last line
/// without an end is left out. Returns the bytes before it.
int64_t read_whole_json_lines(const std::string& path,
                              const std::function<void(const JsonReader&)>& take);

/// Null for a number that is not finite.
nlohmann::json number_or_null(double value);
/// Null for a number below 0, which stands for one that is not known.
nlohmann::json known_or_null(int64_t number);

}  // namespace vidattn
