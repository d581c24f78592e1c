#include <fmt/format.h>

#include "harness/measure/record/over_calls.h"
#include "harness/report/aggregates/calls_table.h"
#include "harness/report/labels.h"
#include "harness/report/report.h"
#include "harness/report/run_table.h"

namespace vidattn {
namespace {

std::vector<Measurement> all_cases(const std::vector<StoredRun>& runs) {
  std::vector<Measurement> cases;
  for (const StoredRun& run : runs) cases.insert(cases.end(), run.cases.begin(), run.cases.end());
  return cases;
}

/// Means over calls say how many of them missed the density.
std::string missed_note(const StoredRun& run, const Measurement& mean) {
  return of_several_calls(run.cases) && !mean.note.empty() ? fmt::format(" ({})", mean.note) : "";
}

}  // namespace

void write_tables(const std::vector<StoredRun>& runs, WrittenFiles& files) {
  std::vector<StoredRun> means;
  for (const StoredRun& run : runs) means.push_back(over_its_calls(run));
  const auto cases = all_cases(means);
  std::vector<std::string> names = label_cases(means, workload_names(means)).labels;
  size_t at = 0;
  for (size_t i = 0; i < runs.size(); ++i)
    for (const Measurement& mean : means[i].cases) names[at++] += missed_note(runs[i], mean);
  files.add("table.tex", [&] { return run_latex(cases, names); });
  files.add("table.md", [&] { return run_markdown(cases, names); });
  files.add("table.csv", [&] { return run_csv(all_cases(runs)); });
}

}  // namespace vidattn
