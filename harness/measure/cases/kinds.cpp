#include "harness/measure/cases/kinds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "metrics/plan/checksum.h"
#include "metrics/plan/layer_kinds.h"

namespace vidattn {
namespace {

/// Means over the kinds of a case, weighted by their shares; exact where all have the same value.
class KindMeans {
 public:
  explicit KindMeans(const std::vector<Case>& kinds) : kinds_(kinds) {}

  template <class Of>
  double mean(const Of& of) const {
    const auto first = static_cast<double>(of(kinds_.front()));
    double sum = 0;
    for (const Case& kind : kinds_) sum += kind.share * (static_cast<double>(of(kind)) - first);
    return first + sum;
  }
  template <class Of>
  int64_t whole(const Of& of) const {
    return std::llround(mean(of));
  }
  /// Of lists as long as that of the first kind, place by place.
  template <class Value, class Of>
  std::vector<Value> list(const Of& of) const {
    std::vector<Value> means(of(kinds_.front()).size());
    for (size_t i = 0; i < means.size(); ++i) {
      const double value = mean([&](const Case& kind) { return of(kind).at(i); });
      if constexpr (std::is_integral_v<Value>)
        means[i] = std::llround(value);
      else
        means[i] = value;
    }
    return means;
  }

 private:
  const std::vector<Case>& kinds_;
};

PlanStats mean_stats(const KindMeans& over) {
  PlanStats stats;
  stats.density_per_head =
      over.list<double>([](const Case& c) -> auto& { return c.stats.density_per_head; });
  for (double PlanStats::*of :
       {&PlanStats::density, &PlanStats::flops, &PlanStats::run_flops, &PlanStats::backward_flops,
        &PlanStats::linear_flops, &PlanStats::planning_flops})
    stats.*of = over.mean([of](const Case& c) { return c.stats.*of; });
  for (int64_t PlanStats::*of :
       {&PlanStats::pairs, &PlanStats::scored_pairs, &PlanStats::dense_pairs,
        &PlanStats::planning_bytes, &PlanStats::index_bytes, &PlanStats::prepared_bytes})
    stats.*of = over.whole([of](const Case& c) { return c.stats.*of; });
  return stats;
}

/// The stages of planning by name: what a kind leaves out takes nothing there.
std::vector<PlanFacts::Stage> mean_kind_stages(const std::vector<Case>& kinds) {
  std::vector<PlanFacts::Stage> means;
  for (const Case& kind : kinds)
    for (const PlanFacts::Stage& stage : kind.result.plan.stages) {
      auto known = std::find_if(means.begin(), means.end(),
                                [&](const auto& mean) { return mean.name == stage.name; });
      if (known == means.end()) known = means.insert(known, {stage.name});
      known->seconds += kind.share * stage.seconds;
      known->flops += kind.share * stage.flops;
      known->bytes = std::max(known->bytes, stage.bytes);
    }
  return means;
}

/// Branches, figures and ranks are those of each kind, and stand with them.
PlanFacts mean_plan(const std::vector<Case>& kinds, const PlanStats& stats) {
  PlanFacts plan;
  std::vector<std::string> checksums;
  for (const Case& kind : kinds) checksums.push_back(kind.result.plan.checksum);
  plan.checksum = joint_checksum(checksums);
  plan.density_per_head = stats.density_per_head;
  plan.stages = mean_kind_stages(kinds);
  plan.unit = kinds.front().result.plan.unit;
  plan.check_tokens = kinds.front().result.plan.check_tokens;
  for (const Case& kind : kinds)
    plan.check_tokens = std::min(plan.check_tokens, kind.result.plan.check_tokens);
  return plan;
}

HeadFigures mean_heads(const KindMeans& over) {
  const auto of = [&](auto HeadFigures::*figure) {
    return [figure](const Case& c) -> auto& { return c.result.per_head.*figure; };
  };
  return {
      over.list<double>(of(&HeadFigures::recall)), over.list<double>(of(&HeadFigures::relative_l2)),
      over.list<double>(of(&HeadFigures::cosine)), over.list<int64_t>(of(&HeadFigures::keyless))};
}

/// What the kinds' notes say, each once, and how far they are apart.
void add_notes(Case& c) {
  std::string& note = c.result.note;
  for (const Case& kind : c.kinds)
    if (const std::string& own = kind.result.note; note.find(own) == std::string::npos)
      note += (note.empty() ? "" : "; ") + own;
  std::vector<std::string> each;
  for (const Case& kind : c.kinds)
    each.push_back(fmt::format("{:.4g} of {} ({:.0f}% of the layers)", kind.stats.density,
                               kind_name(kind), 100 * kind.share));
  note += fmt::format("{}mean of {} kinds of layers, of densities {}",
                      note.empty() ? short_setting(c.result.setting) + ": " : "; ", each.size(),
                      fmt::join(each, ", "));
}

/// Whether all kinds passed; else the first that did not says why.
bool all_passed(Case& c) {
  for (const Case& kind : c.kinds) {
    if (kind.passed()) continue;
    c.result.outcome = kind.result.outcome;
    c.result.reason = kind.result.reason;
    if (!c.result.reason.empty()) c.result.reason = kind_name(kind) + ": " + c.result.reason;
    return false;
  }
  return true;
}

}  // namespace

void make_kinds(Case& c) {
  const auto calls = stood_for(*c.spec.backend, c.spec.params, c.in.context);
  if (calls.size() < 2) return;
  std::vector<Case> kinds(calls.size(), c);
  for (size_t i = 0; i < kinds.size(); ++i) {
    kinds[i].in.context = calls[i].context;
    kinds[i].share = calls[i].share;
    kinds[i].result.note.clear();
  }
  c.kinds = std::move(kinds);
}

void take_means(Case& c) {
  if (!all_passed(c)) return;
  const KindMeans over(c.kinds);
  c.stats = mean_stats(over);
  c.setup_seconds = over.mean([](const Case& kind) { return kind.setup_seconds; });
  c.validation_seconds = over.mean([](const Case& kind) { return kind.validation_seconds; });
  c.result.plan = mean_plan(c.kinds, c.stats);
  c.result.per_head = mean_heads(over);
  for (const Case& kind : c.kinds)
    if (kind.extra_bytes) c.extra_bytes = std::max(c.extra_bytes.value_or(0), *kind.extra_bytes);
  add_notes(c);
}

std::string kind_name(const Case& kind) {
  std::vector<std::string> values;
  for (const auto& [name, value] : kind.spec.backend->derived(kind.spec.params, kind.in.context))
    values.push_back(name + "=" + to_text(value));
  return values.empty() ? fmt::format("layer {}", kind.in.context.layer)
                        : fmt::format("{}", fmt::join(values, ","));
}

}  // namespace vidattn
