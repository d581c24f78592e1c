#include "harness/measure/record/over_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "harness/measure/record/case_groups.h"
#include "harness/measure/record/catalogue.h"
#include "metrics/statistics/paired_difference.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

using CallCases = CasePointers;

constexpr size_t kLowestHeads = 3;

/// A figure that every head has.
struct HeadFigure {
  const char* name;
  bool high_is_worse;
  const std::vector<double>& (*of)(const Measurement&);
};
using Values = std::vector<double>;
constexpr HeadFigure kHeadFigures[] = {
    {"recall", false, [](const Measurement& m) -> const Values& { return m.per_head.recall; }},
    {"relative_l2", true,
     [](const Measurement& m) -> const Values& { return m.per_head.relative_l2; }},
    {"cosine", false, [](const Measurement& m) -> const Values& { return m.per_head.cosine; }},
    {"density", true,
     [](const Measurement& m) -> const Values& { return m.plan.density_per_head; }},
};

CallFacts call_of(const Measurement& m) { return m.call() != nullptr ? *m.call() : CallFacts{}; }

WorstHead worst_of(const CallCases& cases, const HeadFigure& figure) {
  WorstHead worst;
  CallTexts texts;
  for (const Measurement* m : cases) texts.add(call_of(*m));
  for (const Measurement* m : cases) {
    const Values& values = figure.of(*m);
    for (size_t head = 0; head < values.size(); ++head) {
      if (std::isnan(values[head])) continue;
      const bool worse =
          figure.high_is_worse ? values[head] > worst.value : values[head] < worst.value;
      if (!worse && worst.head >= 0) continue;
      worst = {values[head], call_of(*m), 0, texts.of(call_of(*m))};
      worst.head = worst.call.head(head);
    }
  }
  return worst;
}

double mean_over_heads(const CallCases& cases, const HeadFigure& figure) {
  Values all;
  for (const Measurement* m : cases)
    all.insert(all.end(), figure.of(*m).begin(), figure.of(*m).end());
  return mean_interval(all).mean;
}

std::string prefix_of(const CallFacts& call) {
  return call.source.substr(std::min(call.source.find('#'), call.source.size() - 1) + 1);
}

/// What of their sources tells calls apart that layer, step, entry and prompt do not: nothing,
/// their prefixes, or files and prefixes.
class TellingPart {
 public:
  explicit TellingPart(const CallCases& cases) {
    std::set<std::array<std::string, 3>> nothing, prefixes, sources;
    for (const Measurement* m : cases) {
      const CallFacts call = call_of(*m);
      const std::string numbers = call_text({call.layer, call.step, call.batch_entry, 0, "", ""});
      nothing.insert({numbers, call.prompt, ""});
      prefixes.insert({numbers, call.prompt, prefix_of(call)});
      sources.insert({numbers, call.prompt, call.source});
    }
    if (nothing.size() == sources.size()) return;
    part_ = prefix_of;
    if (prefixes.size() < sources.size()) part_ = [](const CallFacts& call) { return call.source; };
  }
  std::string of(const CallFacts& call) const { return part_ ? without_step(part_(call)) : ""; }

 private:
  std::string (*part_)(const CallFacts&) = nullptr;
};

/// The figures of one head of one layer in every call.
struct HeadSamples {
  int64_t calls = 0;
  Values recall, relative_l2, cosine;
};

std::vector<HeadOverCalls> lowest_heads(const CallCases& cases) {
  const TellingPart part(cases);
  std::map<std::tuple<int64_t, std::string, int64_t>, HeadSamples> heads;
  for (const Measurement* m : cases) {
    const CallFacts call = call_of(*m);
    const HeadFigures& figures = m->per_head;
    for (size_t i = 0; i < figures.recall.size(); ++i) {
      HeadSamples& head = heads[{call.layer, part.of(call), call.head(i)}];
      ++head.calls;
      head.recall.push_back(figures.recall[i]);
      head.relative_l2.push_back(figures.relative_l2[i]);
      head.cosine.push_back(figures.cosine[i]);
    }
  }
  std::vector<HeadOverCalls> all;
  for (const auto& [place, head] : heads)
    all.push_back({std::get<0>(place), std::get<1>(place), std::get<2>(place), head.calls,
                   mean_interval(head.recall).mean, mean_interval(head.relative_l2).mean,
                   mean_interval(head.cosine).mean});
  std::erase_if(all, [](const HeadOverCalls& head) { return std::isnan(head.recall); });
  std::stable_sort(all.begin(), all.end(), [](const HeadOverCalls& a, const HeadOverCalls& b) {
    return a.recall < b.recall;
  });
  all.resize(std::min(all.size(), kLowestHeads));
  return all;
}

/// Ends of a single call's interval say nothing about several calls.
bool is_end(const std::string& tag) { return tag.ends_with("_low") || tag.ends_with("_high"); }

bool of_several_prompts(const CallCases& cases) {
  std::set<std::string> prompts;
  for (const Measurement* m : cases) prompts.insert(call_of(*m).prompt);
  return prompts.size() > 1;
}

/// Logarithms of the ratio to full attention, means of the clusters.
Values clustered_log_ratios(const CallCases& cases, bool by_prompt) {
  std::map<std::string, Values> clusters;
  for (size_t i = 0; i < cases.size(); ++i)
    if (const double ratio = cases[i]->metric("ratio"); ratio > 0)
      clusters[by_prompt ? call_of(*cases[i]).prompt : std::to_string(i)].push_back(
          std::log(ratio));
  Values means;
  for (const auto& [name, logs] : clusters) means.push_back(mean_of(logs));
  return means;
}

void set_speedup(OverCalls& over, const CallCases& cases) {
  over.by_prompt = of_several_prompts(cases);
  const Values logs = clustered_log_ratios(cases, over.by_prompt);
  over.clusters = std::ssize(logs);
  if (logs.empty()) return;
  const MeanInterval log = mean_interval(logs);
  const auto set = [&](const char* tag, double value) {
    over.mean.values[tag] = {"1", value, std::isnan(value) ? "one shows no spread" : ""};
  };
  set("ratio", std::exp(log.mean));
  set("ratio_low", std::exp(log.mean - log.half_width));
  set("ratio_high", std::exp(log.mean + log.half_width));
  set(kSpeedupTag.data(), std::exp(-log.mean));
}

OverCalls over_group(const CallCases& all) {
  OverCalls over;
  CallCases passed;
  for (const Measurement* m : all)
    if (m->passed()) passed.push_back(m);
  over.calls = std::ssize(all);
  over.passed = std::ssize(passed);
  over.missed = std::count_if(passed.begin(), passed.end(),
                              [](const Measurement* m) { return m->missed_density(); });
  over.mean.identity = all.front()->identity;
  over.mean.identity.workload = fmt::format("{} calls", all.size());
  over.mean.identity.content.clear();
  over.mean.setting = all.front()->identity.backend;
  for (const MetricInfo& metric : catalogue())
    if (const auto value = mean_value(passed, metric); value && !is_end(metric.tag))
      over.mean.values[metric.tag] = *value;
  if (over.missed > 0)
    over.mean.note = fmt::format("{} of {} calls missed the density", over.missed, over.passed);
  set_speedup(over, passed);
  for (const HeadFigure& figure : kHeadFigures)
    if (const WorstHead worst = worst_of(passed, figure); worst.head >= 0) {
      over.worst[figure.name] = worst;
      over.mean_over_heads[figure.name] = mean_over_heads(passed, figure);
    }
  if (!over.mean.is_full()) over.lowest = lowest_heads(passed);
  return over;
}

auto group_key(const CaseIdentity& id) {
  return std::tuple(id.backend, id.device, id.dtype, id.density, id.cold);
}

}  // namespace

std::string WorstHead::place() const {
  return fmt::format("{}{}head {}", where, where.empty() ? "" : ", ", head);
}

bool of_several_calls(const std::vector<Measurement>& cases) {
  std::set<std::string> calls;
  for (const Measurement& m : cases)
    if (m.call() != nullptr) calls.insert(m.identity.workload);
  return calls.size() > 1;
}

std::vector<OverCalls> over_calls(const std::vector<Measurement>& cases) {
  std::vector<size_t> places(cases.size());
  std::iota(places.begin(), places.end(), size_t{0});
  std::vector<OverCalls> all;
  for (std::vector<size_t>& group :
       grouped(places, [&](size_t i) { return group_key(cases[i].identity); })) {
    all.push_back(over_group(at_places(cases, group)));
    all.back().members = std::move(group);
  }
  return all;
}

}  // namespace vidattn
