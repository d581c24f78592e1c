#include "harness/curate/select/samples.h"

#include <algorithm>
#include <cmath>

#include "harness/curate/record/stage_file.h"

namespace vidattn {
namespace {

/// The pieces in the size of the smallest crop.
SamplePlan plan_of(std::vector<SamplePiece> pieces) {
  const auto smallest =
      std::min_element(pieces.begin(), pieces.end(),
                       [](const auto& a, const auto& b) { return a.crop.area() < b.crop.area(); });
  const cv::Size size = smallest->crop.size();
  return {std::move(pieces), size};
}

SamplePiece read_piece(const JsonReader& json, const std::vector<ClipRecord>& clips) {
  const int64_t number = json.at("clip").integer(0, std::ssize(clips) - 1);
  const ClipRecord& clip = clips[static_cast<size_t>(number)];
  if (clip.crop.empty()) json.expected("a clip with a crop");
  const int64_t first = json.at("first").integer(clip.span.first, clip.span.last);
  return {number, first, json.at("last").integer(first, clip.span.last), clip.crop};
}

/// Collects pieces to samples.
class SampleMaker {
 public:
  SampleMaker(double fps, const CurateLimits& limits)
      : fps_(fps),
        most_(std::max<int64_t>(1, static_cast<int64_t>(limits.most_seconds * fps + 1e-6))),
        limits_(limits) {}

  void add(const ClipRecord& clip) {
    const int64_t frames = clip.span.frames();
    if (frames > most_) return add_parts(clip);
    const bool follows = !open_.empty() && open_.back().clip + 1 == clip.number;
    if (!follows || length_ + frames > most_) close();
    open_.push_back({clip.number, clip.span.first, clip.span.last, clip.crop});
    length_ += frames;
  }

  void close() {
    if (!open_.empty()) samples_.push_back(plan_of(std::move(open_)));
    open_.clear();
    length_ = 0;
  }

  std::vector<SamplePlan> samples(std::vector<ClipRecord>& clips) {
    close();
    std::erase_if(samples_, [&](const SamplePlan& sample) {
      const double seconds = static_cast<double>(sample.frames()) / fps_;
      const bool shorter = seconds < limits_.least_sample_seconds;
      for (ClipRecord& clip : clips)
        if (shorter && has(sample, clip.number))
          clip.decisions.at_least("sample.seconds", seconds, limits_.least_sample_seconds);
      return shorter;
    });
    return std::move(samples_);
  }

 private:
  static bool has(const SamplePlan& sample, int64_t clip) {
    return std::any_of(sample.pieces.begin(), sample.pieces.end(),
                       [&](const SamplePiece& piece) { return piece.clip == clip; });
  }

  void add_parts(const ClipRecord& clip) {
    close();
    const int64_t frames = clip.span.frames(), parts = (frames + most_ - 1) / most_;
    for (int64_t i = 0; i < parts; ++i) {
      const int64_t first = clip.span.first + i * frames / parts;
      const int64_t last = clip.span.first + (i + 1) * frames / parts - 1;
      samples_.push_back(plan_of({{clip.number, first, last, clip.crop}}));
    }
  }

  double fps_;
  int64_t most_;  ///< frames
  const CurateLimits& limits_;
  std::vector<SamplePiece> open_;
  int64_t length_ = 0;
  std::vector<SamplePlan> samples_;
};

}  // namespace

int64_t SamplePlan::frames() const {
  int64_t sum = 0;
  for (const SamplePiece& piece : pieces) sum += piece.frames();
  return sum;
}

std::vector<int64_t> SamplePlan::shot_starts() const {
  std::vector<int64_t> starts;
  int64_t at = 0;
  for (const SamplePiece& piece : pieces) {
    starts.push_back(at);
    at += piece.frames();
  }
  return starts;
}

std::vector<SamplePlan> plan_samples(std::vector<ClipRecord>& clips, double fps,
                                     const CurateLimits& limits) {
  SampleMaker maker(fps, limits);
  for (const ClipRecord& clip : clips)
    if (clip.decisions.kept()) maker.add(clip);
  return maker.samples(clips);
}

nlohmann::json to_json(const SamplePlan& plan) {
  nlohmann::json pieces = nlohmann::json::array();
  for (const SamplePiece& piece : plan.pieces)
    pieces.push_back({{"clip", piece.clip},
                      {"first", piece.first},
                      {"last", piece.last},
                      {"crop", rect_json(piece.crop)}});
  return {{"pieces", pieces}, {"width", plan.size.width}, {"height", plan.size.height}};
}

SamplePlan read_sample_plan(const JsonReader& json, const std::vector<ClipRecord>& clips) {
  std::vector<SamplePiece> pieces;
  for (const JsonReader& piece : json.at("pieces").items())
    pieces.push_back(read_piece(piece, clips));
  if (pieces.empty()) json.at("pieces").expected("one or more");
  return plan_of(std::move(pieces));
}

}  // namespace vidattn
