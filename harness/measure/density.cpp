#include "harness/measure/density.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "metrics/plan/layer_kinds.h"

namespace vidattn {
namespace {

constexpr int kMaxDensities = 1000;

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

double checked_density(double density) {
  if (!(density > 0 && density <= 1))
    throw InputError(fmt::format("density {:g} is not above 0 and at most 1", density));
  return density;
}

double parse_density(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value > 0 && value <= 1))
    throw InputError("'" + text + "' is no density: expected a number in (0, 1]");
  return value;
}

DensitySearch::DensitySearch(const BackendSpec& spec, const Inputs& in, std::vector<Inputs> before)
    : spec_(spec), in_(in), before_(std::move(before)) {
  if (spec.backend->info().learns_over_steps && before_.empty()) return;
  const auto given = [&](const auto& setting) { return spec.params.given(setting.first); };
  for (DensityKnob& knob : spec.backend->knobs(in, spec.params)) {
    Settings changed = knob.settings;
    for (const Settings& step : knob.steps) changed.insert(changed.end(), step.begin(), step.end());
    if (std::none_of(changed.begin(), changed.end(), given)) knobs_.push_back(std::move(knob));
  }
  if (!knobs_.empty()) searches_.emplace_back(spec_, in_, knobs_.front(), before_);
}

DensitySolution DensitySearch::solve(double target) {
  const std::string name = spec_.backend->name();
  if (knobs_.empty()) return without_knob(target);
  DensitySolution best{spec_, INFINITY, ""};
  std::string text;
  for (size_t i = 0; i < knobs_.size() && !interrupted(); ++i) {
    if (i > 0 && !missed_density(best.density, target)) break;
    if (i == searches_.size()) searches_.emplace_back(spec_, in_, knobs_[i], before_);
    KnobSearch& search = searches_[i];
    const double value = search.solve(target);
    if (std::isnan(value)) break;
    const double found = search.known().at(value);
    if (std::abs(found - target) >= std::abs(best.density - target)) continue;
    best = {search.spec_at(value), found, ""};
    text = search.text_at(value);
  }
  if (missed_density(best.density, target))
    best.note = fmt::format("{}: {} gives density {:.4g} for the target {:.4g}, missed: {}", name,
                            text, best.density, target, nearest_text(target));
  return best;
}

DensitySolution DensitySearch::without_knob(double target) {
  Inputs in = in_;
  spec_.backend->prepare(in, spec_.params);
  const double found = mean_density(*spec_.backend, spec_.params, in);
  DensitySolution as_given{spec_, found, ""};
  if (missed_density(found, target))
    as_given.note = fmt::format("{}{}: density {:.4g} missed the target {:.4g}",
                                spec_.backend->name(), why_no_knob(), found, target);
  return as_given;
}

std::string DensitySearch::why_no_knob() const {
  const BackendInfo& info = spec_.backend->info();
  if (info.knob.param.empty()) return " has no density knob";
  if (info.learns_over_steps && before_.empty())
    return " leaves out what earlier steps of a run found unimportant, and this call has none "
           "before it";
  return " with these parameters has no density knob";
}

std::string DensitySearch::nearest_text(double target) const {
  double below = -INFINITY, above = INFINITY;
  for (const KnobSearch& search : searches_)
    for (const auto& [value, density] : search.known())
      (density < target ? below : above) =
          density < target ? std::max(below, density) : std::min(above, density);
  const auto text = [](double density) {
    return std::isfinite(density) ? fmt::format("{:.4g}", density) : std::string("none");
  };
  return fmt::format("nearest below {}, above {}", text(below), text(above));
}

bool missed_density(double density, double wanted) {
  return std::abs(density / wanted - 1) > kMissedShare;
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

DensitySolution solve_density(const BackendSpec& spec, const Inputs& in, double target,
                              const std::vector<Inputs>& before) {
  return DensitySearch(spec, in, before).solve(target);
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
