#include "harness/curate/record/stage_file.h"

#include <fmt/format.h>

#include <vector>

#include "attention/error.h"
#include "harness/io/json_file.h"
#include "harness/io/places/roles.h"
#include "harness/io/sha256.h"

namespace vidattn {

std::optional<nlohmann::json> StageFile::read() const {
  std::error_code ignored;
  if (!std::filesystem::exists(path_, ignored)) return std::nullopt;
  try {
    nlohmann::json json = read_json(path_.string());
    if (JsonReader(json).maybe("key").get_or<std::string>("") != key_) return std::nullopt;
    return json;
  } catch (const InputError&) {  // as good as missing
    return std::nullopt;
  }
}

void StageFile::write(nlohmann::json result) const {
  result["key"] = key_;
  allow_update(path_);  // a result of another key was read
  write_json(path_.string(), result);
}

void StageFile::forget() const {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

std::string key_of(const nlohmann::json& dependencies) {
  return sha256(dependencies.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

nlohmann::json rect_json(const cv::Rect& rect) { return {rect.x, rect.y, rect.width, rect.height}; }

cv::Rect read_rect(const JsonReader& json) {
  const auto numbers = json.get<std::vector<int>>();
  if (numbers.size() != 4) json.expected("[x, y, width, height]");
  return {numbers[0], numbers[1], numbers[2], numbers[3]};
}

cv::Rect read_rect(const JsonReader& json, cv::Size frame) {
  const cv::Rect rect = read_rect(json);
  const auto within = [](int from, int length, int whole) {
    return from >= 0 && length >= 0 && from <= whole && length <= whole - from;
  };
  if (!within(rect.x, rect.width, frame.width) || !within(rect.y, rect.height, frame.height))
    json.expected(fmt::format("a rectangle within {}x{}", frame.width, frame.height));
  return rect;
}

}  // namespace vidattn
