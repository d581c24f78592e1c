#include "harness/compare/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/outputs.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/measure/paired.h"
#include "harness/store/run_file.h"

namespace vidattn {
namespace {

ComparisonResult measure(const CompareOptions& options) {
  if (!options.binaries.empty()) return compare_binaries(options);
  if (options.sides.size() != 2)
    throw InputError(fmt::format("compare needs two sides, A and B, not {}", options.sides.size()));
  const bool a = names_run(options.sides[0]), b = names_run(options.sides[1]);
  if (a != b)
    throw InputError(
        "a stored run can only be compared with another stored run, not with a backend");
  return a ? compare_stored_runs(options) : compare_backends(options);
}

bool failed(const ComparedCase& c) {
  return c.a.outcome == Outcome::failed || c.b.outcome == Outcome::failed;
}

ExitCode exit_code(const std::vector<ComparedCase>& cases) {
  const bool worse = std::any_of(cases.begin(), cases.end(), [](const ComparedCase& c) {
    return failed(c) || (c.problem.empty() && c.verdict == Verdict::slower);
  });
  const bool nothing = std::all_of(cases.begin(), cases.end(), [](const ComparedCase& c) {
    return !c.problem.empty() || c.verdict == Verdict::undecidable;
  });
  return worse ? ExitCode::regression : nothing ? ExitCode::invalid : ExitCode::fine;
}

}  // namespace

Policy compare_policy(const CompareOptions& options, const std::string& label) {
  Policy policy = paired_policy(options.seconds, options.order_seed, "A against B, " + label);
  const size_t each = options.devices.size() * options.dtypes.size() *
                      std::max<size_t>(1, options.densities.size());
  const size_t cases = each * (options.binaries.empty() ? 1 : options.sides.size());
  policy.min_blocks =
      std::max(policy.min_blocks, blocks_needed(options.rule, static_cast<int64_t>(cases)));
  return policy;
}

void take_blocks(ComparedCase& c, const std::vector<Block>& blocks) {
  for (const Block& block : blocks) {
    c.a_seconds.push_back(block.dense_seconds);
    c.b_seconds.push_back(block.seconds());
    c.log_ratios.push_back(std::log(block.ratio()));
  }
}

void judge_cases(std::vector<ComparedCase>& cases, const VerdictRule& rule) {
  std::vector<ComparedCase*> judged;
  std::vector<double> p;
  for (ComparedCase& c : cases) {
    if (!c.problem.empty()) continue;
    c.estimate = estimate_ratio(c.log_ratios);
    judged.push_back(&c);
    p.push_back(c.estimate.p);
  }
  const std::vector<double> adjusted = holm(p);
  const auto together = static_cast<int64_t>(judged.size());
  for (size_t i = 0; i < judged.size(); ++i) {
    ComparedCase& c = *judged[i];
    c.adjusted_p = adjusted[i];
    c.verdict = judge(c.estimate, adjusted[i], rule);
    c.detectable = minimum_detectable_effect(c.log_ratios, rule, together);
    if (c.verdict == Verdict::ambiguous && std::isinf(c.detectable))
      c.verdict = Verdict::undecidable;
  }
}

std::string undecidable_note(const std::vector<ComparedCase>& cases, const VerdictRule& rule) {
  const auto count = [&](auto condition) {
    return std::count_if(cases.begin(), cases.end(), condition);
  };
  const auto undecidable =
      count([](const ComparedCase& c) { return c.verdict == Verdict::undecidable; });
  if (undecidable == 0) return "";
  const auto together = count([](const ComparedCase& c) { return c.problem.empty(); });
  return fmt::format(
      "{} of {} cases have too few blocks for a verdict, however far their times differ; {} blocks "
      "are needed for p Holm below {:g}",
      undecidable, together, blocks_needed(rule, together), rule.alpha);
}

ExitCode compare(const CompareOptions& options) {
  check_compared_columns(options.columns);
  Outputs outputs;
  ComparisonResult result = measure(options);
  outputs.begin();
  judge_cases(result.cases, options.rule);
  outputs.write([&] { print_comparison(result, options); });
  if (!options.out.empty())
    outputs.write([&] { write_json(options.out, comparison_record(result, options)); });
  if (interrupted()) print_out("interrupted: the blocks measured until then were judged\n");
  if (!result.failure.empty()) throw InputError(result.failure);
  return outputs.code(exit_code(result.cases));
}

}  // namespace vidattn
