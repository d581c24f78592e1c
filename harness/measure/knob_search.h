#pragma once

#include <map>
#include <string>
#include <vector>

#include "attention/inputs.h"
#include "harness/measure/backend_spec.h"

namespace vidattn {

// A density that is farther from the one asked for, as a share of it, has missed it.
constexpr double kMissedShare = 0.02;

/// Searches one knob of a method for executed densities, by bisection on real plans of these
/// inputs. What was planned for one target is not planned again for the next.
class KnobSearch {
 public:
  /// Densities are those of `in`, planned with what the method keeps of the steps `before`.
  /// Throws InputError when the method refuses the inputs.
  KnobSearch(const BackendSpec& spec, const Inputs& in, DensityKnob knob,
             std::vector<Inputs> before = {});

  /// The value whose density is nearest to `target`. Stops early when interrupted; NaN when that
  /// was before any plan.
  double solve(double target);

  /// Executed density by value, of all values that were planned.
  const std::map<double, double>& known() const { return known_; }
  BackendSpec spec_at(double value) const;
  /// "threshold = 0.4288", with what is set beside it.
  std::string text_at(double value) const;

 private:
  Settings settings_at(double value) const;
  double density(double value);
  bool whole() const;

  BackendSpec spec_;
  Inputs in_;
  std::vector<Inputs> before_;
  DensityKnob knob_;
  std::map<double, double> known_;
};

}  // namespace vidattn
