#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <set>

#include "harness/io/json_file.h"
#include "harness/report/report.h"

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

std::vector<std::string> methods(const std::vector<json>& cases) {
  std::vector<std::string> names;
  for (const json& c : cases)
    if (std::find(names.begin(), names.end(), c["method"]) == names.end())
      names.push_back(c["method"]);
  return names;
}

/// A text in gnuplot's single quotes, with its markup turned off by `noenhanced`.
std::string quoted(std::string text) {
  std::replace(text.begin(), text.end(), '\'', ' ');
  return "'" + text + "'";
}

/// One block of inline data per method: "$m0 << EOD …".
std::string method_data(const std::vector<json>& cases, const char* x, const char* y,
                        std::vector<std::string>& plotted) {
  std::string text;
  for (const std::string& method : methods(cases)) {
    std::vector<std::pair<double, double>> points;
    for (const json& c : cases)
      if (c["method"] == method && std::isfinite(metric(c, x)) && std::isfinite(metric(c, y)))
        points.emplace_back(metric(c, x), metric(c, y));
    if (points.empty()) continue;
    std::sort(points.begin(), points.end());
    text += fmt::format("$m{} << EOD\n", plotted.size());
    for (const auto& [a, b] : points) text += fmt::format("{:.6g} {:.6g}\n", a, b);
    text += "EOD\n";
    plotted.push_back(method);
  }
  return text;
}

/// `more` follows the methods in gnuplot's list of what to plot.
std::string method_plot(const std::vector<json>& cases, const char* x, const char* y,
                        const std::string& settings, const char* style,
                        const std::string& more = "") {
  std::vector<std::string> plotted;
  std::string script = method_data(cases, x, y, plotted) + settings + "plot ";
  if (plotted.empty()) return "";
  for (size_t i = 0; i < plotted.size(); ++i)
    script += fmt::format("{}$m{} with {} lt {} pt {} ps 0.9 title {}", i ? ", " : "", i, style,
                          i + 1, 4 + i % 10, quoted(plotted[i]));
  return script + more + "\n";
}

/// Error against speed; the cases of the front are joined, and named left and right in turns, for
/// they may lie close together.
std::string pareto(const std::vector<json>& cases) {
  std::vector<json> front;
  std::copy_if(cases.begin(), cases.end(), std::back_inserter(front),
               [](const json& c) { return c["front"].get<bool>(); });
  if (front.empty()) return "";
  std::sort(front.begin(), front.end(), [](const json& a, const json& b) {
    return metric(a, "speedup") < metric(b, "speedup");
  });
  double slowest = 1;
  for (const json& c : cases) slowest = std::fmin(slowest, metric(c, "speedup"));
  std::string line, names[2];
  for (size_t i = 0; i < front.size(); ++i) {
    const auto point =
        fmt::format("{:.6g} {:.6g}", metric(front[i], "speedup"), metric(front[i], "relative_l2"));
    line += point + "\n";
    names[i % 2] += fmt::format("{} \"{}\"\n", point, front[i]["label"].get<std::string>());
  }
  const std::string settings = fmt::format(
      "$front << EOD\n{}EOD\n$left << EOD\n{}EOD\n$right << EOD\n{}EOD\n"
      "set logscale x\nset xrange [{:.6g}:{:.6g}]\nset xlabel 'speedup over full attention'\n"
      "set ylabel 'relative L2 error, smaller is up'\nset yrange [] reverse\n",
      line, names[0], names[1], 0.6 * slowest, 4 * metric(front.back(), "speedup"));
  std::string more =
      ", $front with lines lc rgb 'gray50' dt 2 title 'front', $left with labels right noenhanced "
      "offset -1,0.3 notitle";
  if (!names[1].empty()) more += ", $right with labels left noenhanced offset 1,0.3 notitle";
  return method_plot(cases, "speedup", "relative_l2", settings, "points", more);
}

/// Points with whiskers, one case a row, the fastest on top.
std::string forest(std::vector<json> cases) {
  cases.erase(std::remove_if(cases.begin(), cases.end(),
                             [](const json& c) { return !c["ratio"].is_object(); }),
              cases.end());
  if (cases.empty()) return "";
  std::sort(cases.begin(), cases.end(),
            [](const json& a, const json& b) { return a["ratio"]["ratio"] > b["ratio"]["ratio"]; });
  std::string rows = "$d << EOD\n", tics;
  for (size_t i = 0; i < cases.size(); ++i) {
    const json& r = cases[i]["ratio"];
    const double ratio = r["ratio"];
    rows += fmt::format("{:.6g} {} {:.6g} {:.6g}\n", ratio, i,
                        r["low"].is_number() ? r["low"].get<double>() : ratio,
                        r["high"].is_number() ? r["high"].get<double>() : ratio);
    tics += fmt::format("{}{} {}", i ? ", " : "", quoted(cases[i]["label"]), i);
  }
  return rows + "EOD\nset logscale x\nset ytics (" + tics +
         fmt::format(") noenhanced\nset yrange [-0.7:{}]\n",
                     static_cast<double>(cases.size()) - 0.3) +
         "set xlabel \"time over full attention's\"\nset grid x\nset arrow from 1, graph 0 to 1, "
         "graph 1 nohead dt 2\nplot $d using 1:2:3:4 with xerrorbars pt 7 ps 0.6 notitle\n";
}

/// Highest of a figure over the cases; NaN where none has it.
double highest_of(const std::vector<json>& cases, const char* name) {
  double highest = NAN;
  for (const json& c : cases)
    if (c.value(name, json()).is_number()) highest = std::fmax(highest, c[name].get<double>());
  return highest;
}

std::string roofline(const std::vector<json>& cases) {
  std::string rows = "$d << EOD\n";
  double left = INFINITY, right = 0;
  for (const json& c : cases) {
    if (!c.value("intensity", json()).is_number()) continue;
    const double x = c["intensity"];
    left = std::min(left, x);
    right = std::max(right, x);
    rows += fmt::format("{:.6g} {:.6g} {}\n", x, metric(c, "flop_rate") / 1e9,
                        '"' + c["label"].get<std::string>() + '"');
  }
  if (right == 0) return "";
  const double peak = highest_of(cases, "peak") / 1e9;
  const double bandwidth = highest_of(cases, "bandwidth") / 1e9;
  if (std::isfinite(peak / bandwidth)) left = std::min(left, peak / bandwidth / 8);
  const std::string roof = !std::isfinite(peak) ? ""
                           : std::isfinite(bandwidth)
                               ? fmt::format(
                                     "x*{0:.6g} < {1:.6g} ? x*{0:.6g} : {1:.6g} title "
                                     "'measured bandwidth and peak', ",
                                     bandwidth, peak)
                               : fmt::format("{:.6g} title 'measured peak', ", peak);
  return rows + "EOD\nset logscale xy\nset samples 400\n" +
         fmt::format("set xrange [{:.6g}:{:.6g}]\n", left / 1.5, right * 4) +
         "set xlabel 'FLOPs for each byte of q, k, v, o and index'\nset ylabel 'GFLOP/s'\n"
         "set yrange [*:*]\n" +
         fmt::format(
             "plot {}$d using 1:2 with points pt 7 ps 0.6 notitle, $d using 1:2:3 with labels left "
             "noenhanced offset 1,0 font ',8' notitle\n",
             roof);
}

std::string memory(const std::vector<json>& cases) {
  std::string rows = "$d << EOD\n";
  constexpr double kMebi = 1024.0 * 1024.0;
  for (const json& c : cases)
    rows += fmt::format("\"{}\" {:.6g} {:.6g}\n", c["label"].get<std::string>(),
                        metric(c, "index_memory") / kMebi, metric(c, "peak_extra_memory") / kMebi);
  return rows +
         "EOD\nset style data histograms\nset style fill solid 0.8\nset xtics rotate by -35 "
         "noenhanced\nset ylabel 'MiB'\nset rmargin 8\nset yrange [0:*]\n"
         "plot $d using 2:xtic(1) title 'index', $d using 3 title 'extra'\n";
}

/// Draws one SVG; false when gnuplot is missing or fails.
bool gnuplot(const std::string& script, const std::filesystem::path& path, double height) {
  FILE* pipe = popen("gnuplot 2>/dev/null", "w");
  if (!pipe) return false;
  fmt::print(pipe,
             "set terminal svg size 720,{} font 'Helvetica,12' background rgb 'white'\nset output "
             "{}\nset key outside noenhanced\n{}",
             height, quoted(path.string()), script);
  return pclose(pipe) == 0 && std::filesystem::exists(path);
}

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

std::vector<std::string> write_figures(const json& data, const std::string& folder) {
  const std::filesystem::path into = folder;
  std::vector<std::string> written;
  const auto cases = timed(data);
  constexpr double kHeight = 440, kRow = 22;
  const double tall = 120 + kRow * static_cast<double>(cases.size());
  const struct {
    const char* name;
    std::string script;
    double height;
  } figures[] = {
      {"pareto.svg", pareto(cases), kHeight},
      {"ratios.svg", forest(cases), tall},
      {"density_error.svg",
       method_plot(cases, "density", "relative_l2",
                   "set xlabel 'executed density'\nset ylabel 'relative L2 error'\n",
                   "linespoints"),
       kHeight},
      {"density_speedup.svg",
       method_plot(cases, "density", "speedup",
                   "set xlabel 'executed density'\nset ylabel 'speedup'\n", "linespoints"),
       kHeight},
      {"roofline.svg", roofline(cases), kHeight},
      {"memory.svg", memory(cases), kHeight}};
  for (const auto& figure : figures) {
    if (figure.script.empty()) continue;
    if (gnuplot(figure.script, into / figure.name, figure.height))
      written.emplace_back(figure.name);
    else
      fmt::print(stderr, "warning: no {}: gnuplot is missing or failed (package gnuplot-nox)\n",
                 figure.name);
  }
  for (const json& c : data["cases"]) {
    const json pictures = c.value("pictures", json::object());
    for (const auto& [kind, uri] : pictures.items()) {
      const std::string encoded = uri;
      const char* type = encoded.starts_with("data:image/jpeg") ? "jpg" : "png";
      written.push_back(
          file_name(fmt::format("{}_{}.{}", c["name"].get<std::string>(), kind, type)));
      write_text(into / written.back(), decoded(encoded));
    }
  }
  return written;
}

}  // namespace vidattn
