#include "harness/probes/restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <opencv2/imgcodecs.hpp>

#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "harness/host/progress.h"
#include "harness/host/record.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/io/text_table.h"
#include "harness/probes/nlm_probe.h"
#include "harness/probes/report.h"
#include "harness/probes/side_by_side.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

void prepare_folder(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!fs::is_directory(folder))
    throw InputError("folder " + in_quotes(folder) + " cannot be made");
  require_writable((fs::path(folder) / "side_by_side.png").string());
}

/// A backend's text as a file name.
std::string file_name(std::string backend) {
  for (char& c : backend)
    if (c == ':' || c == '=' || c == ',' || c == '/') c = '_';
  return backend;
}

/// The middle of the last shot: what it shows has had all the time to be seen before.
size_t shown_frame(const Clip& clip) { return (clip.shots.back() + clip.frames.size()) / 2; }

void write_pictures(const Restoration& task, const std::vector<RestoredVideo>& videos,
                    const std::string& folder) {
  const Clip& clip = task.clip();
  const size_t shown = shown_frame(clip);
  std::vector<Panel> panels = {{fmt::format("clean, frame {}", shown), clip.frames[shown]}};
  write_lossless((fs::path(folder) / "clean.avi").string(), clip.frames, clip.fps);
  const auto add = [&](const RestoredVideo& video, const std::string& name) {
    // The figure first: it must not be what a long name pushes out of the picture.
    panels.push_back({fmt::format("{:.2f} dB {}", video.score("psnr"), name), video.frames[shown]});
    write_lossless((fs::path(folder) / (file_name(name) + ".avi")).string(), video.frames,
                   clip.fps);
  };
  add(task.noisy(), "noisy");
  for (const RestoredVideo& video : videos)
    if (video.run.passed()) add(video, video.run.backend);
  const std::string picture = (fs::path(folder) / "side_by_side.png").string();
  if (!cv::imwrite(picture, side_by_side(panels)))
    throw InputError(in_quotes(picture) + " cannot be written");
  print_out("videos and side_by_side.png (below each its difference to clean, x4) are in {}\n",
            folder);
}

void print(const RestoreOptions& options, const Restoration& task,
           const std::vector<RestoredVideo>& videos) {
  const Clip& clip = task.clip();
  const VideoGrid& grid = task.nlm().inputs().grid;
  print_out(
      "{}: {} frames of {}x{}, shots at {}; noise {:g}, seed {}\n{} tokens of 8x8 pixels (grid "
      "{}x{}x{}), 4 shifted heads, {} feature channels; {:.1f}% of the picture repeats in other "
      "shots\n\n",
      clip.name, clip.frames.size(), clip.frames[0].cols, clip.frames[0].rows,
      fmt::join(clip.shots, ","), options.noise, options.seed, grid.tokens(), grid.frames,
      grid.height, grid.width, task.nlm().channels(), 100 * task.repeated_share());
  std::vector<const RestoredVideo*> rows = {&task.noisy()};
  for (const RestoredVideo& video : videos) rows.push_back(&video);
  print_out("{}", restoration_table(rows, task.full()));
  print_reasons(rows);
}

nlohmann::json record(const RestoreOptions& options, const Restoration& task,
                      const std::vector<RestoredVideo>& videos) {
  nlohmann::json json = record_header("restore", "1.0", options.arguments);
  json["interrupted"] = interrupted();
  json["clip"] = restoration_record(task, options.noise, options.seed);
  for (const RestoredVideo& video : videos) json["backends"].push_back(to_json(video, task.full()));
  return json;
}

}  // namespace

ExitCode restore(const RestoreOptions& options) {
  for (const std::string& backend : options.backends) parse_backend(backend);
  find_device(options.device);
  check_noise(options.noise);
  check_clip(options.clip);
  if (!options.folder.empty()) prepare_folder(options.folder);
  Clip clip;
  {
    Progress progress("reading the clip", 1000);
    clip = load_clip(options.clip,
                     [&](double share) { progress.update(static_cast<int64_t>(share * 1000)); });
  }
  std::vector<RestoredVideo> videos;
  Progress progress("restoring", static_cast<int64_t>(options.backends.size()) + 1);
  const Restoration task(std::move(clip), options.noise, options.seed, options.device);
  progress.update(1);
  videos.push_back(task.full());
  for (const std::string& backend : options.backends) {
    if (backend != "full") videos.push_back(task.restore(backend, options.density));
    progress.update(static_cast<int64_t>(videos.size()));
  }
  print(options, task, videos);
  if (!options.out.empty()) write_json(options.out, record(options, task, videos));
  if (!options.folder.empty()) write_pictures(task, videos, options.folder);
  return probe_exit_code(videos);
}

}  // namespace vidattn
