#include "harness/store/bencher.h"

#include <algorithm>
#include <cmath>

#include "harness/measure/record/catalogue.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

using nlohmann::json;

void put_measure(json& measures, const std::string& name, double value, const Interval& ends) {
  if (!std::isfinite(value)) return;
  json& measure = measures[name] = {{"value", value}};
  if (std::isfinite(ends.low)) measure["lower_value"] = ends.low;
  if (std::isfinite(ends.high)) measure["upper_value"] = ends.high;
}

void put_latency(json& measures, const Measurement& c) {
  constexpr double kNanosecond = 1e-9;  // seconds
  std::vector<double> times;
  for (const Block& b : c.blocks) times.push_back(b.seconds() / kNanosecond);
  if (times.empty()) return;
  const auto [fastest, slowest] = std::minmax_element(times.begin(), times.end());
  const Interval ends{*fastest, *slowest};
  put_measure(measures, "latency", median(times), ends);
}

json measures_of(const Measurement& c) {
  json measures = json::object();
  put_latency(measures, c);
  for (const std::string tag : {"ratio", "fed_ratio"})
    put_measure(measures, tag, c.metric(tag), {c.metric(tag + "_low"), c.metric(tag + "_high")});
  for (const MetricInfo* metric : metrics_in(kGuarded))
    put_measure(measures, metric->tag, c.metric(metric->tag), {NAN, NAN});
  return measures;
}

}  // namespace

json bencher_json(const StoredRun& run) {
  json all = json::object();
  for (const Measurement& c : run.cases)
    if (c.passed()) all[c.key()] = measures_of(c);
  return all;
}

}  // namespace vidattn
