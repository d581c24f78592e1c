#include "harness/curate/stages.h"

#include <fmt/format.h>

#include <filesystem>

#include "attention/error.h"
#include "harness/io/file.h"

namespace vidattn {
namespace {

// Raised when a stage finds something else for the same video.
constexpr int kStagesVersion = 4;

nlohmann::json fingerprint_of(const std::string& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (error)
    throw InputError(fmt::format("video {} cannot be read: {}", in_quotes(path), error.message()));
  const auto changed = std::filesystem::last_write_time(path, error).time_since_epoch().count();
  return {bytes, changed};
}

}  // namespace

VideoStages::VideoStages(const CurateSettings& settings, const SourceVideo& video)
    : settings_(settings),
      video_(video),
      limits_(settings.limits.of(video.source)),
      base_{kStagesVersion, fingerprint_of(video.path), settings.networks.provenance} {
  make_writable_folder(settings.place.work(video.id).string());
}

StageFile VideoStages::stage(const std::string& name, const nlohmann::json& dependencies,
                             const std::vector<std::string>& made) const {
  std::vector<std::filesystem::path> files;
  for (const std::string& file : made) files.push_back(settings_.place.file(file));
  return {settings_.place.work(video_.id) / name, key_of({base_, name, dependencies}),
          std::move(files)};
}

StageFile VideoStages::segmentation() const {
  nlohmann::json dependencies{limits_.trim};
  if (!settings_.transnet.is_null()) dependencies.push_back(settings_.transnet["sha256"]);
  return stage("segmentation.json", dependencies);
}

StageFile VideoStages::clip(int64_t number) const {
  return stage(fmt::format("clip-{:05}.json", number),
               {segmentation().key(), settings_.text.identity(), limits_.text_confidence},
               {DatasetPlace::picture(video_.id, number)});
}

StageFile VideoStages::sample(int64_t number, const nlohmann::json& plan) const {
  const std::string id = DatasetPlace::sample_id(video_.id, number);
  return stage(fmt::format("sample-{:04}.json", number), {plan, settings_.caption_identity()},
               {DatasetPlace::sample(id), DatasetPlace::sheet(id)});
}

}  // namespace vidattn
