#include "harness/conform/execution.h"

#include <utility>

#include "attention/reference.h"
#include "attention/terms/joined.h"
#include "harness/conform/named_gradients.h"
#include "harness/conform/stored_order.h"
#include "harness/io/npy.h"
#include "harness/workloads/in_dtype.h"
#include "metrics/plan/stats.h"

namespace vidattn {
namespace {

/// A linear term alone, before its projection.
std::optional<Array> linear_output(const Execution& run, const std::string& name) {
  for (const LinearTerm& term : run.plan.linear) {
    if (term.name != name) continue;
    Plan alone;
    alone.linear.push_back(term);
    alone.linear[0].projection = alone.linear[0].bias = {};
    Output out;
    run.device.run(alone, run.in, out);
    return to_array(out.o);
  }
  return std::nullopt;
}

/// Output of one branch alone, with its gates but without the weight of the mean.
Array branch_output(const Execution& run, size_t index) {
  Plan alone;
  alone.branches.push_back(run.plan.branches[index]);
  alone.branches[0].weight = 1;
  Output out;
  run.device.run(alone, run.in, out);
  return to_array(out.o);
}

Array mask_rows(const Execution& run, const Array& index) {
  const int64_t keys = run.in.keys(), heads = run.in.heads();
  const auto& rows = index.as<int32_t>("mask_rows_index");
  std::vector<uint8_t> mask(heads * rows.size() * keys);
  for (int64_t h = 0; h < heads; ++h)
    for (size_t r = 0; r < rows.size(); ++r)
      for (const Branch& branch : run.plan.branches)
        for (int64_t key : visible_keys(branch, run.in, rows[r], h))
          mask[(h * rows.size() + r) * keys + key] = 1;
  return {{heads, static_cast<int64_t>(rows.size()), keys}, std::move(mask)};
}

/// What the run gives for the file `name`: an array that the method explains, the output, the
/// LSE of the first softmax, the mask, or a branch's part of them (o_stga, lse_stga, o_linear).
std::optional<Array> result_for(const Execution& run, const TestCase& test,
                                const std::string& name) {
  if (const auto found = run.plan.explained.find(name); found != run.plan.explained.end())
    return found->second;
  if (name.starts_with('d'))
    if (const auto found = run.gradients.find(name.substr(1)); found != run.gradients.end())
      return found->second;
  const std::vector<int64_t> row_shape{run.in.length(), run.in.heads()};
  if (name == "o") return to_array(run.out.o);
  if (name == "lse") return Array{row_shape, joined_lse(run.plan, run.out, 0)};
  if (name == "mask") return plan_mask(run.plan, run.in);
  if (name == "mask_rows") return mask_rows(run, read_npy(test.file("mask_rows_index")));
  if (name.rfind("o_", 0) == 0) {
    if (const auto b = branch_index(run.plan, name.substr(2))) return branch_output(run, *b);
    return linear_output(run, name.substr(2));
  }
  if (name.rfind("lse_", 0) == 0)
    if (const auto b = branch_index(run.plan, name.substr(4)))
      return Array{row_shape, run.out.lse[*b]};
  return std::nullopt;
}

Execution execute_call(const TestCase& test, Inputs in, const BackendSpec& spec,
                       const std::string& device, DType dtype) {
  Execution run{find_device(device), std::move(in), {}, {}};
  run.in.device = &run.device;
  run.in.explain = true;
  spec.backend->prepare(run.in, spec.params);
  run.plan = spec.backend->plan(run.in, spec.params);
  run.plan.validate(run.in);
  set_dtype(run.in, dtype, "the input");
  const bool backward = test.has_gradients() && run.device.has_backward() && !run.in.low_bits;
  run.out.keep = backward;
  run.device.run(run.plan, run.in, run.out);
  if (backward)
    run.gradients =
        named_gradients(spec, run.device, run.plan, run.in, run.out, *case_output_gradient(test));
  return run;
}

}  // namespace

std::optional<size_t> branch_index(const Plan& plan, const std::string& name) {
  for (size_t b = 0; b < plan.branches.size(); ++b)
    if (plan.branches[b].name == name) return b;
  return std::nullopt;
}

std::vector<Execution> execute_calls(const TestCase& test, const BackendSpec& spec,
                                     const std::string& device, DType dtype) {
  std::vector<Inputs> calls = case_calls(test, spec);
  const auto steps = static_cast<int64_t>(calls.size());
  StepCache cache;
  std::vector<Execution> runs;
  for (int64_t s = 0; s < steps; ++s) {
    if (steps > 1) calls[s].context = {0, 1, s, steps, &cache};
    runs.push_back(execute_call(test, std::move(calls[s]), spec, device, dtype));
  }
  return runs;
}

std::optional<Array> result_of(const std::vector<Execution>& runs, const TestCase& test,
                               const std::string& name) {
  const auto of = [&](const Execution& run) -> std::optional<Array> {
    std::optional<Array> computed = result_for(run, test, name);
    if (!computed) return std::nullopt;
    return in_stored_order(std::move(*computed), name, run.in.length(), stored_prefix(test));
  };
  std::optional<Array> last = of(runs.back());
  if (runs.size() == 1) return last;
  const size_t axes = test.json["files"][name].value("shape", std::vector<int64_t>()).size();
  if (!last || axes != last->shape.size() + 1) return last;
  Array all = *of(runs.front());
  for (size_t s = 1; s < runs.size(); ++s) {
    const Array step = *of(runs[s]);
    std::visit(
        [&](auto& values) {
          const auto& more = std::get<std::decay_t<decltype(values)>>(step.values);
          values.insert(values.end(), more.begin(), more.end());
        },
        all.values);
  }
  all.shape.insert(all.shape.begin(), static_cast<int64_t>(runs.size()));
  return all;
}

}  // namespace vidattn
