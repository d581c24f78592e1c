#include "harness/curate/analyse.h"

#include <fmt/format.h>

#include "attention/error.h"
#include "harness/curate/shots/measure_clip.h"
#include "harness/curate/source/logos.h"
#include "harness/io/file.h"
#include "harness/io/text/counted.h"
#include "harness/workloads/media/picture.h"

namespace vidattn {
namespace {

/// What a stage has, read by `read`; nothing where it is missing or of another form.
template <class Read>
auto kept_in(const StageFile& stage, Read read) -> std::optional<decltype(read(JsonReader({})))> {
  const auto json = stage.read();
  if (!json) return std::nullopt;
  try {
    return read(JsonReader(*json));
  } catch (const InputError&) {
    return std::nullopt;
  }
}

/// One pass of the stages: from what is kept, and where `work` allows it from the video.
class Analyst {
 public:
  Analyst(const CurateSettings& settings, const SourceVideo& video, bool work)
      : settings_(settings), stages_(settings, video), work_(work) {}

  std::optional<VideoAnalysis> run() {
    if (!source()) return std::nullopt;
    if (!found_.source.decisions.kept()) return std::move(found_);
    if (!segmentation()) return std::nullopt;
    if (!found_.segmentation->decisions.kept()) return std::move(found_);
    if (!clips()) return std::nullopt;
    return std::move(found_);
  }

 private:
  bool source() {
    const StageFile stage = stages_.source();
    auto known = kept_in(stage, read_source_report);
    if (!known && !work_) return false;
    if (!known) {
      known = judge_source(stages_.video().path, stages_.limits(), settings_.networks);
      stage.write(to_json(*known));
    }
    found_.source = std::move(*known);
    decide(found_.source, stages_.limits());
    return true;
  }

  bool segmentation() {
    const StageFile stage = stages_.segmentation();
    found_.segmentation = kept_in(stage, read_segmentation);
    if (!found_.segmentation && work_) {
      std::optional<TransNet> transnet;
      if (!settings_.transnet.is_null()) transnet.emplace(settings_.transnet["file"], "--transnet");
      found_.segmentation =
          segment_video(stages_.video().path, stages_.limits(), transnet ? &*transnet : nullptr);
      stage.write(to_json(*found_.segmentation));
    }
    if (found_.segmentation) decide(*found_.segmentation, stages_.limits());
    return found_.segmentation.has_value();
  }

  bool clips() {
    const auto count = found_.segmentation->clips.size();
    std::vector<std::optional<ClipRecord>> known(count);
    bool all = true;
    for (size_t i = 0; i < count; ++i) {
      known[i] = known_clip(static_cast<int64_t>(i));
      all &= known[i].has_value();
    }
    if (!all && !work_) return false;
    if (!all) measure(known);
    for (auto& clip : known) {
      if (!clip) throw InputError("it ends earlier than it did before: was it changed?");
      decide(*clip, found_.segmentation->fps, stages_.limits());
      found_.clips.push_back(std::move(*clip));
    }
    return true;
  }

  /// Nothing, too, where another stretch was measured.
  std::optional<ClipRecord> known_clip(int64_t number) const {
    const ClipSpan& span = found_.segmentation->clips[static_cast<size_t>(number)];
    auto clip = kept_in(stages_.clip(number), [this](const JsonReader& json) {
      return read_clip_record(json, found_.source.frame());
    });
    if (clip &&
        (clip->number != number || clip->span.first != span.first || clip->span.last != span.last ||
         clip->picture != DatasetPlace::picture(stages_.video().id, number)))
      return std::nullopt;
    return clip;
  }

  void measure(std::vector<std::optional<ClipRecord>>& known) const {
    const auto finder = open_text_finder(settings_.text, stages_.limits().text_confidence);
    const ClipTools tools{stages_.limits(), settings_.networks, finder.get()};
    const auto done = [&](int64_t clip) { return known[static_cast<size_t>(clip)].has_value(); };
    const auto take = [&](ClipRecord clip, const cv::Mat& middle) {
      const std::vector<uint8_t> jpeg = jpeg_of(middle);
      clip.picture = DatasetPlace::picture(stages_.video().id, clip.number);
      write_text(settings_.place.file(clip.picture).string(),
                 {reinterpret_cast<const char*>(jpeg.data()), jpeg.size()});
      stages_.clip(clip.number).write(to_json(clip));
      known[static_cast<size_t>(clip.number)] = std::move(clip);
    };
    measure_clips(stages_.video().path, *found_.segmentation, found_.source, tools, done, take);
  }

  const CurateSettings& settings_;
  VideoStages stages_;
  bool work_;
  VideoAnalysis found_;
};

}  // namespace

const Decision* VideoAnalysis::first_drop() const {
  const Decision* dropped = source.decisions.first_drop();
  return dropped != nullptr || !segmentation ? dropped : segmentation->decisions.first_drop();
}

std::vector<std::string> VideoAnalysis::notes() const {
  std::vector<std::string> notes = segmentation ? segmentation->notes : source.notes;
  if (!source.looked_for_logos())
    notes.push_back(fmt::format("logos were not looked for: {}, {} that differ are needed",
                                counted(source.frames_for_logos, "key frame"),
                                LogoFinder::kLeastFrames));
  return notes;
}

VideoAnalysis analyse_video(const CurateSettings& settings, const SourceVideo& video) {
  return *Analyst(settings, video, true).run();
}

std::optional<VideoAnalysis> known_analysis(const CurateSettings& settings,
                                            const SourceVideo& video) {
  return Analyst(settings, video, false).run();
}

}  // namespace vidattn
