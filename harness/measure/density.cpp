#include "harness/measure/density.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "metrics/plan/stats.h"

namespace vidattn {
namespace {

// A real-valued knob is good enough when the density is within 0.2% of the target.
constexpr double kCloseEnough = 0.002;
constexpr double kMissed = 0.02;
constexpr int kMaxPlans = 24;
constexpr int kMaxDensities = 1000;

double planned_density(const BackendSpec& spec, Inputs in) {
  spec.backend->prepare(in, spec.params);
  return plan_stats(spec.backend->plan(in, spec.params), in).density;
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

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t next = std::min(text.find(separator, at), text.size());
    parts.push_back(text.substr(at, next - at));
    at = next + 1;
  }
  return parts;
}

}  // namespace

double parse_density(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value > 0 && value <= 1))
    throw InputError("'" + text + "' is no density: expected a number in (0, 1]");
  return value;
}

DensitySearch::DensitySearch(const BackendSpec& spec, const Inputs& in) : spec_(spec), in_(in) {
  if (!spec.backend->info().knob.param.empty()) spec.backend->prepare_search(in_, spec.params);
}

/// A list takes the value for every element it has by default.
BackendSpec DensitySearch::with_knob(double value) const {
  BackendSpec spec = spec_;
  const std::string& param = spec.backend->info().knob.param;
  std::string text = fmt::format("{}", value);
  if (const auto* list = std::get_if<std::vector<double>>(&spec.params.value(param)))
    text = to_text(std::vector<double>(std::max<size_t>(list->size(), 1), value));
  spec.params.set(param, text);
  return spec;
}

double DensitySearch::density(double value) {
  const auto [entry, fresh] = known_.try_emplace(value, 0);
  if (fresh) entry->second = planned_density(with_knob(value), in_);
  return entry->second;
}

DensitySolution DensitySearch::solve(double target) {
  const DensityKnob& knob = spec_.backend->info().knob;
  const std::string name = spec_.backend->name();
  if (knob.param.empty())
    return {spec_, planned_density(spec_, in_), name + " has no density knob"};
  const bool discrete = !std::holds_alternative<double>(spec_.params.value(knob.param));
  DensitySolution best{spec_, INFINITY, ""};
  double value = 0;
  const auto consider = [&](double candidate) {
    const double found = density(candidate);
    if (std::abs(found - target) < std::abs(best.density - target)) {
      best = {with_knob(candidate), found, ""};
      value = candidate;
    }
    return found;
  };
  Bracket bracket{knob, discrete};
  const auto narrow = [&](double middle) { bracket.narrow(middle, consider(middle), target); };
  const auto close_enough = [&] {
    return interrupted() || std::abs(best.density - target) <= kCloseEnough * target;
  };
  bool inside = !interrupted() && (bracket.sparse_density = consider(knob.sparse)) < target;
  if (inside && discrete && knob.sparse > 0) {
    // Counts of keys or blocks per query are proportional to the density: often this is it.
    const double guess = std::round(knob.sparse * target / best.density);
    if (guess > knob.sparse && guess < knob.dense) narrow(guess);
  }
  if (inside && !close_enough() && bracket.dense == knob.dense)
    inside = (bracket.dense_density = consider(knob.dense)) > target;
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
  best.note = fmt::format("{}: {} = {:g} gives density {:.4g} for the target {:g}", name,
                          knob.param, value, best.density, target);
  return best;
}

bool missed_density(double density, double wanted) {
  return std::abs(density / wanted - 1) > kMissed;
}

void MissedDensities::add(const std::string& label, double density, double wanted) {
  if (!missed_density(density, wanted)) return;
  const auto [entry, fresh] = range_.try_emplace(label, density, density);
  if (fresh) labels_.push_back(label);
  auto& [least, most] = entry->second;
  least = std::min(least, density);
  most = std::max(most, density);
}

std::string MissedDensities::note() const {
  std::string text;
  for (const std::string& label : labels_) {
    const std::string least = fmt::format("{:.4f}", range_.at(label).first),
                      most = fmt::format("{:.4f}", range_.at(label).second);
    text += fmt::format("{}{} has {}", text.empty() ? "" : ", ", label, least);
    if (most != least) text += " to " + most;
  }
  return text.empty() ? "" : "The knob comes no nearer to the density than this: " + text + ".";
}

DensitySolution solve_density(const BackendSpec& spec, const Inputs& in, double target) {
  return DensitySearch(spec, in).solve(target);
}

std::vector<double> parse_densities(const std::string& text) {
  std::vector<double> densities;
  const auto range = split(text, ':');
  if (range.size() == 3) {
    const double from = parse_density(range[0]), to = parse_density(range[1]),
                 step = parse_density(range[2]);
    if ((to - from) / step > kMaxDensities)
      throw InputError("'" + text + "' has more than " + std::to_string(kMaxDensities) +
                       " densities");
    // Half a step of slack, so that rounding does not lose the end.
    for (int64_t i = 0; from + static_cast<double>(i) * step < to + step / 2; ++i)
      densities.push_back(std::min(to, from + static_cast<double>(i) * step));
  } else {
    for (const std::string& part : split(text, ',')) densities.push_back(parse_density(part));
  }
  if (densities.empty() || *std::max_element(densities.begin(), densities.end()) > 1)
    throw InputError("'" + text +
                     "' is no list of densities in (0, 1]: expected 0.25, 0.1,0.2 or "
                     "from:to:step");
  return densities;
}

}  // namespace vidattn
