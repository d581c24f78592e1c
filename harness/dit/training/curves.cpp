#include "harness/dit/training/curves.h"

#include <report_assets.h>

#include <algorithm>

#include "harness/io/file.h"
#include "harness/io/text/escape.h"
#include "harness/io/text/html.h"

namespace vidattn {
namespace {

using nlohmann::json;

constexpr size_t kPoints = 400;  // of a curve

constexpr const char* kCurvesPage = R"page(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>%NAME%</title><style>%STYLE%</style></head>
<body><header><h1>%TITLE%</h1></header><main id="main"></main>
<script id="data" type="application/json">%DATA%</script><script>%CHART%</script>
<script>
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const dark = matchMedia('(prefers-color-scheme: dark)').matches;
document.documentElement.dataset.theme = dark ? 'dark' : 'light';
const colours = ['#0a78c2', '#d1640b', '#2b9348', '#a43ac0', '#c22e45', '#6b7280', '#8a6d00', '#12858a'];
for (const {title, curves} of data) {
  const box = document.createElement('section');
  const heading = document.createElement('h2');
  heading.textContent = title;
  const panel = document.createElement('div');
  panel.className = 'chart';
  const canvas = document.createElement('canvas');
  panel.append(canvas);
  box.append(heading, panel);
  document.getElementById('main').append(box);
  if (typeof Chart === 'undefined') { panel.textContent = 'Chart.js was not there when this was built.'; continue; }
  const datasets = curves.map(({name, points}, i) => ({
    label: name, data: points.map(([x, y]) => ({x, y})), borderColor: colours[i % colours.length],
    backgroundColor: colours[i % colours.length], borderWidth: 1.5, pointRadius: 0}));
  new Chart(canvas, {type: 'line', data: {datasets}, options: {animation: false, maintainAspectRatio: false,
    scales: {x: {type: 'linear', title: {display: true, text: 'step'}}}}});
}
</script></body></html>
)page";

/// A log may have been changed by hand: what is no number is none.
double number_of(const json& line, const std::string& key, int64_t block) {
  const json value = line.value(key, json());
  if (block < 0) return value.is_number() ? value.get<double>() : std::nan("");
  const auto place = static_cast<size_t>(block);
  return value.is_array() && place < value.size() && value[place].is_number()
             ? value[place].get<double>()
             : std::nan("");
}

/// Means of a value over pieces of the run: [[step, value], …].
json curve(const std::vector<json>& lines, const std::string& key, int64_t block = -1) {
  json points = json::array();
  const size_t piece = std::max<size_t>(1, lines.size() / kPoints);
  for (size_t from = 0; from < lines.size(); from += piece) {
    const size_t to = std::min(from + piece, lines.size());
    double sum = 0;
    for (size_t i = from; i < to; ++i) sum += number_of(lines[i], key, block);
    if (std::isfinite(sum)) points.push_back({lines[to - 1]["step"], sum / (to - from)});
  }
  return points;
}

json by_block(const std::vector<json>& lines, const std::string& key) {
  json curves = json::array();
  const auto blocks = static_cast<int64_t>(lines.back().value(key, json()).size());
  for (int64_t block = 0; block < blocks; ++block)
    curves.push_back(
        {{"name", "block " + std::to_string(block)}, {"points", curve(lines, key, block)}});
  return curves;
}

json panel(const std::string& title, json curves) {
  return {{"title", title}, {"curves", std::move(curves)}};
}

json panels(const std::vector<json>& lines) {
  const auto one = [&](const char* name, const char* key) {
    json list = json::array();
    list.push_back({{"name", name}, {"points", curve(lines, key)}});
    return list;
  };
  json all = json::array();
  all.push_back(
      panel("Loss: weighted mean of squared errors of the velocity", one("loss", "loss")));
  if (!lines.empty() && lines.back().contains("balance_switch")) {
    all.push_back(panel("Balance M sum F P, P the mean probability (Switch)",
                        by_block(lines, "balance_switch")));
    all.push_back(panel("Balance M sum F P, P of assigned tokens alone (MoGA Eq. 8)",
                        by_block(lines, "balance_eq8")));
    all.push_back(panel("Balance of the choices, M sum F^2", by_block(lines, "balance_one_hot")));
    all.push_back(panel("Largest group over the mean", by_block(lines, "largest_over_mean")));
  }
  all.push_back(panel("Norm of the gradient", one("norm", "gradient_norm")));
  all.push_back(panel("Learning rate", one("rate", "rate")));
  all.push_back(panel("Seconds of a step", one("seconds", "seconds")));
  all.push_back(panel("Share of the network's time in visual attention, both passes",
                      one("share", "attention_share")));
  return all;
}

}  // namespace

void write_curves(const std::filesystem::path& path, const std::string& title,
                  const std::vector<json>& lines) {
  write_text(path.string(), fill_page(kCurvesPage, {{"%NAME%", xml(title)},
                                                    {"%STYLE%", kReportStyle},
                                                    {"%TITLE%", xml(title)},
                                                    {"%DATA%", script_json(panels(lines))},
                                                    {"%CHART%", kChartLibrary}}));
}

}  // namespace vidattn
