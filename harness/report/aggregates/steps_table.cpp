#include "harness/report/aggregates/steps_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "harness/io/text/counted.h"
#include "harness/io/text_table.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/record/over_steps.h"
#include "harness/report/run_table.h"

namespace vidattn {
namespace {

/// "2", "5-9" or "0,10,25".
std::string numbers_text(const std::vector<int64_t>& steps) {
  const bool in_a_row = steps.back() - steps.front() + 1 == std::ssize(steps);
  if (steps.size() == 1) return std::to_string(steps[0]);
  if (in_a_row) return fmt::format("{}-{}", steps.front(), steps.back());
  constexpr size_t kMostNumbers = 6;
  if (steps.size() > kMostNumbers)
    return fmt::format("{} of {}-{}", steps.size(), steps.front(), steps.back());
  return fmt::format("{}", fmt::join(steps, ","));
}

std::string part_table(const std::vector<OverSteps>& runs,
                       const std::vector<const MetricInfo*>& wanted) {
  std::vector<Measurement> means;
  for (const OverSteps& run : runs)
    for (const StepPart& part : run.parts) means.push_back(part.mean);
  const auto columns = needed_columns(wanted, means);
  const std::vector<std::string> names = row_names(means);
  std::vector<std::string> headers{"mean per step", "of", "steps"};
  for (const MetricInfo* metric : columns) headers.emplace_back(metric->header);
  TableRows rows;
  size_t i = 0;
  for (const OverSteps& run : runs)
    for (const StepPart& part : run.parts) {
      const std::string& name = names[i++];
      if (!has_any(columns, part.mean)) continue;
      TableRows::value_type& row = rows.emplace_back();
      row = {name, part.name, numbers_text(part.steps)};
      for (const MetricInfo* metric : columns) row.push_back(metric->cell(part.mean));
    }
  return rows.empty() ? "" : "\n" + text_table(headers, rows);
}

/// Runs of the same layer have one table.
std::string tables_of_layers(const std::vector<OverSteps>& all,
                             const std::vector<const MetricInfo*>& columns) {
  std::string text;
  std::set<std::pair<int64_t, std::string>> done;
  for (const OverSteps& one : all) {
    if (!done.insert({one.layer, one.place}).second) continue;
    std::vector<OverSteps> runs;
    for (const OverSteps& run : all)
      if (run.layer == one.layer && run.place == one.place) runs.push_back(run);
    const std::string table = part_table(runs, columns);
    if (!table.empty() && one.layer >= 0) text += fmt::format("\nlayer {}:", one.layer);
    text += table;
  }
  return text;
}

/// A method that was itself in no step.
std::string warm_up_lines(const std::vector<OverSteps>& all) {
  std::set<std::string> names;
  for (const OverSteps& run : all)
    if (run.parts.size() == 1)
      names.insert(fmt::format("{}: its dense warm-up holds all {}\n", run.parts[0].mean.setting,
                               counted(run.passed, "step")));
  return fmt::format("{}", fmt::join(names, ""));
}

}  // namespace

std::string steps_tables(const std::vector<Measurement>& cases, const ColumnChoice& choice) {
  const std::vector<OverSteps> all = over_steps(cases);
  return chosen_tables(choice, cases,
                       [&](const auto& columns) { return tables_of_layers(all, columns); }) +
         "\nfirst: the method's first step after its dense warm-up; steady: the later half of the "
         "run\nwithout it and the warm-up; run: all steps. Each step is compared with full "
         "attention on the same inputs; speedup: of sums of times\n" +
         warm_up_lines(all);
}

}  // namespace vidattn
