#include "harness/density.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "attention/error.h"
#include "harness/interrupt.h"
#include "metrics/plan_stats.h"

namespace vidattn {
namespace {

// A real-valued knob is good enough when the density is within 0.2% of the target.
constexpr double kCloseEnough = 0.002;
constexpr int kMaxPlans = 24;
constexpr int kMaxDensities = 1000;

double planned_density(const BackendSpec& spec, Inputs in) {
  spec.backend->prepare(in, spec.params);
  return plan_stats(spec.backend->plan(in, spec.params), in).density;
}

/// The knob at `value`; a list takes it for every element it has by default.
BackendSpec with_knob(BackendSpec spec, const DensityKnob& knob, double value) {
  const ParamValue& current = spec.params.value(knob.param);
  std::string text = fmt::format("{}", value);
  if (const auto* list = std::get_if<std::vector<double>>(&current))
    text = to_text(std::vector<double>(std::max<size_t>(list->size(), 1), value));
  spec.params.set(knob.param, text);
  return spec;
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

DensitySolution solve_density(const BackendSpec& spec, const Inputs& in, double target) {
  const DensityKnob& knob = spec.backend->info().knob;
  if (knob.param.empty())
    return {spec, planned_density(spec, in), spec.backend->name() + " has no density knob"};
  const bool discrete = !std::holds_alternative<double>(spec.params.value(knob.param));
  DensitySolution best{spec, INFINITY, ""};
  double value = 0;
  const auto consider = [&](double candidate) {
    const BackendSpec tried = with_knob(spec, knob, candidate);
    const double density = planned_density(tried, in);
    if (std::abs(density - target) < std::abs(best.density - target)) {
      best = {tried, density, ""};
      value = candidate;
    }
    return density;
  };
  Bracket bracket{knob, discrete};
  if (!interrupted() && (bracket.sparse_density = consider(knob.sparse)) < target &&
      !interrupted() && (bracket.dense_density = consider(knob.dense)) > target) {
    for (int i = 0;
         i < kMaxPlans && !interrupted() && std::abs(best.density - target) > kCloseEnough * target;
         ++i) {
      // A plan can cost seconds: interpolation mostly needs few, where the density follows the value
      // at all. Elsewhere (thresholds just below 1) halving gets nearer, so it has most of the turns.
      const bool interpolate = i < 2 || i % 4 == 0;
      const double middle = interpolate ? bracket.interpolated(target) : bracket.halved();
      if (middle == bracket.sparse || middle == bracket.dense) {
        if (bracket.halved() == middle) break;
        continue;
      }
      bracket.narrow(middle, consider(middle), target);
    }
  }
  best.note = fmt::format("{}: {} = {:g} gives density {:.4g} for the target {:g}",
                          spec.backend->name(), knob.param, value, best.density, target);
  return best;
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
