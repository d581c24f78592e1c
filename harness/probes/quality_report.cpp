#include "harness/probes/quality_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "harness/host/interrupt.h"
#include "harness/host/output/thrown.h"
#include "harness/host/record.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/io/text/counted.h"
#include "harness/io/text/escape.h"
#include "harness/io/text_table.h"
#include "harness/probes/scores.h"
#include "harness/workloads/dit/model_file.h"
#include "metrics/statistics/paired_difference.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

using Values = std::function<double(const BackendQuality&)>;

/// A column of the table: a figure of one backend on one clip, NaN where there is none.
struct Column {
  const char* tag;
  const char* header;
  int decimals;
  Values value;
};

/// A figure at the density asked for; NaN where the method missed it.
double at_density(const ProbeRun& run, double value) {
  return missed_density(run.density, run.wanted_density) ? NAN : value;
}

Column score(const char* name, const char* header, int decimals) {
  return {name, header, decimals, [=](const BackendQuality& row) {
            return at_density(row.restored.run, row.restored.score(name));
          }};
}

/// The paper's Table 1 as far as it can be measured here, then what only this task can tell.
const std::vector<Column>& columns() {
  static const std::vector<Column> all = {
      score("subject_consistency.hsv_lbp_vlad", "consistency", 4),
      score("motion_smoothness.dis", "smoothness", 4),
      score("imaging_quality.brisque", "quality", 4),
      score("temporal_flickering", "flicker", 4),
      score("psnr", "PSNR", 2),
      score("ssim", "SSIM", 4),
      score("cross_shot.hsv_lbp_vlad", "cross-shot", 4),
      score("consistency.efficientnet_lite0", "consistency EN", 4),
      score("cross_shot.efficientnet_lite0", "cross-shot EN", 4),
      score("psnr.cross_shot", "PSNR repeated", 2),
      {"label_iou.same_shot", "IoU shot", 3,
       [](const BackendQuality& row) {
         return at_density(row.labels.run, row.labels.same_shot.iou);
       }},
      {"label_iou.other_shots", "IoU others", 3,
       [](const BackendQuality& row) {
         return at_density(row.labels.run, row.labels.other_shots.iou);
       }},
      {"painted.relative_l2", "painted L2", 3,
       [](const BackendQuality& row) { return at_density(row.painted.run, row.painted.distance); }},
      {"painted.colour_kept", "colour kept", 3,
       [](const BackendQuality& row) {
         return at_density(row.painted.run, row.painted.colour_kept);
       }},
  };
  return all;
}

const std::vector<std::string> kFewScores{"psnr",
                                          "ssim",
                                          "psnr.cross_shot",
                                          "label_iou.same_shot",
                                          "label_iou.other_shots",
                                          "painted.relative_l2",
                                          "painted.colour_kept"};

std::vector<const Column*> chosen(const ColumnChoice& choice) {
  std::vector<const Column*> known;
  for (const Column& column : columns()) known.push_back(&column);
  return chosen_columns(
      choice, known,
      [](const Column* column) {
        return ColumnName{column->tag, column->header};
      },
      kFewScores);
}

/// One backend's figure on every clip that was measured with it.
std::vector<double> over_clips(const std::vector<ClipQuality>& clips, size_t backend,
                               const Values& value) {
  std::vector<double> values;
  for (const ClipQuality& clip : clips)
    values.push_back(backend < clip.rows.size() ? value(clip.rows[backend]) : NAN);
  return values;
}

/// A figure's values of every backend on the clips that all of them have it for, [backend][clip]:
/// only means over the same clips can be held against each other. NaN on the other clips; a backend
/// that has it nowhere takes no clip from the others.
std::vector<std::vector<double>> over_common_clips(const std::vector<ClipQuality>& clips,
                                                   size_t backends, const Values& value) {
  std::vector<std::vector<double>> all;
  for (size_t b = 0; b < backends; ++b) all.push_back(over_clips(clips, b, value));
  const auto finite = [](double x) { return std::isfinite(x); };
  auto common = all;
  for (const auto& row : all)
    for (size_t c = 0; c < clips.size(); ++c)
      if (!finite(row[c]) && std::any_of(row.begin(), row.end(), finite))
        for (auto& other : common) other[c] = NAN;
  return common;
}

int64_t common_count(const std::vector<ClipQuality>& clips, size_t backends, const Values& value) {
  return mean_interval(over_common_clips(clips, backends, value)[0]).count;
}

double mean(const std::vector<double>& values) { return mean_interval(values).mean; }

double density(const BackendQuality& row) {
  return row.restored.run.passed() ? row.restored.run.density : NAN;
}

/// Whether a backend restored any clip.
bool restored(const std::vector<ClipQuality>& clips, size_t backend) {
  return mean_interval(over_clips(clips, backend, density)).count > 0;
}

/// `most`: clips that full attention has the figure for.
std::string interval(const MeanInterval& d, int64_t most, int decimals) {
  if (d.count == 0) return "-";
  std::string text = fmt::format("{:+.{}f}", d.mean, decimals);
  if (d.count > 1) text += fmt::format(" ±{:.{}f}", d.half_width, decimals);
  if (d.count < most) text += fmt::format(" ({})", counted(d.count, "clip"));
  return text;
}

/// Name of a row: it says on how many clips the method missed the density.
std::string row_label(const QualityOptions& options, const std::vector<ClipQuality>& clips,
                      size_t b) {
  const auto missed = std::count_if(clips.begin(), clips.end(), [&](const ClipQuality& clip) {
    if (b >= clip.rows.size()) return false;
    const ProbeRun& run = clip.rows[b].restored.run;
    return run.passed() && missed_density(run.density, run.wanted_density);
  });
  const std::string& name = options.backends[b];
  return missed == 0 ? name : fmt::format("{}, missed on {} of {}", name, missed, clips.size());
}

/// Columns that any clip has a value in.
std::vector<const Column*> measured(const std::vector<ClipQuality>& clips,
                                    const ColumnChoice& choice) {
  std::vector<const Column*> found = chosen(choice);
  std::erase_if(found, [&](const Column* column) {
    return !std::isfinite(mean(over_clips(clips, 0, column->value)));
  });
  return found;
}

using Cell = std::function<std::string(size_t backend, const Column&)>;

void print_table(const QualityOptions& options, const std::vector<ClipQuality>& clips,
                 const Cell& cell) {
  const auto shown = measured(clips, options.columns);
  std::vector<std::string> headers = {"method", "density"};
  for (const Column* column : shown) headers.push_back(column->header);
  std::vector<std::vector<std::string>> rows;
  const auto shares = over_common_clips(clips, options.backends.size(), density);
  for (size_t b = 0; b < options.backends.size(); ++b) {
    if (!restored(clips, b)) continue;
    rows.push_back({row_label(options, clips, b), number(mean(shares[b]), 4)});
    for (const Column* column : shown) rows.back().push_back(cell(b, *column));
  }
  print_out("\n{}", text_table(headers, rows));
}

/// Which metric each column is (a suffix says that it stands in for VBench's own), and over how
/// many clips its means are where not over all.
std::string legend(const QualityOptions& options, const std::vector<ClipQuality>& clips,
                   int64_t all) {
  const size_t backends = options.backends.size();
  std::string text;
  for (const Column* column : measured(clips, options.columns)) {
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", column->header, column->tag);
    const int64_t count = common_count(clips, backends, column->value);
    if (count < all) text += fmt::format(" ({} of {} clips)", count, all);
  }
  return text;
}

/// Why a column is missing: the metric's own words where it has some.
void print_missing(const QualityOptions& options, const std::vector<ClipQuality>& clips) {
  const auto shown = measured(clips, options.columns);
  for (const Column* column : chosen(options.columns)) {
    if (std::find(shown.begin(), shown.end(), column) != shown.end()) continue;
    std::string why = "no clip with known regions in the right shots";
    for (const ClipQuality& clip : clips)
      if (!clip.rows.empty())
        if (const auto* found = find_score(clip.rows[0].restored.scores, column->tag))
          why = found->note;
    print_out("no column {}: {}: {}\n", column->header, column->tag, why);
  }
}

/// Clips that the means leave out because a backend has no restoration of them.
void print_left_out(const QualityOptions& options, const std::vector<ClipQuality>& clips) {
  for (const ClipQuality& clip : clips)
    for (size_t b = 0; b < options.backends.size() && clip.error.empty(); ++b) {
      const bool here = b < clip.rows.size() && clip.rows[b].restored.run.passed();
      if (here || !restored(clips, b)) continue;
      print_out("left out of the means: {}, {} {}\n", printable(clip.name), options.backends[b],
                b < clip.rows.size() ? clip.rows[b].restored.run.outcome : "was not measured");
    }
}

/// What missed the density asked for, by backend and probe over all clips; empty = nothing.
std::string missed_note(const QualityOptions& options, const std::vector<ClipQuality>& clips) {
  MissedDensities missed;
  for (size_t b = 0; b < options.backends.size(); ++b)
    for (const ClipQuality& clip : clips) {
      if (b >= clip.rows.size()) continue;
      add_missed(missed, options.backends[b] + " (restoration)", clip.rows[b].restored.run);
      add_missed(missed, options.backends[b] + " (labels)", clip.rows[b].labels.run);
      add_missed(missed, options.backends[b] + " (painting)", clip.rows[b].painted.run);
    }
  return missed.note();
}

/// Every reason once, however many clips it was met on.
void print_notes(const std::vector<ClipQuality>& clips) {
  std::set<std::string> said;
  const auto say = [&](const ProbeRun& run, const char* probe) {
    if (run.outcome.empty() || run.passed()) return;
    const std::string line =
        fmt::format("{} ({}): {}: {}", run.outcome, probe, run.backend, run.reason);
    if (said.insert(line).second) print_out("{}\n", line);
  };
  for (const ClipQuality& clip : clips)
    for (const BackendQuality& row : clip.rows) {
      say(row.restored.run, "restoration");
      say(row.labels.run, "labels");
      say(row.painted.run, "painting");
    }
}

nlohmann::json json_of(const MeanInterval& d) {
  return {{"clips", d.count}, {"mean", d.mean}, {"half_width_95", d.half_width}, {"p", d.p}};
}

/// How many differences to full attention are unlikely to be chance, one by one and all together:
/// of twenty methods one is beyond its 95% interval by chance.
void print_significant(const QualityOptions& options, const std::vector<ClipQuality>& clips) {
  constexpr double kAlpha = 0.05;
  const auto found = [](const std::vector<double>& p) {
    return std::count_if(p.begin(), p.end(), [](double value) { return value < kAlpha; });
  };
  for (const Column* column : measured(clips, options.columns)) {
    const auto full = over_clips(clips, 0, column->value);
    std::vector<double> p;
    for (size_t b = 1; b < options.backends.size(); ++b) {
      const MeanInterval d = paired_difference(over_clips(clips, b, column->value), full);
      if (d.count > 1) p.push_back(d.p);
    }
    if (p.size() > 1)
      print_out("{}: {} of {} differ from full attention at 5%, {} after Holm's correction\n",
                column->header, found(p), p.size(), found(holm(p)));
  }
}

nlohmann::json json_of(const RegionScores& scores) {
  return {{"iou", scores.iou}, {"undecided", scores.undecided}, {"tokens", scores.tokens}};
}

nlohmann::json clip_json(const ClipQuality& clip) {
  nlohmann::json json = clip.record;
  for (const BackendQuality& row : clip.rows) {
    nlohmann::json entry{{"restoration", to_json(row.restored, clip.rows[0].restored)}};
    if (!row.labels.run.outcome.empty()) {
      entry["labels"] = run_json(row.labels.run);
      entry["labels"]["same_shot"] = json_of(row.labels.same_shot);
      entry["labels"]["other_shots"] = json_of(row.labels.other_shots);
    }
    if (!row.painted.run.outcome.empty()) {
      entry["painting"] = run_json(row.painted.run);
      entry["painting"]["rollout_density"] = number_or_null(row.painted.rollout_density);
      entry["painting"]["relative_l2"] = number_or_null(row.painted.distance);
      entry["painting"]["colour_kept"] = number_or_null(row.painted.colour_kept);
    }
    json["backends"].push_back(std::move(entry));
  }
  return json;
}

}  // namespace

void check_quality_columns(const ColumnChoice& choice) { chosen(choice); }

nlohmann::json quality_record(const QualityOptions& options, const Backbones& networks,
                              const std::vector<ClipQuality>& clips) {
  nlohmann::json json = record_header("quality", "2.3", options.arguments);
  json["models"] = networks.provenance;
  json["interrupted"] = interrupted();
  json["interval"] = "Student's t over clips, 95%, paired with full attention";
  json["label_protocol"] = {{"known_frames", LabelProbe::kKnownFrames},
                            {"steps", LabelProbe::kSteps}};
  json["painting_protocol"] = {{"model_sha256", model_sha256("")}, {"steps", PaintedProbe::kSteps}};
  for (const ClipQuality& clip : clips) json["clips"].push_back(clip_json(clip));
  for (size_t b = 0; b < options.backends.size(); ++b) {
    const size_t count = options.backends.size();
    nlohmann::json row{{"backend", options.backends[b]},
                       {"sparsity", 1 - mean(over_common_clips(clips, count, density)[b])}};
    for (const Column* column : measured(clips, {.all = true})) {
      const auto values = over_clips(clips, b, column->value);
      row["scores"][column->tag] = {
          {"mean", mean(over_common_clips(clips, count, column->value)[b])},
          {"clips", common_count(clips, count, column->value)},
          {"minus_full", json_of(paired_difference(values, over_clips(clips, 0, column->value)))}};
    }
    json["table"].push_back(std::move(row));
  }
  return json;
}

void print_quality(const QualityOptions& options, const std::vector<ClipQuality>& clips) {
  for (const ClipQuality& clip : clips)
    for (const std::string& note : clip.notes)
      print_out("{}: {}\n", printable(clip.name), printable(note));
  const auto measured_clips = std::count_if(
      clips.begin(), clips.end(), [](const ClipQuality& clip) { return !clip.rows.empty(); });
  const size_t backends = options.backends.size();
  const int64_t common = clips.empty() ? 0 : common_count(clips, backends, density);
  print_out("means over the {} that every row has; noise {:g}{}\n", counted(common, "clip"),
            options.noise, interrupted() ? "; interrupted, later clips are missing" : "");
  if (measured_clips == 0) return;
  print_left_out(options, clips);
  print_table(options, clips, [&](size_t b, const Column& column) {
    return number(mean(over_common_clips(clips, backends, column.value)[b]), column.decimals);
  });
  print_out(
      "\ndifference to full attention, paired by clip, with its 95% t interval over clips{}\n",
      measured_clips < 6 ? " (few: intervals are wide, and normality cannot be judged)" : "");
  print_table(options, clips, [&](size_t b, const Column& column) {
    const auto full = over_clips(clips, 0, column.value);
    return interval(paired_difference(over_clips(clips, b, column.value), full),
                    mean_interval(full).count, column.decimals);
  });
  print_out("\n");
  print_significant(options, clips);
  if (const std::string text = legend(options, clips, common); !text.empty())
    print_out("columns: {}\n", text);
  print_missing(options, clips);
  if (const std::string note = missed_note(options, clips); !note.empty()) print_out("{}\n", note);
  print_notes(clips);
}

}  // namespace vidattn
