#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace vidattn {

/// Puts a path into a record. JSON is UTF-8, in which other bytes are lost: where the path has
/// such, `bytes_key` holds it in ASCII, all other bytes and backslashes as \xNN.
void put_path(nlohmann::json& record, const std::string& key, const std::string& path,
              const std::string& bytes_key = "path_bytes");

}  // namespace vidattn
