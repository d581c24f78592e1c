#include "harness/curate/output/cut_samples.h"

#include <algorithm>
#include <memory>
#include <opencv2/imgproc.hpp>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/curate/output/contact_sheet.h"
#include "harness/curate/output/manifest.h"
#include "harness/curate/output/sample_file.h"
#include "harness/io/file.h"
#include "harness/io/json_schema.h"
#include "harness/workloads/media/picture.h"
#include "metrics/shots/shrink.h"

namespace vidattn {
namespace {

constexpr int64_t kCaptionFrames = 4;
const cv::Size kCaptionSize(640, 640);  // that models look at

/// Frames of a piece for its caption: the middles of equal parts.
bool is_for_caption(const SamplePiece& piece, int64_t frame) {
  const int64_t frames = piece.frames(), count = std::min(frames, kCaptionFrames);
  for (int64_t i = 0; i < count; ++i)
    if (frame == piece.first + (2 * i + 1) * frames / (2 * count)) return true;
  return false;
}

void write_jpeg(const std::filesystem::path& path, const cv::Mat& picture) {
  const std::vector<uint8_t> jpeg = jpeg_of(picture);
  write_text(path.string(), {reinterpret_cast<const char*>(jpeg.data()), jpeg.size()});
}

/// Cuts the samples of a video.
class Cutter {
 public:
  Cutter(const CurateSettings& settings, const SourceVideo& video, const VideoAnalysis& analysis)
      : settings_(settings),
        video_(video),
        analysis_(analysis),
        stages_(settings, video),
        points_(find_cut_points(video.path)),
        desk_(make_captioner(settings), settings.place.captions()) {}

  void cut(int64_t number, const SamplePlan& plan) {
    const std::string id = DatasetPlace::sample_id(video_.id, number);
    const StageFile stage = stages_.sample(number, to_json(plan));
    stage.forget();
    SampleFile file(settings_.place.file(DatasetPlace::sample(id)), plan, segmentation().fps,
                    analysis_.source.pixels);
    const bool copied = file.copy(video_.path, points_, segmentation(), analysis_.source.frame());
    ContactSheet sheet(plan.frames());
    SampleFacts facts{video_, analysis_, plan, id, {}};
    int64_t done = 0;
    for (const SamplePiece& piece : plan.pieces)
      facts.made.captions.push_back(take(piece, copied ? nullptr : &file, sheet, done));
    facts.made.origin = file.commit();
    if (const cv::Mat picture = sheet.picture(); !picture.empty())
      write_jpeg(settings_.place.file(DatasetPlace::sheet(id)), picture);
    check_schema(manifest_line(facts), manifest_schema());
    stage.write(to_json(facts.made));
  }

 private:
  const Segmentation& segmentation() const { return *analysis_.segmentation; }

  /// Goes through a piece's frames; `done` counts those of the sample.
  ShotCaption take(const SamplePiece& piece, SampleFile* file, ContactSheet& sheet, int64_t& done) {
    std::vector<JpegBytes> shown;
    pass_to(piece.first);
    for (; at_ <= piece.last; ++done) {
      throw_if_cancelled();
      const bool for_caption = desk_.wants_frames() && is_for_caption(piece, at_);
      if (file == nullptr && !for_caption && !sheet.wants(done)) {
        pass_to(at_ + 1);
        continue;
      }
      cv::Mat frame = frames_->next();
      if (frame.empty()) ended();
      ++at_;
      frame = frame(piece.crop);
      if (file != nullptr) file->write(frame);
      if (!for_caption && !sheet.wants(done)) continue;
      const cv::Mat square = with_square_pixels(frame, analysis_.source.pixels);
      if (sheet.wants(done)) sheet.add(square);
      if (for_caption)
        shown.push_back(jpeg_of(shrink_to_fit(square, kCaptionSize, cv::INTER_AREA)));
    }
    return desk_.caption(shown, analysis_.clips[static_cast<size_t>(piece.clip)].look,
                         static_cast<double>(piece.frames()) / segmentation().fps);
  }

  void pass_to(int64_t frame) {
    if (!frames_ || frame < at_) {
      frames_ = open_segmented(video_.path, segmentation());
      at_ = 0;
    }
    for (; at_ < frame; ++at_) {
      throw_if_cancelled();
      if (!frames_->skip()) ended();
    }
  }

  [[noreturn]] void ended() const {
    throw InputError("video " + in_quotes(video_.path) +
                     " ends earlier than it did before: was it changed?");
  }

  const CurateSettings& settings_;
  const SourceVideo& video_;
  const VideoAnalysis& analysis_;
  VideoStages stages_;
  CutPoints points_;
  CaptionDesk desk_;
  std::unique_ptr<FrameSource> frames_;
  int64_t at_ = 0;  ///< number of the next frame
};

/// A sample's line, if its files are there, too. It is made anew, so that a record from elsewhere
/// cannot say anything of the sample that its plan does not.
std::optional<nlohmann::json> known_sample(const VideoStages& stages, const VideoAnalysis& analysis,
                                           int64_t number, const SamplePlan& plan) {
  const auto kept = stages.sample(number, to_json(plan)).read();
  if (!kept) return std::nullopt;
  try {
    nlohmann::json line = manifest_line(
        {stages.video(), analysis, plan, DatasetPlace::sample_id(stages.video().id, number),
         read_sample_record(JsonReader(*kept), plan.pieces.size())});
    check_schema(line, manifest_schema());
    return line;
  } catch (const InputError&) {
    return std::nullopt;
  }
}

/// Whether a sample is there with every caption that was asked for.
bool is_finished(const VideoStages& stages, const VideoAnalysis& analysis, int64_t number,
                 const SamplePlan& plan) {
  const auto line = known_sample(stages, analysis, number, plan);
  return line && std::none_of((*line)["shots"].begin(), (*line)["shots"].end(),
                              [](const auto& shot) { return shot.contains("caption_error"); });
}

}  // namespace

bool all_finished(const CurateSettings& settings, const SourceVideo& video,
                  const VideoAnalysis& analysis, const std::vector<SamplePlan>& plans) {
  const VideoStages stages(settings, video);
  for (size_t i = 0; i < plans.size(); ++i)
    if (!is_finished(stages, analysis, static_cast<int64_t>(i), plans[i])) return false;
  return true;
}

void cut_samples(const CurateSettings& settings, const SourceVideo& video,
                 const VideoAnalysis& analysis, const std::vector<SamplePlan>& plans) {
  const VideoStages stages(settings, video);
  std::unique_ptr<Cutter> cutter;
  for (size_t i = 0; i < plans.size(); ++i) {
    const auto number = static_cast<int64_t>(i);
    if (is_finished(stages, analysis, number, plans[i])) continue;
    if (!cutter) cutter = std::make_unique<Cutter>(settings, video, analysis);
    cutter->cut(number, plans[i]);
  }
}

std::optional<std::vector<nlohmann::json>> known_samples(const CurateSettings& settings,
                                                         const SourceVideo& video,
                                                         const VideoAnalysis& analysis,
                                                         const std::vector<SamplePlan>& plans) {
  const VideoStages stages(settings, video);
  std::vector<nlohmann::json> lines;
  for (size_t i = 0; i < plans.size(); ++i) {
    auto line = known_sample(stages, analysis, static_cast<int64_t>(i), plans[i]);
    if (!line) return std::nullopt;
    lines.push_back(std::move(*line));
  }
  return lines;
}

}  // namespace vidattn
