#include "harness/table/operator.h"

#include <fmt/format.h>
#include <omp.h>

#include "attention/device.h"
#include "attention/error.h"
#include "harness/case.h"
#include "harness/case_check.h"
#include "harness/interrupt.h"
#include "harness/random.h"
#include "harness/table/count.h"
#include "metrics/equality.h"
#include "metrics/fidelity.h"
#include "metrics/memory.h"
#include "metrics/peak.h"
#include "metrics/plan_sample.h"
#include "metrics/plan_stats.h"
#include "metrics/statistics.h"

namespace vidattn {
namespace {

/// A case with its inputs and its sampled plan.
struct Prepared {
  OperatorCase wanted;
  Inputs in;
  SampledPlan sample;
  OperatorTime time;
  bool per_head = false;  ///< a table per head: planning grows with the heads
};

Plan plan_of(const Prepared& p) { return p.wanted.spec.backend->plan(p.in, p.wanted.spec.params); }

void check(Prepared& p, const Output& out) {
  const EqualityCheck check = check_equality(p.sample.plan, p.in, out, p.sample.tokens);
  p.time.check_error = check.error;
  p.time.failure = check.reason;
}

void prepare(Prepared& p, const OperatorOptions& options, Output& out) {
  p.wanted.spec.backend->prepare(p.in, p.wanted.spec.params);
  Plan plan = plan_of(p);
  plan.validate(p.in);
  const PlanStats stats = plan_stats(plan, p.in);
  const double heads = static_cast<double>(options.heads) / static_cast<double>(p.in.heads());
  p.time.density = stats.density;
  p.time.flops = stats.flops * heads;
  p.sample = sample_plan(plan, options.sample_flops / stats.flops);
  p.time.scale = p.sample.scale * heads;
  for (const Branch& branch : plan.branches) p.per_head |= branch.tables.size() > 1;
  options.device->run(Plan{}, p.in, out);  // touches the output's pages
  const double first = seconds_of([&] { options.device->run(p.sample.plan, p.in, out); });
  check(p, out);
  if (options.repeat == 1) {  // one long run: the one that was checked
    p.time.run_samples.push_back(first);
    return;
  }
  plan = {};
  const PeakMemory memory;
  plan = plan_of(p);
  options.device->run(p.sample.plan, p.in, out);
  p.time.extra_bytes = memory.extra_bytes();
}

/// One case's trouble is its own; the others go on.
void prepare_guarded(Prepared& p, const OperatorOptions& options, Output& out) {
  try {
    prepare(p, options, out);
  } catch (const InputError& error) {
    p.time.failure = error.what();
  } catch (const std::bad_alloc&) {
    p.time.failure = "out of memory";
  }
}

void time_once(Prepared& p, const OperatorOptions& options, Output& out) {
  Plan plan;
  p.time.plan_samples.push_back(seconds_of([&] { plan = plan_of(p); }));
  plan = {};
  if (options.repeat > 1)
    p.time.run_samples.push_back(
        seconds_of([&] { options.device->run(p.sample.plan, p.in, out); }));
}

void finish(Prepared& p, const OperatorOptions& options, double fixed) {
  const double heads = static_cast<double>(options.heads) / static_cast<double>(p.in.heads());
  p.time.plan_seconds = median(p.time.plan_samples) * (p.per_head ? heads : 1);
  // Clearing the output costs the same for a sample as for the whole.
  p.time.run_seconds = heads * (fixed + (median(p.time.run_samples) - fixed) * p.sample.scale);
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
    Random random(seed, static_cast<uint64_t>(i));
    float* row = tensor.data<float>() + i * width;
    for (int64_t c = 0; c < width; ++c) row[c] = static_cast<float>(random.uniform(-limit, limit));
  }
  if (dtype == DType::f32) return std::make_shared<const Tensor>(std::move(tensor));
  return std::make_shared<const Tensor>(tensor.to(dtype));
}

}  // namespace

std::vector<OperatorTime> measure_operators(const std::vector<OperatorCase>& cases,
                                            const Inputs& in, const OperatorOptions& options) {
  std::vector<Prepared> all;
  Output out;
  for (const OperatorCase& wanted : cases) {
    Prepared& p = all.emplace_back(Prepared{wanted, in, {}, {wanted.label, wanted.spec.text()}});
    p.in.device = options.device;
    p.time.tokens = in.length();
    p.time.heads = options.heads;
    p.time.measured_heads = in.heads();
    if (interrupted())
      p.time.failure = "interrupted";
    else
      prepare_guarded(p, options, out);
  }
  std::vector<double> fixed, peaks;
  for (int round = 0; round < options.repeat; ++round) {
    peaks.push_back(fma_peak_gflops(omp_get_max_threads()));
    options.device->run(Plan{}, in, out);  // the shape of `out` may change with the branches
    fixed.push_back(seconds_of([&] { options.device->run(Plan{}, in, out); }));
    for (size_t i = 0; i < all.size(); ++i) {
      Prepared& p = all[(i + round) % all.size()];
      if (p.time.failure.empty() && !interrupted()) time_once(p, options, out);
      if (options.tick) options.tick();
    }
  }
  std::vector<OperatorTime> times;
  for (Prepared& p : all) {
    p.time.peak_gflops = highest(peaks);
    if (p.time.failure.empty() && p.time.run_samples.empty()) p.time.failure = "interrupted";
    if (p.time.failure.empty()) finish(p, options, median(fixed));
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
    Random random(4, static_cast<uint64_t>(i));
    for (int64_t c = 0; c < model.dim; ++c)
      hidden[i * model.dim + c] = static_cast<float>(random.uniform(-1, 1));
  }
  in.extra["hidden"] = std::make_shared<const Array>(Array{{tokens, model.dim}, std::move(hidden)});
  return in;
}

nlohmann::json to_json(const OperatorTime& t) {
  nlohmann::json json{{"label", t.label},
                      {"backend", t.backend},
                      {"tokens", t.tokens},
                      {"heads", t.heads},
                      {"measured_heads", t.measured_heads}};
  if (!t.failure.empty()) json["failure"] = t.failure;
  if (!t.measured()) return json;
  json.update({{"density", t.density},
               {"flops", t.flops},
               {"plan_seconds", t.plan_seconds},
               {"run_seconds", t.run_seconds},
               {"scale", t.scale},
               {"check_error", t.check_error},
               {"fma_peak_gflops", t.peak_gflops},
               {"gflops", t.flops / t.run_seconds * 1e-9},
               {"plan_samples", t.plan_samples},
               {"run_samples", t.run_samples}});
  json["extra_bytes"] = t.extra_bytes ? nlohmann::json(*t.extra_bytes) : nlohmann::json();
  return json;
}

}  // namespace vidattn
