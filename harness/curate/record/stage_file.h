#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/io/json_reader.h"

namespace vidattn {

/// What a stage found, kept on disk so that it is never computed twice. The key stands for all that
/// the result depends on. A file appears whole or not at all.
class StageFile {
 public:
  /// `made` are the files that the stage makes beside, before write().
  StageFile(std::filesystem::path path, std::string key,
            std::vector<std::filesystem::path> made = {})
      : path_(std::move(path)), key_(std::move(key)), made_(std::move(made)) {}

  /// Nothing where the file is missing, damaged or of another key, or one of those beside is gone
  /// or has another size.
  std::optional<nlohmann::json> read() const;
  /// Adds the key, and the sizes of the files beside. Throws InputError when it cannot be written.
  void write(nlohmann::json result) const;

  /// From now on there is nothing to read: what it speaks of is about to change.
  void forget() const;

  const std::string& key() const { return key_; }

 private:
  nlohmann::json sizes() const;

  std::filesystem::path path_;
  std::string key_;
  std::vector<std::filesystem::path> made_;
};

/// SHA-256 of the JSON's text.
std::string key_of(const nlohmann::json& dependencies);

/// A rectangle as [x, y, width, height].
nlohmann::json rect_json(const cv::Rect& rect);
cv::Rect read_rect(const JsonReader& json);
/// One that lies within a frame. Throws InputError for others.
cv::Rect read_rect(const JsonReader& json, cv::Size frame);

}  // namespace vidattn
