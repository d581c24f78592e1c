#include "harness/tables/cluster/figure.h"

#include <cstdint>
#include <filesystem>

#include "harness/host/programs/gnuplot.h"

namespace vidattn {
namespace {

double fastest_time(const ClusterTimes& times, const ClusterProjection& on) {
  return times.by_grid[times.fastest(on.grids, is_any)].seconds();
}

/// The name, then (tokens, speedup).
size_t add_line(Drawing& drawing, const ProjectedPlan& plan, const ProjectedPlan& full,
                const ClusterProjection& on) {
  Drawing::Rows rows{{plan.backend}};
  for (size_t i = 0; i < on.tokens.size(); ++i)
    rows.push_back({static_cast<double>(on.tokens[i]),
                    fastest_time(full.cluster[i], on) / fastest_time(plan.cluster[i], on)});
  return drawing.data(rows);
}

}  // namespace

bool is_figure(const std::string& path) {
  const std::string ending = std::filesystem::path(path).extension().string();
  return ending == ".svg" || ending == ".png" || ending == ".pdf";
}

std::string cluster_figure(const Projection& p, const std::string& path) {
  Drawing drawing(900, 820, 13);
  drawing.script(
      "set xlabel 'tokens'\nset ylabel 'predicted speedup'\n"
      "set logscale x\nset format x '%.0s%c'\nset yrange [0:*]\n"
      "set key below Left reverse samplen 3 spacing 1.2\n"
      "set grid xtics ytics lc rgb '#dddddd'\nset border 3\nset tics nomirror\n");
  size_t i = 0;
  for (const ProjectedPlan& plan : p.plans) {
    if (plan.cluster.empty()) continue;
    const uint32_t colour = kLineColours[i % std::size(kLineColours)];
    // Past the last colour in dashes.
    const size_t dash = 1 + i / std::size(kLineColours);
    drawing.plot("$data{} with linespoints lw 2 pt 7 ps 0.7 dt {} lc rgb {} title columnheader(1)",
                 add_line(drawing, plan, p.plans.front(), *p.cluster), dash, colour);
    ++i;
  }
  return drawing.draw("speedup over full attention on a cluster", path);
}

}  // namespace vidattn
