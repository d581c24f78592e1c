#include "harness/tables/operators/latency.h"

#include <fmt/format.h>
#include <omp.h>

#include <limits>

#include "attention/cancel.h"
#include "attention/device.h"
#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "harness/host/progress.h"
#include "harness/measure/density.h"
#include "harness/tables/operators/count.h"
#include "harness/tables/operators/random_inputs.h"
#include "harness/workloads/in_dtype.h"
#include "harness/workloads/workload.h"
#include "metrics/plan/ideal_density.h"
#include "metrics/plan/layer_kinds.h"
#include "metrics/plan/stats.h"

namespace vidattn {
namespace {

constexpr int64_t kTimedGroups[] = {5, 20};

// Towards its end a run on the CPU cuts what is left into ever smaller items: about this many query
// blocks a thread, which a sample must have beside others.
constexpr int64_t kTailBlocks = 8;

int64_t limited_heads(const DitModel& model, const TableOptions& options, int64_t by_default) {
  if (options.full) return model.heads;
  return std::min(options.heads > 0 ? options.heads : by_default, model.heads);
}

OperatorOptions operator_options(const DitModel& model, int64_t measured_heads,
                                 const TableOptions& options) {
  OperatorOptions o;
  o.heads = model.heads;
  o.measured_heads = measured_heads;
  o.sample_flops =
      options.full ? std::numeric_limits<double>::infinity() : options.sample_gflop * 1e9;
  o.least_blocks = kTailBlocks * omp_get_max_threads();
  o.repeat = options.repeat;
  o.memory = options.repeat > 1;
  o.device = &find_device(options.device);
  o.pass = options.pass;
  return o;
}

/// The settings that the method's authors use for Wan 1.3B at 480p; its defaults where none are.
BackendSpec published(const BackendSpec& given) {
  const std::string name = given.text();
  if (name != given.backend->name()) return given;  // the user chose
  for (const Preset& preset : given.backend->info().presets)
    if (preset.name.rfind("wan1.3b", 0) == 0) return parse_backend(name + ":preset=" + preset.name);
  return given;
}

OperatorTime count(const OperatorCase& c, Inputs in, const DitModel& model) {
  const int64_t heads = model.heads;
  OperatorTime time{c.label, c.spec.text()};
  time.tokens = in.length();
  time.heads = heads;
  time.measured_heads = in.heads();
  if (interrupted()) {
    time.failure = kInterrupted;
    return time;
  }
  try {
    c.spec.backend->prepare(in, c.spec.params);
    time.density = time.flops = 0;
    for (const auto& [context, share] : stood_for(*c.spec.backend, c.spec.params, in.context)) {
      in.context = context;
      const PlanStats stats = plan_stats(c.spec.backend->plan(in, c.spec.params), in);
      time.density += share * stats.density;
      time.flops +=
          share * stats.flops * static_cast<double>(heads) / static_cast<double>(in.heads());
    }
  } catch (const Cancelled&) {
    time.failure = kInterrupted;
  } catch (const InputError& error) {
    time.failure = error.what();
  }
  return time;
}

/// What a method is timed with, and what was counted on the way.
struct MethodCases {
  std::vector<OperatorCase> cases;
  std::vector<OperatorTime> counts;   ///< one per case
  std::vector<OperatorTime> refused;  ///< of no case

  void add(OperatorCase c, OperatorTime count) {
    cases.push_back(std::move(c));
    counts.push_back(std::move(count));
  }
};

/// Adds the method of the last case at the densities of moga_stga.
void add_equal_densities(MethodCases& method, const std::string& name, const Inputs& in,
                         int64_t temporal_groups, const DitModel& model,
                         const std::function<void()>& tick) {
  const WindowSetting setting{4, temporal_groups, in.grid.frames, 0};
  const BackendSpec spec = method.cases.back().spec;
  const OperatorTime known = method.counts.back();
  DensitySearch search(spec, in);
  for (int64_t groups : kTimedGroups) {
    const double wanted = moga_stga_density(groups, setting);
    OperatorTime time = known;
    time.wanted_density = wanted;
    time.label = fmt::format("{} at density {:.4f}", name, wanted);
    try {
      if (wanted > 1)
        throw InputError("moga_stga itself is above the density of full attention at this length");
      const OperatorCase solved{time.label, search.solve(wanted).spec};
      time = count(solved, in, model);
      time.wanted_density = wanted;
      method.add(solved, time);
    } catch (const Cancelled&) {
      time.failure = kInterrupted;
      method.refused.push_back(time);
    } catch (const InputError& error) {
      time.failure = error.what();
      method.refused.push_back(time);
    }
    tick();
  }
}

/// Every kind of layer that a call stands for is measured, and a case has their mean.
std::vector<OperatorTime> measure_over_kinds(const std::vector<OperatorCase>& cases,
                                             const Inputs& in, const OperatorOptions& options) {
  std::vector<OperatorCase> kinds;
  std::vector<std::vector<double>> shares;
  for (const OperatorCase& c : cases) {
    shares.emplace_back();
    for (const auto& [context, share] : stood_for(*c.spec.backend, c.spec.params, in.context)) {
      kinds.push_back(c);
      kinds.back().context = context;
      shares.back().push_back(share);
    }
  }
  const auto measured = measure_operators(
      kinds, [&](int64_t) { return in; }, options);
  std::vector<OperatorTime> times;
  auto next = measured.begin();
  for (const std::vector<double>& of_case : shares) {
    times.push_back(mean_time({next, next + std::ssize(of_case)}, of_case));
    next += std::ssize(of_case);
  }
  return times;
}

}  // namespace

const OperatorTime* find_time(const std::vector<OperatorTime>& times, const std::string& label) {
  for (const OperatorTime& time : times)
    if (time.label == label) return &time;
  return nullptr;
}

int64_t sampled_heads(const DitModel& model, int64_t tokens, const TableOptions& options) {
  constexpr int64_t kBytes = 4'000'000'000;
  const int64_t tensors = times_backward(options.pass) ? 8 : 4;  // and their gradients
  const int64_t per_head =
      tensors * tokens * model.head_dim() * static_cast<int64_t>(sizeof(float));
  return limited_heads(model, options, std::max<int64_t>(1, kBytes / per_head));
}

int64_t method_heads(const DitModel& model, const TableOptions& options) {
  constexpr int64_t kHeads = 2;
  return limited_heads(model, options, kHeads);
}

LengthTimes measure_moga(const DitModel& model, int64_t tokens, const TableOptions& options) {
  OperatorOptions o = operator_options(model, sampled_heads(model, tokens, options), options);
  const WindowSetting setting{4, options.temporal_groups, grid_480p(tokens, 1).frames, 0};
  const double full_flops =
      4 * std::pow(static_cast<double>(tokens), 2) * static_cast<double>(model.dim);
  // A backward pass has five products to the forward pass's two.
  const double whole_flops = full_flops * ((times_forward(options.pass) ? 1 : 0) +
                                           (times_backward(options.pass) ? 2.5 : 0));
  std::vector<OperatorCase> cases;
  const auto add = [&](OperatorCase c, double flops) {
    cases.push_back(c);
    if (options.full || flops > kWholeFlops) return;
    c.whole = true;  // runs next to its sample: a machine's speed drifts
    cases.push_back(std::move(c));
  };
  add({"full", parse_backend("full")}, whole_flops);
  for (int64_t groups : kTimedGroups)
    add({fmt::format("M={}", groups),
         parse_backend(fmt::format("moga_stga:num_groups={},router=random", groups))},
        whole_flops * moga_stga_density(groups, setting));
  ShareProgress progress(fmt::format("measuring at {} tokens", tokens));
  o.tick = [&](double share) { progress.update(share); };
  const auto inputs = [&](int64_t heads) {
    return random_operator_inputs(model, tokens, heads, options.temporal_groups,
                                  parse_dtype(options.dtype));
  };
  LengthTimes result{tokens, {}};
  const std::vector<OperatorTime> times = measure_operators(cases, inputs, o);
  for (size_t i = 0; i < cases.size(); ++i)
    (cases[i].whole ? result.whole : result.times).push_back(times[i]);
  if (!interrupted()) progress.update(1);
  return result;
}

Inputs method_inputs(const DitModel& model, int64_t tokens, const TableOptions& options) {
  const VideoGrid grid = grid_480p(tokens, 1);
  WorkloadRequest request{options.workload.empty() ? "film" : options.workload, grid.frames,
                          grid.height, grid.width};
  request.heads = method_heads(model, options);
  request.dim = model.head_dim();
  ShareProgress progress(fmt::format("{} at {} tokens", request.spec, tokens));
  request.progress = [&](double share) { progress.update(share); };
  Inputs in = make_workload(request).inputs;
  set_dtype(in, parse_dtype(options.dtype), "the input");
  in.device = &find_device(options.device);
  in.context.layers = model.layers();  // a call of any of them
  return in;
}

int64_t method_steps(const TableOptions& options) {
  const auto cases = static_cast<int64_t>(2 + std::size(kTimedGroups));
  return options.measure ? cases * (1 + options.repeat) : cases;
}

std::vector<OperatorTime> method_times(const std::string& backend, const Inputs& in,
                                       const DitModel& model, const TableOptions& options,
                                       const std::function<void()>& tick) {
  const BackendSpec given = parse_backend(backend), spec = published(given);
  const std::string name = given.text();
  MethodCases method;
  const auto add_count = [&](const OperatorCase& c) {
    method.add(c, count(c, in, model));
    tick();
  };
  add_count({"full", parse_backend("full")});
  if (given.backend->name() != "full") {
    const bool chosen = name != given.backend->name();  // by the user
    add_count({chosen ? name : name + " published", spec});
    if (method.counts.back().failure.empty() && !given.backend->info().knob.param.empty())
      add_equal_densities(method, name, in, options.temporal_groups, model, tick);
  }
  auto times = method.counts;
  if (options.measure && !interrupted()) {
    OperatorOptions o = operator_options(model, in.heads(), options);
    const auto steps = static_cast<double>(std::ssize(method.cases) * o.repeat);
    int64_t said = 0;
    o.tick = [&](double share) {
      for (; said < static_cast<int64_t>(share * steps); ++said) tick();
    };
    o.memory = false;
    times = measure_over_kinds(method.cases, in, o);
    for (size_t i = 0; i < times.size(); ++i)
      times[i].wanted_density = method.counts[i].wanted_density;
  }
  times.insert(times.end(), method.refused.begin(), method.refused.end());
  return times;
}

}  // namespace vidattn
