#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "attention/inputs.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/knob_search.h"

namespace vidattn {

/// A method set to the density nearest to a target.
struct DensitySolution {
  BackendSpec spec;    ///< with the knob's value; unchanged when the method has no knob
  double density = 0;  ///< executed
  /// Of a target that was missed: the knob's value, and the nearest densities that were found below
  /// and above; or that there is no knob.
  std::string note;
};

/// Searches the method's knobs (Backend::knobs) for executed densities: one after the other, until
/// a density is near enough to the target. Of a call that stands for several kinds of layers
/// (metrics/plan/layer_kinds.h) it is the mean's.
class DensitySearch {
 public:
  /// `before` are the steps of a run before `in`, for a method that learns over them; they may stay
  /// empty. Throws InputError when the method refuses the inputs.
  DensitySearch(const BackendSpec& spec, const Inputs& in, std::vector<Inputs> before = {});

  /// The setting whose density is nearest to `target`. Stops early when interrupted.
  DensitySolution solve(double target);

 private:
  DensitySolution without_knob(double target);
  std::string why_no_knob() const;
  std::string nearest_text(double target) const;

  BackendSpec spec_;
  Inputs in_;
  std::vector<Inputs> before_;
  std::vector<DensityKnob> knobs_;
  std::deque<KnobSearch> searches_;  ///< of the first knobs: those that were needed so far
};

/// DensitySearch for one target.
DensitySolution solve_density(const BackendSpec& spec, const Inputs& in, double target,
                              const std::vector<Inputs>& before = {});

/// Whether an executed density is more than 2% off the one that was set: a knob of whole numbers,
/// or one that ends early, may come no nearer. False for NaN.
bool missed_density(double density, double wanted);

/// Collects what missed the density that it was set for.
class MissedDensities {
 public:
  /// Looks at one executed density; a label may have several.
  void add(const std::string& label, double density, double wanted);
  /// A sentence with every label that missed and the range of its densities; empty = none missed.
  std::string note() const;

 private:
  std::vector<std::string> labels_;                         ///< in the order of add()
  std::map<std::string, std::pair<double, double>> range_;  ///< least and most density by label
};

/// Returns the density again. Throws InputError unless it is in (0, 1].
double checked_density(double density);
/// One density in (0, 1]. Throws InputError for anything else.
double parse_density(const std::string& text);

/// "0.25", "0.1,0.2" or "0.1:0.5:0.05" (from:to:step, both ends included) as densities in (0, 1].
/// Throws InputError for anything else.
std::vector<double> parse_densities(const std::string& text);

}  // namespace vidattn
