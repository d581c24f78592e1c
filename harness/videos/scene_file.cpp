#include "harness/videos/scene_file.h"

#include <fmt/format.h>

#include "attention/error.h"
#include "harness/io/json_file.h"

namespace vidattn {
namespace {

constexpr int64_t kMostFrames = int64_t{1} << 40;

std::vector<Scene> scenes(const JsonReader& list) {
  std::vector<Scene> out;
  for (const JsonReader& pair : list.items()) {
    const std::vector<JsonReader> ends = pair.items();
    if (ends.size() != 2) pair.expected("[first,last]");
    const Scene scene{ends[0].integer(0, kMostFrames), ends[1].integer(0, kMostFrames)};
    const int64_t after = out.empty() ? -1 : out.back().second;
    if (scene.first <= after || scene.second < scene.first)
      pair.refuse(
          fmt::format("must ascend: [{},{}] stands after {}", scene.first, scene.second, after));
    out.push_back(scene);
  }
  return out;
}

SceneRecord record_of(const JsonReader& json) {
  SceneRecord record{.id = json.at("id").text(), .truth = scenes(json.at("gt"))};
  if (record.truth.empty()) json.at("gt").refuse("holds no scene");
  if (const JsonReader found = json.maybe("pred"); !found.is_null())
    record.predicted = scenes(found);
  if (!json.maybe("tp").is_null())
    record.stated =
        ShotScore{json.at("tp").integer(0, kMostFrames), json.at("fp").integer(0, kMostFrames),
                  json.at("fn").integer(0, kMostFrames)};
  return record;
}

}  // namespace

std::vector<SceneRecord> read_scenes(const std::string& path) {
  std::vector<SceneRecord> records;
  read_json_lines(path, [&](const JsonReader& line) { records.push_back(record_of(line)); });
  if (records.empty()) throw InputError(in_quotes(path) + " holds no scenes");
  return records;
}

}  // namespace vidattn
