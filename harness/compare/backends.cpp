#include <fmt/format.h>

#include "attention/error.h"
#include "harness/compare/compare.h"
#include "harness/host/interrupt.h"
#include "harness/measure/paired.h"
#include "harness/measure/record/case_metrics.h"
#include "harness/measure/verify.h"

namespace vidattn {
namespace {

std::string reason_of(const Case& c) {
  return fmt::format("{}: {}", to_string(c.result.outcome), c.result.reason);
}

/// Why two cases cannot be timed against each other; empty when they can.
std::string problem_of(const Case& a, const Case& b) {
  if (!a.passed()) return "A " + reason_of(a);
  if (!b.passed()) return "B " + reason_of(b);
  return a.scale_up == b.scale_up
             ? ""
             : "one side is full attention too long to run whole; its times would be extrapolated";
}

ComparedCase compare_cases(Case a, Case b, const CompareOptions& options, std::string name) {
  ComparedCase compared;
  compared.name = std::move(name);
  std::vector<Dense> dense;
  // Full attention first: the other is compared with its output.
  for (Case* c : b.is_full() ? std::array{&b, &a} : std::array{&a, &b}) check_case(*c, dense);
  dense.clear();
  compared.problem = interrupted() ? "interrupted before it was timed" : problem_of(a, b);
  if (compared.problem.empty()) {
    const Timings timings = measure_pair(a, b, compare_policy(options, compared.name));
    take_blocks(compared, timings.contenders[1].blocks());
    compared.problem = problem_of(a, b);
    if (interrupted() && compared.a_seconds.empty())
      compared.problem = "interrupted before it was timed";
  }
  std::vector<Case> cases{std::move(a), std::move(b)};
  for (Case& c : cases)
    c.result.blocks.clear();  // their control is the other side, not full attention
  add_metrics(cases, {});
  compared.a = std::move(cases[0].result);
  compared.b = std::move(cases[1].result);
  return compared;
}

}  // namespace

ComparisonResult compare_backends(const CompareOptions& options) {
  require_backends(options.sides);
  for (const std::string& device : options.devices)
    for (const DType dtype : options.dtypes) require_pass(options.pass, find_device(device), dtype);
  const Workload workload = build_workload(options.workload);
  ComparisonResult result{parse_backend(options.sides[0]).text(),
                          parse_backend(options.sides[1]).text()};
  result.protocol = fmt::format(
      "time is {} in this process with warm caches; blocks of ABBA or BAAB by a fair coin, "
      "fastest run of a block, {:g} s a case",
      timed_text(options.pass), options.seconds);
  result.workload = workload_facts(workload);
  const std::vector<double> as_given = {0};
  for (DType dtype : options.dtypes) {
    const Inputs in = inputs_in(workload.inputs, dtype);
    for (const std::string& device : options.devices)
      for (double density : options.densities.empty() ? as_given : options.densities) {
        std::string name = fmt::format("{} {}", device, to_string(dtype));
        std::vector<Case> pair;
        for (const std::string& side : options.sides) {
          pair.push_back(make_case(side, device, dtype, in));
          sample_if_long(pair.back(), false);
          if (density > 0 && !pair.back().is_full()) set_density(pair.back(), density);
        }
        set_pass(pair, options.pass);
        if (density > 0) name += fmt::format(" density {:g}", density);
        result.cases.push_back(
            compare_cases(std::move(pair[0]), std::move(pair[1]), options, std::move(name)));
      }
  }
  return result;
}

}  // namespace vidattn
