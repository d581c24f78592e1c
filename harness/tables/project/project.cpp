#include "harness/tables/project/project.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <new>

#include "attention/cancel.h"
#include "attention/device.h"
#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/outputs.h"
#include "harness/host/output/thrown.h"
#include "harness/host/progress.h"
#include "harness/host/record.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/measure/density.h"
#include "harness/tables/cluster/figure.h"
#include "harness/tables/project/print.h"
#include "harness/workloads/mask_file.h"
#include "harness/workloads/workload.h"
#include "metrics/plan/coverage.h"

namespace vidattn {
namespace {

/// A backend at one density, or as it is given (NaN).
struct Wanted {
  BackendSpec spec;
  double density = NAN;
};

bool is_full(const BackendSpec& spec) { return spec.backend->name() == "full"; }

bool same(const Wanted& a, const Wanted& b) {
  return a.spec.essence() == b.spec.essence() &&
         (a.density == b.density || (std::isnan(a.density) && std::isnan(b.density)));
}

/// Full attention first: the others are held against it. Each stands there once.
std::vector<Wanted> wanted_plans(const ProjectOptions& options) {
  std::vector<Wanted> wanted{{parse_backend("full")}};
  const auto add = [&](Wanted one) {
    if (std::none_of(wanted.begin(), wanted.end(), [&](const Wanted& w) { return same(w, one); }))
      wanted.push_back(std::move(one));
  };
  for (const std::string& text : options.backends) {
    const BackendSpec spec = parse_backend(text);
    if (is_full(spec)) continue;
    if (options.densities.empty()) add({spec});
    for (const double density : options.densities) add({spec, density});
  }
  return wanted;
}

ProjectedPlan count_plan(const Wanted& wanted, Inputs in, const Projection& projection,
                         const std::vector<int64_t>& ranks) {
  ProjectedPlan made;
  BackendSpec spec = wanted.spec;
  made.backend = short_setting(spec.text());
  in.device = &find_device("cpu");  // for methods that attend while they plan
  try {
    add_file_inputs(*spec.backend, spec.params, in);
    if (!std::isnan(wanted.density)) {
      DensitySolution solution = solve_density(spec, in, wanted.density);
      spec = solution.spec;
      made.note = solution.note;
      made.backend = short_setting(spec.text());
    }
    spec.backend->prepare(in, spec.params);
    const Plan plan = spec.backend->plan(in, spec.params);
    plan.validate(in);
    if (const std::string left_out = plan_coverage(plan, in).text(); !left_out.empty())
      made.note += (made.note.empty() ? "" : "; ") + made.backend + ": " + left_out;
    made.work = plan_work(plan, in, projection.tile);
    made.ranks = rank_balance(plan, in, ranks, kProjectedBytes);
    if (projection.cluster)
      made.on_cluster = cluster_plan(plan, in, projection.cluster->cluster.devices);
  } catch (const InputError& error) {
    made.failure = error.what();
  } catch (const std::bad_alloc& error) {
    made.failure = text_of(error);
  }
  return made;
}

/// Work of a plan in the terms of a model, which counts it in its own tile.
TimeFeatures features_for(const FittedTimes& fit, const PlanWork& work, const Inputs& in) {
  return time_features(tile_flops(work.tiles_at(fit.times.tile), work.stats, in), work.traffic, in);
}

DeviceProjection project_on(const ProjectedDevice& device, const FittedTimes* fit,
                            const PlanWork& work, const PlanWork& dense, const Inputs& in) {
  DeviceProjection result{roofline(work.kernel, device.peaks)};
  result.share_of_dense = result.best.seconds() / roofline(dense.kernel, device.peaks).seconds();
  result.predicted_seconds = result.predicted_speedup = NAN;
  if (fit == nullptr) return result;
  const TimeFeatures features = features_for(*fit, work, in), whole = features_for(*fit, dense, in);
  result.predicted_seconds = fit->model.seconds(features);
  result.predicted_speedup = fit->model.seconds(whole) / result.predicted_seconds;
  result.extrapolated = fit->extrapolates(features) || fit->extrapolates(whole);
  return result;
}

/// What hangs on the workload's shape.
void prepare_cluster(ClusterProjection& on, const Inputs& in) {
  on.grids = rank_grids(on.cluster.devices, in.heads());
  const bool of_workload = on.tokens.empty();
  if (of_workload) on.tokens = {in.length()};
  for (const int64_t tokens : on.tokens)
    if (tokens < on.cluster.devices)
      throw InputError(fmt::format("{} {}: fewer than the {} devices of --cluster",
                                   of_workload ? "tokens of the workload," : "--tokens", tokens,
                                   on.cluster.devices));
  for (const RankGrid grid : on.grids) require_ranks(CallSize::of(in, kProjectedBytes), grid);
}

void project_on_cluster(ProjectedPlan& plan, const ClusterProjection& on, const Inputs& in) {
  if (!plan.failure.empty()) return;
  const PlanOnOne one{CallSize::of(in, kProjectedBytes), plan.work.kernel};
  for (const int64_t tokens : on.tokens)
    plan.cluster.push_back(
        cluster_times(plan.on_cluster, one, on.device.peaks, on.cluster.links, tokens));
}

void project_plans(Projection& projection, const Inputs& in) {
  const PlanWork& dense = projection.plans.front().work;
  for (ProjectedPlan& plan : projection.plans)
    for (const ProjectedDevice& device : projection.devices)
      if (plan.failure.empty())
        plan.devices.push_back(
            project_on(device, projection.fit_of(device.name), plan.work, dense, in));
  if (projection.cluster)
    for (ProjectedPlan& plan : projection.plans) project_on_cluster(plan, *projection.cluster, in);
}

/// The cluster that was asked for, refused before any work where it cannot be.
std::optional<ClusterProjection> cluster_of(const ProjectOptions& options) {
  if (options.cluster.empty()) return std::nullopt;
  ClusterProjection on{parse_cluster(options.cluster), {}, options.tokens, {}};
  on.device = choose_devices(on.cluster.device, known_devices(options.devices_file)).front();
  return on;
}

void count_plans(Projection& projection, const ProjectOptions& options,
                 const std::vector<Wanted>& wanted) {
  const Workload workload = build_workload(options.workload);
  const Inputs& in = workload.inputs;
  projection.workload = workload.name;
  projection.tokens = in.length();
  projection.keys = in.keys();
  projection.heads = in.heads();
  projection.dim = in.dim();
  if (projection.cluster) prepare_cluster(*projection.cluster, in);
  std::vector<int64_t> ranks = options.ranks;
  std::sort(ranks.begin(), ranks.end());
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  Progress progress("planning", std::ssize(wanted));
  for (const Wanted& one : wanted) {
    if (interrupted()) break;
    try {
      projection.plans.push_back(count_plan(one, in, projection, ranks));
    } catch (const Cancelled&) {
      break;
    }
    progress.update(std::ssize(projection.plans));
  }
  if (projection.plans.empty()) return;
  if (!projection.plans.front().failure.empty())
    throw InputError("full attention has no plan: " + projection.plans.front().failure);
  project_plans(projection, in);
}

/// Those that stay without a plan are named, and decide the exit code.
bool all_planned(const Projection& projection) {
  bool all = true;
  for (const ProjectedPlan& plan : projection.plans)
    if (!plan.failure.empty()) {
      print_err("{} is left out: {}\n", plan.backend, plan.failure);
      all = false;
    }
  return all;
}

void write_projection(const std::string& path, const Projection& projection,
                      const ProjectOptions& options) {
  if (is_figure(path)) return write_text(path, cluster_figure(projection, path));
  const ProjectionFormat format = projection_format_of(path);
  if (format != ProjectionFormat::json)
    return write_text(path, print_projection(projection, format));
  nlohmann::json record = record_header("project", "1.0", options.arguments);
  record.update(to_json(projection));
  record["interrupted"] = interrupted();
  write_json(path, record);
}

}  // namespace

const FittedTimes* Projection::fit_of(const std::string& device) const {
  for (const FittedTimes& fit : fits)
    if (fit.times.device == device) return &fit;
  return nullptr;
}

ExitCode project(const ProjectOptions& options) {
  const ProjectionFormat format = parse_projection_format(options.format);
  for (const std::string& path : options.out)
    if (!is_figure(path) || options.cluster.empty()) projection_format_of(path);
  const std::vector<Wanted> wanted = wanted_plans(options);
  require_backends(options.backends);
  Projection projection;
  projection.tile = parse_tile(options.tile);
  projection.cluster = cluster_of(options);
  const bool own_device = projection.cluster && options.device_names.empty();
  projection.devices =
      choose_devices(own_device ? projection.cluster->cluster.device : options.device_names,
                     known_devices(options.devices_file));
  std::vector<std::string> names;
  for (const ProjectedDevice& device : projection.devices) names.push_back(device.name);
  for (OperatorTimes& times : published_times(names))
    projection.fits.push_back(fit_operator(std::move(times)));
  if (options.fits_only && projection.fits.empty())
    throw InputError(
        "no operator times that a model could be fitted on are known of these devices");
  if (!options.fits_only) count_plans(projection, options, wanted);
  Outputs outputs;
  outputs.write([&] { print_out("{}", print_projection(projection, format)); });
  for (const std::string& path : options.out)
    outputs.write([&] { write_projection(path, projection, options); });
  if (interrupted()) print_err("interrupted: what was planned until then is in the tables\n");
  return outputs.code(all_planned(projection) ? ExitCode::fine : ExitCode::usage);
}

}  // namespace vidattn
