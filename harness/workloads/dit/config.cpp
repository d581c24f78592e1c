#include "harness/workloads/dit/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "attention/error.h"
#include "attention/nearest.h"
#include "harness/io/json_file.h"
#include "harness/workloads/dit/captions.h"
#include "harness/workloads/dit/latents.h"

namespace vidattn {
namespace {

// Beyond these no small DiT lies, and sizes cannot overflow.
constexpr int64_t kMostChannels = 4096, kMostBlocks = 64, kMostGroups = 1024, kMostSide = 1024;

const std::vector<DitConfig>& known_configs() {
  static const std::vector<DitConfig> all = {
      {"nano", 128, 2, 4, 12, 8, 8},
      {"micro", 256, 4, 6, 15, 10, 20},
  };
  return all;
}

void check_heads(const DitConfig& config) {
  const int64_t dim = config.dim();
  if (config.channels % config.heads != 0 || dim % 8 != 0)
    throw InputError(fmt::format("{} channels make no {} heads, each of a multiple of 8 of them",
                                 config.channels, config.heads));
}

/// Collects the parameters of layers under their names.
class ParameterList {
 public:
  void add(const std::string& name, std::vector<int64_t> shape) {
    all_.push_back({name, std::move(shape)});
  }
  /// A linear layer with its bias.
  void linear(const std::string& name, int64_t outputs, int64_t inputs) {
    add(name + ".weight", {outputs, inputs});
    add(name + ".bias", {outputs});
  }
  std::vector<DitParameter> sorted() && {
    std::sort(all_.begin(), all_.end(),
              [](const DitParameter& a, const DitParameter& b) { return a.name < b.name; });
    return std::move(all_);
  }

 private:
  std::vector<DitParameter> all_;
};

/// Projections of an attention and the norms of its queries and keys.
void add_attention(ParameterList& list, const std::string& prefix, int64_t channels) {
  for (const char* layer : {"q", "k", "v", "o"}) list.linear(prefix + layer, channels, channels);
  for (const char* norm : {"q_norm", "k_norm"}) list.add(prefix + norm, {channels});
}

void add_block(ParameterList& list, const std::string& prefix, const DitConfig& config) {
  const int64_t channels = config.channels;
  list.add(prefix + "modulation", {6, channels});
  add_attention(list, prefix, channels);
  if (config.groups > 0) list.add(prefix + "router.weight", {config.groups, channels});
  list.add(prefix + "cross_norm.weight", {channels});
  list.add(prefix + "cross_norm.bias", {channels});
  add_attention(list, prefix + "cross.", channels);
  list.linear(prefix + "ffn.0", config.inner(), channels);
  list.linear(prefix + "ffn.1", channels, config.inner());
}

}  // namespace

std::vector<std::string> dit_sizes() {
  std::vector<std::string> names;
  for (const DitConfig& config : known_configs()) names.push_back(config.size);
  return names;
}

DitConfig dit_config(const std::string& size) {
  for (const DitConfig& config : known_configs())
    if (config.size == size) return config;
  throw InputError("unknown size '" + size + "' of the DiT: " + known_are(size, dit_sizes()));
}

nlohmann::json to_json(const DitConfig& config) {
  return {{"size", config.size},
          {"channels", config.channels},
          {"heads", config.heads},
          {"blocks", config.blocks},
          {"grid", {config.frames, config.height, config.width}},
          {"groups", config.groups}};
}

DitConfig dit_config_from(const std::string& json, const std::string& where) {
  const nlohmann::json value = JsonReader(nullptr, where).placed([&] { return parse_json(json); });
  const JsonReader from(value, where);
  from.object_of({"size", "channels", "heads", "blocks", "grid", "groups"});
  DitConfig config;
  config.size = from.at("size").text();
  config.channels = from.at("channels").integer(8, kMostChannels);
  config.heads = from.at("heads").integer(1, kMostChannels);
  config.blocks = from.at("blocks").integer(1, kMostBlocks);
  config.groups = from.at("groups").integer(0, kMostGroups);
  const std::vector<JsonReader> grid = from.at("grid").items();
  if (grid.size() != 3) from.at("grid").expected("a list of frames, height and width");
  config.frames = grid[0].integer(1, kMostSide);
  config.height = grid[1].integer(1, kMostSide);
  config.width = grid[2].integer(1, kMostSide);
  from.placed([&] { check_heads(config); });
  return config;
}

std::vector<DitParameter> dit_parameters(const DitConfig& config) {
  const int64_t channels = config.channels;
  ParameterList list;
  list.linear("patch", channels, kPatchChannels);
  list.linear("time.0", channels, channels);
  list.linear("time.1", channels, channels);
  list.linear("time.project", 6 * channels, channels);
  list.add("words", {kCaptionVocabulary, channels});
  list.add("places", {kCaptionTokens, channels});
  for (int64_t b = 0; b < config.blocks; ++b) add_block(list, fmt::format("blocks.{}.", b), config);
  list.add("head.modulation", {2, channels});
  list.linear("head", kPatchChannels, channels);
  return std::move(list).sorted();
}

}  // namespace vidattn
