#include "harness/tables/models.h"

#include <algorithm>

#include "attention/error.h"
#include "harness/io/embedded.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"

namespace vidattn {
namespace {

constexpr const char* kFolder = "harness/tables/models/";

void refuse_unknown_keys(const nlohmann::json& json, const std::vector<std::string>& known,
                         const std::string& where) {
  if (!json.is_object()) throw InputError(where + ": expected an object");
  for (const auto& [key, value] : json.items())
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      std::string names;
      for (const std::string& name : known) names += (names.empty() ? "" : ", ") + name;
      throw InputError(where + ": unknown key " + in_quotes(key) + ": known are " + names);
    }
}

const nlohmann::json& need(const nlohmann::json& json, const std::string& key,
                           const std::string& where) {
  if (!json.contains(key)) throw InputError(where + ": '" + key + "' is missing");
  return json[key];
}

std::string text(const nlohmann::json& value, const std::string& key, const std::string& where) {
  if (!value.is_string()) throw InputError(where + ": '" + key + "' must be a text");
  const auto text = value.get<std::string>();
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20; }))
    throw InputError(where + ": '" + key + "' must be one line of text");
  return text;
}

int64_t integer(const nlohmann::json& value, const std::string& key, const std::string& where) {
  if (!value.is_number_integer() ||
      (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX))
    throw InputError(where + ": '" + key + "' must be an integer");
  return value.get<int64_t>();
}

}  // namespace

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const std::string& path : embedded_in(kFolder)) {
    const size_t begin = std::string(kFolder).size();
    names.push_back(path.substr(begin, path.size() - begin - std::string(".json").size()));
  }
  return names;
}

DitModel model_from_json(const nlohmann::json& json, const std::string& where) {
  const std::vector<std::string> sizes = {"dim",         "heads",        "ffn_dim",
                                          "text_tokens", "text_dim",     "latent_channels",
                                          "patch",       "frequency_dim"};
  std::vector<std::string> known = {"name", "title", "source", "blocks"};
  known.insert(known.end(), sizes.begin(), sizes.end());
  refuse_unknown_keys(json, known, where);
  DitModel model;
  model.name = text(need(json, "name", where), "name", where);
  model.title = model.name;
  for (auto [key, target] : {std::pair{"title", &model.title}, {"source", &model.source}})
    if (json.contains(key)) *target = text(json[key], key, where);
  for (auto [key, target] : {std::pair{"dim", &model.dim},
                             {"heads", &model.heads},
                             {"ffn_dim", &model.ffn_dim},
                             {"text_tokens", &model.text_tokens}})
    *target = integer(need(json, key, where), key, where);
  for (auto [key, target] : {std::pair{"text_dim", &model.text_dim},
                             {"latent_channels", &model.latent_channels},
                             {"patch", &model.patch},
                             {"frequency_dim", &model.frequency_dim}})
    if (json.contains(key)) *target = integer(json[key], key, where);
  const nlohmann::json& blocks = need(json, "blocks", where);
  if (!blocks.is_array()) throw InputError(where + ": 'blocks' must be a list");
  for (const nlohmann::json& block : blocks) {
    const std::string place = where + ", blocks";
    refuse_unknown_keys(block, {"kind", "count"}, place);
    model.blocks.push_back({parse_block_kind(text(need(block, "kind", place), "kind", place)),
                            integer(need(block, "count", place), "count", place)});
  }
  model.validate();
  return model;
}

DitModel find_model(const std::string& name) {
  if (name.find('/') != std::string::npos || name.ends_with(".json"))
    return model_from_json(read_json(name), in_quotes(name));
  const std::string path = kFolder + name + ".json";
  const std::string_view found = embedded(path);
  if (!found.empty()) return model_from_json(nlohmann::json::parse(found), path);
  std::string names;
  for (const std::string& known : model_names()) names += (names.empty() ? "" : ", ") + known;
  throw InputError("unknown model '" + name + "': known are " + names + ", or a JSON file");
}

}  // namespace vidattn
