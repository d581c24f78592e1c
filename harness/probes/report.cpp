#include "harness/probes/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "harness/host/interrupt.h"
#include "harness/io/text/console.h"
#include "harness/io/text_table.h"
#include "harness/measure/record/catalogue.h"
#include "harness/probes/scores.h"

namespace vidattn {

std::string number(double value, int decimals) {
  return !std::isfinite(value) ? "-" : fmt::format("{:.{}f}", value, decimals);
}

namespace {

/// A column of the table of `restore`.
struct RestoredColumn {
  std::string tag, header;
  std::function<std::string(const RestoredVideo&)> cell;
};

const std::vector<std::string> kFewRestored{
    "density",         "density_target",  "psnr",
    "psnr.minus_full", "psnr.cross_shot", "psnr.cross_shot.minus_full",
    "unseen_patches"};

/// "-" for rows that no attention made.
std::string of_attended(const RestoredVideo& video, double value) {
  return number(video.run.density > 0 ? value : NAN, 4);
}

std::string target_cell(const RestoredVideo& video) {
  const ProbeRun& run = video.run;
  return of_attended(video, run.wanted_density) +
         (missed_density(run.density, run.wanted_density) ? " missed" : "");
}

void add_psnr(std::vector<RestoredColumn>& columns, const char* header, const char* name,
              const RestoredVideo& full) {
  columns.push_back(
      {name, header, [=](const RestoredVideo& v) { return number(v.score(name), 2); }});
  columns.push_back({std::string(name) + ".minus_full", "to full",
                     [=, of_full = full.score(name)](const RestoredVideo& v) {
                       return number(v.score(name) - of_full, 2);
                     }});
}

/// Every column that there is, for the scores of `full`.
std::vector<RestoredColumn> columns_with(const RestoredVideo& full) {
  std::vector<RestoredColumn> columns = {
      {"density", "density", [](const RestoredVideo& v) { return of_attended(v, v.run.density); }},
      {"density_target", "target", target_cell}};
  add_psnr(columns, "PSNR", "psnr", full);
  add_psnr(columns, "PSNR repeated", "psnr.cross_shot", full);
  columns.push_back({"unseen_patches", "unseen",
                     [](const RestoredVideo& v) { return of_attended(v, v.unseen); }});
  for (const VideoScore& score : full.scores)
    if (!score.name.starts_with("psnr"))
      columns.push_back({score.name, score.name, [name = score.name](const RestoredVideo& v) {
                           return number(v.score(name), 4);
                         }});
  return columns;
}

std::vector<RestoredColumn> chosen_of(const ColumnChoice& choice, const RestoredVideo& full) {
  return chosen_columns(
      choice, columns_with(full),
      [](const RestoredColumn& column) {
        return ColumnName{column.tag, column.header};
      },
      kFewRestored);
}

}  // namespace

void check_restoration_columns(const ColumnChoice& choice) {
  chosen_of(choice, {.run = {}, .frames = {}, .scores = probe_scores({}, {}, {})});
}

std::string restoration_table(const std::vector<const RestoredVideo*>& videos,
                              const RestoredVideo& full, const ColumnChoice& choice) {
  std::vector<RestoredColumn> columns = chosen_of(choice, full);
  const bool at_density = std::any_of(videos.begin(), videos.end(), [](const RestoredVideo* v) {
    return std::isfinite(v->run.wanted_density);
  });
  if (!at_density)
    std::erase_if(columns, [](const RestoredColumn& c) { return c.tag == kTargetTag; });
  std::vector<std::string> headers{"backend"};
  for (const RestoredColumn& column : columns) headers.push_back(column.header);
  TableRows rows;
  for (const RestoredVideo* video : videos) {
    if (!video->run.passed()) continue;
    rows.push_back({short_setting(video->run.backend)});
    for (const RestoredColumn& column : columns) rows.back().push_back(column.cell(*video));
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
    add_missed(missed, short_setting(video->run.backend), video->run);
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
          {"clean", to_json(task.clean(), task.full())},
          {"noisy", to_json(task.noisy(), task.full())}};
}

ExitCode probe_exit_code(const std::vector<RestoredVideo>& videos) {
  return std::any_of(videos.begin(), videos.end(),
                     [](const RestoredVideo& v) { return v.run.outcome == "failed"; })
             ? ExitCode::regression
             : ExitCode::fine;
}

}  // namespace vidattn
