#include "harness/videos/network_scores.h"

#include "metrics/video/long/long_scores.h"
#include "metrics/video/networks/amt.h"
#include "metrics/video/networks/musiq.h"
#include "metrics/video/networks/raft.h"
#include "metrics/video/networks/text_score.h"
#include "metrics/video/temporal_flickering.h"

namespace vidattn {
namespace {

using Metrics = std::vector<std::unique_ptr<VideoMetric>>;

// VBench-Long's configs/clip_length_mix.yaml.
constexpr int kClipSeconds = 2, kTextClipSeconds = 10;

/// Scores of a video, and how long the clips are that they are taken of, too.
struct ClipMeasure {
  MakeClipMetric make;
  int seconds = kClipSeconds;
};

/// The scores that do not come from a Backbone.
std::vector<ClipMeasure> network_measures(const VideoNetworks& networks, const Backbones& backbones,
                                          const PromptFeatures& prompt) {
  std::vector<ClipMeasure> all;
  if (networks.raft)
    all.push_back({[raft = networks.raft](const VideoInfo& video) {
      return std::make_unique<DynamicDegree>(video.pictures ? 0 : video.fps,
                                             std::make_unique<RaftMotion>(raft));
    }});
  if (networks.amt)
    all.push_back({[amt = networks.amt](const VideoInfo&) {
      return std::make_unique<MotionSmoothness>(std::make_unique<AmtMiddle>(amt));
    }});
  if (networks.musiq)
    all.push_back({[musiq = networks.musiq](const VideoInfo&) {
      return std::make_unique<MusiqQuality>(musiq);
    }});
  if (networks.viclip_video && !prompt.viclip.empty())
    all.push_back({[vision = networks.viclip_video, text = prompt.viclip](const VideoInfo& video) {
                     return overall_consistency(vision, text, video.frames);
                   },
                   kTextClipSeconds});
  const Backbone* clip = backbones.find("clip");
  if (clip != nullptr && !prompt.clip.empty())
    all.push_back({[vision = clip->network, text = prompt.clip](const VideoInfo& video) {
                     return clip_score(vision, text, video.frames);
                   },
                   kTextClipSeconds});
  return all;
}

std::unique_ptr<VideoMetric> backbone_scores(const Backbone& backbone, const FeatureScores& scores,
                                             const VideoInfo& video) {
  if (backbone.aesthetic)
    return std::make_unique<AestheticQuality>(backbone.descriptor, *backbone.aesthetic);
  return std::make_unique<FeatureMetrics>(backbone.descriptor, scores, video);
}

void add_long_backbone(const Backbone& backbone, const VideoInfo& video, Metrics& metrics) {
  const auto make = [&backbone](const VideoInfo& clip) {
    return backbone_scores(backbone, {.consistency = backbone.scores.consistency}, clip);
  };
  metrics.push_back(std::make_unique<LongScores>(video, kClipSeconds, make));
  for (const RegionScore& score : backbone.scores.consistency)
    metrics.push_back(
        std::make_unique<ClipToClip>(backbone.descriptor, score.name, video, kClipSeconds));
}

}  // namespace

Metrics network_scores(const VideoInfo& video, const VideoMetricOptions& options,
                       const PromptFeatures& prompt) {
  Metrics metrics;
  const auto measures = network_measures(options.networks, options.backbones, prompt);
  for (const Backbone& backbone : options.backbones.all) {
    FeatureScores scores = backbone.scores;
    scores.frames_per_shot = options.frames_per_shot;
    metrics.push_back(backbone_scores(backbone, scores, video));
  }
  for (const ClipMeasure& measure : measures) metrics.push_back(measure.make(video));
  if (!options.long_protocol) return metrics;
  metrics.push_back(std::make_unique<LongScores>(video, kClipSeconds, [](const VideoInfo&) {
    return std::make_unique<TemporalFlickering>();
  }));
  for (const Backbone& backbone : options.backbones.all)
    add_long_backbone(backbone, video, metrics);
  for (const ClipMeasure& measure : measures)
    metrics.push_back(std::make_unique<LongScores>(video, measure.seconds, measure.make));
  return metrics;
}

}  // namespace vidattn
