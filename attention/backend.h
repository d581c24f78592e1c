#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "attention/inputs.h"
#include "attention/params.h"
#include "attention/plan.h"

namespace vidattn {

/// An extra tensor that a backend can use, found by name in Inputs::extra.
struct InputSpec {
  std::string name;
  std::string shape;  ///< for people: "[L,M]"
  std::string help;
};

/// Parameter values that the method's authors use for a model, chosen with preset=NAME.
struct Preset {
  std::string name;  ///< e.g. wan1.3b-480p
  std::vector<std::pair<std::string, std::string>> settings;
};

/// The parameter that moves a method's density, for comparisons at equal density. Density rises or
/// falls monotonically from `sparse` to `dense`.
struct DensityKnob {
  std::string param;  ///< empty = the method has none
  double sparse = 0, dense = 0;
};

struct BackendInfo {
  std::string title;  ///< one line: what it is
  std::string paper;  ///< citation or "-"
  std::vector<ParamSpec> params;
  std::vector<InputSpec> inputs = {};
  std::vector<Preset> presets = {};
  DensityKnob knob = {};
};

/// An attention method. It answers one question, which keys does each query see, and never
/// computes attention itself: devices run its plan.
///
/// To add a method, write one .cpp file with a subclass and a `RegisterBackend<Subclass>` object;
/// nothing else needs an edit.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;  ///< as typed on the command line
  virtual const BackendInfo& info() const = 0;

  /// One-time work that a trained model would have done before inference (a training-free router).
  /// It adds to in.extra and is timed apart from planning.
  virtual void prepare(Inputs& in, const Params& params) const;

  /// Does the part of planning that the density knob leaves as it is (clustering) and adds the
  /// result to in.extra, for a search that plans many times. The plans stay the same.
  virtual void prepare_search(Inputs& in, const Params& params) const;

  /// Throws InputError when the inputs or parameters do not fit the method.
  virtual Plan plan(const Inputs& in, const Params& params) const = 0;

  /// Values that follow from the parameters and the layer alone (the chunk kind of a layer, a
  /// window's width): what published tables list.
  virtual std::map<std::string, ParamValue> derived(const Params& params,
                                                    const StepContext& context) const;

  /// Mean density over a whole denoising run of `steps` steps and `layers` layers, given the
  /// density of one sparse call: counts the dense warm-up and the calls that a method skips.
  virtual double run_density(const Params& params, double density, int64_t steps,
                             int64_t layers) const;

  Params defaults() const { return Params(info().params); }
};

/// All backends, sorted by name.
std::vector<const Backend*> backends();
/// Throws InputError naming the known backends for an unknown name.
const Backend& find_backend(const std::string& name);

void add_backend(std::unique_ptr<Backend> backend);

template <class T>
struct RegisterBackend {
  RegisterBackend() { add_backend(std::make_unique<T>()); }
};

/// A part of a method that has test vectors of its own, without attention (SVG2's k-means).
class Procedure {
 public:
  struct Result {
    std::map<std::string, Array> arrays;
    std::map<std::string, double> figures;
  };
  virtual ~Procedure() = default;
  virtual std::string name() const = 0;
  virtual std::vector<ParamSpec> params() const = 0;
  virtual std::vector<InputSpec> inputs() const = 0;
  virtual Result run(const Inputs& in, const Params& params) const = 0;  ///< in.extra only
};

/// Null when there is none of that name.
const Procedure* find_procedure(const std::string& name);
void add_procedure(std::unique_ptr<Procedure> procedure);

template <class T>
struct RegisterProcedure {
  RegisterProcedure() { add_procedure(std::make_unique<T>()); }
};

/// Counts one planning stage: its time runs until the object dies.
class StageTimer {
 public:
  StageTimer(std::vector<PlanStage>& stages, std::string name, double flops = 0, int64_t bytes = 0);
  StageTimer(Plan& plan, std::string name, double flops = 0, int64_t bytes = 0)
      : StageTimer(plan.stages, std::move(name), flops, bytes) {}
  ~StageTimer();
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

 private:
  std::vector<PlanStage>& stages_;
  PlanStage stage_;
  double start_;
};

}  // namespace vidattn
