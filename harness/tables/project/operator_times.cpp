#include "harness/tables/project/operator_times.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attention/error.h"
#include "harness/io/embedded.h"
#include "harness/io/json_file.h"
#include "harness/measure/backend_spec.h"
#include "harness/tables/latency/columns.h"
#include "harness/tables/models.h"
#include "harness/tables/operators/count.h"
#include "harness/tables/paper.h"
#include "harness/tables/project/work.h"

namespace vidattn {
namespace {

constexpr const char* kTable11Device = "910B";
constexpr int64_t kFittedGroups = 20, kTemporalGroups = 4;
constexpr TileShape kTile = {128, 128};

/// The work of a whole model's heads, of the plan that one narrow head of a synthetic router gets.
TimeFeatures table11_features(int64_t tokens, int64_t groups, const DitModel& model) {
  Inputs in = routed_inputs(grid_480p(tokens, kTemporalGroups), groups, Router::balanced);
  const BackendSpec spec =
      parse_backend(groups == 1 ? "full" : "moga_stga:num_groups=" + std::to_string(groups));
  spec.backend->prepare(in, spec.params);
  const Plan plan = spec.backend->plan(in, spec.params);
  return scaled_features(time_features(plan, in, kTile), in, model.heads, model.head_dim());
}

OperatorCell table11_cell(const PaperTable& paper, const PaperRow& row, const DitModel& model,
                          const std::string& column, int64_t groups) {
  OperatorCell cell{row.label, column, row.tokens, model.heads};
  cell.features = table11_features(row.tokens, groups, model);
  cell.seconds = 1e-3 * paper.value(row.label, column);
  cell.fitted = groups == 1 || groups == kFittedGroups;
  return cell;
}

/// A share of whole blocks, as sparsities are printed with some digits of it.
double kept_share(int64_t tokens, int64_t block, double sparsity) {
  const auto blocks = static_cast<double>(tokens / block);
  return std::round((1 - sparsity) * blocks) / blocks;
}

OperatorCell block_cell(const JsonReader& json, int64_t dim) {
  constexpr int64_t kMostTokens = 100'000'000, kMostHeads = 100'000;
  json.object_of({"row", "column", "heads", "tokens", "block", "sparsity", "ms"});
  OperatorCell cell{json.at("row").text(), json.at("column").text(),
                    json.at("tokens").integer(1, kMostTokens),
                    json.at("heads").integer(1, kMostHeads)};
  const int64_t block = json.at("block").integer(1, cell.tokens);
  if (cell.tokens % block != 0) json.at("tokens").expected("a multiple of the block");
  const auto tokens = static_cast<double>(cell.tokens), heads = static_cast<double>(cell.heads);
  const double kept = kept_share(cell.tokens, block, json.at("sparsity").number(0, 1));
  cell.features.tile_flops = 4 * kept * tokens * tokens * heads * static_cast<double>(dim);
  cell.features.rows = tokens * heads * row_share(dim, dim);
  cell.features.launches = 1;
  cell.seconds = 1e-3 * json.at("ms").number(1e-6, 1e9);
  return cell;
}

double size_of_error(double a) { return std::isnan(a) ? -1 : std::abs(a); }

}  // namespace

OperatorTimes table11_times() {
  const PaperTable paper = paper_table("11");
  const DitModel model = find_model(paper.model);
  OperatorTimes times{"moga-table11", paper.title, kTable11Device, paper.where};
  times.note = fmt::format("plans of moga_stga on a balanced router, {} heads of {}, {} shots",
                           model.heads, model.head_dim(), kTemporalGroups);
  times.tile = kTile;
  for (const PaperRow& row : paper.rows) {
    times.cells.push_back(table11_cell(paper, row, model, kFullTime, 1));
    for (const int64_t m : kLatencyGroups)
      times.cells.push_back(table11_cell(paper, row, model, time_column(m), m));
  }
  return times;
}

OperatorTimes operator_times_from(const std::string& text, const std::string& name) {
  const nlohmann::json parsed = parse_json(text);
  const JsonReader json(parsed, name);
  json.object_of(
      {"name", "title", "device", "source", "shapes_source", "note", "dim", "fitted", "cells"});
  OperatorTimes times{json.at("name").text(), json.at("title").text(), json.at("device").text(),
                      json.at("source").text()};
  if (times.source.empty()) json.at("source").expected("where the times are published");
  json.read_if("note", times.note);
  times.tile = kTile;
  const int64_t dim = json.at("dim").integer(1, 100'000);
  const auto fitted = json.at("fitted").get<std::vector<std::string>>();
  for (const JsonReader& item : json.at("cells").items()) {
    times.cells.push_back(block_cell(item, dim));
    OperatorCell& cell = times.cells.back();
    cell.fitted = std::find(fitted.begin(), fitted.end(), cell.column) != fitted.end();
  }
  return times;
}

std::vector<OperatorTimes> published_times(const std::vector<std::string>& names) {
  const auto wanted = [&](const std::string& device) {
    return std::find(names.begin(), names.end(), device) != names.end();
  };
  std::vector<OperatorTimes> all;
  if (wanted(kTable11Device)) all.push_back(table11_times());
  for (const std::string& path : embedded_in("results/operators/")) {
    OperatorTimes times = operator_times_from(std::string(embedded(path)), path);
    if (wanted(times.device)) all.push_back(std::move(times));
  }
  return all;
}

double FittedTimes::error(const OperatorCell& cell) const {
  return model.seconds(cell.features) / cell.seconds - 1;
}

double FittedTimes::largest_error(bool fitted) const {
  double largest = NAN;
  for (const OperatorCell& cell : times.cells)
    if (cell.fitted == fitted && size_of_error(error(cell)) > size_of_error(largest))
      largest = error(cell);
  return largest;
}

bool FittedTimes::extrapolates(const TimeFeatures& features) const {
  double least = INFINITY, most = 0;
  for (const OperatorCell& cell : times.cells)
    if (cell.fitted) {
      least = std::min(least, cell.features.tile_flops);
      most = std::max(most, cell.features.tile_flops);
    }
  return features.tile_flops < least / 2 || features.tile_flops > most * 2;
}

FittedTimes fit_operator(OperatorTimes times) {
  std::vector<TimeFeatures> cells;
  std::vector<double> seconds;
  for (const OperatorCell& cell : times.cells)
    if (cell.fitted) {
      cells.push_back(cell.features);
      seconds.push_back(cell.seconds);
    }
  return {std::move(times), fit_times(cells, seconds)};
}

}  // namespace vidattn
