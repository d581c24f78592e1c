#include "harness/videos/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "harness/host/environment.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/thrown.h"
#include "harness/io/text/console.h"
#include "harness/io/text/counted.h"
#include "harness/io/text/escape.h"
#include "harness/io/text/path_json.h"
#include "harness/io/text_table.h"

namespace vidattn {
namespace {

// Raised when a field changes its meaning or goes away; new fields raise the minor number.
constexpr const char* kSchemaVersion = "1.4";
constexpr size_t kMostColumns = 4;

const VideoScore* find(const VideoResult& result, const std::string& name) {
  for (const VideoScore& score : result.scores)
    if (score.name == name) return &score;
  return nullptr;
}

/// Names of all scores, in the order of the metrics.
std::vector<std::string> names_of(const std::vector<VideoResult>& results) {
  std::vector<std::string> names;
  for (const VideoResult& result : results)
    for (const VideoScore& score : result.scores)
      if (std::find(names.begin(), names.end(), score.name) == names.end())
        names.push_back(score.name);
  return names;
}

std::string cell_of(double value) {
  return std::isfinite(value) ? fmt::format("{:.4f}", value) : "-";
}

nlohmann::json score_record(const VideoScore& score) {
  nlohmann::json json{{"value", score.value}, {"protocol", score.note}, {"weight", score.weight}};
  if (!score.details.empty()) json["details"] = score.details;
  if (!score.series.empty()) json["series"] = score.series;
  return json;
}

nlohmann::json video_record(const VideoResult& result) {
  nlohmann::json json;
  put_path(json, "video_path", result.path);
  if (!result.error.empty()) {
    json["error"] = result.error;
    return json;
  }
  const VideoSurvey& survey = result.survey;
  json.update({{"frames", survey.frames},
               {"height", survey.height},
               {"width", survey.width},
               {"fps", survey.fps},
               {"shots", survey.shots},
               {"shots_from", result.shots_from},
               {"notes", survey.notes},
               {"decoder", survey.decoder},
               {"seconds", result.seconds}});
  if (survey.frames_promised > 0) json["frames_promised"] = survey.frames_promised;
  for (const VideoScore& score : result.scores) json["scores"][score.name] = score_record(score);
  return json;
}

std::vector<double> values_of(const std::vector<VideoResult>& results, const std::string& name) {
  std::vector<double> values;
  for (const VideoResult& result : results) {
    const VideoScore* score = find(result, name);
    if (score != nullptr && std::isfinite(score->value)) values.push_back(score->value);
  }
  return values;
}

std::vector<std::string> row_of(const std::vector<VideoResult>& results, const std::string& name) {
  std::vector<std::string> row = {name};
  if (results.size() <= kMostColumns) {
    for (const VideoResult& result : results) {
      const VideoScore* score = find(result, name);
      row.push_back(score == nullptr ? "-" : cell_of(score->value));
    }
  } else {
    const std::vector<double> values = values_of(results, name);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    row.push_back(values.empty() ? "-" : cell_of(*low));
    row.push_back(values.empty() ? "-" : cell_of(*high));
  }
  if (results.size() > 1) row.push_back(cell_of(corpus_mean(results, name)));
  return row;
}

/// Rows for what stands beside a score, only where each video has its column.
void add_details(const std::vector<VideoResult>& results, const std::string& name,
                 std::vector<std::vector<std::string>>& rows) {
  if (results.size() > kMostColumns) return;
  std::set<std::string> keys;
  for (const VideoResult& result : results)
    if (const VideoScore* score = find(result, name))
      for (const auto& [key, value] : score->details) keys.insert(key);
  for (const std::string& key : keys) {
    std::vector<std::string> row = {"  " + key};
    for (const VideoResult& result : results) {
      const VideoScore* score = find(result, name);
      const bool known = score != nullptr && score->details.contains(key);
      row.push_back(known ? fmt::format("{:.4g}", score->details.at(key)) : "-");
    }
    if (results.size() > 1) row.emplace_back("");
    rows.push_back(std::move(row));
  }
}

void print_notes(const std::vector<VideoResult>& results, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    std::set<std::string> told;
    for (const VideoResult& result : results) {
      const VideoScore* score = find(result, name);
      if (score == nullptr || score->note.empty()) continue;
      const bool undefined = !std::isfinite(score->value);
      if (undefined)
        print_out("{} of {}: {}\n", name, printable(result.path), score->note);
      else if (told.insert(score->note).second)
        print_out("{}: {}\n", name, score->note);
    }
  }
}

}  // namespace

double corpus_mean(const std::vector<VideoResult>& results, const std::string& name) {
  double sum = 0, weight = 0;
  for (const VideoResult& result : results) {
    const VideoScore* score = find(result, name);
    if (score == nullptr || !std::isfinite(score->value)) continue;
    sum += score->weight * score->value;
    weight += score->weight;
  }
  return weight == 0 ? std::nan("") : sum / weight;
}

nlohmann::json metrics_record(const std::vector<VideoResult>& results,
                              const VideoMetricOptions& options,
                              const std::vector<std::string>& arguments) {
  nlohmann::json json = nlohmann::json::object();
  for (const std::string& name : names_of(results)) {
    nlohmann::json videos = nlohmann::json::array();
    for (const VideoResult& result : results) {
      const VideoScore* score = find(result, name);
      if (score != nullptr && std::isfinite(score->value))
        videos.push_back({{"video_path", result.path}, {"video_results", score->value}});
    }
    if (!videos.empty()) json[name] = {corpus_mean(results, name), videos};
  }
  nlohmann::json videos = nlohmann::json::array();
  for (const VideoResult& result : results) videos.push_back(video_record(result));
  nlohmann::json models = options.backbones.provenance;
  models.insert(models.end(), options.networks.provenance.begin(),
                options.networks.provenance.end());
  json["vidattn"] = {kSchemaVersion,
                     {{"tool", "vidattn metrics"},
                      {"arguments", arguments},
                      {"interrupted", interrupted()},
                      {"environment", environment()},
                      {"models", models},
                      {"frames_per_shot", options.frames_per_shot},
                      {"videos", videos}}};
  return json;
}

void print_metrics(const std::vector<VideoResult>& all) {
  std::vector<VideoResult> results;
  std::copy_if(all.begin(), all.end(), std::back_inserter(results),
               [](const VideoResult& r) { return r.error.empty(); });
  for (const VideoResult& r : results) {
    print_out("{}: {} of {}x{}, {:.4g} fps, shots at {} ({}), measured at {:.1f} fps\n",
              printable(r.path), counted(r.survey.frames, "frame"), r.survey.width, r.survey.height,
              r.survey.fps, fmt::join(r.survey.shots, ","), r.shots_from,
              static_cast<double>(r.survey.frames) / r.seconds);
    for (const std::string& note : r.survey.notes) print_out("  {}\n", note);
  }
  std::vector<std::string> headers = {"score"};
  if (results.size() <= kMostColumns)
    for (const VideoResult& r : results)
      headers.push_back(std::filesystem::path(r.path).filename().string());
  else
    headers.insert(headers.end(), {"lowest", "highest"});
  if (results.size() > 1) headers.emplace_back("corpus");
  const std::vector<std::string> names = names_of(results);
  std::vector<std::vector<std::string>> rows;
  for (const std::string& name : names) {
    rows.push_back(row_of(results, name));
    add_details(results, name, rows);
  }
  if (!rows.empty()) print_out("\n{}\n", text_table(headers, rows));
  print_notes(results, names);
  for (const VideoResult& result : all)
    if (!result.error.empty()) say(result.error, ExitCode::usage);
}

}  // namespace vidattn
