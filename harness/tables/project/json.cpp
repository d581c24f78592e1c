#include "harness/tables/cluster/json.h"

#include <fmt/format.h>

#include "harness/io/json_file.h"
#include "harness/store/ranks/rank_balance_json.h"
#include "harness/tables/project/figures.h"
#include "harness/tables/project/print.h"

namespace vidattn {
namespace {

nlohmann::json device_json(const ProjectedDevice& d) {
  return {{"name", d.name},
          {"title", d.title},
          {"flops", d.peaks.flops},
          {"bandwidth_bytes_per_s", d.peaks.bandwidth},
          {"clock_mhz", number_or_null(d.clock_mhz)},
          {"source", d.source},
          {"seen", d.seen},
          {"note", d.note}};
}

nlohmann::json plan_json(const ProjectedPlan& plan, const Projection& p) {
  nlohmann::json json = {{"backend", plan.backend}};
  if (!plan.note.empty()) json["note"] = plan.note;
  if (!plan.failure.empty()) {
    json["failure"] = plan.failure;
    return json;
  }
  for (const Figure& f : counted_figures())
    json["counted"][f.tag] = number_or_null(f.value(plan.work, p.tile));
  for (size_t i = 0; i < p.devices.size(); ++i) {
    nlohmann::json& device = json["predictions"].emplace_back();
    device["device"] = p.devices[i].name;
    for (const PredictedFigure& f : predicted_figures())
      device[f.tag] = number_or_null(f.value(plan.devices[i]));
    device["extrapolated"] = plan.devices[i].extrapolated;
  }
  for (const RankBalance& ranks : plan.ranks) json["ranks"].push_back(to_json(ranks));
  if (p.cluster) json["on_cluster"] = cluster_times_json(plan, *p.cluster);
  return json;
}

nlohmann::json model_json(const TimeModel& model) {
  constexpr const char* kTerms[] = {"seconds_per_flop", "seconds_per_row", "seconds_per_launch"};
  nlohmann::json json;
  for (int t = 0; t < TimeModel::kTerms; ++t)
    json[kTerms[t]] = {{"value", model.coefficients[t]},
                       {"standard_error", model.standard_errors[t]},
                       {"identifiable", model.identified(t)}};
  json["condition"] = model.condition;
  json["rms_error"] = model.fitted_error;
  return json;
}

nlohmann::json fit_json(const FittedTimes& fit) {
  nlohmann::json json = {{"name", fit.times.name},     {"title", fit.times.title},
                         {"device", fit.times.device}, {"source", fit.times.source},
                         {"note", fit.times.note},     {"model", model_json(fit.model)}};
  for (const OperatorCell& cell : fit.times.cells)
    json["cells"].push_back({{"row", cell.row},
                             {"column", cell.column},
                             {"tokens", cell.tokens},
                             {"heads", cell.heads},
                             {"fitted", cell.fitted},
                             {"tile_flops", cell.features.tile_flops},
                             {"rows", cell.features.rows},
                             {"launches", cell.features.launches},
                             {"printed_s", cell.seconds},
                             {"model_s", fit.model.seconds(cell.features)},
                             {"error", fit.error(cell)}});
  json["largest_error_fitted"] = number_or_null(fit.largest_error(true));
  json["largest_error_tested"] = number_or_null(fit.largest_error(false));
  return json;
}

}  // namespace

nlohmann::json to_json(const Projection& p) {
  nlohmann::json json = {{"prediction", true},
                         {"workload", p.workload},
                         {"tokens", p.tokens},
                         {"keys", p.keys},
                         {"heads", p.heads},
                         {"dim", p.dim},
                         {"tile", {p.tile.queries, p.tile.keys}},
                         {"devices", nlohmann::json::array()},
                         {"plans", nlohmann::json::array()},
                         {"fits", nlohmann::json::array()}};
  for (const ProjectedDevice& device : p.devices) json["devices"].push_back(device_json(device));
  for (const ProjectedPlan& plan : p.plans) json["plans"].push_back(plan_json(plan, p));
  for (const FittedTimes& fit : p.fits) json["fits"].push_back(fit_json(fit));
  if (p.cluster) json["cluster"] = to_json(*p.cluster);
  return json;
}

}  // namespace vidattn
