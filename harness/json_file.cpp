#include "harness/json_file.h"

#include "harness/file.h"

namespace vidattn {

void write_json(const std::string& path, const nlohmann::json& json) {
  // File names on Linux are bytes; what is not UTF-8 is replaced rather than refused.
  const std::string text =
      json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  OutputFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

void require_writable(const std::string& path) { const OutputFile probe{path}; }

}  // namespace vidattn
