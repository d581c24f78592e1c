#include "harness/videos/find_shots.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/thrown.h"
#include "harness/host/progress.h"
#include "harness/host/record.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/io/text/counted.h"
#include "harness/io/text/escape.h"
#include "harness/io/text/path_json.h"
#include "harness/io/text_table.h"
#include "harness/measure/engine/timings.h"
#include "harness/videos/scene_file.h"
#include "harness/videos/transnet_detector.h"
#include "harness/workloads/video/video_input.h"
#include "metrics/shots/clean_shots.h"
#include "metrics/shots/transnet/windows.h"

namespace vidattn {
namespace {

using nlohmann::json;

std::vector<Scene> scenes_of(const std::vector<CleanShot>& shots) {
  std::vector<Scene> scenes;
  for (const CleanShot& shot : shots)
    if (shot.clean_first <= shot.clean_last) scenes.emplace_back(shot.clean_first, shot.clean_last);
  return scenes;
}

std::string describe(const Boundary* boundary) {
  if (boundary == nullptr) return "start of the video";
  std::string text = transition_name(boundary->kind);
  if (boundary->kind == Transition::cut)
    text += fmt::format(" {:.{}f}", boundary->score, boundary->score > 1 ? 1 : 2);
  if (boundary->clean()) return text + ", clean";
  return text + fmt::format(", overlapped {}-{}", boundary->first, boundary->last);
}

std::string clean_text(const CleanShot& shot) {
  if (shot.clean_first > shot.clean_last) return "none";
  return fmt::format("{}-{}", shot.clean_first, shot.clean_last);
}

void print_suppressed(const std::vector<CleanShot>& shots, int64_t min_length) {
  for (size_t i = 0; i < shots.size(); ++i) {
    if (shots[i].suppressed.empty()) continue;
    std::vector<std::string> found;
    for (const Boundary& boundary : shots[i].suppressed)
      found.push_back(fmt::format("{} at {}", transition_name(boundary.kind), boundary.frame));
    print_out(
        "  shot {}: {}, too close for --min-length {}: clean frames are the longest stretch "
        "without\n",
        i, fmt::join(found, ", "), min_length);
  }
}

/// `how` says by which rule they were found.
void print(const std::string& path, const VideoSurvey& survey, const std::vector<CleanShot>& shots,
           const std::string& how) {
  print_out("{}: {} of {}x{}, {:.4g} frames/s, {}, {}\n", printable(path),
            counted(survey.frames, "frame"), survey.width, survey.height, survey.fps,
            counted(std::ssize(shots), "shot"), how);
  for (const std::string& note : survey.notes) print_out("  {}\n", note);
  std::vector<std::vector<std::string>> rows;
  const auto seconds = [&](int64_t frame) { return fmt::format("{:.3f}", survey.times[frame]); };
  for (const CleanShot& shot : shots)
    rows.push_back({std::to_string(rows.size()), std::to_string(shot.first),
                    std::to_string(shot.last), std::to_string(shot.last - shot.first + 1),
                    seconds(shot.first), seconds(shot.last + 1), clean_text(shot),
                    describe(shot.begins_with)});
  print_out("{}", text_table({"shot", "first", "last", "frames", "from s", "to s", "clean frames",
                              "begins with"},
                             rows));
}

json to_json(const std::vector<Boundary>& boundaries) {
  json list = json::array();
  for (const Boundary& boundary : boundaries)
    list.push_back({{"frame", boundary.frame},
                    {"kind", transition_name(boundary.kind)},
                    {"clean", boundary.clean()},
                    {"first", boundary.first},
                    {"last", boundary.last},
                    {"score", boundary.score}});
  return list;
}

json record_of(const std::string& path, const VideoSurvey& survey,
               const std::vector<CleanShot>& shots) {
  json record{{"frames", survey.frames},
              {"fps", survey.fps},
              {"width", survey.width},
              {"height", survey.height},
              {"notes", survey.notes},
              {"decoder", survey.decoder},
              {"starts", survey.shots},
              {"shots", json::array()},
              {"boundaries", to_json(survey.boundaries)},
              {"suppressed", to_json(survey.suppressed)}};
  put_path(record, "video_path", path);
  if (survey.frames_promised > 0) record["frames_promised"] = survey.frames_promised;
  for (const CleanShot& shot : shots)
    record["shots"].push_back({{"first", shot.first},
                               {"last", shot.last},
                               {"from_s", survey.times[shot.first]},
                               {"to_s", survey.times[shot.last + 1]},
                               {"clean_first", shot.clean_first},
                               {"clean_last", shot.clean_last}});
  return record;
}

json to_json(const ShotScore& score) {
  return {{"tp", score.true_positive},  {"fp", score.false_positive},
          {"fn", score.false_negative}, {"precision", score.precision()},
          {"recall", score.recall()},   {"f1", score.f1()}};
}

json to_json(const TransNet& transnet) {
  return {{"detector", "transnet"},
          {"model", network_record(transnet.path())},
          {"threshold", kTransNetThreshold}};
}

json to_json(const ShotOptions& options) {
  return {{"detector", options.rule == CutRule::content ? "content" : "adaptive"},
          {"threshold", options.threshold},
          {"adaptive_ratio", options.adaptive_ratio},
          {"adaptive_least", options.adaptive_least},
          {"min_length", options.min_length},
          {"fade_threshold", options.fade_threshold},
          {"window", options.window}};
}

/// The work of one call: what was found so far and what went wrong.
class Search {
 public:
  explicit Search(const FindShotsOptions& options)
      : options_(options), detection_(options.detection) {
    if (options.videos.empty() && options.truth.empty())
      throw InputError("shots: give videos, or --score with a scene file");
    if (!options.truth.empty()) truth_ = read_scenes(options.truth);
    inputs_ = find_videos(options.videos, options.image_fps);
    if (!options.truth.empty())
      for (const VideoInput& input : inputs_) truth_of(input.path);
    choose_detector();
  }

  ExitCode run() {
    if (inputs_.empty()) score_file();
    for (const VideoInput& input : inputs_) {
      if (interrupted()) break;
      look_into(input);
    }
    if (!options_.truth.empty() && (scored_ > 0 || inputs_.empty())) print_score();
    if (failed_ > 0 && inputs_.size() > 1)
      print_out("{} of {} could not be read\n", failed_, counted(std::ssize(inputs_), "video"));
    if (interrupted())
      print_out("interrupted: {} of {} done\n", videos_.size(),
                counted(std::ssize(inputs_), "video"));
    if (!options_.out.empty()) write();
    return failed_ > 0 ? ExitCode::usage : mismatch_ ? ExitCode::regression : ExitCode::fine;
  }

 private:
  void choose_detector() {
    const std::string& name = options_.detector;
    const std::string transnet = "transnet", of_file = transnet + ":";
    if (name == transnet || (name.starts_with(of_file) && name.size() > of_file.size()))
      transnet_.emplace(name.substr(std::min(name.size(), of_file.size())), "--detector transnet");
    else if (name != "content" && name != "adaptive")
      throw InputError("--detector " + in_quotes(name) +
                       ": content, adaptive, transnet or transnet:FILE is needed");
    detection_.rule = name == "adaptive" ? CutRule::adaptive : CutRule::content;
    const ShotDetector valid(detection_);
  }

  const SceneRecord& truth_of(const std::string& path) const {
    std::filesystem::path name(path);
    if (!name.has_filename()) name = name.parent_path();  // a folder given with a slash
    const std::string id = name.stem().string();
    const auto found = std::find_if(truth_.begin(), truth_.end(),
                                    [&](const SceneRecord& record) { return record.id == id; });
    if (found == truth_.end())
      throw InputError(in_quotes(options_.truth) + " has no line with \"id\": " + in_quotes(id));
    return *found;
  }

  std::unique_ptr<ShotFinder> finder() const {
    if (transnet_) return transnet_->finder();
    return std::make_unique<ShotDetector>(detection_);
  }

  void print_found(const std::string& path, const VideoSurvey& survey,
                   const std::vector<CleanShot>& shots) const {
    const int64_t apart = detection_.min_length;
    print(path, survey, shots,
          transnet_ ? "found by TransNetV2" : fmt::format("boundaries at least {} apart", apart));
    print_suppressed(shots, apart);
  }

  void look_into(const VideoInput& input) {
    const std::string& path = input.path;
    try {
      ShareProgress progress(path);
      const VideoSurvey survey = survey_frames(
          *open_frames(input), path,
          [&](double share) {
            throw_if_cancelled();
            progress.update(share);
          },
          *finder());
      progress.update(1);
      std::vector<CleanShot> shots = clean_shots(survey.boundaries, survey.frames);
      const std::vector<Scene> scenes = scenes_of(shots);
      for (CleanShot& shot : shots) leave_out(shot, survey.suppressed);
      print_found(path, survey, shots);
      videos_.push_back(record_of(path, survey, shots));
      if (options_.truth.empty()) return;
      const ShotScore score = score_shots(truth_of(path).truth, scenes);
      videos_.back()["score"] = to_json(score);
      total_ += score;
      ++scored_;
    } catch (const Cancelled&) {  // what the other videos gave is kept
    } catch (const std::exception&) {
      const std::string error = failure_text(std::current_exception());
      print_err("vidattn: {}\n", error);
      videos_.push_back({{"error", error}});
      put_path(videos_.back(), "video_path", path);
      ++failed_;
    }
  }

  void score_file() {
    for (const SceneRecord& record : truth_) {
      if (!record.predicted)
        throw InputError(fmt::format("{}: \"id\": {} has no \"pred\" to score; give its video",
                                     in_quotes(options_.truth), in_quotes(record.id)));
      const ShotScore score = score_shots(record.truth, *record.predicted);
      total_ += score;
      ++scored_;
      videos_.push_back({{"id", record.id}, {"score", to_json(score)}});
      const auto& stated = record.stated;
      if (!stated || *stated == score) continue;
      print_out("{}: TP {} FP {} FN {}, but the file states {} {} {}\n", printable(record.id),
                score.true_positive, score.false_positive, score.false_negative,
                stated->true_positive, stated->false_positive, stated->false_negative);
      mismatch_ = true;
    }
  }

  void print_score() const {
    print_out("{}: TP {}  FP {}  FN {}  precision {:.4f}  recall {:.4f}  F1 {:.4f}\n",
              counted(scored_, "video"), total_.true_positive, total_.false_positive,
              total_.false_negative, total_.precision(), total_.recall(), total_.f1());
  }

  void write() const {
    json record = record_header("shots", "1.4", options_.arguments);
    record["interrupted"] = interrupted();
    record["detection"] = transnet_ ? to_json(*transnet_) : to_json(detection_);
    record["videos"] = videos_;
    if (scored_ > 0) record["score"] = to_json(total_);
    write_json(options_.out, record);
  }

  const FindShotsOptions& options_;
  ShotOptions detection_;
  std::optional<TransNet> transnet_;
  std::vector<VideoInput> inputs_;
  std::vector<SceneRecord> truth_;
  json videos_ = json::array();
  ShotScore total_;
  int64_t scored_ = 0;
  int64_t failed_ = 0;
  bool mismatch_ = false;
};

}  // namespace

ExitCode find_shots(const FindShotsOptions& options) { return Search(options).run(); }

}  // namespace vidattn
