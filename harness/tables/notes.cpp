#include "harness/tables/notes.h"

#include <stdexcept>

#include "harness/io/embedded.h"
#include "harness/io/json_file.h"

namespace vidattn {

std::string note_template(const std::string& key) {
  static const nlohmann::json all = parse_json(embedded("results/paper/notes.json"));
  const size_t point = key.find('.');
  const nlohmann::json group = all.value(key.substr(0, point), nlohmann::json::object());
  const auto found = group.find(key.substr(point + 1));
  if (found == group.end()) throw std::logic_error("results/paper/notes.json has no " + key);
  return found->get<std::string>();
}

}  // namespace vidattn
