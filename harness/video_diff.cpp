#include "harness/video_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attention/error.h"
#include "harness/environment.h"
#include "harness/file.h"
#include "harness/interrupt.h"
#include "harness/json_file.h"
#include "harness/metric.h"
#include "harness/progress.h"
#include "harness/video.h"
#include "metrics/frame_comparison.h"

namespace vidattn {
namespace {

using nlohmann::json;

struct Stopped {};  // thrown out of a pair's pass by Ctrl-C

struct Pair {
  std::string a, b;
  int64_t frames = 0;
  std::vector<VideoScore> scores = {};
  std::string error = {};
};

void check_ends(const Pair& pair, bool a_ended, bool b_ended, bool common_frames) {
  if (pair.frames == 0)
    throw InputError(
        fmt::format("no frame of {} can be decoded", in_quotes(a_ended ? pair.a : pair.b)));
  if (a_ended && b_ended) return;
  if (!common_frames)
    throw InputError(fmt::format(
        "{} ends after {} frames, {} goes on; --common-frames compares only those",
        in_quotes(a_ended ? pair.a : pair.b), pair.frames, in_quotes(a_ended ? pair.b : pair.a)));
}

void compare(Pair& pair, bool common_frames) {
  VideoReader a(pair.a), b(pair.b);
  const int64_t promised = std::min(a.frames_promised(), b.frames_promised());
  Progress progress(pair.b, std::max<int64_t>(promised, 1));
  FrameComparison comparison;
  for (;;) {
    const cv::Mat frame_a = a.next(), frame_b = b.next();
    pair.frames = comparison.frames();
    if (frame_a.empty() || frame_b.empty()) {
      check_ends(pair, frame_a.empty(), frame_b.empty(), common_frames);
      break;
    }
    if (frame_a.size() != frame_b.size())
      throw InputError(fmt::format("{} is of {}x{} pixels and {} of {}x{}, one size is needed",
                                   in_quotes(pair.a), frame_a.cols, frame_a.rows, in_quotes(pair.b),
                                   frame_b.cols, frame_b.rows));
    if (interrupted()) throw Stopped();
    comparison.add(frame_a, frame_b);
    progress.update(comparison.frames());
  }
  progress.update(std::max<int64_t>(promised, 1));
  pair.scores = comparison.scores();
}

std::string number(double value) { return std::isnan(value) ? "-" : fmt::format("{:.6g}", value); }

/// Two-sided 97.5% quantile of Student's t: Hill's expansion around the normal quantile (1970),
/// good to 4 digits from 3 degrees of freedom on; the exact values below.
double student(int64_t freedom) {
  if (freedom == 1) return 12.7062;
  if (freedom == 2) return 4.30265;
  const double z = 1.959964, n = static_cast<double>(freedom), z2 = z * z;
  const double g1 = (z2 + 1) / 4, g2 = ((5 * z2 + 16) * z2 + 3) / 96;
  const double g3 = (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384;
  const double g4 = ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / 92160;
  return z * (1 + (g1 + (g2 + (g3 + g4 / n) / n) / n) / n);
}

struct Summary {
  double mean = std::nan(""), half_interval = std::nan("");
  int64_t pairs = 0;  ///< with a finite value
};

Summary summary_of(const std::vector<Pair>& pairs, size_t metric) {
  Summary summary;
  double sum = 0, squares = 0;
  for (const Pair& pair : pairs) {
    if (pair.scores.empty() || !std::isfinite(pair.scores[metric].value)) continue;
    ++summary.pairs;
    sum += pair.scores[metric].value;
  }
  const auto n = static_cast<double>(summary.pairs);
  if (summary.pairs == 0) return summary;
  summary.mean = sum / n;
  if (summary.pairs == 1) return summary;
  for (const Pair& pair : pairs)
    if (!pair.scores.empty() && std::isfinite(pair.scores[metric].value))
      squares += std::pow(pair.scores[metric].value - summary.mean, 2);
  summary.half_interval = student(summary.pairs - 1) * std::sqrt(squares / (n - 1) / n);
  return summary;
}

void print(const std::vector<Pair>& pairs) {
  std::vector<std::vector<std::string>> rows;
  const std::vector<VideoScore>* any = nullptr;
  for (const Pair& pair : pairs) {
    if (pair.scores.empty()) continue;
    any = &pair.scores;
    rows.push_back({pair.a + " | " + pair.b, std::to_string(pair.frames)});
    for (const VideoScore& score : pair.scores) rows.back().push_back(number(score.value));
  }
  if (any == nullptr) return;
  std::vector<std::string> headers{"reference | video", "frames"};
  for (const VideoScore& score : *any) headers.push_back(score.name);
  if (rows.size() > 1) {
    std::vector<std::string> mean{"mean", ""}, interval{"95% interval +/-", ""};
    for (size_t m = 0; m < any->size(); ++m) {
      const Summary summary = summary_of(pairs, m);
      mean.push_back(number(summary.mean));
      interval.push_back(number(summary.half_interval));
    }
    rows.push_back(mean);
    rows.push_back(interval);
  }
  fmt::print("{}", text_table(headers, rows));
  for (const VideoScore& score : *any) fmt::print("{}: {}\n", score.name, score.note);
}

json to_json(const Pair& pair) {
  json record{{"reference", pair.a}, {"video_path", pair.b}};
  if (!pair.error.empty()) {
    record["error"] = pair.error;
    return record;
  }
  record["frames"] = pair.frames;
  for (const VideoScore& score : pair.scores)
    record["scores"][score.name] = {{"value", score.value},
                                    {"note", score.note},
                                    {"details", score.details},
                                    {"series", score.series}};
  return record;
}

json record_of(const std::vector<Pair>& pairs, const VideoDiffOptions& options) {
  json record{{"tool", "vidattn videodiff"},
              {"arguments", options.arguments},
              {"interrupted", interrupted()},
              {"environment", environment()},
              {"common_frames", options.common_frames},
              {"pairs", json::array()}};
  for (const Pair& pair : pairs) {
    record["pairs"].push_back(to_json(pair));
    for (size_t m = 0; m < pair.scores.size(); ++m) {
      const Summary summary = summary_of(pairs, m);
      record["mean"][pair.scores[m].name] = {{"value", summary.mean},
                                             {"half_interval_95", summary.half_interval},
                                             {"pairs", summary.pairs}};
    }
  }
  return record;
}

}  // namespace

int diff_videos(const VideoDiffOptions& options) {
  if (options.videos.empty() || options.videos.size() % 2 != 0)
    throw InputError(fmt::format("videodiff: {} videos given, pairs are needed: A1 B1 A2 B2 …",
                                 options.videos.size()));
  if (!options.out.empty()) require_writable(options.out);
  for (const std::string& path : options.videos) const VideoReader readable(path);
  catch_interrupts();
  std::vector<Pair> pairs;
  bool failed = false;
  try {
    for (size_t i = 0; i < options.videos.size() && !interrupted(); i += 2) {
      Pair pair{options.videos[i], options.videos[i + 1]};
      try {
        compare(pair, options.common_frames);
      } catch (const InputError& error) {
        fmt::print(stderr, "vidattn: {}\n", error.what());
        pair.error = error.what();
        failed = true;
      }
      pairs.push_back(pair);
    }
  } catch (const Stopped&) {  // the finished pairs are kept
  }
  print(pairs);
  if (interrupted())
    fmt::print("interrupted: {} of {} pairs are done\n", pairs.size(), options.videos.size() / 2);
  if (!options.out.empty()) write_json(options.out, record_of(pairs, options));
  return interrupted() ? 130 : failed ? 3 : 0;
}

}  // namespace vidattn
