#include "harness/probes/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/host/interrupt.h"
#include "harness/io/text/console.h"
#include "harness/io/text_table.h"
#include "harness/probes/scores.h"

namespace vidattn {

std::string number(double value, int decimals) {
  return std::isnan(value) ? "-" : fmt::format("{:.{}f}", value, decimals);
}

std::string restoration_table(const std::vector<const RestoredVideo*>& videos,
                              const RestoredVideo& full) {
  std::vector<std::string> headers = {"backend",       "sparsity", "PSNR",  "to full",
                                      "PSNR repeated", "to full",  "unseen"};
  // Whatever else is measured on every video; suffixes say how, the JSON has them all.
  std::vector<std::string> others;
  for (const VideoScore& score : full.scores)
    if (!score.name.starts_with("psnr")) others.push_back(score.name);
  headers.insert(headers.end(), others.begin(), others.end());
  std::vector<std::vector<std::string>> rows;
  for (const RestoredVideo* video : videos) {
    if (!video->run.passed()) continue;
    const bool attended = video->run.density > 0;
    std::vector<std::string> row = {video->run.backend,
                                    attended ? number(1 - video->run.density, 4) : "-"};
    for (const char* name : {"psnr", "psnr.cross_shot"}) {
      row.push_back(number(video->score(name), 2));
      row.push_back(number(video->score(name) - full.score(name), 2));
    }
    row.push_back(attended ? number(video->unseen, 4) : "-");
    for (const std::string& name : others) row.push_back(number(video->score(name), 4));
    rows.push_back(std::move(row));
  }
  return text_table(headers, rows);
}

void add_missed(MissedDensities& missed, const std::string& label, const ProbeRun& run) {
  if (!run.passed() || std::isnan(run.wanted_density)) return;
  const bool has_knob = !parse_backend(run.backend).backend->info().knob.param.empty();
  missed.add(label + (has_knob ? "" : ", without a knob,"), run.density, run.wanted_density);
}

void print_reasons(const std::vector<const RestoredVideo*>& videos) {
  MissedDensities missed;
  for (const RestoredVideo* video : videos) {
    if (!video->run.note.empty()) print_out("{}\n", video->run.note);
    if (!video->run.passed())
      print_out("{}: {}{}{}\n", video->run.outcome, video->run.backend,
                video->run.reason.empty() ? "" : ": ", video->run.reason);
    add_missed(missed, video->run.backend, video->run);
  }
  if (const std::string note = missed.note(); !note.empty()) print_out("{}\n", note);
}

nlohmann::json run_json(const ProbeRun& run) {
  nlohmann::json json{{"backend", run.backend}, {"outcome", run.outcome}};
  if (!run.reason.empty()) json["reason"] = run.reason;
  if (!run.note.empty()) json["note"] = run.note;
  if (run.check.rows > 0) {
    json["density"] = run.density;
    if (std::isfinite(run.wanted_density)) json["wanted_density"] = run.wanted_density;
    json["sparsity"] = 1 - run.density;
    json["check"] = {{"tokens", run.check.rows}, {"relative_l2", run.check.error}};
  }
  return json;
}

nlohmann::json to_json(const RestoredVideo& video, const RestoredVideo& full) {
  nlohmann::json json = run_json(video.run);
  if (!video.run.passed()) return json;
  json["unseen_patches"] = video.unseen;
  for (const VideoScore& score : video.scores) {
    auto& entry = json["scores"][score.name];
    entry["value"] = score.value;
    if (!score.note.empty()) entry["note"] = score.note;
    for (const auto& [name, value] : score.details) entry["details"][name] = value;
    const VideoScore* reference = find_score(full.scores, score.name);
    if (reference) entry["minus_full"] = score.value - reference->value;
  }
  return json;
}

nlohmann::json restoration_record(const Restoration& task, double noise, uint64_t seed) {
  const VideoGrid& grid = task.nlm().inputs().grid;
  return {{"name", task.clip().name},
          {"provenance", task.clip().provenance},
          {"noise", noise},
          {"seed", seed},
          {"grid", {grid.frames, grid.height, grid.width}},
          {"shots", grid.shots},
          {"feature_channels", task.nlm().channels()},
          {"bandwidth_h2", task.nlm().bandwidth()},
          {"share_repeated_in_other_shots", task.repeated_share()},
          {"noisy", to_json(task.noisy(), task.full())}};
}

ExitCode probe_exit_code(const std::vector<RestoredVideo>& videos) {
  return std::any_of(videos.begin(), videos.end(),
                     [](const RestoredVideo& v) { return v.run.outcome == "failed"; })
             ? ExitCode::regression
             : ExitCode::fine;
}

}  // namespace vidattn
