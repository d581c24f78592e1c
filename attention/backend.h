#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "attention/backward/gradients.h"
#include "attention/inputs.h"
#include "attention/methods/warmup.h"
#include "attention/params.h"
#include "attention/plan.h"

namespace vidattn {

/// An extra tensor that a backend can use, found by name in Inputs::extra.
struct InputSpec {
  std::string name;
  std::string shape;  ///< for people: "[L,M]"
  std::string help;

  bool of_tokens() const { return shape.starts_with("[L,") || shape == "[L]"; }  ///< first axis
};

/// Parameters by name, with values as people type them.
using Settings = std::vector<std::pair<std::string, std::string>>;

/// Parameter values that the method's authors use for a model, chosen with preset=NAME.
struct Preset {
  std::string name;  ///< e.g. wan1.3b-480p
  Settings settings;
};

/// The parameter that moves a method's density, for comparisons at equal density. Density rises or
/// falls monotonically from `sparse` to `dense`.
struct DensityKnob {
  std::string param;  ///< empty = the method has none
  double sparse = 0, dense = 0;
  /// What else is set with it. A knob that would change here what the user gave is not turned.
  Settings settings = {};
  /// In place of a parameter: settings from sparse to dense, of which the knob chooses one.
  std::vector<Settings> steps = {};
};

/// What a plan is made from beside shapes, grid and parameters: what ranks that share a call must
/// have before they plan. tests/harness/distributed holds every method against what it says.
enum class PlansFrom {
  everything,  ///< q, k, v and inputs of all heads and tokens
  own_head,    ///< a head's table from that head's q, k, v and inputs
  router,      ///< inputs that each token brings, by route_tokens(); q, k and v are not read
  nothing,     ///< no tensor is read
};

/// What a method says about itself. The frame (Backend::plan) applies it, so that no method repeats
/// the checks.
struct BackendInfo {
  std::string title;        ///< one line: what it is
  std::string paper = "-";  ///< citation
  bool needs_grid = false;  ///< refuses inputs without a video grid
  /// Else it plans the video alone, and the frame keeps the other tokens' keys visible to all and
  /// lets their queries see everything (methods/text_frame.h).
  bool takes_text = true;
  /// Cross-attention: needs no key for each query, and no relation between their positions.
  bool takes_cross = false;
  PlansFrom plans_from = PlansFrom::everything;
  bool takes_width = true;  ///< else refuses values of another width than the keys
  std::vector<InputSpec> inputs = {};
  std::vector<Preset> presets = {};
  DensityKnob knob = {};  ///< the first one; Backend::knobs has those of a call
  /// The knob moves only the density of steps that others of a run came before; alone, a call is
  /// dense whatever it says.
  bool learns_over_steps = false;
  /// The first steps and layers of a run that stay dense; adds the parameters dense_steps … with
  /// these defaults.
  std::optional<DenseWarmUp> warm_up = {};
  std::vector<ParamSpec> params = {};  ///< filled in for a Method<P>
};

/// An attention method. It answers one question, which keys does each query see, and never
/// computes attention itself: devices run its plan.
///
/// To add a method, write one .cpp file with a subclass and a `RegisterBackend<Subclass>` object;
/// nothing else needs an edit. A method with parameters derives from Method<P> (methods/method.h).
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;  ///< as typed on the command line
  const BackendInfo& info() const;       ///< what describe() says, with all parameters

  /// The plan of one call: that of full attention where the warm-up makes the call dense.
  /// Throws InputError when the inputs or parameters do not fit the method.
  Plan plan(const Inputs& in, const Params& params) const;

  /// Whether the warm-up makes this call dense.
  bool dense(const Inputs& in, const Params& params) const;

  /// One-time work that a trained model would have done before inference (a training-free router).
  /// It adds to in.extra and is timed apart from planning.
  virtual void prepare(Inputs& in, const Params& params) const;

  /// Does the part of planning that the density knob leaves as it is (clustering) and adds the
  /// result to in.extra, for a search that plans many times. The plans stay the same.
  virtual void prepare_search(Inputs& in, const Params& params) const;

  /// What moves the density of a call with these parameters: info().knob and, where that is coarse
  /// or ends early, others to try after it. None where the parameters leave nothing to move.
  virtual std::vector<DensityKnob> knobs(const Inputs& in, const Params& params) const;

  /// Gradients of the call's extra inputs by name (router_logits, gate …), in their shapes, from
  /// those of the plan that plan() made of the same inputs. What selects is held constant. Inputs
  /// that a method only selects by are left out: they have none.
  std::map<std::string, Array> input_gradients(const Inputs& in, const Params& params,
                                               const Plan& plan, const Gradients& gradients) const;

  /// Values that follow from the parameters and the layer alone (the chunk kind of a layer, a
  /// window's width): what published tables list.
  virtual std::map<std::string, ParamValue> derived(const Params& params,
                                                    const StepContext& context) const;

  /// Mean density over a whole denoising run of `steps` steps and `layers` layers, given the
  /// density of one sparse call: counts the dense warm-up and the calls that a method skips.
  virtual double run_density(const Params& params, double density, int64_t steps,
                             int64_t layers) const;

  /// Layers that are planned alike, as one of them and their share of a run's sparse layers. Empty
  /// = all layers are. What differs by layer is planned once for each kind and averaged
  /// (metrics/plan/layer_kinds.h); what tells them apart is in derived().
  struct LayerKind {
    int64_t layer;
    double share;
  };
  virtual std::vector<LayerKind> layer_kinds(const Params& params, int64_t layers) const;

  Params defaults() const { return Params(info().params); }

 protected:
  virtual BackendInfo describe() const = 0;
  /// info().takes_text, for methods where it hangs on parameters.
  virtual bool takes_text(const Params& params) const;
  /// The plan of a sparse call; grid, text tokens and warm-up are checked before.
  virtual Plan make_plan(const Inputs& in, const Params& params) const = 0;
  /// input_gradients() of a sparse call, from the plan's own lengths.
  virtual std::map<std::string, Array> make_input_gradients(const Inputs& in, const Params& params,
                                                            const Plan& plan,
                                                            const Gradients& gradients) const;
  /// The plan of a call that the warm-up makes dense.
  virtual Plan dense_plan(const Inputs& in, const Params& params) const;
  /// The rules in force: the declared ones with the values of the parameters.
  virtual DenseWarmUp warm_up(const Params& params) const;

 private:
  virtual std::vector<ParamSpec> specs() const { return {}; }
  mutable std::once_flag described_;
  mutable BackendInfo info_;
};

/// The plan of full attention, for a dense call. The last `padding` tokens, queries and keys alike,
/// see only each other and are seen by no others (HunyuanVideo's padded text).
Plan full_plan(const Inputs& in, int64_t padding = 0);

/// All backends, sorted by name.
std::vector<const Backend*> backends();
/// Throws InputError naming the known backends for an unknown name.
const Backend& find_backend(const std::string& name);

/// Takes the place of a backend of the same name, which lives on for who still uses it. Safe to
/// call while other threads look for backends.
void add_backend(std::unique_ptr<Backend> backend);

template <class T>
struct RegisterBackend {
  RegisterBackend() { add_backend(std::make_unique<T>()); }
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
