#include "harness/curate/write_dataset.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>

#include "harness/curate/output/manifest.h"
#include "harness/curate/output/tar_shards.h"
#include "harness/curate/page/page.h"
#include "harness/host/record.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/io/text/counted.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

void write_lines(const fs::path& path, const std::vector<nlohmann::json>& lines) {
  OutputFile file(path);
  for (const nlohmann::json& line : lines) {
    const std::string text = json_line(line) + "\n";
    file.write(text.data(), text.size());
  }
  file.commit();
}

/// Whether a file was written by an earlier call: it has the whole name of one, after a video that
/// was worked on.
bool is_own(const DatasetPlace& place, const fs::directory_entry& entry, const std::string& name) {
  std::error_code ignored;
  const std::string video = DatasetPlace::video_of(name);
  return fs::is_regular_file(entry.symlink_status(ignored)) && !video.empty() &&
         fs::exists(place.work(video), ignored);
}

/// Samples and pictures of videos or limits that were before. What else lies there is somebody's.
void remove_others(const DatasetPlace& place, const std::set<std::string>& wanted) {
  for (const char* folder : {"samples", "sheets", "pictures"})
    for (const auto& entry : fs::directory_iterator(place.file(folder))) {
      const std::string name = std::string(folder) + "/" + entry.path().filename().string();
      std::error_code ignored;
      if (wanted.count(name) == 0 && is_own(place, entry, name)) fs::remove(entry.path(), ignored);
    }
}

std::set<std::string> files_of(const std::vector<CuratedVideo>& videos) {
  std::set<std::string> files;
  for (const CuratedVideo& video : videos) {
    for (const nlohmann::json& sample : video.samples)
      files.insert({sample["file"].get<std::string>(), sample["sheet"].get<std::string>()});
    if (!video.analysis) continue;
    for (const ClipRecord& clip : video.analysis->clips) files.insert(clip.picture);
  }
  return files;
}

nlohmann::json settings_json(const CurateSettings& settings) {
  nlohmann::json sources = nlohmann::json::object();
  for (const auto& [name, limits] : settings.limits.sources) sources[name] = to_json(limits);
  const std::string captions = settings.caption_identity();
  return {{"limits", {{"default", to_json(settings.limits.otherwise)}, {"sources", sources}}},
          {"networks", settings.networks.provenance},
          {"transnet", settings.transnet.is_null() ? nlohmann::json("none") : settings.transnet},
          {"ocr", settings.text.none() ? "none" : settings.text.identity()},
          {"captions", captions.empty() ? "measured" : captions}};
}

}  // namespace

void write_dataset(const CurateSettings& settings, const std::vector<CuratedVideo>& videos,
                   const std::vector<SkippedFile>& skipped, const DatasetRecord& record) {
  const DatasetPlace& place = settings.place;
  std::vector<nlohmann::json> samples, decisions;
  for (const CuratedVideo& video : videos) {
    samples.insert(samples.end(), video.samples.begin(), video.samples.end());
    for (nlohmann::json& line : decision_lines(video)) decisions.push_back(std::move(line));
  }
  for (const SkippedFile& file : skipped) decisions.push_back(decision_line(file));
  write_lines(place.file("manifest.jsonl"), samples);
  write_json(place.file("manifest.schema.json").string(), manifest_schema());
  write_lines(place.file("decisions.jsonl"), decisions);
  const CurateSummary summary = summarize(videos, skipped);
  nlohmann::json whole = record_header("curate", kManifestVersion, record.arguments);
  whole["settings"] = settings_json(settings);
  whole["summary"] = to_json(summary);
  write_json(place.file("summary.json").string(), whole);
  write_text(place.file("index.html").string(), curate_page(videos, summary));
  remove_others(place, files_of(videos));
  if (record.webdataset > 0)
    print_out("{}\n", counted(write_tar_shards(place, samples, record.webdataset), "tar shard"));
  else
    remove_tar_shards(place);
  print_summary(summary);
}

}  // namespace vidattn
