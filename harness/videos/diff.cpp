#include "harness/videos/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/outputs.h"
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
#include "harness/workloads/video/video_input.h"
#include "metrics/statistics/paired_difference.h"
#include "metrics/video/frame_comparison.h"

namespace vidattn {
namespace {

using nlohmann::json;

struct Pair {
  VideoInput a, b;
  std::string decoder_a = {}, decoder_b = {};
  int64_t frames = 0;
  std::vector<VideoScore> scores = {};
  std::vector<std::string> notes = {};
  std::string error = {};
};

void add_notes(Pair& pair, const VideoInput& input, const FrameSource& frames) {
  for (const std::string& note : frames.notes()) pair.notes.push_back(input.path + ": " + note);
}

void check_ends(const Pair& pair, const FrameSource* ended_a, const FrameSource* ended_b,
                bool common_frames) {
  const VideoInput& shorter = ended_a != nullptr ? pair.a : pair.b;
  if (pair.frames == 0)
    throw InputError(fmt::format("no frame of {} can be decoded", in_quotes(shorter.path)));
  if (common_frames || (ended_a != nullptr && ended_b != nullptr)) return;
  throw InputError(fmt::format("{} ends after {}, {} goes on; --common-frames compares only those",
                               in_quotes(shorter.path), counted(pair.frames, "frame"),
                               in_quotes((ended_a != nullptr ? pair.b : pair.a).path)));
}

/// Why a pair cannot be opened; empty = it can.
std::string fault_of_pair(const Pair& pair) {
  const std::string& a = pair.a.error;
  const std::string& b = pair.b.error;
  return a + (a.empty() || b.empty() || a == b ? "" : "; ") + (a == b ? "" : b);
}

/// All files are opened once. Throws InputError when no pair is left to compare.
std::vector<Pair> pairs_of(const std::vector<std::string>& videos) {
  if (videos.empty() || videos.size() % 2 != 0)
    throw InputError(fmt::format("videodiff: {} given, pairs are needed: A1 B1 A2 B2 …",
                                 counted(std::ssize(videos), "video")));
  std::vector<Pair> pairs;
  for (size_t i = 0; i < videos.size(); i += 2)
    pairs.push_back({find_one_video(videos[i]), find_one_video(videos[i + 1])});
  if (std::none_of(pairs.begin(), pairs.end(),
                   [](const Pair& pair) { return fault_of_pair(pair).empty(); }))
    throw InputError(fault_of_pair(pairs.front()));
  return pairs;
}

void compare(Pair& pair, bool common_frames) {
  if (const std::string fault = fault_of_pair(pair); !fault.empty()) throw InputError(fault);
  const auto a = open_frames(pair.a), b = open_frames(pair.b);
  ShareProgress progress(pair.b.path);
  pair.decoder_a = a->decoder();
  pair.decoder_b = b->decoder();
  FrameComparison comparison;
  for (;;) {
    const cv::Mat frame_a = a->next(), frame_b = b->next();
    pair.frames = comparison.frames();
    if (frame_a.empty() || frame_b.empty()) {
      check_ends(pair, frame_a.empty() ? a.get() : nullptr, frame_b.empty() ? b.get() : nullptr,
                 common_frames);
      break;
    }
    if (frame_a.size() != frame_b.size())
      throw InputError(fmt::format("{} is of {}x{} pixels and {} of {}x{}, one size is needed",
                                   in_quotes(pair.a.path), frame_a.cols, frame_a.rows,
                                   in_quotes(pair.b.path), frame_b.cols, frame_b.rows));
    throw_if_cancelled();
    comparison.add(frame_a, frame_b);
    progress.update(std::max(a->share(), b->share()));
  }
  progress.update(1);
  add_notes(pair, pair.a, *a);
  add_notes(pair, pair.b, *b);
  pair.scores = comparison.scores();
}

std::string number(double value) { return std::isnan(value) ? "-" : fmt::format("{:.6g}", value); }

/// PSNR alone can be infinite, which JSON cannot say.
bool identical(const Pair& pair) {
  return std::any_of(pair.scores.begin(), pair.scores.end(),
                     [](const VideoScore& score) { return std::isinf(score.value); });
}

/// Over the pairs that were compared and have a finite value.
MeanInterval summary_of(const std::vector<Pair>& pairs, size_t metric) {
  std::vector<double> values;
  for (const Pair& pair : pairs)
    if (!pair.scores.empty()) values.push_back(pair.scores[metric].value);
  return mean_interval(values);
}

void print(const std::vector<Pair>& pairs) {
  std::vector<std::vector<std::string>> rows;
  const std::vector<VideoScore>* any = nullptr;
  for (const Pair& pair : pairs) {
    if (pair.scores.empty()) continue;
    any = &pair.scores;
    rows.push_back({pair.a.path + " | " + pair.b.path, std::to_string(pair.frames)});
    for (const VideoScore& score : pair.scores) rows.back().push_back(number(score.value));
  }
  if (any == nullptr) return;
  const auto compared = static_cast<int64_t>(rows.size());
  std::vector<std::string> headers{"reference | video", "frames"};
  for (const VideoScore& score : *any) headers.push_back(score.name);
  if (rows.size() > 1) {
    std::vector<std::string> mean{"mean", ""}, interval{"95% interval +/-", ""};
    for (size_t m = 0; m < any->size(); ++m) {
      const MeanInterval summary = summary_of(pairs, m);
      mean.push_back(number(summary.mean));
      interval.push_back(number(summary.half_width));
    }
    rows.push_back(mean);
    rows.push_back(interval);
  }
  print_out("{}", text_table(headers, rows));
  for (const Pair& pair : pairs)
    for (const std::string& note : pair.notes) print_out("{}\n", printable(note));
  for (size_t m = 0; m < any->size(); ++m) {
    const int64_t counted = summary_of(pairs, m).count;
    print_out("{}: {}{}\n", any->at(m).name, any->at(m).note,
              counted == compared ? ""
                                  : fmt::format("; mean of {} of {} pairs, the others have no "
                                                "finite value",
                                                counted, compared));
  }
}

json to_json(const Pair& pair) {
  json record;
  put_path(record, "reference", pair.a.path, "reference_bytes");
  put_path(record, "video_path", pair.b.path);
  if (!pair.error.empty()) {
    record["error"] = pair.error;
    return record;
  }
  record["frames"] = pair.frames;
  record["decoders"] = {pair.decoder_a, pair.decoder_b};
  record["notes"] = pair.notes;
  record["identical"] = identical(pair);
  for (const VideoScore& score : pair.scores)
    record["scores"][score.name] = {{"value", score.value},
                                    {"note", score.note},
                                    {"details", score.details},
                                    {"series", score.series}};
  return record;
}

json record_of(const std::vector<Pair>& pairs, const VideoDiffOptions& options) {
  json record = record_header("videodiff", "1.3", options.arguments);
  record["interrupted"] = interrupted();
  record["common_frames"] = options.common_frames;
  record["pairs"] = json::array();
  for (const Pair& pair : pairs) {
    record["pairs"].push_back(to_json(pair));
    for (size_t m = 0; m < pair.scores.size(); ++m) {
      const MeanInterval summary = summary_of(pairs, m);
      record["mean"][pair.scores[m].name] = {{"value", summary.mean},
                                             {"half_interval_95", summary.half_width},
                                             {"pairs", summary.count}};
    }
  }
  return record;
}

}  // namespace

ExitCode diff_videos(const VideoDiffOptions& options) {
  const std::vector<Pair> given = pairs_of(options.videos);
  Outputs outputs;
  std::vector<Pair> pairs;
  int64_t failed = 0;
  try {
    for (Pair pair : given) {
      if (interrupted()) break;
      try {
        compare(pair, options.common_frames);
      } catch (const Cancelled&) {
        throw;
      } catch (const std::exception&) {
        pair.error = failure_text(std::current_exception());
        print_err("vidattn: {}\n", pair.error);
        ++failed;
      }
      pairs.push_back(pair);
    }
  } catch (const Cancelled&) {  // the finished pairs are kept
  }
  outputs.write([&] { print(pairs); });
  if (failed > 0 && given.size() > 1)
    print_out("{} of {} pairs could not be compared\n", failed, given.size());
  if (interrupted())
    print_out("interrupted: {} of {} pairs are done\n", pairs.size(), given.size());
  if (!options.out.empty())
    outputs.write([&] { write_json(options.out, record_of(pairs, options)); });
  return outputs.code(failed > 0 ? ExitCode::usage : ExitCode::fine);
}

}  // namespace vidattn
