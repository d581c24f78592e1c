#include "harness/workloads/dit/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

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
      {"tiny", 32, 2, 2, 8, 6, 6},
      {"nano", 128, 2, 4, 12, 8, 8},
      {"micro", 256, 4, 6, 15, 10, 20},
  };
  return all;
}

constexpr std::pair<const char*, DitText> kDitTexts[] = {{"cross", DitText::cross},
                                                         {"joint", DitText::joint}};

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

void add_feed_forward(ParameterList& list, const std::string& prefix, const DitConfig& config) {
  list.linear(prefix + "ffn.0", config.inner(), config.channels);
  list.linear(prefix + "ffn.1", config.channels, config.inner());
}

void add_cross_attention(ParameterList& list, const std::string& prefix, int64_t channels) {
  list.add(prefix + "cross_norm.weight", {channels});
  list.add(prefix + "cross_norm.bias", {channels});
  add_attention(list, prefix + "cross.", channels);
}

/// The last block's words are keys and values alone: nothing reads what would become of them.
void add_words(ParameterList& list, const std::string& prefix, const DitConfig& config, bool last) {
  if (last) {
    list.add(prefix + "modulation", {2, config.channels});
    for (const char* layer : {"k", "v"})
      list.linear(prefix + layer, config.channels, config.channels);
    list.add(prefix + "k_norm", {config.channels});
    return;
  }
  list.add(prefix + "modulation", {6, config.channels});
  add_attention(list, prefix, config.channels);
  add_feed_forward(list, prefix, config);
}

void add_block(ParameterList& list, int64_t b, const DitConfig& config) {
  const std::string prefix = fmt::format("blocks.{}.", b);
  list.add(prefix + "modulation", {6, config.channels});
  add_attention(list, prefix, config.channels);
  add_feed_forward(list, prefix, config);
  if (config.groups > 0) list.add(prefix + "router.weight", {config.groups, config.channels});
  if (config.text == DitText::cross)
    add_cross_attention(list, prefix, config.channels);
  else
    add_words(list, prefix + "text.", config, b + 1 == config.blocks);
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

std::string to_string(DitText text) {
  for (const auto& [name, known] : kDitTexts)
    if (known == text) return name;
  throw std::logic_error("DitText without a name");
}

DitText parse_dit_text(const std::string& text) {
  for (const auto& [name, known] : kDitTexts)
    if (name == text) return known;
  throw InputError("unknown text '" + text + "' of the DiT: " + known_are(text, dit_texts()));
}

std::vector<std::string> dit_texts() {
  std::vector<std::string> names;
  for (const auto& [name, text] : kDitTexts) names.emplace_back(name);
  return names;
}

nlohmann::json to_json(const DitConfig& config) {
  return {{"size", config.size},
          {"channels", config.channels},
          {"heads", config.heads},
          {"blocks", config.blocks},
          {"grid", {config.frames, config.height, config.width}},
          {"groups", config.groups},
          {"text", to_string(config.text)}};
}

DitConfig dit_config_from(const std::string& json, const std::string& where) {
  const nlohmann::json value = JsonReader(nullptr, where).placed([&] { return parse_json(json); });
  const JsonReader from(value, where);
  from.object_of({"size", "channels", "heads", "blocks", "grid", "groups", "text"});
  DitConfig config;
  config.size = from.at("size").text();
  config.channels = from.at("channels").integer(8, kMostChannels);
  config.heads = from.at("heads").integer(1, kMostChannels);
  config.blocks = from.at("blocks").integer(1, kMostBlocks);
  config.groups = from.at("groups").integer(0, kMostGroups);
  // Checkpoints of before there was a choice say nothing of it.
  const JsonReader text = from.maybe("text");
  if (!text.is_null()) config.text = text.placed([&] { return parse_dit_text(text.text()); });
  const std::vector<JsonReader> grid = from.at("grid").items();
  if (grid.size() != 3) from.at("grid").expected("a list of frames, height and width");
  config.frames = grid[0].integer(1, kMostSide);
  config.height = grid[1].integer(1, kMostSide);
  config.width = grid[2].integer(1, kMostSide);
  if (config.tokens() > kMostDitTokens)
    from.at("grid").expected(fmt::format("at most {} tokens", kMostDitTokens));
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
  for (int64_t b = 0; b < config.blocks; ++b) add_block(list, b, config);
  list.add("head.modulation", {2, channels});
  list.linear("head", kPatchChannels, channels);
  return std::move(list).sorted();
}

}  // namespace vidattn
