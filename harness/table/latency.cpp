#include "harness/table/latency.h"

#include <fmt/format.h>

#include <limits>

#include "attention/device.h"
#include "attention/error.h"
#include "harness/density.h"
#include "harness/in_dtype.h"
#include "harness/interrupt.h"
#include "harness/progress.h"
#include "harness/table/count.h"
#include "harness/workload.h"
#include "metrics/ideal_density.h"
#include "metrics/plan_stats.h"

namespace vidattn {
namespace {

constexpr int64_t kGroups[] = {5, 20};

OperatorOptions operator_options(const DitModel& model, const TableOptions& options) {
  OperatorOptions o;
  o.heads = model.heads;
  o.measured_heads = options.full ? model.heads : std::min(options.heads, model.heads);
  o.sample_flops =
      options.full ? std::numeric_limits<double>::infinity() : options.sample_gflop * 1e9;
  o.repeat = options.repeat;
  o.device = &find_device(options.device);
  return o;
}

std::vector<OperatorTime> measure(const std::string& what, const std::vector<OperatorCase>& cases,
                                  const Inputs& in, OperatorOptions options) {
  Progress progress(fmt::format("{} at {} tokens", what, in.length()),
                    static_cast<int64_t>(cases.size()) * options.repeat);
  int64_t done = 0;
  options.tick = [&] { progress.update(++done); };
  return measure_operators(cases, in, options);
}

/// The cases that are short enough, whole.
void measure_whole(LengthTimes& result, const std::vector<OperatorCase>& cases,
                   OperatorOptions options, const std::function<Inputs(int64_t heads)>& inputs) {
  std::vector<OperatorCase> short_enough;
  for (const OperatorCase& c : cases) {
    const OperatorTime* sampled = find_time(result.times, c.label);
    if (sampled && sampled->measured() && sampled->flops <= kWholeFlops && sampled->scale > 1)
      short_enough.push_back(c);
  }
  if (short_enough.empty() || interrupted()) return;
  options.measured_heads = options.heads;
  options.sample_flops = std::numeric_limits<double>::infinity();
  options.repeat = 1;
  result.whole = measure("whole operators", short_enough, inputs(options.heads), options);
}

/// The settings that the method's authors use for Wan 1.3B at 480p; its defaults where none are.
BackendSpec published(const std::string& backend) {
  const BackendSpec given = parse_backend(backend);
  if (given.text() != given.backend->name()) return given;  // the user chose
  for (const Preset& preset : given.backend->info().presets)
    if (preset.name.rfind("wan1.3b", 0) == 0)
      return parse_backend(backend + ":preset=" + preset.name);
  return given;
}

Inputs video_inputs(int64_t tokens, int64_t heads, const DitModel& model,
                    const TableOptions& options) {
  const VideoGrid grid = grid_480p(tokens, 1);
  WorkloadRequest request{options.workload.empty() ? "film" : options.workload, grid.frames,
                          grid.height, grid.width};
  request.heads = heads;
  request.dim = model.head_dim();
  Progress progress(fmt::format("{} at {} tokens", request.spec, tokens), 1000);
  request.progress = [&](double share) { progress.update(static_cast<int64_t>(share * 1000)); };
  Inputs in = make_workload(request).inputs;
  const DType dtype = parse_dtype(options.dtype);
  for (auto* tensor : {&in.q, &in.k, &in.v}) *tensor = in_dtype(*tensor, dtype, "the input");
  in.device = &find_device(options.device);
  return in;
}

/// Full attention, then every backend as published and at equal densities. What a backend refuses
/// is a time with a failure.
std::vector<OperatorCase> backend_cases(const Inputs& in, const TableOptions& options,
                                        std::vector<OperatorTime>& refused) {
  std::vector<OperatorCase> cases = {{"full", parse_backend("full")}};
  const WindowSetting setting{4, options.temporal_groups, in.grid.frames, 0};
  for (const std::string& backend : options.backends) {
    if (interrupted()) break;
    const BackendSpec spec = published(backend);
    if (spec.backend->name() == "full") continue;
    cases.push_back({spec.backend->name() + " published", spec});
    if (spec.backend->info().knob.param.empty()) continue;
    for (int64_t groups : kGroups) {
      const double target = moga_stga_density(groups, setting);
      const std::string label = fmt::format("{} at density {:.4f}", spec.backend->name(), target);
      try {
        cases.push_back({label, solve_density(spec, in, target).spec});
      } catch (const InputError& error) {
        refused.push_back({label, spec.text(), error.what()});
        break;
      }
    }
  }
  return cases;
}

OperatorTime count(const OperatorCase& c, Inputs in, int64_t heads) {
  OperatorTime time{c.label, c.spec.text()};
  time.tokens = in.length();
  time.heads = heads;
  time.measured_heads = in.heads();
  try {
    c.spec.backend->prepare(in, c.spec.params);
    const PlanStats stats = plan_stats(c.spec.backend->plan(in, c.spec.params), in);
    time.density = stats.density;
    time.flops = stats.flops * static_cast<double>(heads) / static_cast<double>(in.heads());
  } catch (const InputError& error) {
    time.failure = error.what();
  }
  return time;
}

}  // namespace

const OperatorTime* find_time(const std::vector<OperatorTime>& times, const std::string& label) {
  for (const OperatorTime& time : times)
    if (time.label == label) return &time;
  return nullptr;
}

LengthTimes measure_moga(const DitModel& model, int64_t tokens, const TableOptions& options) {
  const OperatorOptions o = operator_options(model, options);
  const auto inputs = [&](int64_t heads) {
    return random_operator_inputs(model, tokens, heads, options.temporal_groups,
                                  parse_dtype(options.dtype));
  };
  std::vector<OperatorCase> cases = {{"full", parse_backend("full")}};
  for (int64_t groups : kGroups)
    cases.push_back({fmt::format("M={}", groups),
                     parse_backend(fmt::format("moga_stga:num_groups={},router=random", groups))});
  LengthTimes result{tokens};
  result.times = measure("measuring", cases, inputs(o.measured_heads), o);
  if (!options.full) measure_whole(result, cases, o, inputs);
  return result;
}

LengthTimes measure_backends(const DitModel& model, int64_t tokens, const TableOptions& options) {
  const OperatorOptions o = operator_options(model, options);
  const Inputs in = video_inputs(tokens, o.measured_heads, model, options);
  std::vector<OperatorTime> refused;
  const auto cases = backend_cases(in, options, refused);
  LengthTimes result{tokens, measure("measuring", cases, in, o), {}};
  result.times.insert(result.times.end(), refused.begin(), refused.end());
  return result;
}

LengthTimes count_backends(const DitModel& model, int64_t tokens, const TableOptions& options) {
  const Inputs in = video_inputs(tokens, std::min(options.heads, model.heads), model, options);
  std::vector<OperatorTime> refused;
  LengthTimes result{tokens};
  for (const OperatorCase& c : backend_cases(in, options, refused))
    if (!interrupted()) result.times.push_back(count(c, in, model.heads));
  result.times.insert(result.times.end(), refused.begin(), refused.end());
  return result;
}

}  // namespace vidattn
