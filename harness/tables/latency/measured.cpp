#include "harness/tables/latency/measured.h"

#include <algorithm>
#include <utility>

#include "harness/host/interrupt.h"
#include "harness/tables/latency/columns.h"
#include "harness/tables/notes.h"
#include "harness/tables/operators/scaling.h"

namespace vidattn {
namespace {

/// A row with its times and the note that says how they were taken.
struct MeasuredRow {
  PaperRow row;
  LengthTimes length;
  std::string sampled;
};

/// Runs of the operator that has fewest, of those that have any; 0 = none has.
size_t fewest_runs(const LengthTimes& length) {
  size_t fewest = 0;
  for (const OperatorTime& t : length.times)
    if (t.measured() && (fewest == 0 || t.run_samples.size() < fewest))
      fewest = t.run_samples.size();
  return fewest;
}

/// Rates as other papers print them, of the longest sequence.
std::string rate_note(const LengthTimes& length) {
  const OperatorTime* full = find_time(length.times, "full");
  const OperatorTime* sparse = find_time(length.times, "M=20");
  if (!full || !sparse || !full->measured() || !sparse->measured()) return {};
  const auto invalid = [](const OperatorTime* t) { return t->mistrusted() ? " (INVALID)" : ""; };
  const double equivalent = full->flops / sparse->kernel_seconds() * 1e-9;
  return note_text(
      "table11.rates", fmt::arg("tokens", length.tokens),
      fmt::arg("executed", sparse->flops / sparse->kernel_seconds() * 1e-9),
      fmt::arg("executed_share", sparse->share_of_peak()),
      fmt::arg("executed_invalid", invalid(sparse)), fmt::arg("equivalent", equivalent),
      fmt::arg("equivalent_share", equivalent / sparse->peak_gflops),
      fmt::arg("full_share", full->share_of_peak()), fmt::arg("full_invalid", invalid(full)));
}

/// Puts measured values into the cells of one row.
class RowCells {
 public:
  RowCells(Table& table, const MeasuredRow& measured, const ScalingErrors& errors)
      : table_(table), measured_(measured), errors_(errors) {}

  void fill() {
    const OperatorTime* full = find("full");
    if (full) put(kFullTime, full->seconds() * 1e3, errors_.of(*full));
    for (int64_t m : kLatencyGroups) {
      const OperatorTime* sparse = find(fmt::format("M={}", m));
      if (!sparse) continue;
      put(time_column(m), sparse->seconds() * 1e3, errors_.of(*sparse));
      if (!full) continue;
      const double speedup = full->seconds() / sparse->seconds();
      const double error = error_of_ratio(errors_.of(*full), errors_.of(*sparse));
      Cell& cell = put(speedup_column(m), speedup, error);
      if (full->pass == Pass::forward && std::isfinite(cell.value(Origin::paper)))
        cell.compared = Origin::measured;
      put(realised_column(m), speedup * sparse->density, error);
    }
  }

 private:
  const OperatorTime* find(const std::string& label) const {
    const OperatorTime* time = find_time(measured_.length.times, label);
    return time && time->measured() ? time : nullptr;
  }

  Cell& put(const std::string& column, double value, double error) {
    Cell& cell = *table_.find(measured_.row.label, column);
    cell.set(Origin::measured, value);
    cell.error = error;
    cell.notes.push_back(measured_.sampled);
    return cell;
  }

  Table& table_;
  const MeasuredRow& measured_;
  const ScalingErrors& errors_;
};

/// Measures row by row and tells in notes what has no time.
std::vector<MeasuredRow> measure_rows(Table& table, const std::vector<PaperRow>& rows,
                                      const DitModel& model, const TableOptions& options) {
  std::vector<MeasuredRow> all;
  std::string sampled, undone;
  int64_t heads = 0;
  for (const PaperRow& row : rows) {
    if (interrupted()) {
      undone += (undone.empty() ? "" : ", ") + row.label;
      continue;
    }
    const LengthTimes& length =
        all.emplace_back(MeasuredRow{row, measure_moga(model, row.tokens, options), {}}).length;
    for (const OperatorTime& t : length.times)
      if (t.failure == kInterrupted)
        undone += fmt::format("{}{} {}", undone.empty() ? "" : ", ", row.label, t.label);
      else if (!t.failure.empty())
        table.note(note_text("any.no_time", fmt::arg("operator", t.label),
                             fmt::arg("length", row.label), fmt::arg("why", t.failure)));
    const OperatorTime& full = length.times[0];
    const size_t runs = fewest_runs(length);
    if (runs > 0 && full.measured_heads != std::exchange(heads, full.measured_heads))
      sampled = table.note(sampling_note(full, runs, options));
    all.back().sampled = sampled;
  }
  if (!undone.empty()) table.note(note_text("any.undone", fmt::arg("what", undone)));
  return all;
}

void mark_errors(Table& table) {
  std::string key;
  for (Cell& cell : table.cells) {
    if (!(cell.error > kMarkedError)) continue;
    if (key.empty())
      key = table.note(note_text("table11.above", fmt::arg("limit", 100 * kMarkedError)));
    cell.notes.push_back(key);
  }
}

void note_machine(Table& table, const std::vector<LengthTimes>& all) {
  if (const std::string rates = rate_note(all.back()); !rates.empty()) table.note(rates);
  std::vector<OperatorTime> times;
  for (const LengthTimes& length : all)
    for (const auto* some : {&length.times, &length.whole})
      times.insert(times.end(), some->begin(), some->end());
  if (const std::string note = mistrusted_note(times); !note.empty()) table.note(note);
}

/// What differences from the paper's speedups mean.
void explain_differences(Table& table) {
  std::string key;
  for (Cell& cell : table.cells) {
    if (cell.compared != Origin::measured) continue;
    if (key.empty()) key = table.note(note_text("table11.against"));
    if (std::abs(cell.difference()) > kNoteAbove) cell.notes.push_back(key);
  }
}

void record_times(Table& table, const std::vector<LengthTimes>& all) {
  for (const LengthTimes& length : all) {
    for (const OperatorTime& t : length.times) table.details["operators"].push_back(to_json(t));
    for (const OperatorTime& t : length.whole)
      table.details["whole_operators"].push_back(to_json(t));
  }
}

}  // namespace

std::string sampling_note(const OperatorTime& t, size_t runs, const TableOptions& options) {
  if (t.scale == 1)
    return note_text("table11.whole", fmt::arg("heads", t.heads), fmt::arg("dtype", options.dtype),
                     fmt::arg("device", options.device));
  return note_text("table11.sampled", fmt::arg("measured_heads", t.measured_heads),
                   fmt::arg("heads", t.heads), fmt::arg("gflop", options.sample_gflop),
                   fmt::arg("dtype", options.dtype), fmt::arg("device", options.device),
                   fmt::arg("runs", runs));
}

void add_measured_latency(Table& table, const std::vector<PaperRow>& rows, const DitModel& model,
                          const TableOptions& options) {
  const std::vector<MeasuredRow> measured = measure_rows(table, rows, model, options);
  if (measured.empty()) return;
  std::vector<LengthTimes> all;
  for (const MeasuredRow& row : measured) all.push_back(row.length);
  const ScalingErrors errors(all);
  for (const MeasuredRow& row : measured) RowCells(table, row, errors).fill();
  if (options.pass != Pass::forward)
    table.note(note_text("table11.pass", fmt::arg("timed", timed_text(options.pass))));
  if (!options.full) table.note(errors.note());
  mark_errors(table);
  note_machine(table, all);
  explain_differences(table);
  record_times(table, all);
}

}  // namespace vidattn
