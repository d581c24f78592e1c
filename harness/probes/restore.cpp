#include "harness/probes/restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/outputs.h"
#include "harness/host/progress.h"
#include "harness/host/record.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/places/roles.h"
#include "harness/io/text/console.h"
#include "harness/io/text/escape.h"
#include "harness/io/text_table.h"
#include "harness/probes/nlm_probe.h"
#include "harness/probes/report.h"
#include "harness/probes/side_by_side.h"
#include "harness/workloads/media/picture.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

/// A backend's text as a file name.
std::string file_name(std::string backend) {
  for (char& c : backend)
    if (c == ':' || c == '=' || c == ',' || c == '/') c = '_';
  return backend;
}

/// The middle of the last shot: what it shows has had all the time to be seen before.
size_t shown_frame(const Clip& clip) { return (clip.shots.back() + clip.frames.size()) / 2; }

/// Where the clean and the noisy video and the picture go.
fs::path video_in(const std::string& folder, const std::string& name) {
  return fs::path(folder) / (name + ".avi");
}
fs::path picture_in(const std::string& folder) { return fs::path(folder) / "side_by_side.png"; }

/// The clip may lie in the folder. Knobs that are solved for a density change a video's name; those
/// are held against the clip when they are written.
void claim_pictures(const RestoreOptions& options) {
  std::set<fs::path> files{picture_in(options.folder)};
  for (const char* name : {"clean", "noisy", "full"}) files.insert(video_in(options.folder, name));
  for (const std::string& backend : options.backends)
    files.insert(video_in(options.folder, file_name(backend)));
  for (const fs::path& file : files) claim_written(file, "--folder");
}

void write_picture(const std::string& path, const std::vector<Panel>& panels) {
  const std::vector<uint8_t> png = png_of(side_by_side(panels));
  OutputFile file(path);
  file.write(png.data(), png.size());
  file.commit();
}

void write_pictures(const Restoration& task, const std::vector<RestoredVideo>& videos,
                    const std::string& folder, Outputs& outputs) {
  const Clip& clip = task.clip();
  const size_t shown = shown_frame(clip);
  const auto write = [&](const std::string& name, const std::vector<cv::Mat>& frames) {
    outputs.write([&] { write_lossless(video_in(folder, name).string(), frames, clip.fps); });
  };
  std::vector<Panel> panels = {{fmt::format("clean, frame {}", shown), clip.frames[shown]}};
  write("clean", clip.frames);
  const auto add = [&](const RestoredVideo& video, const std::string& name) {
    // The figure first: it must not be what a long name pushes out of the picture.
    panels.push_back({fmt::format("{:.2f} dB {}", video.score("psnr"), name), video.frames[shown]});
    write(file_name(name), video.frames);
  };
  add(task.noisy(), "noisy");
  for (const RestoredVideo& video : videos)
    if (video.run.passed()) add(video, video.run.backend);
  outputs.write([&] {
    write_picture(picture_in(folder).string(), panels);
    print_out("videos and side_by_side.png (below each its difference to clean, x4) are in {}\n",
              folder);
  });
}

void print(const RestoreOptions& options, const Restoration& task,
           const std::vector<RestoredVideo>& videos) {
  const Clip& clip = task.clip();
  const VideoGrid& grid = task.nlm().inputs().grid;
  print_out(
      "{}: {} frames of {}x{}, shots at {}; noise {:g}, seed {}\n{} tokens of 8x8 pixels (grid "
      "{}x{}x{}), 4 shifted heads, {} feature channels; {:.1f}% of the picture repeats in other "
      "shots\n\n",
      printable(clip.name), clip.frames.size(), clip.frames[0].cols, clip.frames[0].rows,
      fmt::join(clip.shots, ","), options.noise, options.seed, grid.tokens(), grid.frames,
      grid.height, grid.width, task.nlm().channels(), 100 * task.repeated_share());
  std::vector<const RestoredVideo*> rows = {&task.clean(), &task.noisy()};
  for (const RestoredVideo& video : videos) rows.push_back(&video);
  print_out("{}", restoration_table(rows, task.full(), options.columns));
  if (options.columns.all)
    print_out(
        "scores without a suffix are VBench's exact definitions, a suffix names what is not\n");
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
  require_backends(options.backends);
  find_device(options.device);
  check_noise(options.noise);
  if (!options.folder.empty()) claim_pictures(options);
  check_clip(options.clip);
  check_restoration_columns(options.columns);
  Clip clip;
  {
    ShareProgress progress("reading the clip");
    clip = load_clip(options.clip, [&](double share) { progress.update(share); });
  }
  for (const std::string& note : clip.notes) print_err("{}\n", note);
  Outputs outputs;
  std::vector<RestoredVideo> videos;
  Progress progress("restoring", static_cast<int64_t>(options.backends.size()) + 1);
  const Restoration task(std::move(clip), options.noise, options.seed, options.device);
  progress.update(1);
  videos.push_back(task.full());
  for (const std::string& backend : options.backends) {
    if (backend != "full") videos.push_back(task.restore(backend, options.density));
    progress.update(static_cast<int64_t>(videos.size()));
  }
  outputs.write([&] { print(options, task, videos); });
  if (!options.out.empty())
    outputs.write([&] { write_json(options.out, record(options, task, videos)); });
  if (!options.folder.empty())
    outputs.write([&] { write_pictures(task, videos, options.folder, outputs); });
  return outputs.code(probe_exit_code(videos));
}

}  // namespace vidattn
