#include "harness/measure/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "attention/backward/magnitudes.h"
#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/thrown.h"
#include "harness/measure/cases/kinds.h"
#include "harness/measure/density.h"
#include "harness/measure/pass_timing.h"
#include "harness/measure/record/case_metrics.h"
#include "harness/workloads/in_dtype.h"
#include "harness/workloads/mask_file.h"
#include "metrics/machine/memory.h"
#include "metrics/plan/check/equality.h"
#include "metrics/plan/check/gradients.h"
#include "metrics/plan/checksum.h"
#include "metrics/plan/groups/group_iou.h"
#include "metrics/plan/groups/token_segments.h"

namespace vidattn {
namespace {

// Rows of full attention that a run without the `full` backend is compared with.
constexpr int64_t kFidelityRows = 512;

// Full attention above this many FLOPs (some minutes on two cores) is run for a sample of its query
// rows: enough of them that each core has several full kernel blocks of 384 queries per head.
constexpr double kMaxWholeFlops = 5e13;
constexpr int64_t kSampledRows = 3072;

void end_as(Case& c, Outcome outcome, std::string reason) {
  c.result.outcome = outcome;
  c.result.reason = std::move(reason);
}

void check_against_reference(Case& c, const Plan& plan, const Output& out) {
  const EqualityCheck check = check_equality(plan, c.in, out, c.sampled);
  c.result.plan.check_tokens = check.rows;
  c.check_error = check.error;
  c.check_limit = check.limit;
  if (!check.passed()) end_as(c, Outcome::failed, check.reason);
}

void check_backward_pass(Case& c, const Plan& plan, const Output& out) {
  const EqualityCheck check = check_gradients(*c.device, plan, c.in, out, *c.d_o, c.sampled);
  c.gradient_error = check.error;
  c.gradient_limit = check.limit;
  if (c.passed() && !check.passed()) end_as(c, Outcome::failed, check.reason);
}

/// All that is timed, once.
void execute(const Case& c, const Plan& plan, Workspace& space) {
  time_kernels(*c.device, plan, c.in, c.d_o.get(), c.pass(), 1, space);
}

PlanFacts describe_plan(const Plan& plan, const PlanStats& stats) {
  PlanFacts facts;
  facts.checksum = plan_checksum(plan);
  facts.density_per_head = stats.density_per_head;
  for (const BranchStats& b : stats.branches)
    facts.branches.push_back({b.name, b.density, b.pairs});
  for (const PlanStage& s : plan.stages)
    facts.stages.push_back({s.name, s.seconds, s.flops, s.bytes});
  for (const auto& [name, value] : plan.figures) facts.figures[name] = value;
  return facts;
}

HeadFigures figures_of_heads(const Fidelity& fidelity, const Coverage& coverage) {
  HeadFigures figures;
  for (const HeadFidelity& head : fidelity.heads) {
    figures.recall.push_back(head.recall);
    figures.relative_l2.push_back(head.relative_l2);
    figures.cosine.push_back(head.cosine);
  }
  figures.keyless = coverage.keyless_per_head;
  return figures;
}

/// The operands without low bits.
Inputs float_inputs(const Case& c) {
  Inputs in = c.in;
  in.low_bits.reset();
  return in;
}

/// Where outputs are compared with full attention's: beside the full backend at all tokens that it
/// runs, in every type, else at a sample.
std::vector<int64_t> compared_tokens(const Case& c) {
  if (!c.is_full()) return sample_tokens(c.in.length(), kFidelityRows);
  return c.sampled.empty() ? sample_tokens(c.in.length(), c.in.length()) : c.sampled;
}

/// Full attention's output in the case's storage type, which is float32 for low bits; the full case
/// itself gives it when it runs before the others, else some rows are computed.
Dense& dense_for(Case& c, Output& out, std::vector<Dense>& dense) {
  const DType dtype = storage_of(c.dtype);
  for (Dense& known : dense)
    if (known.dtype == dtype) return known;
  Dense& made = dense.emplace_back(Dense{dtype, compared_tokens(c), {}});
  if (c.is_full() && !is_low_bit(c.dtype))
    made.output = std::move(out);
  else
    find_device("cpu").run(
        c.is_full() ? make_plan(c) : full_attention_rows(made.tokens, c.in.keys()), float_inputs(c),
        made.output);
  return made;
}

/// What the selection costs and what the low bits cost: the plan runs once more, in float32. Recall
/// is of the selection alone, so that the LSE is taken from there.
void separate_errors(Case& c, const Plan& plan, const Dense& full, Output& out) {
  Output exact;
  c.device->run(plan, float_inputs(c), exact);
  c.selection_error = relative_l2_between(exact.o, full.output.o, full.tokens);
  c.quantisation_error = relative_l2_between(out.o, exact.o, full.tokens);
  out.lse = std::move(exact.lse);
}

/// Undefined where the ceiling's scores find no memory: what was asked for is measured all the
/// same.
RecallEfficiency efficiency_of(const Plan& plan, const Inputs& in, const Output& out,
                               std::optional<RecallCeiling>& ceiling) {
  try {
    if (!ceiling) ceiling.emplace(in);
    return recall_efficiency(plan, in, out, *ceiling);
  } catch (const std::bad_alloc&) {
    return {NAN, NAN};
  }
}

/// How well a router's groups agree with who is where, where the inputs say that.
void compare_groups_with_masks(const Plan& plan, Case& c) {
  const Array* identity = c.in.find(kIdentity);
  if (identity == nullptr || !c.figures.contains("largest_group_over_mean")) return;
  const std::vector<int32_t> groups = segment_of_tokens(plan, c.in, 0);  // one router for all heads
  if (groups.empty()) return;
  const int64_t count = *std::max_element(groups.begin(), groups.end()) + 1;
  const auto& who = identity->as<uint8_t>(kIdentity);
  const IouSum best = best_group_iou(c.in.grid, groups, count, who);
  if (best.masks == 0) {
    c.result.note += fmt::format("{}{}: no mask in any latent frame, so no router IoU",
                                 c.result.note.empty() ? "" : "; ", short_setting(c.spec.text()));
    return;
  }
  c.figures["router_iou"] = best.mean();
  c.figures["random_group_iou"] = random_group_iou(c.in.grid, count, who).mean();
}

/// Of the whole plan, where only a sample of its rows is run.
void count_work(Case& c, const Plan& whole) {
  c.stats = plan_stats(whole, c.in);
  c.coverage = plan_coverage(whole, c.in);
  c.traffic = plan_traffic(whole, c.in);
  for (size_t i = 0; i < kTileShapes.size(); ++i)
    c.tiles[i] = tile_density(whole, c.in, kTileShapes[i]);
  c.rank_balance = rank_balance(whole, c.in, c.ranks, size_of(storage_of(c.dtype)));
  if (c.coverage.complete()) return;
  c.result.note += fmt::format("{}{}: {}", c.result.note.empty() ? "" : "; ",
                               short_setting(c.spec.text()), c.coverage.text());
}

/// Plans, runs and checks a case; measures memory and fidelity.
void check_and_compare(Case& c, std::vector<Dense>& dense) {
  c.setup_seconds = seconds_of([&] { c.spec.backend->prepare(c.in, c.spec.params); });
  Workspace space;
  Output& out = space.out;
  Plan plan = make_plan(c, &c.after);
  c.state_bytes = c.after.bytes();
  c.validation_seconds = seconds_of([&] { plan.validate(c.in); });
  if (times_backward(c.pass())) {
    check_backward(plan, c.in, *c.d_o);
    require_representable_gradients(c.in, *c.d_o);
  }
  execute(c, plan, space);  // touches code and pages before memory is measured
  {
    const PeakMemory memory;
    plan = {};
    plan = make_plan(c);
    execute(c, plan, space);
    c.extra_bytes = memory.extra_bytes();
  }
  plan.validate(c.in);
  count_work(c, c.sampled.empty() ? plan : c.spec.backend->plan(c.in, c.spec.params));
  c.figures = plan.figures;
  compare_groups_with_masks(plan, c);
  c.result.plan = describe_plan(plan, c.stats);
  c.result.plan.ranks = c.rank_balance;
  c.result.plan.warm_up = c.spec.backend->dense(c.in, c.spec.params);
  if (is_low_bit(c.dtype)) c.result.plan.unit = c.device->low_bit_unit(c.dtype);
  check_against_reference(c, plan, out);
  if (times_backward(c.pass())) check_backward_pass(c, plan, out);
  Dense& full = dense_for(c, out, dense);
  if (is_low_bit(c.dtype)) separate_errors(c, plan, full, out);
  const Output& own = out.o.empty() ? full.output : out;
  const Inputs in = float_inputs(c);
  c.fidelity = compare_with_full(plan, in, own, full.output, full.tokens);
  if (!is_low_bit(c.dtype)) c.selection_error = c.fidelity.relative_l2;
  c.efficiency = {1, 1};
  if (!c.is_full()) c.efficiency = efficiency_of(plan, in, own, full.ceiling);
  if (c.passed()) c.result.per_head = figures_of_heads(c.fidelity, c.coverage);
}

/// For what was thrown, in its handler.
void end_as_thrown(Case& c) {
  try {
    throw;
  } catch (const InputError& error) {
    end_as(c, Outcome::skipped, error.what());
  } catch (const std::bad_alloc& error) {
    end_as(c, Outcome::out_of_memory, text_of(error));
  } catch (const std::exception&) {
    end_as(c, Outcome::failed, failure_text(std::current_exception()));
  }
}

void check_alone(Case& c, std::vector<Dense>& dense) {
  try {
    check_and_compare(c, dense);
  } catch (const Cancelled&) {
    end_as(c, Outcome::interrupted, {});
  } catch (const std::exception&) {
    end_as_thrown(c);
  }
}

}  // namespace

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Inputs inputs_in(const Inputs& original, DType dtype) {
  Inputs in = original;
  set_dtype(in, dtype, "the input");
  return in;
}

Case make_case(const std::string& backend, const std::string& device, DType dtype,
               const Inputs& in) {
  Case c = new_case(backend, device, dtype, in);
  add_file_inputs(*c.spec.backend, c.spec.params, c.in);
  return c;
}

Case new_case(const std::string& backend, const std::string& device, DType dtype,
              const Inputs& in) {
  Case c{parse_backend(backend), &find_device(device), dtype, in};
  if (c.in.context.layer < 0 && c.in.context.layers == 0)
    c.in.context.layers = DenoisingRun{}.layers;  // stands for any of them
  c.in.device = c.device;
  c.result.identity.backend = c.spec.essence();
  c.result.setting = c.spec.text();
  c.result.identity.device = c.device->name();
  c.result.identity.dtype = to_string(dtype);
  return c;
}

void require_pass(Pass pass, const Device& device, DType dtype) {
  if (!times_backward(pass)) return;
  if (!device.has_backward())
    throw InputError(
        fmt::format("--pass {}: {} has no backward pass", to_string(pass), device.name()));
  if (is_low_bit(dtype))
    throw InputError(fmt::format("--pass {}: no backward pass in {}; take f32, bf16 or f16",
                                 to_string(pass), to_string(dtype)));
}

void set_pass(std::vector<Case>& cases, Pass pass) {
  if (!times_backward(pass) || cases.empty()) return;
  const auto d_o = std::make_shared<const Tensor>(sample_output_gradient(cases[0].in));
  for (Case& c : cases) {
    require_pass(pass, *c.device, c.dtype);
    c.result.identity.pass = pass;
    c.d_o = d_o;
  }
}

void sample_if_long(Case& c, bool whole) {
  const double flops = 2.0 * static_cast<double>(c.in.length()) * static_cast<double>(c.in.keys()) *
                       static_cast<double>((c.in.dim() + c.in.value_dim()) * c.in.heads());
  if (!c.is_full() || whole || flops <= kMaxWholeFlops) return;
  c.sampled = sample_tokens(c.in.length(), kSampledRows);
  c.scale_up = static_cast<double>(c.in.length()) / static_cast<double>(c.sampled.size());
  c.result.note = fmt::format("full: times are extrapolated from {} of {} query rows",
                              c.sampled.size(), c.in.length());
}

Plan make_plan(const Case& c, StepCache* after) {
  if (!c.sampled.empty()) return full_attention_rows(c.sampled, c.in.keys());
  if (!c.before) return c.spec.backend->plan(c.in, c.spec.params);
  StepCache cache = *c.before;
  Inputs in = c.in;
  in.context.cache = &cache;
  Plan plan = c.spec.backend->plan(in, c.spec.params);
  if (after != nullptr) *after = std::move(cache);
  return plan;
}

void set_density(Case& c, double target, const std::vector<Inputs>& before) {
  c.result.identity.density = target;
  try {
    DensitySolution solution = solve_density(c.spec, c.in, target, before);
    c.spec = std::move(solution.spec);
    c.result.setting = c.spec.text();
    c.result.note = std::move(solution.note);
  } catch (const Cancelled&) {
  } catch (const std::exception&) {
    end_as_thrown(c);
  }
  if (interrupted()) {  // the search stopped early, or never began
    end_as(c, Outcome::interrupted, {});
    c.result.note.clear();
  }
}

void check_case(Case& c, std::vector<Dense>& dense) {
  if (!c.passed()) return;  // refused already
  make_kinds(c);
  if (c.kinds.empty()) return check_alone(c, dense);
  for (Case& kind : c.kinds) check_alone(kind, dense);
  take_means(c);
}

}  // namespace vidattn
