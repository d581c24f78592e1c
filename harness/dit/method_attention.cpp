#include "harness/dit/method_attention.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "attention/error.h"
#include "harness/host/clock.h"
#include "harness/io/file.h"
#include "harness/workloads/in_dtype.h"
#include "harness/workloads/mask_file.h"
#include "metrics/plan/stats.h"

namespace vidattn {
namespace {

/// Calls `work` and adds its time.
template <class Work>
auto timed(double& seconds, const Work& work) {
  struct Stop {
    double& seconds;
    Clock::time_point start = Clock::now();
    ~Stop() { seconds += seconds_since(start); }
  } const stop{seconds};
  return work();
}

}  // namespace

BackendSpec method_for(const DitConfig& config, const std::string& backend) {
  constexpr const char* kGroups = "num_groups";
  BackendSpec spec = parse_backend(backend);
  const std::vector<ParamSpec>& known = spec.params.specs();
  const bool routed = std::any_of(known.begin(), known.end(),
                                  [&](const ParamSpec& param) { return param.name == kGroups; });
  if (config.groups > 0 && routed && !spec.params.given(kGroups))
    spec.params.set(kGroups, std::to_string(config.groups));
  return spec;
}

std::string trained_with(const DitCheckpoint& checkpoint) {
  const auto found = checkpoint.facts.find("backend");
  if (found == checkpoint.facts.end()) return "full";
  if (reads_file(*parse_backend(found->second).backend))
    throw InputError(fmt::format(
        "the checkpoint says that it attends by {}, which reads a file: name a --backend",
        in_quotes(found->second)));
  return found->second;
}

MethodAttention::MethodAttention(MethodSettings settings, int64_t blocks, int64_t steps)
    : settings_(std::move(settings)), blocks_(blocks), steps_(steps) {}

void MethodAttention::prepare(int64_t block, Inputs& in) {
  const auto& [backend, params] = settings_.spec;
  in.device = settings_.device;
  in.context = {block, blocks_, step_, steps_, &cache_};
  set_dtype(in, settings_.dtype, "the network's");
  const Clock::time_point start = Clock::now();
  add_file_inputs(*backend, params, in);
  backend->prepare(in, params);
  costs_.setup_seconds += seconds_since(start);
}

void MethodAttention::add_density(double density) {
  costs_.density += (density - costs_.density) / static_cast<double>(++costs_.calls);
}

Tensor MethodAttention::attend(int64_t block, Inputs& in) {
  const Backend& backend = *settings_.spec.backend;
  const Params& params = settings_.spec.params;
  prepare(block, in);
  const Plan plan = timed(costs_.plan_seconds, [&] { return backend.plan(in, params); });
  timed(costs_.aside_seconds, [&] { plan.validate(in); });
  Output out;
  timed(costs_.run_seconds, [&] { settings_.device->run(plan, in, out); });
  timed(costs_.aside_seconds, [&] {
    if (check_.rows == 0 && !backend.dense(in, params)) check_ = check_equality(plan, in, out);
    add_density(plan_stats(plan, in).density);
  });
  return out.o.dtype() == DType::f32 ? std::move(out.o) : out.o.to(DType::f32);
}

}  // namespace vidattn
