#include "harness/tables/figure.h"

#include <cstdint>

#include "harness/host/programs/gnuplot.h"
#include "harness/io/file.h"

namespace vidattn {
namespace {

void set_up(Drawing& drawing) {
  drawing.script(
      "set xlabel 'duration of the video (s)'\nset ylabel 'PFLOPs of a forward pass'\n"
      "set xrange [4:31]\nset yrange [0:*]\n"
      "set key top left Left reverse samplen 3 spacing 1.2\n"
      "set grid ytics lc rgb '#dddddd'\nset border 3\nset tics nomirror\nset xtics 5\n");
}

/// The name, then the points.
size_t add_curve(Drawing& drawing, const std::string& name, const nlohmann::json& points) {
  Drawing::Rows rows{{name}};
  for (const auto& point : points) rows.push_back({point[0].get<double>(), point[1].get<double>()});
  return drawing.data(rows);
}

void draw_curves(Drawing& drawing, const nlohmann::json& curves) {
  size_t i = 0;
  for (const auto& curve : curves) {
    const std::string name = curve["name"];
    const uint32_t colour = kLineColours[i++ % std::size(kLineColours)];
    drawing.plot("$data{} with lines lw 2 lc rgb {} title columnheader(1)",
                 add_curve(drawing, name, curve["model"]), colour);
    if (!curve["paper"].empty())
      drawing.plot("$data{} with points pt 6 ps 1.4 lw 2 lc rgb {} title columnheader(1)",
                   add_curve(drawing, name + " printed", curve["paper"]), colour);
  }
}

}  // namespace

void write_figure(const Table& table, const std::string& path) {
  Drawing drawing(900, 600, 15);
  set_up(drawing);
  draw_curves(drawing, table.details.at("curves"));
  write_text(path, drawing.draw(table.title, path));
}

}  // namespace vidattn
