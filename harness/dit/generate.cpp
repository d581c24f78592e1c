#include "harness/dit/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <opencv2/core.hpp>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/distributed/first_solution.h"
#include "harness/distributed/ranks/own_cores.h"
#include "harness/distributed/ranks/session.h"
#include "harness/distributed/report.h"
#include "harness/dit/dit_density.h"
#include "harness/dit/generate_report.h"
#include "harness/dit/method_attention.h"
#include "harness/dit/painted_video.h"
#include "harness/dit/rollout.h"
#include "harness/dit/shared_attention.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/outputs.h"
#include "harness/host/output/thrown.h"
#include "harness/host/progress.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/places/roles.h"
#include "harness/workloads/dit/captions.h"
#include "harness/workloads/dit/clip.h"
#include "harness/workloads/dit/latents.h"
#include "harness/workloads/dit/model_file.h"
#include "metrics/video/frame_comparison.h"

namespace vidattn {
namespace {

TrainingClip clip_of(const GenerateRequest& request, const DitConfig& config) {
  const uint64_t seed = request.clip.value_or(request.seed);
  if (request.grid.empty()) return {seed, config.frames, config.height, config.width};
  return {seed, request.grid[0], request.grid[1], request.grid[2]};
}

std::vector<int32_t> captions_of(const GenerateRequest& request, const TrainingClip& clip) {
  if (request.captions.empty()) return clip.captions();
  std::vector<int32_t> captions = read_captions(request.captions);
  const size_t given = captions.size() / kCaptionTokens, shots = clip.grid().shots.size();
  if (given != shots)
    throw InputError(fmt::format("{} has {} captions, the clip {} shots: one line a shot",
                                 in_quotes(request.captions), given, shots));
  return captions;
}

RolloutTask task_of(const GenerateRequest& request, const DitNetwork& network,
                    const TrainingClip& clip) {
  RolloutTask task{.grid = clip.grid(),
                   .captions = captions_of(request, clip),
                   .given = request.given,
                   .steps = request.steps,
                   .shift = request.shift,
                   .seed = request.seed};
  check_task(task);
  task.clean = network.standardised(clip.latents());
  return task;
}

/// Who shares the attention; nobody unless there is a world.
struct PaintingRanks {
  Communicator* world = nullptr;
  RankLayout layout;
  bool first() const { return world == nullptr || world->rank() == 0; }
};

/// Paints with one backend after the other.
class Painter {
 public:
  Painter(const GenerateRequest& request, const DitNetwork& network, const TrainingClip& clip,
          const PaintingRanks& ranks)
      : request_(request),
        ranks_(ranks),
        network_(network),
        device_(find_device(request.device)),
        dtype_(parse_dtype(request.dtype)),
        task_(task_of(request, network, clip)),
        fps_(clip.film().spec().fps) {}

  const RolloutTask& task() const { return task_; }
  double fps() const { return fps_; }

  /// What becomes of a backend is its own matter, as its outcome says.
  PaintedVideo paint(const std::string& backend) const {
    PaintedVideo video{.backend = backend};
    try {
      paint(video);
    } catch (const InputError& error) {  // on ranks of all
      video.outcome = Outcome::skipped;
      video.reason = error.what();
    } catch (const Cancelled&) {
      if (ranks_.world != nullptr) throw;  // the others wait for this rank
      video.outcome = Outcome::interrupted;
    } catch (const std::exception&) {
      if (ranks_.world != nullptr) throw;
      video.outcome = Outcome::failed;
      video.reason = failure_text(std::current_exception());
    }
    return video;
  }

 private:
  void paint(PaintedVideo& video) const {
    const int64_t blocks = network_.config().blocks;
    MethodSettings settings{method_for(network_.config(), video.backend), &device_, dtype_};
    if (request_.density && settings.spec.backend->name() != "full") solve(settings, video);
    video.backend = settings.spec.text();
    if (ranks_.world == nullptr) {
      MethodAttention attention(settings, blocks, task_.steps);
      return paint(attention, video);
    }
    const OwnCores cores(*ranks_.world);
    SharedAttention attention(settings, blocks, task_.steps, *ranks_.world, ranks_.layout);
    paint(attention, video);
    video.ranks = attention.times();
  }

  void solve(MethodSettings& settings, PaintedVideo& video) const {
    const auto alone = [&] {
      return solve_for_rollout(network_, task_, settings, *request_.density);
    };
    DensitySolution solved =
        ranks_.world == nullptr ? alone() : solve_on_first(*ranks_.world, alone);
    settings.spec = std::move(solved.spec);
    video.note = std::move(solved.note);
  }

  void paint(MethodAttention& attention, PaintedVideo& video) const {
    std::optional<Progress> progress;
    if (ranks_.first())
      progress.emplace("painting with " + video.backend, task_.steps * network_.config().blocks);
    const Rollout rollout = roll_out(network_, task_, attention, [&](int64_t done) {
      if (progress) progress->update(done);
    });
    video.outcome = rollout.failure.empty() ? Outcome::passed : Outcome::failed;
    video.reason = rollout.failure;
    video.seconds = rollout.seconds;
    video.costs = attention.costs();
    video.check = attention.check();
    if (video.passed()) video.frames = decode_latents(rollout.latents, task_.grid);
  }

  const GenerateRequest& request_;
  const PaintingRanks& ranks_;
  const DitNetwork& network_;
  const Device& device_;
  DType dtype_;
  RolloutTask task_;
  double fps_;
};

void compare(const PaintedVideo& reference, PaintedVideo& video) {
  if (!reference.passed() || !video.passed()) return;
  FrameComparison comparison;
  for (size_t i = 0; i < video.frames.size(); ++i)
    comparison.add(reference.frames[i], video.frames[i]);
  video.scores = comparison.scores();
}

std::vector<std::string> backends_of(const GenerateRequest& request, const DitNetwork& network) {
  return request.backends.empty() ? std::vector<std::string>{trained_with(network.checkpoint())}
                                  : expand_all(request.backends);
}

ExitCode verdict(const PaintedVideo& reference, const std::vector<PaintedVideo>& videos) {
  const auto any = [&](Outcome outcome) {
    return reference.outcome == outcome ||
           std::any_of(videos.begin(), videos.end(),
                       [&](const PaintedVideo& video) { return video.outcome == outcome; });
  };
  if (any(Outcome::failed)) return ExitCode::regression;
  return any(Outcome::skipped) ? ExitCode::usage : ExitCode::fine;
}

}  // namespace

std::vector<std::string> video_names(const std::string& video,
                                     const std::vector<std::string>& backends) {
  if (backends.size() == 1) return {video};
  const std::filesystem::path path(video);
  std::vector<std::string> names;
  for (std::string backend : backends) {
    std::replace_if(
        backend.begin(), backend.end(),
        [](char c) { return std::string_view(":=,/").find(c) != std::string_view::npos; }, '_');
    names.push_back(path.parent_path() /
                    (path.stem().string() + "_" + backend + path.extension().string()));
    if (std::count(names.begin(), names.end(), names.back()) > 1)
      throw InputError("two videos would be written to " + in_quotes(names.back()) +
                       ": name every backend once");
  }
  return names;
}

namespace {

/// What is known before the first video is painted.
class Painting {
 public:
  Painting(const GenerateRequest& request, const PaintingRanks& ranks)
      : request_(request),
        ranks_(ranks),
        network_(load_model(request.checkpoint)),
        backends_(backends_of(request, network_)) {
    require_backends(backends_);
    if (!request.reference.empty()) require_backends({request.reference});
    if (ranks.first()) claim_videos();
    painter_.emplace(request, network_, clip_of(request, network_.config()), ranks);
  }

  ExitCode run() {
    Outputs outputs;
    PaintedVideo reference;
    if (!request_.reference.empty()) reference = painter_->paint(request_.reference);
    std::vector<PaintedVideo> videos;
    for (size_t i = 0; i < backends_.size(); ++i) {
      if (interrupted() && ranks_.world != nullptr) throw Cancelled();
      if (interrupted()) break;
      const bool same = backends_[i] == request_.reference;
      videos.push_back(same ? reference : painter_->paint(backends_[i]));
      PaintedVideo& video = videos.back();
      compare(reference, video);
      if (video.passed() && !files_.empty())
        outputs.write([&] { write_painted(files_[i], video.frames, painter_->fps()); });
      video.frames.clear();
    }
    if (ranks_.first()) tell(reference, videos, outputs);
    return outputs.code(verdict(reference, videos));
  }

 private:
  void claim_videos() {
    if (!request_.video.empty()) files_ = video_names(request_.video, backends_);
    for (const std::string& file : files_) {
      require_video_place(file);
      if (file != request_.video) claim_written(file, "--out");
    }
  }

  void tell(const PaintedVideo& reference, const std::vector<PaintedVideo>& videos,
            Outputs& outputs) const {
    outputs.write([&] { print_generated(request_, painter_->task(), reference, videos); });
    if (request_.json.empty()) return;
    outputs.write([&] {
      nlohmann::json record =
          generate_record(request_, network_, painter_->task(), reference, videos);
      if (ranks_.world != nullptr)
        record["distributed"] = distributed_json(ranks_.layout, *ranks_.world);
      write_json(request_.json, record);
    });
  }

  const GenerateRequest& request_;
  const PaintingRanks& ranks_;
  DitNetwork network_;
  std::vector<std::string> backends_, files_;
  std::optional<Painter> painter_;
};

}  // namespace

ExitCode generate(const GenerateRequest& request, Communicator& world) {
  PaintingRanks ranks{&world, {}};
  std::optional<Painting> painting;
  agree(world, [&] {
    ranks.layout = parse_rank_layout(request.layout, world.size());
    painting.emplace(request, ranks);
  });
  return painting->run();
}

ExitCode generate(const GenerateRequest& request) {
  if (request.layout.empty()) return Painting(request, PaintingRanks()).run();
  return with_mpi_ranks(request.patience,
                        [&](Communicator& world) { return generate(request, world); });
}

}  // namespace vidattn
