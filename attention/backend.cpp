#include "attention/backend.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <shared_mutex>

#include "attention/error.h"
#include "attention/methods/cross.h"
#include "attention/methods/text_frame.h"
#include "attention/nearest.h"

namespace vidattn {
namespace {

/// Backends by name. Those of the program are there before main(); modules may add some later,
/// while others look.
struct BackendRegistry {
  std::shared_mutex mutex;
  std::map<std::string, std::unique_ptr<Backend>> named;
  std::vector<std::unique_ptr<Backend>> replaced;  // calls may still use them
};

BackendRegistry& backend_registry() {
  static BackendRegistry registry;
  return registry;
}

void append(std::vector<ParamSpec>& all, const std::vector<ParamSpec>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

const BackendInfo& Backend::info() const {
  std::call_once(described_, [this] {
    info_ = describe();
    append(info_.params, specs());
    if (info_.warm_up) append(info_.params, info_.warm_up->params());
  });
  return info_;
}

DenseWarmUp Backend::warm_up(const Params& params) const { return info().warm_up->with(params); }

bool Backend::dense(const Inputs& in, const Params& params) const {
  return info().warm_up && warm_up(params).dense(in.context);
}

Plan Backend::plan(const Inputs& in, const Params& params) const {
  if (in.low_bits) {  // selections are those of the float operands
    Inputs whole = in;
    whole.low_bits.reset();
    return plan(whole, params);
  }
  const BackendInfo& its = info();
  if (!its.takes_cross && is_cross(in))
    throw InputError(in.keys() == in.length()
                         ? name() +
                               " does not take cross-attention: its keys are other tokens than "
                               "its queries"
                         : name() + " needs as many keys as queries: these are " +
                               std::to_string(in.length()) + " queries and " +
                               std::to_string(in.keys()) + " keys");
  if (!its.takes_width && in.value_dim() != in.dim())
    throw InputError(name() + " needs values as wide as the keys: these have " +
                     std::to_string(in.value_dim()) + " and " + std::to_string(in.dim()) +
                     " channels");
  if (its.needs_grid) in.need_grid(name());
  if (dense(in, params)) return dense_plan(in, params);
  if (in.grid.text_tokens == 0 || takes_text(params)) return make_plan(in, params);
  Plan plan = make_plan(video_alone(in, its.inputs), params);
  if (!add_other_tokens(in, plan)) throw InputError(name() + " does not take text tokens");
  return plan;
}

std::map<std::string, Array> Backend::input_gradients(const Inputs& in, const Params& params,
                                                      const Plan& plan,
                                                      const Gradients& gradients) const {
  if (dense(in, params)) return {};
  if (in.grid.text_tokens == 0 || takes_text(params))
    return make_input_gradients(in, params, plan, gradients);
  const Inputs video = video_alone(in, info().inputs);
  auto found = make_input_gradients(video, params, plan, gradients);
  for (auto& [name, array] : found) {  // what the other tokens have of an input decides nothing
    array.shape = in.need(name, this->name()).shape;
    std::get<std::vector<float>>(array.values).resize(array.size());
  }
  return found;
}

std::map<std::string, Array> Backend::make_input_gradients(const Inputs&, const Params&,
                                                           const Plan&, const Gradients&) const {
  return {};
}

bool Backend::takes_text(const Params&) const { return info().takes_text; }

Plan Backend::dense_plan(const Inputs& in, const Params&) const { return full_plan(in); }

void Backend::prepare(Inputs&, const Params&) const {}

void Backend::prepare_search(Inputs&, const Params&) const {}

std::vector<DensityKnob> Backend::knobs(const Inputs&, const Params&) const {
  const DensityKnob& first = info().knob;
  return first.param.empty() ? std::vector<DensityKnob>{} : std::vector{first};
}

std::map<std::string, ParamValue> Backend::derived(const Params&, const StepContext&) const {
  return {};
}

std::vector<Backend::LayerKind> Backend::layer_kinds(const Params&, int64_t) const { return {}; }

double Backend::run_density(const Params& params, double density, int64_t steps,
                            int64_t layers) const {
  return info().warm_up ? warm_up(params).run_density(density, steps, layers) : density;
}

Plan full_plan(const Inputs& in, int64_t padding) {
  const auto queries = static_cast<int32_t>(in.length()), keys = static_cast<int32_t>(in.keys());
  const auto real_queries = static_cast<int32_t>(queries - padding);
  const auto real_keys = static_cast<int32_t>(keys - padding);
  HeadTable table;
  table.add(0, real_queries, {{0, real_keys}});
  if (padding > 0) table.add(real_queries, queries, {{real_keys, keys}});
  Plan plan;
  plan.branches.push_back({.name = "full", .tables = {std::move(table)}});
  return plan;
}

void add_backend(std::unique_ptr<Backend> backend) {
  BackendRegistry& registry = backend_registry();
  const std::unique_lock lock(registry.mutex);
  std::unique_ptr<Backend>& place = registry.named[backend->name()];
  if (place) registry.replaced.push_back(std::move(place));
  place = std::move(backend);
}

std::vector<const Backend*> backends() {
  BackendRegistry& registry = backend_registry();
  const std::shared_lock lock(registry.mutex);
  std::vector<const Backend*> all;
  for (const auto& [name, backend] : registry.named) all.push_back(backend.get());
  return all;
}

const Backend& find_backend(const std::string& name) {
  std::vector<std::string> names;
  for (const Backend* backend : backends()) {
    names.push_back(backend->name());
    if (names.back() == name) return *backend;
  }
  throw InputError("unknown backend '" + name + "': " + known_are(name, names));
}

StageTimer::StageTimer(std::vector<PlanStage>& stages, std::string name, double flops,
                       int64_t bytes)
    : stages_(stages), stage_{std::move(name), 0, flops, bytes}, start_(now()) {}

StageTimer::~StageTimer() {
  stage_.seconds = now() - start_;
  const auto same = std::find_if(stages_.begin(), stages_.end(),
                                 [&](const PlanStage& stage) { return stage.name == stage_.name; });
  if (same == stages_.end()) {
    stages_.push_back(std::move(stage_));
    return;
  }
  same->seconds += stage_.seconds;
  same->flops += stage_.flops;
  same->bytes = std::max(same->bytes, stage_.bytes);
}

}  // namespace vidattn
