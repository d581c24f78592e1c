#include "harness/videos/scene_file.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "attention/error.h"
#include "harness/io/file.h"

namespace vidattn {
namespace {

std::vector<Scene> scenes(const nlohmann::json& record, const std::string& key) {
  std::vector<Scene> out;
  for (const auto& pair : record.at(key)) {
    const Scene scene{pair.at(0).get<int64_t>(), pair.at(1).get<int64_t>()};
    const int64_t after = out.empty() ? -1 : out.back().second;
    if (pair.size() != 2 || scene.first <= after || scene.second < scene.first)
      throw InputError(fmt::format("'{}' must hold ascending [first,last] pairs, not {} after {}",
                                   key, pair.dump(), after));
    out.push_back(scene);
  }
  return out;
}

SceneRecord parse(const std::string& line) {
  const auto json = nlohmann::json::parse(line);
  SceneRecord record{.id = json.at("id").get<std::string>(), .truth = scenes(json, "gt")};
  if (record.truth.empty()) throw InputError("'gt' holds no scene");
  if (json.contains("pred")) record.predicted = scenes(json, "pred");
  if (json.contains("tp"))
    record.stated = ShotScore{json.at("tp").get<int64_t>(), json.at("fp").get<int64_t>(),
                              json.at("fn").get<int64_t>()};
  return record;
}

}  // namespace

std::vector<SceneRecord> read_scenes(const std::string& path) {
  const InputFile file(path);
  std::string text(file.size(), '\0');
  file.read(0, text.data(), text.size());
  std::istringstream lines(text);
  std::vector<SceneRecord> records;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      records.push_back(parse(line));
    } catch (const InputError& error) {
      throw InputError(fmt::format("{} line {}: {}", file.name(), number, error.what()));
    } catch (const nlohmann::json::exception&) {
      throw InputError(fmt::format(
          R"({} line {}: not of the form {{"id": "…", "gt": [[0,58],[59,138]], "pred": […]}})",
          file.name(), number));
    }
  }
  if (records.empty()) throw InputError(file.name() + " holds no scenes");
  return records;
}

}  // namespace vidattn
