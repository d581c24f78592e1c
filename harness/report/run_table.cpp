#include "harness/report/run_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/host/preflight.h"
#include "harness/io/text/counted.h"
#include "harness/io/text/escape.h"
#include "harness/io/text_table.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/record/catalogue.h"
#include "harness/measure/record/over_calls.h"
#include "harness/measure/record/over_steps.h"
#include "harness/report/aggregates/calls_table.h"
#include "harness/report/aggregates/rank_tables.h"
#include "harness/report/aggregates/steps_table.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

using Columns = std::vector<const MetricInfo*>;

const std::vector<std::string> kFewMetrics{
    "density",     "density_target",  "recall_mean",        "recall_of_blocks", "recall_of_tokens",
    "relative_l2", "selection_error", "quantisation_error", "backward_time",    "total_time",
    "speedup",     "forward_speedup", "backward_speedup",   "realised_share",   "planning_share"};

/// One table of `run`; cases that have none of its figures are left out.
std::string table_text(const std::vector<Measurement>& cases, const Columns& wanted) {
  const Columns columns = needed_columns(wanted, cases);
  const std::vector<std::string> names = row_names(cases);
  TableRows rows;
  for (size_t i = 0; i < cases.size(); ++i)
    if (has_any(columns, cases[i])) rows.push_back(row_of(columns, cases[i], names[i]));
  return rows.empty() ? "" : "\n" + text_table(headers_of(columns, "backend"), rows);
}

/// Where the balance over ranks stands of cases that have it but no place in rank_tables(): of
/// several calls, or of kinds of layers that differ. Empty where there are none.
std::string ranks_line(const std::vector<Measurement>& cases, bool tables) {
  std::vector<std::string> names;
  for (const Measurement& m : cases) {
    const std::string name = short_setting(m.setting);
    if (m.values.contains("ring_pair_balance") && !(tables && !m.plan.ranks.empty()) &&
        std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  }
  return names.empty() ? ""
                       : fmt::format(
                             "balance over ranks of {}: in the JSON of --out, and by "
                             "--columns ring_pair_balance,ulysses_pair_balance\n",
                             fmt::join(names, ", "));
}

/// All tables of the cases of one workload.
std::string case_tables(const std::vector<Measurement>& cases, const ColumnChoice& choice) {
  return chosen_tables(choice, cases,
                       [&](const Columns& columns) { return table_text(cases, columns); }) +
         lowest_head_line(cases) + rank_tables(cases) + ranks_line(cases, true);
}

/// Why there are no speedups where nothing else says it.
std::string without_full_line(const std::vector<Measurement>& cases) {
  const auto timed = [](const Measurement& m) { return m.passed() && m.timed(); };
  const bool full =
      std::any_of(cases.begin(), cases.end(), [](const Measurement& m) { return m.is_full(); });
  return !full && std::any_of(cases.begin(), cases.end(), timed)
             ? "no speedups: full attention was not run beside; --backend full does\n"
             : "";
}

/// The tables of a job's cases, by what they are of.
std::string tables_of(const std::vector<Measurement>& cases, const ColumnChoice& choice) {
  if (of_step_run(cases)) return steps_tables(cases, choice) + ranks_line(cases, false);
  return of_several_calls(cases) ? calls_tables(cases, choice) + ranks_line(cases, false)
                                 : case_tables(cases, choice);
}

/// Columns asked for by name that no case has; none where no case was measured, which says why.
std::vector<std::string> absent_columns(const ColumnChoice& choice,
                                        const std::vector<Measurement>& cases) {
  std::vector<std::string> absent;
  if (std::none_of(cases.begin(), cases.end(), [](const Measurement& m) { return m.passed(); }))
    return absent;
  if (choice.names.empty()) return absent;
  const Columns columns = run_columns(choice, cases);
  for (size_t i = 0; i < columns.size(); ++i)
    if (none_has(*columns[i], cases)) absent.push_back(choice.names[i]);
  return absent;
}

std::string unread_lines(const MainJob& job) {
  std::string text;
  for (const Unreadable& call : job.unreadable)
    text += fmt::format("left out: {}: {}\n", printable(call.source), printable(call.reason));
  return text;
}

/// What the workload says of itself that a reader of its figures must know.
std::string note_lines(const WorkloadFacts& w) {
  const auto notes = w.provenance.find("notes");
  if (notes == w.provenance.end() || !notes->is_array()) return "";
  std::string text;
  for (const nlohmann::json& note : *notes)
    if (note.is_string()) text += fmt::format("note: {}\n", printable(note.get<std::string>()));
  return text;
}

/// Of several calls it speaks of the first.
std::string workload_line(const WorkloadFacts& w, bool several) {
  std::string text = several ? "the first call: " : "workload " + w.name + ": ";
  text += w.keys > 0 ? fmt::format("{} queries", w.length) : counted(w.length, "token");
  if (w.grid[0] > 0)
    text += fmt::format(" (grid {}, shots at {})", fmt::join(w.grid, "x"), fmt::join(w.shots, ","));
  if (w.text_tokens > 0) text += fmt::format(", {} of them no video", w.text_tokens);
  if (w.keys > 0) text += ", " + counted(w.keys, "key");
  text += fmt::format(", {} of {}", counted(w.heads, "head"), w.dim);
  if (w.value_dim > 0) text += fmt::format(", values of {}", w.value_dim);
  return text + "\n" + note_lines(w);
}

std::string peak_line(const MainJob& job) {
  if (job.fma_peak_gflops.empty() || job.run.cases.empty()) return "";
  return fmt::format("FMA peak measured in this run: {:.0f} GFLOP/s on {} threads\n",
                     highest(job.fma_peak_gflops), job.run.cases.front().process.threads);
}

}  // namespace

bool has_any(const Columns& columns, const Measurement& m) {
  return std::any_of(columns.begin(), columns.end(),
                     [&](const MetricInfo* metric) { return m.values.contains(metric->tag); });
}

std::string chosen_tables(const ColumnChoice& choice, const std::vector<Measurement>& cases,
                          const std::function<std::string(const Columns&)>& table) {
  if (!choice.all)
    return table(run_columns(choice, cases)) + absent_line(absent_columns(choice, cases));
  std::string text;
  for (const MetricTable part : {MetricTable::cost, MetricTable::fidelity, MetricTable::transfers})
    text += table(columns_of(part));
  return text;
}

std::string reasons_text(const std::vector<Measurement>& cases) {
  std::string text;
  const bool several = of_several_kinds(cases);
  for (const Measurement& m : cases) {
    if (!m.note.empty()) text += printable(note_of(m, several)) + "\n";
    if (!m.reason.empty())
      text += fmt::format("{}: {}: {}\n", to_string(m.outcome), printable(case_name(m)),
                          printable(m.reason));
  }
  for (const std::string& note : emulation_notes(cases)) text += printable(note) + "\n";
  return text;
}

bool speaks_of(const MetricInfo& metric, const std::vector<Measurement>& cases) {
  if (metric.in(kIfAny)) return !needed_columns({&metric}, cases).empty();
  return (metric.tag != kSelectionErrorTag && metric.tag != kQuantisationErrorTag) ||
         std::any_of(cases.begin(), cases.end(), [](const Measurement& m) {
           return m.identity.dtype == to_string(DType::int8) ||
                  m.identity.dtype == to_string(DType::fp8);
         });
}

std::vector<const MetricInfo*> run_columns(const ColumnChoice& choice,
                                           const std::vector<Measurement>& cases) {
  Columns known;
  for (const MetricInfo& metric : catalogue())
    if (metric.header[0] != '\0') known.push_back(&metric);
  Columns chosen = chosen_columns(
      choice, known,
      [](const MetricInfo* metric) {
        return ColumnName{metric->tag, metric->header};
      },
      kFewMetrics);
  if (!choice.all && choice.names.empty())
    std::erase_if(chosen, [&](const MetricInfo* metric) { return !speaks_of(*metric, cases); });
  return chosen;
}

std::string run_text(const MainJob& job, const ColumnChoice& choice) {
  const auto& cases = job.run.cases;
  const bool several = of_several_calls(cases);
  return (several ? calls_line(job) : "") + workload_line(job.workload, several) +
         preflight_line(job.run.preflight) + peak_line(job) + tables_of(cases, choice) +
         without_full_line(cases) + (several ? calls_reasons(cases) : reasons_text(cases)) +
         unread_lines(job);
}

std::string run_csv(const std::vector<Measurement>& cases) {
  std::vector<std::string> header{"workload",      "backend", "setting",   "device", "dtype",
                                  "density_asked", "missed",  "disturbed", "outcome"};
  for (const MetricInfo& metric : catalogue()) header.push_back(metric.tag);
  std::string text = csv_line(header);
  for (const Measurement& m : cases) {
    const CaseIdentity& id = m.identity;
    std::vector<std::string> row{id.workload,
                                 id.backend,
                                 m.setting,
                                 id.device,
                                 id.dtype,
                                 id.density ? fmt::format("{}", *id.density) : "",
                                 m.missed_density() ? "missed" : "",
                                 m.disturbed() ? "disturbed" : "",
                                 to_string(m.outcome)};
    for (const MetricInfo& metric : catalogue()) {
      const double value = m.metric(metric.tag);
      row.push_back(std::isfinite(value) ? fmt::format("{}", value) : "");
    }
    text += csv_line(row);
  }
  return text;
}

}  // namespace vidattn
