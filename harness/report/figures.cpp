#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/host/programs/gnuplot.h"
#include "harness/report/report.h"
#include "harness/report/written_files.h"

namespace vidattn {
namespace {

using nlohmann::json;

double metric(const json& c, const char* tag) { return c["metrics"].value(tag, NAN); }

std::vector<json> timed(const json& data) {
  std::vector<json> cases;
  for (const json& c : data["cases"])
    if (c["metrics"].contains("total_time")) cases.push_back(c);
  return cases;
}

/// Those that did not miss the density asked for: comparisons at equal density have no others.
std::vector<json> at_equal_density(std::vector<json> cases) {
  std::erase_if(cases, [](const json& c) { return c["missed"].get<bool>(); });
  return cases;
}

std::vector<std::string> methods(const std::vector<json>& cases) {
  std::vector<std::string> names;
  for (const json& c : cases) {
    const std::string name = c["method"];
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

/// One block of data per method, its name first, then its points.
std::vector<size_t> method_data(Drawing& drawing, const std::vector<json>& cases, const char* x,
                                const char* y) {
  std::vector<size_t> blocks;
  for (const std::string& method : methods(cases)) {
    std::vector<std::pair<double, double>> points;
    for (const json& c : cases)
      if (c["method"] == method && std::isfinite(metric(c, x)) && std::isfinite(metric(c, y)))
        points.emplace_back(metric(c, x), metric(c, y));
    if (points.empty()) continue;
    std::sort(points.begin(), points.end());
    Drawing::Rows rows{{method}};
    for (const auto& [a, b] : points) rows.push_back({a, b});
    blocks.push_back(drawing.data(rows));
  }
  return blocks;
}

void plot_methods(Drawing& drawing, const std::vector<size_t>& blocks, bool joined) {
  for (size_t i = 0; i < blocks.size(); ++i) {
    const size_t colour = i + 1, point = 4 + i % 10;
    if (joined)
      drawing.plot("$data{} with linespoints lt {} pt {} ps 0.9 title columnheader(1)", blocks[i],
                   colour, point);
    else
      drawing.plot("$data{} with points lt {} pt {} ps 0.9 title columnheader(1)", blocks[i],
                   colour, point);
  }
}

/// Error against speed; the cases of the front are joined, and named left and right in turns, for
/// they may lie close together.
void draw_pareto(Drawing& drawing, const std::vector<json>& cases) {
  std::vector<json> front;
  std::copy_if(cases.begin(), cases.end(), std::back_inserter(front),
               [](const json& c) { return c["front"].get<bool>(); });
  if (front.empty()) return;
  std::sort(front.begin(), front.end(), [](const json& a, const json& b) {
    return metric(a, "speedup") < metric(b, "speedup");
  });
  double slowest = 1;
  for (const json& c : cases) slowest = std::fmin(slowest, metric(c, "speedup"));
  Drawing::Rows line, names[2];
  for (size_t i = 0; i < front.size(); ++i) {
    const double speedup = metric(front[i], "speedup"), error = metric(front[i], "relative_l2");
    line.push_back({speedup, error});
    names[i % 2].push_back({speedup, error, front[i]["label"].get<std::string>()});
  }
  drawing.script(
      "set logscale x\nset xrange [{:.6g}:{:.6g}]\nset xlabel 'speedup over full attention'\n"
      "set ylabel 'relative L2 error, smaller is up'\nset yrange [] reverse\n",
      0.6 * slowest, 4 * metric(front.back(), "speedup"));
  plot_methods(drawing, method_data(drawing, cases, "speedup", "relative_l2"), false);
  drawing.plot("$data{} with lines lc rgb 'gray50' dt 2 title 'front'", drawing.data(line));
  drawing.plot("$data{} with labels right offset -1,0.3 notitle", drawing.data(names[0]));
  if (!names[1].empty())
    drawing.plot("$data{} with labels left offset 1,0.3 notitle", drawing.data(names[1]));
}

/// Points with whiskers, one case a row, the fastest on top.
void draw_ratios(Drawing& drawing, const std::vector<json>& all) {
  std::vector<json> cases;
  std::copy_if(all.begin(), all.end(), std::back_inserter(cases),
               [](const json& c) { return c["ratio"].is_object(); });
  if (cases.empty()) return;
  std::sort(cases.begin(), cases.end(),
            [](const json& a, const json& b) { return a["ratio"]["ratio"] > b["ratio"]["ratio"]; });
  Drawing::Rows rows;
  for (const json& c : cases) {
    const json& r = c["ratio"];
    const double ratio = r["ratio"];
    rows.push_back({ratio, static_cast<double>(rows.size()),
                    r["low"].is_number() ? r["low"].get<double>() : ratio,
                    r["high"].is_number() ? r["high"].get<double>() : ratio,
                    c["label"].get<std::string>()});
  }
  drawing.script(
      "set logscale x\nset yrange [-0.7:{}]\n"
      "set xlabel \"time over full attention's\"\nset grid x\n"
      "set arrow from 1, graph 0 to 1, graph 1 nohead dt 2\n",
      static_cast<double>(rows.size()) - 0.3);
  drawing.plot("$data{} using 1:2:3:4:ytic(5) with xerrorbars pt 7 ps 0.6 notitle",
               drawing.data(rows));
}

void draw_density_error(Drawing& drawing, const std::vector<json>& cases) {
  drawing.script("set xlabel 'executed density'\nset ylabel 'relative L2 error'\n");
  plot_methods(drawing, method_data(drawing, cases, "density", "relative_l2"), true);
}

void draw_density_speedup(Drawing& drawing, const std::vector<json>& cases) {
  drawing.script("set xlabel 'executed density'\nset ylabel 'speedup'\n");
  plot_methods(drawing, method_data(drawing, cases, "density", "speedup"), true);
}

/// Highest of a figure over the cases; NaN where none has it.
double highest_of(const std::vector<json>& cases, const char* name) {
  double highest = NAN;
  for (const json& c : cases)
    if (c.value(name, json()).is_number()) highest = std::fmax(highest, c[name].get<double>());
  return highest;
}

void draw_roofline(Drawing& drawing, const std::vector<json>& cases) {
  constexpr double kGiga = 1e9;
  Drawing::Rows rows;
  double left = INFINITY, right = 0;
  for (const json& c : cases) {
    if (!c.value("intensity", json()).is_number()) continue;
    const double x = c["intensity"];
    left = std::min(left, x);
    right = std::max(right, x);
    rows.push_back({x, metric(c, "flop_rate") / kGiga, c["label"].get<std::string>()});
  }
  if (right == 0) return;
  const double peak = highest_of(cases, "peak") / kGiga;
  const double bandwidth = highest_of(cases, "bandwidth") / kGiga;
  if (std::isfinite(peak / bandwidth)) left = std::min(left, peak / bandwidth / 8);
  drawing.script(
      "set logscale xy\nset samples 400\nset xrange [{:.6g}:{:.6g}]\n"
      "set xlabel 'FLOPs for each byte of q, k, v, o and index'\nset ylabel 'GFLOP/s'\n"
      "set yrange [*:*]\n",
      left / 1.5, right * 4);
  if (std::isfinite(peak) && std::isfinite(bandwidth))
    drawing.plot("x*{0:.6g} < {1:.6g} ? x*{0:.6g} : {1:.6g} title 'measured bandwidth and peak'",
                 bandwidth, peak);
  else if (std::isfinite(peak))
    drawing.plot("{:.6g} title 'measured peak'", peak);
  const size_t points = drawing.data(rows);
  drawing.plot("$data{} using 1:2 with points pt 7 ps 0.6 notitle", points);
  drawing.plot("$data{} using 1:2:3 with labels left offset 1,0 font ',8' notitle", points);
}

void draw_memory(Drawing& drawing, const std::vector<json>& cases) {
  constexpr double kMebi = 1024.0 * 1024.0;
  Drawing::Rows rows;
  for (const json& c : cases)
    rows.push_back({c["label"].get<std::string>(), metric(c, "index_memory") / kMebi,
                    metric(c, "peak_extra_memory") / kMebi});
  if (rows.empty()) return;
  drawing.script(
      "set style data histograms\nset style fill solid 0.8\nset xtics rotate by -35\n"
      "set ylabel 'MiB'\nset rmargin 8\nset yrange [0:*]\n");
  const size_t bars = drawing.data(rows);
  drawing.plot("$data{} using 2:xtic(1) title 'index'", bars);
  drawing.plot("$data{} using 3 title 'extra'", bars);
}

struct Figure {
  const char* name;
  const char* title;
  void (*draw)(Drawing& drawing, const std::vector<json>& cases);
  bool equal_density;  ///< compares at the density asked for, so without those that missed it
  bool a_row_per_case = false;
};

constexpr Figure kFigures[] = {
    {"pareto.svg", "relative L2 error over speedup", draw_pareto, true},
    {"ratios.svg", "time over full attention's", draw_ratios, true, true},
    {"density_error.svg", "relative L2 error over executed density", draw_density_error, false},
    {"density_speedup.svg", "speedup over executed density", draw_density_speedup, false},
    {"roofline.svg", "GFLOP/s over FLOPs per byte", draw_roofline, false},
    {"memory.svg", "memory of index and run", draw_memory, true}};

/// The bytes of a data URI.
std::string decoded(const std::string& uri) {
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (char c : std::string_view(uri).substr(uri.find(',') + 1)) {
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) break;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count >= 8) bytes += static_cast<char>(bits >> (count -= 8) & 255);
  }
  return bytes;
}

std::string file_name(std::string text) {
  for (char& c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '.' && c != '-')
      c = '_';
  return text;
}

}  // namespace

void write_figures(const json& data, WrittenFiles& files) {
  const auto cases = timed(data);
  constexpr int kHeight = 440, kRow = 22;
  const int tall = 120 + kRow * static_cast<int>(cases.size());
  for (const Figure& figure : kFigures) {
    Drawing drawing(720, figure.a_row_per_case ? tall : kHeight);
    drawing.script("set key outside\n");
    figure.draw(drawing, figure.equal_density ? at_equal_density(cases) : cases);
    if (drawing.has_plots())
      files.add(figure.name, [&] { return drawing.draw(figure.title, figure.name); });
  }
  for (const json& c : data["cases"]) {
    const json pictures = c.value("pictures", json::object());
    for (const auto& [kind, uri] : pictures.items()) {
      const std::string encoded = uri;
      const char* type = encoded.starts_with("data:image/jpeg") ? "jpg" : "png";
      files.add(file_name(fmt::format("{}_{}.{}", c["name"].get<std::string>(), kind, type)),
                [&] { return decoded(encoded); });
    }
  }
}

}  // namespace vidattn
