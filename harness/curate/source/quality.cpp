#include "harness/curate/source/quality.h"

#include <algorithm>
#include <cmath>

#include "harness/io/json_file.h"

namespace vidattn {
namespace {

constexpr int kLeastJudged = 16;  // rows and columns that frame_quality() needs

/// Every figure but the number of frames, by name.
constexpr std::pair<const char*, double QualityFigures::*> kFigures[] = {
    {"sharpness", &QualityFigures::sharpness}, {"exposure", &QualityFigures::exposure},
    {"contrast", &QualityFigures::contrast},   {"clipped", &QualityFigures::clipped},
    {"noise", &QualityFigures::noise},         {"blockiness", &QualityFigures::blockiness},
    {"brisque", &QualityFigures::brisque},     {"aesthetic", &QualityFigures::aesthetic}};

double score_of(const VideoMetric& metric) { return metric.scores().front().value; }

}  // namespace

nlohmann::json to_json(const QualityFigures& figures) {
  nlohmann::json json{{"frames", figures.frames}};
  for (const auto& [name, figure] : kFigures) json[name] = number_or_null(figures.*figure);
  return json;
}

QualityFigures read_quality_figures(const JsonReader& json) {
  QualityFigures figures;
  json.read("frames", figures.frames);
  for (const auto& [name, figure] : kFigures) figures.*figure = json.at(name).number_or_nan();
  return figures;
}

void judge_quality(const QualityFigures& figures, const QualityLimits& limits,
                   const std::string& of, Decisions& decisions) {
  decisions.at_least(of + ".sharpness", figures.sharpness, limits.sharpness);
  decisions.at_least(of + ".exposure", figures.exposure, limits.exposure_low);
  decisions.at_most(of + ".exposure", figures.exposure, limits.exposure_high);
  decisions.at_least(of + ".contrast", figures.contrast, limits.contrast);
  decisions.at_most(of + ".clipped", figures.clipped, limits.clipped);
  if (std::isfinite(figures.brisque))
    decisions.at_least(of + ".brisque", figures.brisque, limits.brisque);
  if (std::isfinite(figures.aesthetic))
    decisions.at_least(of + ".aesthetic", figures.aesthetic, limits.aesthetic);
}

QualityJudge::QualityJudge(const Backbones& networks) {
  for (const Backbone& backbone : networks.all)
    if (backbone.aesthetic)
      aesthetic_ = std::make_unique<AestheticQuality>(backbone.descriptor, *backbone.aesthetic);
}
QualityJudge::~QualityJudge() = default;

void QualityJudge::add(const cv::Mat& frame, const cv::Rect& area, bool slowly) {
  if (std::min(area.width, area.height) < kLeastJudged) return;
  const cv::Mat seen = frame(area);
  const FrameQuality quality = frame_quality(seen);
  if (sums_.frames++ == 0)
    sums_ = {.sharpness = 0,
             .exposure = 0,
             .contrast = 0,
             .clipped = 0,
             .noise = 0,
             .blockiness = 0,
             .frames = 1};
  sums_.sharpness += quality.sharpness;
  sums_.exposure += quality.exposure;
  sums_.contrast += quality.contrast;
  sums_.clipped += std::max(quality.shadows, quality.highlights);
  sums_.noise += quality.noise;
  sums_.blockiness += quality.blockiness;
  if (!slowly) return;
  brisque_.add(seen, 0);
  if (aesthetic_) aesthetic_->add(seen, 0);
}

QualityFigures QualityJudge::figures() const {
  QualityFigures means = sums_;
  const auto n = static_cast<double>(sums_.frames);
  for (const auto& [name, figure] : kFigures) means.*figure /= n;
  means.brisque = score_of(brisque_);
  if (aesthetic_) means.aesthetic = score_of(*aesthetic_) * 10;  // VBench's is over 10
  return means;
}

}  // namespace vidattn
