#include "harness/tables/cluster/parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/measure/record/rank_figures.h"

namespace vidattn {
namespace {

std::string milliseconds(double seconds) { return fmt::format("{:.4g}", 1e3 * seconds); }

std::string grid_name(RankGrid grid) { return fmt::format("{}x{}", grid.ulysses, grid.ring); }

/// The time of the fastest way among some, or "-".
std::string time_of(const ClusterTimes& times, const ClusterProjection& on,
                    bool (*among)(RankGrid)) {
  const int64_t best = times.fastest(on.grids, among);
  return best < 0 ? "-" : milliseconds(times.by_grid[best].seconds());
}

double fastest_seconds(const ClusterTimes& times, const ClusterProjection& on) {
  return times.by_grid[times.fastest(on.grids, is_any)].seconds();
}

std::vector<std::string> cluster_row(const ProjectedPlan& plan, const ClusterTimes& times,
                                     const ClusterTimes& full, const ClusterProjection& on) {
  const int64_t hybrid = times.fastest(on.grids, is_hybrid), best = times.fastest(on.grids, is_any);
  const ClusterTime& time = times.by_grid[best];
  const double apart = time.exchange + time.routing + time.waiting;
  return {plan.backend,
          milliseconds(times.on_one),
          time_of(times, on, is_ulysses),
          time_of(times, on, is_ring),
          time_of(times, on, is_hybrid),
          hybrid < 0 ? "-" : grid_name(on.grids[hybrid]),
          grid_name(on.grids[best]),
          fmt::format("{:.3g}", 100 * apart / time.seconds()),
          fmt::format("{:.3g}", 100 * times.on_one /
                                    (static_cast<double>(on.cluster.devices) * time.seconds())),
          fmt::format("{:.4g}", fastest_seconds(full, on) / time.seconds())};
}

std::string links_note(const ClusterProjection& on) {
  const ClusterLinks& links = on.cluster.links;
  return fmt::format(
      "{}: {} devices a node; in it {:.4g} GB/s and {:.3g} us a message, out of it {:.4g} GB/s and "
      "{:.3g} us, each device one way; {:.3g} us a call; {}",
      on.cluster.title, links.per_node, links.node.bandwidth * 1e-9, links.node.latency * 1e6,
      links.network.bandwidth * 1e-9, links.network.latency * 1e6, links.call_seconds * 1e6,
      on.cluster.source);
}

/// A plan whose ranks have less than half a tile says little of how even a longer one is; empty
/// where they have more, or no longer one is asked for.
std::string tiny_plan_note(const Projection& p, const ClusterProjection& on) {
  constexpr int64_t kFewTokens = 64;
  const int64_t longest = *std::max_element(on.tokens.begin(), on.tokens.end());
  if (longest <= p.tokens || p.tokens >= kFewTokens * on.cluster.devices) return {};
  return fmt::format(
      "warning: the plans have {} tokens, {:.3g} for each of {} devices: too few to tell how even "
      "those of {} tokens are; a larger --grid tells more",
      p.tokens, static_cast<double>(p.tokens) / static_cast<double>(on.cluster.devices),
      on.cluster.devices, longest);
}

}  // namespace

std::vector<ProjectionTable> rank_parts(const Projection& p) {
  std::vector<ProjectionTable> parts;
  for (const RankScheme& scheme : rank_schemes()) {
    ProjectionTable part{scheme.title};
    for (const ProjectedPlan& plan : p.plans) {
      if (plan.ranks.empty()) continue;
      part.headers = rank_headers(scheme, plan.ranks);
      part.headers.insert(part.headers.begin(), "backend");
      part.rows.push_back(rank_cells(scheme, plan.ranks));
      part.rows.back().insert(part.rows.back().begin(), plan.backend);
      part.notes = rank_refusals(plan.ranks);
    }
    if (!part.rows.empty()) parts.push_back(std::move(part));
  }
  return parts;
}

std::vector<ProjectionTable> cluster_parts(const Projection& p) {
  std::vector<ProjectionTable> parts;
  if (!p.cluster || p.plans.empty()) return parts;
  const ClusterProjection& on = *p.cluster;
  for (size_t i = 0; i < on.tokens.size(); ++i) {
    ProjectionTable part{
        fmt::format("Prediction of a layer's forward pass at {} tokens on {} {}{}", on.tokens[i],
                    on.cluster.devices, on.device.title,
                    on.tokens[i] == p.tokens ? "" : ", the plan's density and balance held")};
    part.headers = {"backend", "one device ms", "Ulysses ms",      "ring ms",      "hybrid ms",
                    "hybrid",  "fastest",       "not computing %", "efficiency %", "speedup"};
    for (const ProjectedPlan& plan : p.plans)
      if (plan.failure.empty())
        part.rows.push_back(cluster_row(plan, plan.cluster[i], p.plans.front().cluster[i], on));
    if (i + 1 == on.tokens.size()) part.notes = {links_note(on)};
    const std::string tiny = tiny_plan_note(p, on);
    if (i + 1 == on.tokens.size() && !tiny.empty()) part.notes.push_back(tiny);
    parts.push_back(std::move(part));
  }
  return parts;
}

std::string cluster_csv(const Projection& p) {
  std::string text;
  if (!p.cluster) return text;
  const ClusterProjection& on = *p.cluster;
  const std::string place = fmt::format("{}x{}", on.cluster.name, on.cluster.devices);
  for (const ProjectedPlan& plan : p.plans)
    for (size_t i = 0; i < plan.cluster.size(); ++i)
      for (size_t g = 0; g < on.grids.size(); ++g)
        text += csv_line({"cluster", plan.backend, place,
                          fmt::format("{} at {} tokens", grid_name(on.grids[g]), on.tokens[i]),
                          fmt::format("{:.10g}", plan.cluster[i].by_grid[g].seconds()), "s"});
  return text;
}

}  // namespace vidattn
