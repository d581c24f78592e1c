#include "harness/io/text/html.h"

#include <nlohmann/json.hpp>

namespace vidattn {

std::string fill_page(std::string_view page,
                      const std::vector<std::pair<std::string, std::string>>& with) {
  std::string text;
  for (const auto& [name, value] : with) {
    const size_t at = page.find(name);
    text += page.substr(0, at);
    text += value;
    page.remove_prefix(at + name.size());
  }
  return text + std::string(page);
}

std::string script_json(const nlohmann::json& data) {
  std::string text = data.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  for (size_t at = 0; (at = text.find('<', at)) != std::string::npos;)
    text.replace(at, 1, "\\u003c");
  return text;
}

}  // namespace vidattn
