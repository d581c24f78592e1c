#include "harness/io/text/path_json.h"

#include <fmt/format.h>

#include <string_view>

#include "harness/io/text/escape.h"

namespace vidattn {
namespace {

std::string escaped_bytes(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte >= ' ' && byte < 0x7f && c != '\\';
    out += plain ? std::string(1, c) : fmt::format("\\x{:02x}", byte);
  }
  return out;
}

}  // namespace

void put_path(nlohmann::json& record, const std::string& key, const std::string& path,
              const std::string& bytes_key) {
  record[key] = path;
  if (valid_utf8(path) != path) record[bytes_key] = escaped_bytes(path);
}

}  // namespace vidattn
