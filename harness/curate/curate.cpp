#include "harness/curate/curate.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "attention/error.h"
#include "harness/curate/captions/scratch_folder.h"
#include "harness/curate/output/cut_samples.h"
#include "harness/curate/output/summary.h"
#include "harness/curate/output/tar_shards.h"
#include "harness/curate/select/duplicates.h"
#include "harness/curate/step.h"
#include "harness/curate/workers.h"
#include "harness/curate/write_dataset.h"
#include "harness/host/interrupt.h"
#include "harness/host/shard.h"
#include "harness/io/file.h"
#include "harness/io/places/roles.h"
#include "harness/io/text/console.h"
#include "harness/io/text/escape.h"

namespace vidattn {
namespace {

SourceLimits limits_of(const CurateOptions& options) {
  SourceLimits limits;
  if (!options.limits.empty()) limits = read_limits(options.limits, {});
  const auto override_one = [&](CurateLimits& one) {
    if (options.least_side) one.least_side = static_cast<int64_t>(*options.least_side);
    if (options.least_seconds) one.least_seconds = *options.least_seconds;
    if (options.most_seconds) one.most_seconds = *options.most_seconds;
    check_limits(one);
  };
  override_one(limits.otherwise);
  for (auto& [name, one] : limits.sources) override_one(one);
  return limits;
}

/// Of TransNetV2, null where it is not asked.
nlohmann::json choose_transnet(const CurateOptions& options) {
  if (options.transnet == "off") return nullptr;
  std::optional<std::string> file = options.transnet;
  if (*file == "auto") file = found_transnet();
  if (!file) return nullptr;
  return network_record(*file);
}

/// Refuses before any work what the workers open when they need it.
void try_networks(const CurateSettings& settings) {
  try_text(settings.text);
  if (!settings.transnet.is_null()) TransNet(settings.transnet["file"], "--transnet");
}

CurateSettings settings_of(const CurateOptions& options) {
  CurateSettings settings{.place = DatasetPlace(options.out), .limits = limits_of(options)};
  settings.networks = load_backbones(model_files(
      options.models,
      [](const std::string& key) { return key == "clip_l14" || key == "aesthetic_head"; },
      "clip_l14, aesthetic_head"));
  settings.text = choose_text(options.ocr, options.language);
  settings.transnet = choose_transnet(options);
  if (options.worker.empty()) try_networks(settings);
  settings.captioner = options.captioner;
  settings.endpoint = options.endpoint;
  if (!options.endpoint.empty()) {
    settings.model = options.caption_model;
    settings.prompt = options.prompt;
  }
  make_captioner(settings);
  if (options.webdataset > 0) require_tar();
  return settings;
}

/// All videos, or those of the shard that is asked for.
std::vector<SourceVideo> own_of(std::vector<SourceVideo> videos, const std::string& shard) {
  if (shard.empty()) return videos;
  const Shard own = parse_shard(shard);
  std::vector<SourceVideo> mine;
  for (size_t i = 0; i < videos.size(); ++i)
    if (own.has(i)) mine.push_back(std::move(videos[i]));
  return mine;
}

/// What is likely to be a mistake.
void warn(const CurateOptions& options, const CurateSettings& settings,
          const std::vector<SourceVideo>& videos) {
  if (settings.text.none() && options.ocr == "auto")
    print_err("vidattn: this build has no Tesseract: subtitles and text are not looked for\n");
  for (const auto& [source, limits] : settings.limits.sources)
    if (std::none_of(videos.begin(), videos.end(),
                     [&name = source](const SourceVideo& one) { return one.source == name; }))
      print_err("vidattn: --limits: no video lies in a folder called {}\n", in_quotes(source));
}

/// All videos of one call.
class Curation {
 public:
  Curation(const CurateOptions& options, const CurateSettings& settings,
           const std::vector<SourceVideo>& videos, std::vector<SkippedFile> skipped)
      : options_(options), settings_(settings), skipped_(std::move(skipped)) {
    for (const SourceVideo& video : videos) videos_.push_back({video});
  }

  ExitCode run() {
    analyse();
    if (interrupted()) return stopped();
    plan();
    cut();
    if (interrupted()) return stopped();
    const bool troubled = say_troubles();
    if (!options_.shard.empty())
      print_out(
          "shard {} is done; when all are, the same call without --shard writes the manifest\n",
          options_.shard);
    else
      write_dataset(settings_, videos_, skipped_, {options_.arguments, options_.webdataset});
    return troubled ? ExitCode::usage : ExitCode::fine;
  }

 private:
  ExitCode stopped() const {
    print_out("interrupted: the same call goes on where this one was\n");
    return ExitCode::interrupted;
  }

  void run_step(const std::string& name, const std::string& label,
                const std::vector<std::string>& ids) {
    const WorkerStep step{name, label, jobs_for(options_.jobs, ids.size()), options_.arguments};
    const auto troubles = run_workers(step, ids);
    for (CuratedVideo& video : videos_)
      if (const auto found = troubles.find(video.video.id); found != troubles.end())
        video.error = found->second;
  }

  void analyse() {
    std::vector<std::string> missing;
    for (CuratedVideo& video : videos_) {
      video.analysis = known_analysis(settings_, video.video);
      if (!video.analysis) missing.push_back(video.video.id);
    }
    run_step("analyse", "curate: looking at videos", missing);
    if (interrupted()) return;
    for (CuratedVideo& video : videos_) {
      if (video.analysis || !video.error.empty()) continue;
      video.analysis = known_analysis(settings_, video.video);
      if (!video.analysis) video.error = "its process left nothing behind";
    }
  }

  void plan() {
    std::vector<VideoClips> all;
    for (CuratedVideo& video : videos_)
      if (video.analysis)
        all.push_back({video.video.id, video.fps(), std::move(video.analysis->clips),
                       settings_.limits.of(video.video.source).duplicate});
    drop_duplicates(all);
    auto clips = all.begin();
    for (CuratedVideo& video : videos_) {
      if (!video.analysis) continue;
      video.analysis->clips = std::move((clips++)->clips);
      const VideoStages stages(settings_, video.video);
      video.plans = plan_samples(video.analysis->clips, video.fps(), stages.limits());
      leave_plans(stages, video.plans);
    }
  }

  void cut() {
    std::vector<std::string> missing;
    for (const CuratedVideo& video : videos_)
      if (video.analysis && !all_finished(settings_, video.video, *video.analysis, video.plans))
        missing.push_back(video.video.id);
    run_step("cut", "curate: cutting samples", missing);
    if (interrupted()) return;
    for (CuratedVideo& video : videos_) {
      if (!video.analysis) continue;
      if (auto lines = known_samples(settings_, video.video, *video.analysis, video.plans))
        video.samples = std::move(*lines);
      else if (video.error.empty())
        video.error = "its samples could not be cut";
    }
  }

  /// Whether a video or a caption failed. What is skipped is no failure.
  bool say_troubles() const {
    bool failed = false;
    for (const SkippedFile& file : skipped_)
      print_err("vidattn: {}: skipped: {}\n", printable(file.path), file.reason);
    for (const CuratedVideo& video : videos_) {
      if (video.error.empty()) continue;
      print_err("vidattn: {}: {}\n", printable(video.video.path), printable(video.error));
      failed = true;
    }
    const CaptionCounts captions = count_captions(videos_);
    if (captions.failed > 0)
      print_err("vidattn: {}; the first: {}\n", captions.text(), printable(captions.first_error));
    return failed || captions.failed > 0;
  }

  const CurateOptions& options_;
  const CurateSettings& settings_;
  std::vector<SkippedFile> skipped_;
  std::vector<CuratedVideo> videos_;
};

}  // namespace

ExitCode curate(const CurateOptions& options) {
  const ListedVideos all = list_videos(options.videos, options.out);
  const std::vector<SourceVideo> videos = own_of(all.videos, options.shard);
  const CurateSettings settings = settings_of(options);
  if (!options.worker.empty()) {
    settings.place.require_made();
    do_step(settings, videos, options.worker);
    return interrupted() ? ExitCode::interrupted : ExitCode::fine;
  }
  for (const SourceVideo& video : all.videos) note_reading(video.path);
  settings.place.make();
  remove_left_scratch(settings.place.captions());
  warn(options, settings, all.videos);
  return Curation(options, settings, videos, all.skipped).run();
}

}  // namespace vidattn
