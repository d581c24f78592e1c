#include "harness/tables/operators/operator.h"

#include <fmt/format.h>
#include <omp.h>

#include <map>

#include "attention/cancel.h"
#include "attention/device.h"
#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "harness/host/random.h"
#include "harness/measure/case.h"
#include "harness/measure/verify.h"
#include "harness/tables/operators/count.h"
#include "metrics/machine/memory.h"
#include "metrics/machine/peak.h"
#include "metrics/plan/equality.h"
#include "metrics/plan/fidelity.h"
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
  Output out;
  std::vector<double> fixed = {};  ///< seconds of clearing the output, per round
};

/// A case with its inputs and its sampled plan.
struct Prepared {
  OperatorCase wanted;
  Shared& shared;
  Inputs in;
  SampledPlan sample;
  OperatorTime time;
  bool per_head = false;  ///< a table per head: planning grows with the heads
};

Plan plan_of(const Prepared& p) { return p.wanted.spec.backend->plan(p.in, p.wanted.spec.params); }

void check(Prepared& p) {
  const EqualityCheck check = check_equality(p.sample.plan, p.in, p.shared.out, p.sample.tokens);
  p.time.check_error = check.error;
  p.time.failure = check.reason;
}

void prepare(Prepared& p, const OperatorOptions& options) {
  p.in = p.shared.in;
  p.in.device = options.device;
  p.time.tokens = p.in.length();
  p.wanted.spec.backend->prepare(p.in, p.wanted.spec.params);
  Plan plan;
  const double planning = seconds_of([&] { plan = plan_of(p); });
  if (planning > kLongPlanning) p.time.plan_samples = {planning};
  plan.validate(p.in);
  const PlanStats stats = plan_stats(plan, p.in);
  const double heads = static_cast<double>(options.heads) / static_cast<double>(p.in.heads());
  p.time.density = stats.density;
  p.time.flops = stats.flops * heads;
  p.time.bounded_by_peak = options.device->name() == "cpu" && p.in.q->dtype() == DType::f32;
  p.sample = sample_plan(plan, p.wanted.whole ? 1 : options.sample_flops / stats.flops);
  p.time.scale = p.sample.scale * heads;
  for (const Branch& branch : plan.branches) p.per_head |= branch.tables.size() > 1;
  options.device->run(Plan{}, p.in, p.shared.out);  // touches the output's pages
  if (!options.memory || p.wanted.whole) return;
  plan = {};
  const PeakMemory memory;
  plan = plan_of(p);
  options.device->run(p.sample.plan, p.in, p.shared.out);
  p.time.extra_bytes = memory.extra_bytes();
}

/// Works on a case that has not failed. One case's trouble is its own; the others go on. What was
/// timed before an interrupt stays.
void guarded(Prepared& p, const std::function<void()>& work) {
  if (!p.time.failure.empty()) return;
  try {
    work();
  } catch (const Cancelled&) {
    if (p.time.run_samples.empty()) p.time.failure = kInterrupted;
  } catch (const InputError& error) {
    p.time.failure = error.what();
  } catch (const std::bad_alloc&) {
    p.time.failure = "out of memory";
  }
}

void time_once(Prepared& p, const OperatorOptions& options) {
  const bool timed = !p.time.plan_samples.empty() && p.time.plan_samples[0] > kLongPlanning;
  if (!timed) p.time.plan_samples.push_back(seconds_of([&] { plan_of(p); }));
  p.time.run_samples.push_back(
      seconds_of([&] { options.device->run(p.sample.plan, p.in, p.shared.out); }));
  if (p.time.run_samples.size() == 1) check(p);
}

void time_clearing(Shared& s, const Device& device) {
  device.run(Plan{}, s.in, s.out);  // its shape may change with the branches
  s.fixed.push_back(seconds_of([&] { device.run(Plan{}, s.in, s.out); }));
}

void finish(Prepared& p, const OperatorOptions& options) {
  const double heads = static_cast<double>(options.heads) / static_cast<double>(p.in.heads());
  const double fixed = median(p.shared.fixed);
  const auto planned = [&](double sample) { return sample * (p.per_head ? heads : 1); };
  // Clearing the output costs the same for a sample as for the whole.
  const auto run = [&](double sample) {
    return heads * (fixed + (sample - fixed) * p.sample.scale);
  };
  p.time.plan_seconds = planned(median(p.time.plan_samples));
  p.time.run_seconds = run(median(p.time.run_samples));
  const auto& plans = p.time.plan_samples;
  for (size_t i = 0; i < p.time.run_samples.size(); ++i)
    p.time.rounds.push_back(planned(plans[std::min(i, plans.size() - 1)]) +
                            run(p.time.run_samples[i]));
}

// Scores of this deviation put 80% of the mass on the strongest 5% of the keys, as the film's do.
// Flatter ones average so many random values away that rounding shows in what remains.
constexpr double kScoreDeviation = 2.5;

std::shared_ptr<const Tensor> random_tensor(int64_t tokens, int64_t heads, int64_t dim, DType dtype,
                                            uint64_t seed, double deviation) {
  Tensor tensor(tokens, heads, dim);
  const int64_t width = heads * dim;
  const double limit = deviation * std::sqrt(3.0);  // of a uniform distribution
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < tokens; ++i) {
    if (runs_cancelled) continue;
    Random random(seed, static_cast<uint64_t>(i));
    float* row = tensor.data<float>() + i * width;
    for (int64_t c = 0; c < width; ++c) row[c] = static_cast<float>(random.uniform(-limit, limit));
  }
  throw_if_cancelled();
  if (dtype == DType::f32) return std::make_shared<const Tensor>(std::move(tensor));
  return std::make_shared<const Tensor>(tensor.to(dtype));
}

}  // namespace

std::vector<OperatorTime> measure_operators(const std::vector<OperatorCase>& cases,
                                            const std::function<Inputs(int64_t heads)>& inputs,
                                            const OperatorOptions& options) {
  std::map<int64_t, Shared> shared;
  std::vector<Prepared> all;
  for (const OperatorCase& wanted : cases) {
    const int64_t heads = wanted.whole ? options.heads : options.measured_heads;
    Shared& s = shared[heads];
    Prepared& p = all.emplace_back(Prepared{wanted, s, {}, {}, {wanted.label, wanted.spec.text()}});
    p.time.heads = options.heads;
    p.time.measured_heads = heads;
    if (interrupted()) p.time.failure = kInterrupted;
    guarded(p, [&] {
      if (!s.in.q) s.in = inputs(heads);
      prepare(p, options);
    });
  }
  std::vector<double> peaks;
  for (int round = 0; round < options.repeat && !interrupted(); ++round) {
    peaks.push_back(fma_peak_gflops(omp_get_max_threads()));
    try {
      for (auto& [heads, s] : shared)
        if (s.in.q) time_clearing(s, *options.device);
    } catch (const Cancelled&) {
      break;
    }
    for (size_t i = 0; i < all.size(); ++i) {
      Prepared& p = all[(i + round) % all.size()];
      if (!interrupted()) guarded(p, [&] { time_once(p, options); });
      if (options.tick) options.tick();
    }
  }
  std::vector<OperatorTime> times;
  for (Prepared& p : all) {
    p.time.peak_gflops = highest(peaks);
    if (p.time.failure.empty() && p.time.run_samples.empty()) p.time.failure = kInterrupted;
    if (p.time.failure.empty()) finish(p, options);
    times.push_back(std::move(p.time));
  }
  return times;
}

Inputs random_operator_inputs(const DitModel& model, int64_t tokens, int64_t heads,
                              int64_t temporal_groups, DType dtype) {
  Inputs in;
  in.grid = grid_480p(tokens, temporal_groups);
  in.q = random_tensor(tokens, heads, model.head_dim(), dtype, 1, kScoreDeviation);
  in.k = random_tensor(tokens, heads, model.head_dim(), dtype, 2, 1);
  in.v = random_tensor(tokens, heads, model.head_dim(), dtype, 3, 1);
  std::vector<float> hidden(tokens * model.dim);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < tokens; ++i) {
    if (runs_cancelled) continue;
    Random random(4, static_cast<uint64_t>(i));
    for (int64_t c = 0; c < model.dim; ++c)
      hidden[i * model.dim + c] = static_cast<float>(random.uniform(-1, 1));
  }
  throw_if_cancelled();
  in.extra["hidden"] = std::make_shared<const Array>(Array{{tokens, model.dim}, std::move(hidden)});
  return in;
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
  json.update({{"plan_seconds", t.plan_seconds},
               {"run_seconds", t.run_seconds},
               {"scale", t.scale},
               {"check_error", t.check_error},
               {"fma_peak_gflops", t.peak_gflops},
               {"share_of_fma_peak", t.share_of_peak()},
               {"mistrusted", t.mistrusted()},
               {"gflops", t.flops / t.run_seconds * 1e-9},
               {"plan_samples", t.plan_samples},
               {"run_samples", t.run_samples},
               {"rounds", t.rounds}});
  json["extra_bytes"] = t.extra_bytes ? nlohmann::json(*t.extra_bytes) : nlohmann::json();
  return json;
}

}  // namespace vidattn
