#include "harness/measure/knob_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/host/interrupt.h"
#include "metrics/plan/layer_kinds.h"

namespace vidattn {
namespace {

// A real-valued knob is good enough when the density is within 0.2% of the target. Of whole numbers
// the nearest one is found.
constexpr double kCloseEnough = 0.002;
constexpr int kMaxPlans = 24;

double planned_density(const BackendSpec& spec, Inputs in, const std::vector<Inputs>& before) {
  StepCache kept;
  for (Inputs step : before) {
    step.context.cache = &kept;
    spec.backend->prepare(step, spec.params);
    spec.backend->plan(step, spec.params);
  }
  if (!before.empty()) in.context.cache = &kept;
  spec.backend->prepare(in, spec.params);
  return mean_density(*spec.backend, spec.params, in);
}

/// Values of a knob between which the target density lies.
struct Bracket {
  double sparse, dense;  ///< values
  bool discrete, wide;
  double sparse_density = 0, dense_density = 1;

  Bracket(const DensityKnob& knob, bool whole)
      : sparse(knob.sparse),
        dense(knob.dense),
        discrete(whole),
        wide(whole && knob.sparse >= 0 && knob.dense >= 0) {}

  /// Densities often fall like 1/x (groups, chunks), and counts may go far beyond what matters: the
  /// geometric middle halves better there. One more keeps 0 in reach.
  double halved() const {
    return rounded(wide ? std::sqrt((sparse + 1) * (dense + 1)) - 1 : (sparse + dense) / 2);
  }
  /// Where a density that is linear in the value, or in its inverse where it falls, hits `target`.
  double interpolated(double target) const {
    const double share = (target - sparse_density) / (dense_density - sparse_density);
    if (!wide || dense > sparse) return rounded(sparse + share * (dense - sparse));
    const double from = 1 / (sparse + 1), to = 1 / (dense + 1);
    return rounded(1 / (from + share * (to - from)) - 1);
  }
  void narrow(double value, double density, double target) {
    (density < target ? sparse : dense) = value;
    (density < target ? sparse_density : dense_density) = density;
  }

 private:
  double rounded(double value) const { return discrete ? std::round(value) : value; }
};

/// A list takes the value for every element it has by default.
std::string value_text(const Params& params, const std::string& param, double value) {
  if (const auto* list = std::get_if<std::vector<double>>(&params.value(param)))
    return to_text(std::vector<double>(std::max<size_t>(list->size(), 1), value));
  return fmt::format("{}", value);
}

}  // namespace

KnobSearch::KnobSearch(const BackendSpec& spec, const Inputs& in, DensityKnob knob,
                       std::vector<Inputs> before)
    : spec_(spec), in_(in), before_(std::move(before)), knob_(std::move(knob)) {
  for (const auto& [name, text] : knob_.settings) spec_.params.set(name, text);
  if (!knob_.steps.empty()) {
    knob_.sparse = 0;
    knob_.dense = static_cast<double>(knob_.steps.size() - 1);
  }
  spec_.backend->prepare_search(in_, spec_.params);
}

bool KnobSearch::whole() const {
  return !knob_.steps.empty() || !std::holds_alternative<double>(spec_.params.value(knob_.param));
}

Settings KnobSearch::settings_at(double value) const {
  if (!knob_.steps.empty()) return knob_.steps.at(static_cast<size_t>(value));
  return {{knob_.param, value_text(spec_.params, knob_.param, value)}};
}

BackendSpec KnobSearch::spec_at(double value) const {
  BackendSpec spec = spec_;
  for (const auto& [name, text] : settings_at(value)) spec.params.set(name, text);
  return spec;
}

std::string KnobSearch::text_at(double value) const {
  Settings all = knob_.settings;
  const Settings own = settings_at(value);
  all.insert(all.end(), own.begin(), own.end());
  std::string text;
  for (const auto& [name, of] : all)
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", name, short_number(of));
  return text;
}

double KnobSearch::density(double value) {
  const auto [entry, fresh] = known_.try_emplace(value, 0);
  if (fresh) entry->second = planned_density(spec_at(value), in_, before_);
  return entry->second;
}

double KnobSearch::solve(double target) {
  double best = NAN, nearest = INFINITY;
  const auto consider = [&](double candidate) {
    const double found = density(candidate);
    // One of 0 attends to nothing, however near that is.
    if (found > 0 && std::abs(found - target) < std::abs(nearest - target)) {
      nearest = found;
      best = candidate;
    }
    return found;
  };
  const bool discrete = whole();
  Bracket bracket{knob_, discrete};
  const auto narrow = [&](double middle) { bracket.narrow(middle, consider(middle), target); };
  const auto close_enough = [&] {
    return interrupted() || std::abs(nearest - target) <= (discrete ? 0 : kCloseEnough * target);
  };
  bool inside = !interrupted() && (bracket.sparse_density = consider(knob_.sparse)) < target;
  if (inside && discrete && knob_.sparse > 0) {
    // Counts of keys or blocks per query are proportional to the density: often this is it.
    const double guess = std::round(knob_.sparse * target / nearest);
    if (guess > knob_.sparse && guess < knob_.dense) narrow(guess);
  }
  if (inside && !close_enough() && bracket.dense == knob_.dense)
    inside = (bracket.dense_density = consider(knob_.dense)) > target;
  for (int i = 0; inside && i < kMaxPlans && !close_enough(); ++i) {
    // A plan can cost seconds: interpolation mostly needs few, where the density follows the value
    // at all. Elsewhere (thresholds just below 1) halving gets nearer, so it has most of the turns.
    const bool interpolate = i < 2 || i % 4 == 0;
    const double middle = interpolate ? bracket.interpolated(target) : bracket.halved();
    if (middle != bracket.sparse && middle != bracket.dense)
      narrow(middle);
    else if (bracket.halved() == middle)
      break;
  }
  return best;
}

}  // namespace vidattn
