#include "harness/dit/experiments/painted_clip.h"

#include "harness/dit/experiments/cut_scores.h"
#include "harness/workloads/dit/captions.h"
#include "metrics/model/cost_model.h"
#include "metrics/video/frame_comparison.h"
#include "metrics/video/video_info.h"

namespace vidattn {
namespace {

constexpr int64_t kFramesPerShot = 5;

void add_video_scores(const TrainingClip& clip, const std::vector<cv::Mat>& frames,
                      ClipScores& scores) {
  const Film& film = clip.film();
  const VideoInfo info{.frames = static_cast<int64_t>(frames.size()),
                       .fps = film.spec().fps,
                       .shots = film.shot_starts(),
                       .identity = [&](int64_t frame) { return film.identity(frame); }};
  for (const auto& metric : registered_video_metrics(info, kFramesPerShot)) {
    for (size_t i = 0; i < frames.size(); ++i)
      metric->add(frames[i], static_cast<int>(film.shot_of(static_cast<int64_t>(i))));
    for (const VideoScore& score : metric->scores()) scores[score.name] = score.value;
  }
}

void add_comparison(const std::vector<cv::Mat>& reference, const std::vector<cv::Mat>& frames,
                    ClipScores& scores) {
  FrameComparison comparison;
  for (size_t i = 0; i < frames.size(); ++i) comparison.add(reference[i], frames[i]);
  for (const VideoScore& score : comparison.scores())
    if (score.name == "psnr" || score.name == "ssim") scores[score.name] = score.value;
}

DitModel cost_model(const DitConfig& config, int64_t shots) {
  DitModel model{.name = config.size, .title = config.size, .source = "DIT.md"};
  model.dim = config.channels;
  model.heads = config.heads;
  model.ffn_dim = config.inner();
  // A token of the video looks at its own shot's words, or in MMDiT at all.
  model.text_tokens = config.text == DitText::cross ? kCaptionTokens : shots * kCaptionTokens;
  model.blocks = {
      {config.text == DitText::cross ? BlockKind::cross_attention : BlockKind::double_stream,
       config.blocks}};
  return model;
}

}  // namespace

double network_flops(const DitConfig& config, int64_t shots, double density) {
  const DitModel model = cost_model(config, shots);
  return forward_cost(model, {.tokens = config.tokens(), .density = density}).flops() +
         router_flops(model, config.tokens(), config.groups);
}

PaintedClip paint_clip(const ExperimentRequest& request, const DitNetwork& network,
                       const BackendSpec& method, int64_t index,
                       const std::vector<cv::Mat>* reference) {
  const TrainingClip shown = experiment_clip(request, network.config(), index);
  const RecalledClip clip(request, network, shown, index);
  RecalledPainting painting = clip.paint(network, {method, &find_device(request.device)});
  PaintedClip painted{std::move(painting.frames), {}};
  painted.scores = {
      {"right colour", painting.recall.colour == clip.colour()},
      {"colour kept", painting.recall.kept},
      {"density", painting.density},
      {"gflops", network_flops(network.config(), static_cast<int64_t>(shown.grid().shots.size()),
                               painting.density) *
                     1e-9},
      {"seconds", painting.seconds / static_cast<double>(request.steps)}};
  const CutScores cuts = cut_scores(shown, clip.task().given, painted.frames);
  painted.scores["sharpness"] = cuts.sharpness;
  painted.scores["cut flicker"] = cuts.cut_flicker;
  add_video_scores(shown, painted.frames, painted.scores);
  if (reference != nullptr) add_comparison(*reference, painted.frames, painted.scores);
  return painted;
}

}  // namespace vidattn
