#include "harness/workloads/capture/metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "attention/error.h"
#include "attention/grid.h"
#include "harness/io/embedded.h"
#include "harness/io/json_file.h"
#include "harness/io/json_reader.h"
#include "harness/io/json_schema.h"
#include "harness/io/one_line.h"
#include "harness/io/stored_array.h"
#include "harness/workloads/capture/layout.h"
#include "harness/workloads/capture/options.h"

namespace vidattn {
namespace {

using nlohmann::json;
using Texts = std::map<std::string, std::string>;

constexpr const char* kKey = "vidattn.capture";
constexpr const char* kSchemaFile = "harness/workloads/capture/capture.schema.json";

void check_geometry(const CaptureMetadata& metadata, const JsonReader& reader) {
  if (!metadata.has_grid()) {
    if (!metadata.shots.empty()) reader.refuse("has shots, but no grid");
    return;
  }
  VideoGrid grid{metadata.grid[0], metadata.grid[1], metadata.grid[2]};
  if (!metadata.shots.empty()) grid.shots = metadata.shots;
  reader.placed([&] { grid.validate(); });
}

void check_heads(const CaptureMetadata& metadata, const JsonReader& reader) {
  const std::vector<int64_t>& heads = metadata.head_indices;
  if (heads.empty()) return;
  const JsonReader place = reader.at("head_indices");
  if (metadata.heads >= 0 && metadata.heads != std::ssize(heads))
    place.refuse(fmt::format("has {} numbers, but heads says {}", heads.size(), metadata.heads));
  const std::set<int64_t> different(heads.begin(), heads.end());
  if (different.size() != heads.size()) place.refuse("names a head twice");
  if (metadata.model_heads >= 0 && *different.rbegin() >= metadata.model_heads)
    place.refuse(fmt::format("has head {}, but model_heads says {}", *different.rbegin(),
                             metadata.model_heads));
}

CaptureMetadata read_own(const std::string& text, const std::string& place) {
  const json object = JsonReader(nullptr, place).placed([&] {
    json parsed = parse_json(text);
    check_schema(parsed, parse_json(embedded(kSchemaFile)));
    return parsed;
  });
  const JsonReader reader(object, place);
  CaptureMetadata metadata;
  if (const auto grid = reader.maybe("grid").get<std::vector<int64_t>>(); !grid.empty())
    std::copy(grid.begin(), grid.end(), metadata.grid.begin());
  reader.read_if("shots", metadata.shots);
  reader.read_if("prefix", metadata.prefix);
  reader.read_if("valid", metadata.valid);
  reader.read_if("heads", metadata.heads);
  reader.read_if("head_indices", metadata.head_indices);
  reader.read_if("model_heads", metadata.model_heads);
  reader.read_if("layer", metadata.layer);
  reader.read_if("step", metadata.step);
  reader.read_if("layout", metadata.layout);
  reader.read_if("attention", metadata.attention);
  if (const JsonReader prompt = reader.maybe("prompt"); !prompt.is_null())
    metadata.prompt = one_line(prompt.raw_text());
  reader.read_if("softmax_scale", metadata.softmax_scale);
  if (!metadata.layout.empty())
    reader.at("layout").placed([&] { parse_layout(metadata.layout, "the layout"); });
  check_geometry(metadata, reader);
  check_heads(metadata, reader);
  metadata.record = object;
  return metadata;
}

/// The whole numbers in a text: "[21, 30, 52]", "21x30x52".
std::vector<int64_t> numbers_in(const std::string& text) {
  std::vector<int64_t> numbers;
  const char *at = text.data(), *end = at + text.size();
  while (at < end) {
    int64_t number = 0;
    const auto [after, error] = std::from_chars(at, end, number);
    if (error == std::errc()) numbers.push_back(number);
    at = error == std::errc::invalid_argument ? at + 1 : after;
  }
  return numbers;
}

int64_t number_of(const Texts& texts, std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (const auto found = texts.find(key); found != texts.end())
      if (const auto numbers = numbers_in(found->second); numbers.size() == 1 && numbers[0] >= 0)
        return numbers[0];
  return -1;
}

std::string text_of(const Texts& texts, const char* key) {
  const auto found = texts.find(key);
  return found == texts.end() ? "" : found->second;
}

double positive_number(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && number > 0 && number < 1e30 ? number : 0;
}

std::array<int64_t, 3> grid_of(const std::string& text) {
  const std::vector<int64_t> numbers = numbers_in(text);
  if (numbers.size() != 3) return {};
  try {
    VideoGrid{numbers[0], numbers[1], numbers[2]}.validate();
  } catch (const InputError&) {
    return {};
  }
  return {numbers[0], numbers[1], numbers[2]};
}

/// The texts that were meant for anybody, cut to what a record should hold.
json record_of(const Texts& texts) {
  constexpr size_t kMost = 32, kLongest = 1000;
  json record = json::object();
  for (const auto& [key, text] : texts)
    if (record.size() < kMost && key.size() < kLongest && text.size() < kLongest)
      record[key] = text;
  return record.empty() ? json() : record;
}

CaptureMetadata read_foreign(const Texts& texts) {
  CaptureMetadata metadata;
  metadata.layer = number_of(texts, {"block", "layer", "layer_idx"});
  metadata.step = number_of(texts, {"step"});
  metadata.grid = grid_of(text_of(texts, "grid"));
  metadata.softmax_scale = positive_number(text_of(texts, "softmax_scale"));
  if (const std::string layout = text_of(texts, "layout"); find_layout(layout))
    metadata.layout = layout;
  metadata.prompt = one_line(text_of(texts, "prompt"));
  const std::string heads = text_of(texts, "heads");
  if (const auto range = find_head_range(heads)) {
    const bool lone = heads.find('-') == std::string::npos;
    (lone ? metadata.lone_heads : metadata.first_head) = range->first;
  }
  metadata.record = record_of(texts);
  return metadata;
}

}  // namespace

CaptureMetadata read_capture_metadata(const Texts& texts, const std::string& file) {
  const auto own = texts.find(kKey);
  if (own == texts.end()) return read_foreign(texts);
  return read_own(own->second, fmt::format("{} in {}", kKey, file));
}

}  // namespace vidattn
