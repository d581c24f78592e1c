#include "harness/curate/record/stage_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "attention/error.h"
#include "harness/io/json_file.h"
#include "harness/io/places/roles.h"
#include "harness/io/sha256.h"

namespace vidattn {

/// In bytes, of the files beside; -1 = there is none.
nlohmann::json StageFile::sizes() const {
  nlohmann::json sizes = nlohmann::json::array();
  for (const std::filesystem::path& file : made_) {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(file, error);
    sizes.push_back(error ? int64_t{-1} : static_cast<int64_t>(bytes));
  }
  return sizes;
}

std::optional<nlohmann::json> StageFile::read() const {
  std::error_code ignored;
  if (!std::filesystem::exists(path_, ignored)) return std::nullopt;
  try {
    nlohmann::json json = read_json(path_.string());
    const JsonReader reader(json);
    if (reader.maybe("key").get_or<std::string>("") != key_) return std::nullopt;
    if (made_.empty()) return json;
    const nlohmann::json now = sizes();
    if (std::find(now.begin(), now.end(), -1) != now.end()) return std::nullopt;
    if (reader.maybe("bytes").value() != now) return std::nullopt;
    return json;
  } catch (const InputError&) {  // as good as missing
    return std::nullopt;
  }
}

void StageFile::write(nlohmann::json result) const {
  result["key"] = key_;
  if (!made_.empty()) result["bytes"] = sizes();
  allow_update(path_);  // a result of another key was read
  write_json(path_.string(), result);
}

void StageFile::forget() const {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

std::string key_of(const nlohmann::json& dependencies) { return sha256(json_line(dependencies)); }

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
