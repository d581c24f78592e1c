#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attention/error.h"
#include "harness/compare/compare.h"
#include "harness/store/run_source.h"

namespace vidattn {
namespace {

using nlohmann::json;

json case_record(const StoredCase& c) {
  json record{{"backend", c.backend},
              {"device", c.device},
              {"dtype", c.dtype},
              {"outcome", to_string(c.outcome)}};
  if (!c.reason.empty()) record["reason"] = c.reason;
  for (const auto& [tag, metric] : c.metrics)
    record["metrics"][tag] = {{"unit", metric.unit}, {"value", metric.value}};
  return record;
}

/// A block's time relative to what was measured beside it, so that the moment of measuring cancels:
/// full attention, or for full attention itself the multiply-add peak. NaN without either.
double relative_time(const StoredCase& c, const Block& block) {
  return c.backend == "full" ? block.seconds() * block.peak_flops : block.ratio();
}

std::string problem_of(const StoredCase& a, const StoredCase& b) {
  for (const StoredCase* c : {&a, &b}) {
    const std::string side = c == &a ? "A" : "B";
    if (c->outcome != Outcome::passed)
      return fmt::format("{} {}: {}", side, to_string(c->outcome), c->reason);
    if (!c->timed()) return side + " has no times";
  }
  const auto hash = [](const StoredCase& c) {
    return c.details.value("workload", json::object()).value("sha256", json());
  };
  if (!hash(a).is_null() && !hash(b).is_null() && hash(a) != hash(b))
    return "the two runs had other q, k or v";
  return "";
}

ComparedCase compare_cases(const StoredCase& a, const StoredCase& b) {
  ComparedCase c = pair_cases(a, b);
  const size_t blocks = std::min(a.blocks.size(), b.blocks.size());
  for (size_t i = 0; c.problem.empty() && i < blocks; ++i) {
    c.a_seconds.push_back(a.blocks[i].seconds());
    c.b_seconds.push_back(b.blocks[i].seconds());
    c.log_ratios.push_back(std::log(relative_time(b, b.blocks[i]) / relative_time(a, a.blocks[i])));
    if (!std::isfinite(c.log_ratios.back()))
      c.problem = "no full attention (or peak) was measured beside it";
  }
  return c;
}

const StoredCase* find(const StoredRun& run, const StoredCase& like) {
  for (const StoredCase& c : run.cases)
    if (c.workload == like.workload && c.backend == like.backend && c.device == like.device &&
        c.dtype == like.dtype)
      return &c;
  return nullptr;
}

void warn_about_the_rest(const StoredRun& run, const StoredRun& other, const char* side,
                         std::vector<std::string>& warnings) {
  for (const StoredCase& c : run.cases)
    if (!find(other, c))
      warnings.push_back(fmt::format("only in {}: {} {} {}", side, c.backend, c.device, c.dtype));
}

void warn_about_blocks(const StoredCase& a, const StoredCase& b,
                       std::vector<std::string>& warnings) {
  const size_t more = std::max(a.blocks.size(), b.blocks.size()),
               less = std::min(a.blocks.size(), b.blocks.size());
  if (less > 0 && more > less)
    warnings.push_back(fmt::format("{}: {} blocks of {} have no partner and were not used",
                                   a.backend, more - less, a.blocks.size() == more ? "A" : "B"));
}

}  // namespace

ComparedCase pair_cases(const StoredCase& a, const StoredCase& b) {
  ComparedCase c;
  c.name = fmt::format("{} {} {}", a.backend, a.device, a.dtype);
  c.a = case_record(a);
  c.b = case_record(b);
  c.problem = problem_of(a, b);
  return c;
}

ComparisonResult compare_stored_runs(const CompareOptions& options) {
  const StoredRun a = read_run(options.sides[0], options.db),
                  b = read_run(options.sides[1], options.db);
  ComparisonResult result;
  result.a = fmt::format("{} (revision {})", options.sides[0], a.revision);
  result.b = fmt::format("{} (revision {})", options.sides[1], b.revision);
  result.protocol =
      "time is plan + run relative to full attention in the same block (full itself: to the "
      "measured peak);\nthe n-th blocks of the two runs are paired";
  for (const StoredCase& c : a.cases) {
    const StoredCase* partner = find(b, c);
    if (!partner) continue;
    result.cases.push_back(compare_cases(c, *partner));
    warn_about_blocks(c, *partner, result.warnings);
  }
  if (result.cases.empty())
    throw InputError(
        fmt::format("{} and {} have no case in common", options.sides[0], options.sides[1]));
  warn_about_the_rest(a, b, "A", result.warnings);
  warn_about_the_rest(b, a, "B", result.warnings);
  if (a.environment.value("machine", json()) != b.environment.value("machine", json()))
    result.warnings.push_back("the runs come from different machines");
  result.warnings.push_back(
      "runs at different times differ by more than their intervals say; for a verdict to build "
      "on, compare both sides in one command");
  return result;
}

}  // namespace vidattn
