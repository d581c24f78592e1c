#include "harness/tables/models.h"

#include "attention/error.h"
#include "attention/nearest.h"
#include "harness/io/embedded.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"

namespace vidattn {
namespace {

constexpr const char* kFolder = "harness/tables/models/";

}  // namespace

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const std::string& path : embedded_in(kFolder)) {
    const size_t begin = std::string(kFolder).size();
    names.push_back(path.substr(begin, path.size() - begin - std::string(".json").size()));
  }
  return names;
}

DitModel model_from_json(const JsonReader& j) {
  j.object_of({"name", "title", "source", "dim", "heads", "ffn_dim", "text_tokens", "text_dim",
               "latent_channels", "patch", "frequency_dim", "blocks"});
  DitModel model;
  j.read("name", model.name);
  model.title = model.name;
  j.read_if("title", model.title);
  j.read_if("source", model.source);
  for (auto [key, target] : {std::pair{"dim", &model.dim},
                             {"heads", &model.heads},
                             {"ffn_dim", &model.ffn_dim},
                             {"text_tokens", &model.text_tokens}})
    j.read(key, *target);
  for (auto [key, target] : {std::pair{"text_dim", &model.text_dim},
                             {"latent_channels", &model.latent_channels},
                             {"patch", &model.patch},
                             {"frequency_dim", &model.frequency_dim}})
    j.read_if(key, *target);
  for (const JsonReader& block : j.at("blocks").items()) {
    const JsonReader kind = block.object_of({"kind", "count"}).at("kind");
    model.blocks.push_back({kind.placed([&] { return parse_block_kind(kind.text()); }),
                            block.at("count").get<int64_t>()});
  }
  j.placed([&] { model.validate(); });
  return model;
}

DitModel find_model(const std::string& name) {
  if (name.find('/') != std::string::npos || name.ends_with(".json")) {
    const nlohmann::json json = read_json(name);
    return model_from_json(JsonReader(json, in_quotes(name)));
  }
  const std::string path = kFolder + name + ".json";
  if (const std::string_view found = embedded(path); !found.empty()) {
    const nlohmann::json json = parse_json(found);
    return model_from_json(JsonReader(json, path));
  }
  throw InputError("unknown model '" + name +
                   "', and no .json file: " + known_are(name, model_names()));
}

}  // namespace vidattn
