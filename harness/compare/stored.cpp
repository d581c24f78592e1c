#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "attention/error.h"
#include "harness/compare/compare.h"
#include "harness/compare/compared_calls.h"
#include "harness/compare/unfit.h"
#include "harness/measure/backend_spec.h"
#include "harness/store/run_file.h"

namespace vidattn {
namespace {

/// A block's time relative to what was measured beside it, so that the moment of measuring cancels:
/// full attention, or for full attention itself the multiply-add peak. NaN without either.
double relative_time(const Measurement& c, const Block& block) {
  return c.is_full() ? block.seconds() * block.peak_flops : block.ratio();
}

std::string problem_of(const Measurement& a, const Measurement& b) {
  for (const Measurement* c : {&a, &b}) {
    const std::string side = c == &a ? "A" : "B";
    if (!c->passed() && c->outcome != Outcome::mistrusted)
      return fmt::format("{} {}: {}", side, to_string(c->outcome), c->reason);
    if (!c->timed()) return side + " has no times";
  }
  return "";
}

/// A stored run under the name that it was asked for.
struct Side {
  std::string name;
  StoredRun run;
};

/// Why a side's times of a case are not to be believed; empty where they are.
std::string distrust_of(const Side& side, const Measurement& c) {
  if (c.outcome == Outcome::mistrusted)
    return fmt::format("{} mistrusted: {}", side.name, c.reason);
  const std::string whole = unfit_for_times(side.run);
  const std::string unfit = whole.empty() ? unfit_for_times(c) : whole;
  return unfit.empty() ? "" : fmt::format("{}: {}", side.name, unfit);
}

/// Times of full attention are held against the machine's peak: they say nothing where that is
/// another one. Empty where it is not, and for methods.
std::string other_peak(const Side& on_a, const Measurement& a, const Side& on_b,
                       const Measurement& b) {
  constexpr double kSame = 0.05, kGiga = 1e9;
  const auto peak = [](const Measurement& m) {
    double highest = 0;
    for (const Block& block : m.blocks) highest = std::max(highest, block.peak_flops);
    return highest / kGiga;
  };
  const double of_a = peak(a), of_b = peak(b);
  if (!a.is_full() || std::abs(of_a - of_b) <= kSame * std::max(of_a, of_b)) return "";
  return fmt::format(
      "no verdict on its times: the multiply-add peak that they are held against was {:.0f} "
      "GFLOP/s in {} and {:.0f} in {}",
      of_a, on_a.name, of_b, on_b.name);
}

/// What pairs of blocks cannot mend: other inputs, times that are not to be believed.
std::string mismatch_of(const Side& on_a, const Measurement& a, const Side& on_b,
                        const Measurement& b) {
  CaseIdentity like_b = a.identity;
  like_b.content = b.identity.content;
  if (!same_case(a.identity, like_b)) return "the two runs had other q, k or v";
  const std::string of_a = distrust_of(on_a, a), of_b = distrust_of(on_b, b);
  if (of_a.empty() && of_b.empty()) return other_peak(on_a, a, on_b, b);
  return fmt::format("no verdict on its times: {}{}{}", of_a,
                     of_a.empty() || of_b.empty() ? "" : "; ", of_b);
}

ComparedCase compare_cases(const Side& on_a, const Measurement& a, const Side& on_b,
                           const Measurement& b, const ComparedCalls& names) {
  ComparedCase c = pair_cases(a, b);
  if (const std::string call = names.of(a); !call.empty()) c.name += ", " + call;
  if (c.problem.empty()) c.problem = mismatch_of(on_a, a, on_b, b);
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

/// The same setting on tensors of the same shape: which density it was solved for, or what the
/// tensors held, may differ or be unknown.
bool alike(const Measurement& a, const Measurement& b) {
  const auto shape = [](const Measurement& m) {
    const WorkloadFacts w = m.workload.value_or(WorkloadFacts{});
    return std::tuple(w.name, w.length, w.heads, w.dim);
  };
  return a.setting == b.setting && a.identity.device == b.identity.device &&
         a.identity.dtype == b.identity.dtype && a.identity.cold == b.identity.cold &&
         a.identity.pass == b.identity.pass && shape(a) == shape(b) && same_call(a, b);
}

/// The same case, else one like it.
const Measurement* find(const StoredRun& run, const Measurement& wanted) {
  for (const Measurement& c : run.cases)
    if (same_case(c.identity, wanted.identity)) return &c;
  for (const Measurement& c : run.cases)
    if (alike(c, wanted)) return &c;
  return nullptr;
}

void warn_about_the_rest(const StoredRun& run, const StoredRun& other, const char* side,
                         const ComparedCalls& names, std::vector<std::string>& warnings) {
  for (const Measurement& c : run.cases)
    if (!find(other, c))
      warnings.push_back(fmt::format("only in {}: {} {} {} {}", side, short_setting(c.setting),
                                     c.identity.device, c.identity.dtype, names.of(c)));
}

void warn_about_blocks(const Measurement& a, const Measurement& b,
                       std::vector<std::string>& warnings) {
  const size_t more = std::max(a.blocks.size(), b.blocks.size()),
               less = std::min(a.blocks.size(), b.blocks.size());
  if (less > 0 && more > less)
    warnings.push_back(fmt::format("{}: {} blocks of {} have no partner and were not used",
                                   short_setting(a.setting), more - less,
                                   a.blocks.size() == more ? "A" : "B"));
}

}  // namespace

ComparedCase pair_cases(const Measurement& a, const Measurement& b) {
  ComparedCase c;
  c.name = fmt::format("{} {} {}", a.setting, a.identity.device, a.identity.dtype);
  c.a = a;
  c.b = b;
  c.problem = problem_of(a, b);
  return c;
}

ComparisonResult compare_stored_runs(const CompareOptions& options) {
  const Side a{options.sides[0], read_run(options.sides[0], options.db)},
      b{options.sides[1], read_run(options.sides[1], options.db)};
  ComparisonResult result;
  result.a = fmt::format("{} (revision {})", a.name, a.run.revision);
  result.b = fmt::format("{} (revision {})", b.name, b.run.revision);
  result.protocol =
      "time is what the runs timed relative to full attention in the same block (full itself: to "
      "the "
      "measured peak);\nthe n-th blocks of the two runs are paired";
  const ComparedCalls names(a.run, b.run);
  for (const Measurement& c : a.run.cases) {
    const Measurement* partner = find(b.run, c);
    if (!partner) continue;
    result.cases.push_back(compare_cases(a, c, b, *partner, names));
    if (result.cases.back().problem.empty()) warn_about_blocks(c, *partner, result.warnings);
  }
  if (result.cases.empty())
    throw InputError(fmt::format("{} and {} have no case in common", a.name, b.name));
  warn_about_the_rest(a.run, b.run, "A", names, result.warnings);
  warn_about_the_rest(b.run, a.run, "B", names, result.warnings);
  const JsonReader machine_a = JsonReader(a.run.environment).maybe("machine"),
                   machine_b = JsonReader(b.run.environment).maybe("machine");
  if (machine_a.value() != machine_b.value())
    result.warnings.push_back("the runs come from different machines");
  result.warnings.push_back(
      "runs at different times differ by more than their intervals say; for a verdict to build "
      "on, compare both sides in one command");
  return result;
}

}  // namespace vidattn
