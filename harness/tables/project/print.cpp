#include "harness/tables/project/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/text/counted.h"
#include "harness/io/text/markdown.h"
#include "harness/io/text_table.h"
#include "harness/tables/cluster/parts.h"
#include "harness/tables/project/figures.h"

namespace vidattn {
namespace {

std::string number(double value, const char* otherwise = "-") {
  return std::isfinite(value) ? fmt::format("{:.4g}", value) : std::string(otherwise);
}

std::string tile_name(TileShape tile) { return fmt::format("{}x{}", tile.queries, tile.keys); }

ProjectionTable counted_part(const Projection& p) {
  ProjectionTable part{fmt::format(
      "Counted on the plans of {}: {}, {} of {}, 16-bit elements, tiles of {}", p.workload,
      counted(p.tokens, "token"), counted(p.heads, "head"), p.dim, tile_name(p.tile))};
  part.headers = {"backend"};
  for (const Figure& figure : counted_figures()) part.headers.emplace_back(figure.header);
  for (const ProjectedPlan& plan : p.plans) {
    if (!plan.failure.empty()) continue;
    std::vector<std::string> row{plan.backend};
    for (const Figure& figure : counted_figures())
      row.push_back(number(figure.value(plan.work, p.tile) * figure.scale));
    part.rows.push_back(std::move(row));
    if (!plan.note.empty()) part.notes.push_back(plan.note);
  }
  return part;
}

std::string predicted_text(const DeviceProjection& d) {
  return number(1e3 * d.predicted_seconds) + (d.extrapolated ? " *" : "");
}

ProjectionTable device_part(const Projection& p, size_t place) {
  const ProjectedDevice& device = p.devices[place];
  ProjectionTable part{fmt::format("Prediction for {} ({:.4g} TFLOP/s, {:.4g} GB/s)", device.title,
                                   device.peaks.flops * 1e-12, device.peaks.bandwidth * 1e-9)};
  part.headers = {"backend", "at best ms", "bound by", "of dense", "speedup at best"};
  const FittedTimes* fit = p.fit_of(device.name);
  if (fit != nullptr) part.headers.insert(part.headers.end(), {"fitted ms", "fitted speedup"});
  bool extrapolated = false;
  for (const ProjectedPlan& plan : p.plans) {
    if (!plan.failure.empty()) continue;
    const DeviceProjection& d = plan.devices[place];
    part.rows.push_back({plan.backend, number(1e3 * d.best.seconds()),
                         d.best.memory_bound() ? "memory" : "compute", number(d.share_of_dense),
                         number(1 / d.share_of_dense)});
    if (fit == nullptr) continue;
    part.rows.back().push_back(predicted_text(d));
    part.rows.back().push_back(number(d.predicted_speedup));
    extrapolated |= d.extrapolated;
  }
  part.notes.push_back("peaks: " + device.source);
  if (extrapolated)
    part.notes.emplace_back(
        "*: the work of the plan, or of full attention, is less than half or "
        "more than twice that of any fitted cell");
  return part;
}

std::string coefficient_text(const TimeModel& model, int term) {
  constexpr const char* kUnits[] = {"TFLOP/s of tile work", "ns a listed row", "us a launch"};
  constexpr const char* kNames[] = {"tile work", "listed rows", "launches"};
  const double value = model.coefficients[term];
  const double shown = term == 0 ? 1e-12 / value : value * (term == 1 ? 1e9 : 1e6);
  if (value == 0) return fmt::format("nothing for {} (held at 0)", kNames[term]);
  return fmt::format("{:.4g} {}{}", shown, kUnits[term],
                     model.identified(term) ? "" : " (not identifiable)");
}

std::string model_text(const FittedTimes& fit) {
  const TimeModel& m = fit.model;
  return fmt::format("time = {} + {} + {}; condition {:.3g}, rms error of the fit {:.2g}%",
                     coefficient_text(m, 0), coefficient_text(m, 1), coefficient_text(m, 2),
                     m.condition, 100 * m.fitted_error);
}

ProjectionTable fit_part(const FittedTimes& fit) {
  ProjectionTable part{fmt::format("Fit for {}: {}", fit.times.device, fit.times.title)};
  part.headers = {"row", "column", "used for", "printed ms", "model ms", "error %"};
  for (const OperatorCell& cell : fit.times.cells)
    part.rows.push_back({cell.row, cell.column, cell.fitted ? "fit" : "test",
                         number(1e3 * cell.seconds), number(1e3 * fit.model.seconds(cell.features)),
                         fmt::format("{:+.1f}", 100 * fit.error(cell))});
  part.notes = {model_text(fit),
                fmt::format("largest error: {:+.1f}% of the fitted cells, {:+.1f}% of the others",
                            100 * fit.largest_error(true), 100 * fit.largest_error(false)),
                fmt::format("times: {}; {}", fit.times.source, fit.times.note)};
  return part;
}

std::vector<ProjectionTable> parts_of(const Projection& p) {
  std::vector<ProjectionTable> parts;
  if (!p.plans.empty()) parts.push_back(counted_part(p));
  for (size_t i = 0; i < p.devices.size() && !p.plans.empty(); ++i)
    parts.push_back(device_part(p, i));
  for (ProjectionTable& part : rank_parts(p)) parts.push_back(std::move(part));
  for (ProjectionTable& part : cluster_parts(p)) parts.push_back(std::move(part));
  for (const FittedTimes& fit : p.fits) parts.push_back(fit_part(fit));
  return parts;
}

constexpr const char* kPrediction =
    "Predictions, not measurements: nothing was run. \"At best\": no kernel on these tiles is "
    "faster; "
    "real ones are slower.";

std::string as_text(const Projection& p) {
  std::string text = fmt::format("{}\n", kPrediction);
  for (const ProjectionTable& part : parts_of(p)) {
    text += fmt::format("\n{}\n{}", part.title, text_table(part.headers, part.rows));
    for (const std::string& note : part.notes) text += fmt::format("{}\n", note);
  }
  return text;
}

std::string as_markdown(const Projection& p) {
  std::string text = fmt::format("{}\n", kPrediction);
  for (const ProjectionTable& part : parts_of(p)) {
    const std::string alignment = "l" + std::string(part.headers.size() - 1, 'r');
    text += fmt::format("\n**{}**\n\n{}", markdown(part.title),
                        markdown_table(part.headers, part.rows, alignment));
    for (const std::string& note : part.notes) text += fmt::format("\n{}\n", markdown_line(note));
  }
  return text;
}

std::string csv_value(double value) {
  return std::isfinite(value) ? fmt::format("{:.10g}", value) : std::string();
}

std::string as_csv(const Projection& p) {
  std::string text = csv_line({"kind", "what", "device", "quantity", "value", "unit"});
  for (const ProjectedPlan& plan : p.plans) {
    if (!plan.failure.empty()) continue;
    for (const Figure& f : counted_figures())
      text += csv_line(
          {"counted", plan.backend, "", f.tag, csv_value(f.value(plan.work, p.tile)), f.unit});
    for (size_t i = 0; i < p.devices.size(); ++i)
      for (const PredictedFigure& f : predicted_figures())
        text += csv_line({"prediction", plan.backend, p.devices[i].name, f.tag,
                          csv_value(f.value(plan.devices[i])), f.unit});
  }
  text += cluster_csv(p);
  for (const FittedTimes& fit : p.fits)
    for (const OperatorCell& cell : fit.times.cells) {
      const std::string what = cell.row + ", " + cell.column + (cell.fitted ? "" : " (test)");
      text += csv_line({"fit", what, fit.times.device, "printed", csv_value(cell.seconds), "s"});
      text += csv_line({"fit", what, fit.times.device, "error", csv_value(fit.error(cell)), "1"});
    }
  return text;
}

}  // namespace

ProjectionFormat parse_projection_format(const std::string& text) {
  if (text == "text" || text == "txt") return ProjectionFormat::text;
  if (text == "markdown" || text == "md") return ProjectionFormat::markdown;
  if (text == "csv") return ProjectionFormat::csv;
  if (text == "json") return ProjectionFormat::json;
  throw InputError("unknown format " + in_quotes(text) + ": known are text, markdown, csv, json");
}

ProjectionFormat projection_format_of(const std::string& path) {
  const std::string ending = std::filesystem::path(path).extension().string();
  for (const char* known : {".txt", ".md", ".csv", ".json"})
    if (ending == known) return parse_projection_format(ending.substr(1));
  throw InputError(
      "--out " + in_quotes(path) +
      " must end in .txt, .md, .csv or .json, or with --cluster in .svg, .png or .pdf");
}

std::string print_projection(const Projection& projection, ProjectionFormat format) {
  switch (format) {
    case ProjectionFormat::markdown:
      return as_markdown(projection);
    case ProjectionFormat::csv:
      return as_csv(projection);
    case ProjectionFormat::json:
      return to_json(projection).dump(2) + "\n";
    default:
      return as_text(projection);
  }
}

}  // namespace vidattn
