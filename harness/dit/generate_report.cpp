#include "harness/dit/generate_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "harness/distributed/report.h"
#include "harness/host/interrupt.h"
#include "harness/host/record.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/io/text/counted.h"
#include "harness/io/text_table.h"
#include "harness/workloads/dit/captions.h"
#include "harness/workloads/dit/model_file.h"

namespace vidattn {
namespace {

/// NaN where it was not measured.
double score_of(const PaintedVideo& video, const std::string& name) {
  for (const VideoScore& score : video.scores)
    if (score.name == name) return score.value;
  return NAN;
}

std::string cell(double value, const char* format) {
  return std::isnan(value) ? "-" : fmt::format(fmt::runtime(format), value);
}

std::vector<std::string> row_of(const PaintedVideo& video, bool compared) {
  if (!video.passed()) {
    std::vector<std::string> row(compared ? 6 : 4, "-");
    row[0] = video.backend;
    row[1] = to_string(video.outcome);
    return row;
  }
  std::vector<std::string> row = {short_setting(video.backend), cell(video.costs.density, "{:.4g}"),
                                  cell(video.seconds, "{:.4g}"),
                                  cell(100 * video.attention_share(), "{:.0f}%")};
  if (compared) {
    row.push_back(cell(score_of(video, "psnr"), "{:.2f}"));
    row.push_back(cell(score_of(video, "ssim"), "{:.4f}"));
  }
  return row;
}

nlohmann::json video_json(const PaintedVideo& video) {
  nlohmann::json json = {{"backend", video.backend}, {"outcome", to_string(video.outcome)}};
  if (!video.reason.empty()) json["reason"] = video.reason;
  if (!video.note.empty()) json["note"] = video.note;
  if (video.check.rows > 0)
    json["check"] = {{"rows", video.check.rows},
                     {"error", number_or_null(video.check.error)},
                     {"limit", video.check.limit}};
  if (!video.passed()) return json;
  const AttentionCosts& costs = video.costs;
  json["density"] = costs.density;
  json["calls"] = costs.calls;
  json["seconds"] = {{"all", video.seconds},
                     {"setup", costs.setup_seconds},
                     {"planning", costs.plan_seconds},
                     {"attention", costs.run_seconds}};
  json["attention_share"] = video.attention_share();
  if (!video.ranks.empty()) json["ranks"] = ranks_json({.ranks = video.ranks}, {});
  for (const VideoScore& score : video.scores)
    json["against_reference"][score.name] = number_or_null(score.value);
  return json;
}

nlohmann::json task_json(const GenerateRequest& request, const RolloutTask& task) {
  nlohmann::json json = {{"grid", {task.grid.frames, task.grid.height, task.grid.width}},
                         {"shots_latent", task.grid.shots},
                         {"given_shots", task.given},
                         {"steps", task.steps},
                         {"shift", task.shift},
                         {"seed", task.seed},
                         {"clip", request.clip.value_or(request.seed)},
                         {"device", request.device},
                         {"dtype", request.dtype}};
  for (size_t at = 0; at < task.captions.size(); at += kCaptionTokens)
    json["captions"].push_back(caption_text(std::span(task.captions).subspan(at, kCaptionTokens)));
  if (request.density) json["density"] = *request.density;
  return json;
}

}  // namespace

void print_generated(const GenerateRequest& request, const RolloutTask& task,
                     const PaintedVideo& reference, const std::vector<PaintedVideo>& videos) {
  const VideoGrid& grid = task.grid;
  print_out("{} (grid {}x{}x{}, shots at {}, {} given), {}, shift {:g}, seed {}\n\n",
            counted(grid.tokens(), "token"), grid.frames, grid.height, grid.width,
            fmt::join(grid.shots, ","), task.given, counted(task.steps, "step"), task.shift,
            request.seed);
  const bool compared = !reference.backend.empty();
  std::vector<std::string> headers = {"backend", "density", "seconds", "attention"};
  if (compared) headers.insert(headers.end(), {"PSNR dB", "SSIM"});
  TableRows rows;
  for (const PaintedVideo& video : videos) rows.push_back(row_of(video, compared));
  print_out("{}", text_table(headers, rows));
  if (compared)
    print_out("PSNR and SSIM are against the video of {}, from the same noise\n",
              short_setting(reference.backend));
  for (const PaintedVideo& video : videos)
    if (!video.ranks.empty())
      print_out("\nattention of {} over {} ranks, all calls\n{}", short_setting(video.backend),
                video.ranks.size(), ranks_table({.ranks = video.ranks}, {}, false));
  for (const PaintedVideo& video : videos) {
    if (!video.reason.empty())
      print_err("vidattn: {}: {}: {}\n", video.backend, to_string(video.outcome), video.reason);
    if (!video.note.empty()) print_out("{}: {}\n", video.backend, video.note);
  }
  if (compared && !reference.passed())
    print_err("vidattn: reference {}: {} {}\n", reference.backend, to_string(reference.outcome),
              reference.reason);
}

nlohmann::json generate_record(const GenerateRequest& request, const DitNetwork& network,
                               const RolloutTask& task, const PaintedVideo& reference,
                               const std::vector<PaintedVideo>& videos) {
  nlohmann::json json = record_header("generate", "1.0", request.arguments);
  json["interrupted"] = interrupted();
  json["model"] = {{"config", to_json(network.config())},
                   {"checkpoint", request.checkpoint.empty() ? kSmallModel : request.checkpoint},
                   {"sha256", model_sha256(request.checkpoint)},
                   {"facts", network.checkpoint().facts}};
  json["task"] = task_json(request, task);
  if (!reference.backend.empty()) json["reference"] = video_json(reference);
  json["videos"] = nlohmann::json::array();
  for (const PaintedVideo& video : videos) json["videos"].push_back(video_json(video));
  return json;
}

}  // namespace vidattn
