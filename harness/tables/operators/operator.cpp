#include "harness/tables/operators/operator.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "attention/cancel.h"
#include "attention/device.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/thrown.h"
#include "harness/measure/engine/engine.h"
#include "harness/measure/pass_timing.h"
#include "metrics/machine/memory.h"
#include "metrics/machine/peak.h"
#include "metrics/plan/check/equality.h"
#include "metrics/plan/check/gradients.h"
#include "metrics/plan/sample.h"
#include "metrics/plan/stats.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

// Planning that takes longer is timed once: its noise is small beside it.
constexpr double kLongPlanning = 2;

/// What the cases of one number of heads share.
struct Shared {
  Inputs in;
  Tensor d_o;
  Workspace space;
};

/// A case with its inputs and its sampled plans.
struct Prepared {
  OperatorCase wanted;
  Shared& shared;
  Inputs in;
  SampledPlan sample, small;  ///< small: without branches where the sample is the whole
  OperatorTime time;
  double planning = 0;              ///< seconds of the first time
  double work = 0, small_work = 0;  ///< FLOPs of a timed run of the sample, and of the small one
  bool per_head = false;            ///< a table per head: planning grows with the heads

  bool plans_long() const { return planning > kLongPlanning; }
};

/// How much of all timed work is done.
class Meter {
 public:
  Meter(const std::function<void(double)>& tick, double total) : tick_(tick), total_(total) {}

  void add(double work) {
    done_ += work;
    if (tick_) tick_(std::min(1.0, done_ / total_));
  }

 private:
  const std::function<void(double)>& tick_;
  double total_, done_ = 0;
};

Plan plan_of(const Prepared& p) { return p.wanted.spec.backend->plan(p.in, p.wanted.spec.params); }

/// Throws when the output is wrong.
void check(Prepared& p) {
  const EqualityCheck check =
      check_equality(p.sample.plan, p.in, p.shared.space.out, p.sample.tokens);
  p.time.check_error = check.error;
  if (!check.passed()) throw std::runtime_error(check.reason);
}

void check_backward_pass(Prepared& p, const Device& device) {
  const EqualityCheck check = check_gradients(device, p.sample.plan, p.in, p.shared.space.out,
                                              p.shared.d_o, p.sample.tokens);
  p.time.gradient_error = check.error;
  if (!check.passed()) throw std::runtime_error(check.reason);
}

/// What a plan's kernels take, as far as they are timed.
RunTimes time_plan(Prepared& p, const Plan& plan, const OperatorOptions& options, int64_t repeat) {
  return time_kernels(*options.device, plan, p.in, &p.shared.d_o, options.pass, repeat,
                      p.shared.space);
}

/// Touches the pages of what runs write, and refuses plans without gradients.
void touch_results(Prepared& p, const Plan& plan, const OperatorOptions& options) {
  p.shared.space.out.keep = times_backward(options.pass);
  options.device->run(Plan{}, p.in, p.shared.space.out);
  if (!times_backward(options.pass)) return;
  if (p.shared.d_o.empty()) p.shared.d_o = sample_output_gradient(p.in);
  check_backward(plan, p.in, p.shared.d_o);
  start_gradients(plan, p.in, p.shared.space.gradients);
}

/// The sample that is timed, and a quarter of it.
void take_samples(Prepared& p, const Plan& plan, double flops, const OperatorOptions& options) {
  constexpr double kQuarter = 0.25;
  const auto blocks = static_cast<double>(fewest_query_blocks(plan, p.in.heads()));
  const double share = std::max(options.sample_flops / flops,
                                static_cast<double>(options.least_blocks) / kQuarter / blocks);
  p.sample = sample_plan(plan, p.wanted.whole ? 1 : share);
  if (p.sample.scale != 1) p.small = sample_plan(plan, kQuarter * share);
  if (p.small.scale == p.sample.scale) p.small = {};  // no less than the sample
}

void prepare(Prepared& p, const OperatorOptions& options) {
  p.in = p.shared.in;
  p.in.device = options.device;
  if (p.wanted.context) p.in.context = *p.wanted.context;
  p.time.tokens = p.in.length();
  p.wanted.spec.backend->prepare(p.in, p.wanted.spec.params);
  Plan plan;
  p.planning = seconds_each(1, [&] { plan = plan_of(p); });
  plan.validate(p.in);
  const PlanStats stats = plan_stats(plan, p.in);
  const double heads = static_cast<double>(options.heads) / static_cast<double>(p.in.heads());
  p.time.density = stats.density;
  p.time.flops = timed_flops(stats, options.pass) * heads;
  p.time.bounded_by_peak = options.device->name() == "cpu" && p.in.q->dtype() == DType::f32;
  const double flops = timed_flops(stats, options.pass);
  take_samples(p, plan, flops, options);
  p.work = flops / p.sample.scale;
  if (!p.small.plan.branches.empty()) p.small_work = flops / p.small.scale;
  p.time.scale = p.sample.scale * heads;
  for (const Branch& branch : plan.branches) p.per_head |= branch.tables.size() > 1;
  touch_results(p, plan, options);
  if (!options.memory || p.wanted.whole) return;
  plan = {};
  const PeakMemory memory;
  plan = plan_of(p);
  time_plan(p, p.sample.plan, options, 1);
  p.time.extra_bytes = memory.extra_bytes();
}

/// Plans and runs a case's sample; the first output is checked.
Contender contender_of(Prepared& p, const OperatorOptions& options, Meter& meter) {
  return {p.time.label, [&](int64_t repeat) {
            const bool planned = times_forward(options.pass);
            double planning = planned ? p.planning : 0;
            if (planned && !p.plans_long()) planning = seconds_each(repeat, [&] { plan_of(p); });
            RunTimes times = time_plan(p, p.sample.plan, options, repeat);
            times.plan = planning;
            if (std::isnan(p.time.check_error)) {
              check(p);
              if (times_backward(options.pass)) check_backward_pass(p, *options.device);
            }
            meter.add(p.work);
            return std::vector{times};
          }};
}

/// Runs the quarter of a case's sample.
Contender small_contender_of(Prepared& p, const OperatorOptions& options, Meter& meter) {
  return {"a quarter of " + p.time.label, [&](int64_t repeat) {
            const RunTimes times = time_plan(p, p.small.plan, options, repeat);
            meter.add(p.small_work);
            return std::vector{times};
          }};
}

void take_times(Prepared& p, const ContenderTimes& times) {
  if (times.failure) p.time.failure = failure_text(times.failure);
  for (const Block& block : times.blocks()) {
    if (!p.plans_long() || p.time.plan_samples.empty())
      p.time.plan_samples.push_back(block.plan_seconds);
    p.time.run_samples.push_back(block.run_seconds);
    p.time.backward_samples.push_back(block.backward_seconds);
  }
  if (p.time.failure.empty() && p.time.run_samples.empty()) p.time.failure = kInterrupted;
}

void take_small_times(Prepared& p, const ContenderTimes& times) {
  if (times.failure && p.time.failure.empty()) p.time.failure = failure_text(times.failure);
  for (const Block& block : times.blocks()) {
    p.time.small_samples.push_back(block.run_seconds);
    p.time.small_backward_samples.push_back(block.backward_seconds);
  }
  if (p.time.failure.empty() && p.time.small_samples.empty()) p.time.failure = kInterrupted;
}

/// Seconds of the whole plan from those of the sample and of its quarter. What the two take alike
/// (clearing the output, the end of a run, where the last items are cut small so that all threads
/// finish together) the whole takes once; only their difference grows with the pairs.
double whole_seconds(const Prepared& p, double sample, double small) {
  if (p.small.plan.branches.empty()) return sample * p.sample.scale;
  const double share = 1 / p.sample.scale, small_share = 1 / p.small.scale;
  return sample + (sample - small) * (1 - share) / (share - small_share);
}

/// A kernel's samples, and those of the quarter.
struct Samples {
  const std::vector<double>&of, &small;

  double small_median() const { return small.empty() ? 0 : median(small); }
  /// Seconds of all queries, by all samples or by those of one round.
  double whole(const Prepared& p) const { return whole_seconds(p, median(of), small_median()); }
  double whole(const Prepared& p, size_t i) const {
    return whole_seconds(p, of[i], i < small.size() ? small[i] : small_median());
  }
};

/// Scales the samples up to all heads and queries.
void finish(Prepared& p, const OperatorOptions& options) {
  OperatorTime& t = p.time;
  if (!t.failure.empty()) return;
  const double heads = static_cast<double>(options.heads) / static_cast<double>(p.in.heads());
  const auto planned = [&](double sample) { return sample * (p.per_head ? heads : 1); };
  const Samples runs{t.run_samples, t.small_samples},
      backs{t.backward_samples, t.small_backward_samples};
  if (runs.small_median() + backs.small_median() >= median(runs.of) + median(backs.of)) {
    t.failure = "a quarter of the sample took as long as the sample: the machine is too busy";
    return;
  }
  t.plan_seconds = planned(median(t.plan_samples));
  t.run_seconds = heads * runs.whole(p);
  t.backward_seconds = heads * backs.whole(p);
  for (size_t i = 0; i < runs.of.size(); ++i)
    t.rounds.push_back(planned(t.plan_samples[std::min(i, t.plan_samples.size() - 1)]) +
                       heads * (runs.whole(p, i) + backs.whole(p, i)));
}

/// Every case prepared; its trouble is its own, and the others go on.
std::vector<Prepared> prepare_all(const std::vector<OperatorCase>& cases,
                                  std::map<int64_t, Shared>& shared,
                                  const std::function<Inputs(int64_t heads)>& inputs,
                                  const OperatorOptions& options) {
  std::vector<Prepared> all;
  for (const OperatorCase& wanted : cases) {
    const int64_t heads = wanted.whole ? options.heads : options.measured_heads;
    Shared& s = shared[heads];
    Prepared& p =
        all.emplace_back(Prepared{wanted, s, {}, {}, {}, {wanted.label, wanted.spec.text()}});
    p.time.heads = options.heads;
    p.time.pass = options.pass;
    p.time.measured_heads = heads;
    try {
      throw_if_cancelled();
      if (!s.in.q) s.in = inputs(heads);
      prepare(p, options);
    } catch (...) {
      p.time.failure = failure_text(std::current_exception());
    }
  }
  return all;
}

Policy policy_of(const OperatorOptions& options) {
  Policy policy;
  policy.max_blocks = options.repeat;
  policy.interleaving = Interleaving::rotated;
  policy.keep_unfinished = true;
  policy.peak = [] { return fma_peak_gflops(omp_get_max_threads()); };
  policy.peak_age = 0;
  return policy;
}

/// Sample by sample, as many as all kinds have.
std::vector<double> mean_samples(const std::vector<OperatorTime>& kinds,
                                 const std::vector<double>& shares,
                                 std::vector<double> OperatorTime::*of) {
  size_t count = (kinds.front().*of).size();
  for (const OperatorTime& kind : kinds) count = std::min(count, (kind.*of).size());
  std::vector<double> means(count);
  for (size_t i = 0; i < kinds.size(); ++i)
    for (size_t s = 0; s < count; ++s) means[s] += shares[i] * (kinds[i].*of)[s];
  return means;
}

/// Gives all of them the peak of their run, measured again before one above it is mistrusted.
void set_peak(std::vector<OperatorTime>& times, double peak) {
  double highest_rate = 0;
  for (const OperatorTime& t : times)
    if (t.measured() && t.bounded_by_peak)
      highest_rate = std::fmax(highest_rate, t.flops / t.kernel_seconds() * 1e-9);
  peak = settled_peak(peak, highest_rate, [] { return fma_peak_gflops(omp_get_max_threads()); });
  for (OperatorTime& t : times) t.peak_gflops = peak;
}

}  // namespace

std::vector<OperatorTime> measure_operators(const std::vector<OperatorCase>& cases,
                                            const std::function<Inputs(int64_t heads)>& inputs,
                                            const OperatorOptions& options) {
  std::map<int64_t, Shared> shared;
  std::vector<Prepared> all = prepare_all(cases, shared, inputs, options);
  double work = 0;
  for (const Prepared& p : all)
    if (p.time.failure.empty()) work += p.work + p.small_work;
  Meter meter(options.tick, work * options.repeat);
  std::vector<Contender> contenders;
  std::vector<std::function<void(const ContenderTimes&)>> takers;  // of their times
  for (Prepared& p : all) {
    if (!p.time.failure.empty()) continue;
    contenders.push_back(contender_of(p, options, meter));
    takers.emplace_back([&p](const ContenderTimes& times) { take_times(p, times); });
    if (p.small.plan.branches.empty()) continue;
    contenders.push_back(small_contender_of(p, options, meter));
    takers.emplace_back([&p](const ContenderTimes& times) { take_small_times(p, times); });
  }
  const Timings timings = time_contenders(contenders, policy_of(options));
  for (size_t i = 0; i < takers.size(); ++i) takers[i](timings.contenders[i]);
  std::vector<OperatorTime> result;
  for (Prepared& p : all) {
    finish(p, options);
    result.push_back(std::move(p.time));
  }
  set_peak(result, highest(timings.peaks));
  return result;
}

OperatorTime mean_time(const std::vector<OperatorTime>& kinds, const std::vector<double>& shares) {
  for (const OperatorTime& kind : kinds)
    if (!kind.failure.empty()) return kind;
  OperatorTime mean = kinds.front();
  for (double OperatorTime::*of :
       {&OperatorTime::density, &OperatorTime::flops, &OperatorTime::plan_seconds,
        &OperatorTime::run_seconds, &OperatorTime::backward_seconds}) {
    mean.*of = 0;
    for (size_t i = 0; i < kinds.size(); ++i) mean.*of += shares[i] * kinds[i].*of;
  }
  for (std::vector<double> OperatorTime::*of :
       {&OperatorTime::plan_samples, &OperatorTime::run_samples, &OperatorTime::backward_samples,
        &OperatorTime::small_samples, &OperatorTime::small_backward_samples, &OperatorTime::rounds})
    mean.*of = mean_samples(kinds, shares, of);
  for (const OperatorTime& kind : kinds) {
    mean.scale = std::max(mean.scale, kind.scale);
    mean.check_error = std::max(mean.check_error, kind.check_error);
    mean.gradient_error = std::max(mean.gradient_error, kind.gradient_error);
  }
  return mean;
}

std::string mistrusted_note(const std::vector<OperatorTime>& times) {
  std::string text;
  for (const OperatorTime& t : times)
    if (t.mistrusted())
      text += fmt::format("{}{}{} at {} tokens ran at {:.2f} of peak", text.empty() ? "" : ", ",
                          t.label, t.scale == 1 ? " run whole" : "", t.tokens, t.share_of_peak());
  if (text.empty()) return text;
  return "INVALID, above the measured float32 multiply-add peak: " + text +
         ". Other programs disturbed the peak or these times; measure again on a quiet machine.";
}

nlohmann::json to_json(const OperatorTime& t) {
  nlohmann::json json{{"label", t.label},
                      {"backend", t.backend},
                      {"tokens", t.tokens},
                      {"heads", t.heads},
                      {"measured_heads", t.measured_heads}};
  if (!t.failure.empty()) json["failure"] = t.failure;
  if (std::isfinite(t.wanted_density)) json["wanted_density"] = t.wanted_density;
  if (std::isfinite(t.density)) json.update({{"density", t.density}, {"flops", t.flops}});
  if (!t.measured()) return json;
  json.update({{"pass", to_string(t.pass)},
               {"plan_seconds", t.plan_seconds},
               {"run_seconds", t.run_seconds},
               {"scale", t.scale},
               {"check_error", t.check_error},
               {"fma_peak_gflops", t.peak_gflops},
               {"share_of_fma_peak", t.share_of_peak()},
               {"mistrusted", t.mistrusted()},
               {"gflops", t.flops / t.kernel_seconds() * 1e-9},
               {"plan_samples", t.plan_samples},
               {"run_samples", t.run_samples},
               {"small_samples", t.small_samples},
               {"rounds", t.rounds}});
  if (times_backward(t.pass))
    json.update({{"backward_seconds", t.backward_seconds},
                 {"gradient_error", t.gradient_error},
                 {"backward_samples", t.backward_samples},
                 {"small_backward_samples", t.small_backward_samples}});
  json["extra_bytes"] = t.extra_bytes ? nlohmann::json(*t.extra_bytes) : nlohmann::json();
  return json;
}

}  // namespace vidattn
