#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "harness/host/interrupt.h"
#include "harness/tables/flops.h"
#include "harness/tables/operators/latency.h"
#include "harness/tables/operators/methods.h"
#include "harness/tables/paper.h"
#include "harness/tables/tables.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

constexpr int64_t kGroups[] = {5, 20};
const std::string kFull = "Full Attention ms";

std::string time_column(int64_t m) { return fmt::format("MoGA (M={}) ms", m); }
std::string speedup_column(int64_t m) { return fmt::format("Speedup (M={})", m); }
std::string realised_column(int64_t m) { return fmt::format("Realised (M={})", m); }

/// Printed MoGA time beyond printed full time x density, per 1,000 tokens, per row.
std::string overhead_note(const PaperTable& paper, const FlopsCounter& counter) {
  std::string text;
  double least = INFINITY, most = -INFINITY;
  for (int64_t m : kGroups) {
    text += fmt::format("{}M={}:", text.empty() ? "" : "; ", m);
    for (const PaperRow& row : paper.rows) {
      const double extra =
          paper.value(row.label, time_column(m)) -
          paper.value(row.label, kFull) * moga_stga_density(m, counter.setting(row.tokens));
      const double per_1000 = extra / static_cast<double>(row.tokens) * 1e3;
      least = std::min(least, per_1000);
      most = std::max(most, per_1000);
      text += fmt::format(" {:.0f} ms at {},", extra, row.label);
    }
    text.pop_back();
  }
  return fmt::format(
      "model of a MoGA time: the printed full time x density. What the paper's operator needs "
      "beyond that: {}. That is {:.2f} to {:.2f} ms per 1,000 tokens in all {} cells, while full "
      "attention grows with the square: it looks like work per token (router, permutation, three "
      "kernels for one), not like attention pairs, and keeps the printed speedups below 1/density, "
      "most at short lengths.",
      text, least, most, std::size(kGroups) * paper.rows.size());
}

std::string full_note(const PaperTable& paper, const DitModel& model) {
  const PaperRow& last = paper.rows.back();
  const double flops =
      4 * std::pow(static_cast<double>(last.tokens), 2) * static_cast<double>(model.dim);
  return fmt::format(
      "model of a full time: the {} time x (N/{:d})²; it is {:.0f} TFLOP/s for {} heads of {}.",
      last.label, last.tokens, flops / paper.value(last.label, kFull) * 1e-9, model.heads,
      model.head_dim());
}

/// Closed forms and counts of one row, without any measurement.
void add_row(Table& table, const PaperTable& paper, const PaperRow& row, FlopsCounter& counter,
             const std::string& overhead) {
  const bool papers = counter.is_papers();
  const PaperRow& last = paper.rows.back();
  Cell& full = table.add({row.label, kFull, "ms"});
  const double printed = paper.value(row.label, kFull);
  if (papers) {
    full.set(Origin::paper, printed);
    full.set(Origin::model,
             paper.value(last.label, kFull) *
                 std::pow(static_cast<double>(row.tokens) / static_cast<double>(last.tokens), 2));
  }
  for (int64_t m : kGroups) {
    const double ideal = counter.density(Origin::model, row.tokens, m);
    Cell& time = table.add({row.label, time_column(m), "ms"});
    Cell speedup{row.label, speedup_column(m), "x"};
    for (Origin origin : counter.origins())
      speedup.set(origin, 1 / counter.density(origin, row.tokens, m));
    Cell realised{row.label, realised_column(m), "of 1/density"};
    realised.set(Origin::model, 1);
    if (papers) {
      time.set(Origin::paper, paper.value(row.label, time_column(m)));
      time.set(Origin::model, printed * ideal);
      speedup.set(Origin::paper, paper.value(row.label, speedup_column(m)));
      realised.set(Origin::paper, speedup.value(Origin::paper) * ideal);
    }
    if (!overhead.empty())
      for (Cell* cell : {&time, &speedup, &realised})
        if (std::abs(cell->difference()) > kNoteAbove) cell->notes.push_back(overhead);
    table.add(std::move(speedup));
    table.add(std::move(realised));
  }
}

/// Scaled over whole time - 1 of the same round, sorted.
std::vector<double> scaling_errors(const OperatorTime& sampled, const OperatorTime& whole) {
  std::vector<double> errors;
  for (size_t i = 0; i < std::min(sampled.rounds.size(), whole.rounds.size()); ++i)
    errors.push_back(sampled.rounds[i] / whole.rounds[i] - 1);
  std::sort(errors.begin(), errors.end());
  return errors;
}

/// How far the scaled times are from whole ones, over all operators that were run both ways.
std::string scaling_note(const std::vector<LengthTimes>& all) {
  std::string text;
  double worst = 0;
  size_t rounds = 0;
  for (const LengthTimes& length : all)
    for (const OperatorTime& whole : length.whole) {
      const OperatorTime* sampled = find_time(length.times, whole.label);
      if (!whole.measured() || !sampled || !sampled->measured()) continue;
      const auto errors = scaling_errors(*sampled, whole);
      worst = std::max(worst, std::abs(median(errors)));
      rounds = errors.size();
      text += fmt::format("{}{} at {}: {:+.1f}% ({:+.1f} to {:+.1f})", text.empty() ? "" : ", ",
                          whole.label, length.tokens, 100 * median(errors), 100 * errors.front(),
                          100 * errors.back());
    }
  if (text.empty() && interrupted()) return "No operator was run whole beside its sample.";
  if (text.empty()) return "No operator was short enough to be run whole beside its sample.";
  return fmt::format(
      "Error of the scaling, scaled over whole time - 1, median and range of {} rounds that hold "
      "both: {}. Largest median: {:.1f}%.",
      rounds, text, 100 * worst);
}

/// `runs`: fewest that a measured operator of the table has.
std::string sampling_note(const OperatorTime& t, size_t runs, const TableOptions& options) {
  if (t.scale == 1)
    return fmt::format("measured: whole, {} heads, {}, device {}.", t.heads, options.dtype,
                       options.device);
  return fmt::format(
      "measured: scaled up from {} of {} heads and a sample of the query blocks of about {:g} "
      "GFLOP a run, {}, device {}; median of {} interleaved runs, planning (router included) in "
      "full, once where it takes over 2 s. The first run of each sample agreed with the float64 "
      "reference.",
      t.measured_heads, t.heads, options.sample_gflop, options.dtype, options.device, runs);
}

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
  return fmt::format(
      "Rates at {} tokens, M=20: executed {:.0f} GFLOP/s ({:.2f}{} of the float32 multiply-add "
      "peak "
      "measured beside it); dense-equivalent, as SLA and SpargeAttn print it (FLOPs of full "
      "attention over the sparse time), {:.0f} GFLOP/s, which is {:.2f} of that peak and no rate "
      "of "
      "the machine. Full attention runs at {:.2f}{} of peak.",
      length.tokens, sparse->flops / sparse->run_seconds * 1e-9, sparse->share_of_peak(),
      invalid(sparse), full->flops / sparse->run_seconds * 1e-9,
      full->flops / sparse->run_seconds / (sparse->peak_gflops * 1e9), full->share_of_peak(),
      invalid(full));
}

void fill_measured(Table& table, const PaperRow& row, const LengthTimes& length,
                   const std::string& note) {
  const OperatorTime* full = find_time(length.times, "full");
  const auto put = [&](const std::string& column, double value, bool compare) {
    Cell& cell = *table.find(row.label, column);
    cell.set(Origin::measured, value);
    cell.notes.push_back(note);
    if (compare && std::isfinite(cell.value(Origin::paper))) cell.compared = Origin::measured;
  };
  if (full && full->measured()) put(kFull, full->seconds() * 1e3, false);
  for (int64_t m : kGroups) {
    const OperatorTime* sparse = find_time(length.times, fmt::format("M={}", m));
    if (!sparse || !sparse->measured()) continue;
    put(time_column(m), sparse->seconds() * 1e3, false);
    if (!full || !full->measured()) continue;
    const double speedup = full->seconds() / sparse->seconds();
    put(speedup_column(m), speedup, true);
    put(realised_column(m), speedup * sparse->density, true);
  }
}

void record(Table& table, const std::vector<LengthTimes>& all) {
  for (const LengthTimes& length : all) {
    for (const OperatorTime& t : length.times) table.details["operators"].push_back(to_json(t));
    for (const OperatorTime& t : length.whole)
      table.details["whole_operators"].push_back(to_json(t));
  }
}

std::vector<PaperRow> wanted_rows(const PaperTable& paper, const TableOptions& options) {
  std::vector<PaperRow> rows;
  for (const PaperRow& row : paper.rows)
    if (options.tokens.empty() ||
        std::find(options.tokens.begin(), options.tokens.end(), row.tokens) != options.tokens.end())
      rows.push_back(row);
  return rows;
}

void measure_rows(Table& table, const std::vector<PaperRow>& rows, const FlopsCounter& counter,
                  const TableOptions& options) {
  std::vector<LengthTimes> all;
  std::string sampled, undone;
  int64_t heads = 0;
  for (const PaperRow& row : rows) {
    if (interrupted()) {
      undone += (undone.empty() ? "" : ", ") + row.label;
      continue;
    }
    all.push_back(measure_moga(counter.model(), row.tokens, options));
    for (const OperatorTime& t : all.back().times)
      if (t.failure == kInterrupted)
        undone += fmt::format("{}{} {}", undone.empty() ? "" : ", ", row.label, t.label);
      else if (!t.failure.empty())
        table.note(fmt::format("{} at {} has no time: {}", t.label, row.label, t.failure));
    const OperatorTime& full = all.back().times[0];
    const size_t runs = fewest_runs(all.back());
    if (runs == 0) continue;  // interrupted before any
    if (full.measured_heads != std::exchange(heads, full.measured_heads))
      sampled = table.note(sampling_note(full, runs, options));
    fill_measured(table, row, all.back(), sampled);
  }
  if (!undone.empty()) table.note("Not done, interrupted: " + undone + ".");
  if (all.empty()) return;
  if (!options.full) table.note(scaling_note(all));
  if (const std::string rates = rate_note(all.back()); !rates.empty()) table.note(rates);
  std::vector<OperatorTime> times;
  for (const LengthTimes& length : all)
    for (const auto* some : {&length.times, &length.whole})
      times.insert(times.end(), some->begin(), some->end());
  if (const std::string note = mistrusted_note(times); !note.empty()) table.note(note);
  record(table, all);
  const bool compared = std::any_of(table.cells.begin(), table.cells.end(), [](const Cell& cell) {
    return cell.compared == Origin::measured;
  });
  if (!compared) return;
  const std::string against = table.note(
      "measured against paper: another machine, so only speedups and realised shares are "
      "compared. A realised share above the paper's means less work per token outside of "
      "attention: the kernels here gather through index lists and permute nothing.");
  for (Cell& cell : table.cells)
    if (cell.compared == Origin::measured && std::abs(cell.difference()) > kNoteAbove)
      cell.notes.push_back(against);
}

/// Rows of the given methods in place of moga_stga: no paper values.
Table method_table(const PaperTable& paper, const TableOptions& options) {
  const FlopsCounter counter(options, paper.model);
  Table table{"11",
              "Operator latency of other methods, in the shape of MoGA's Table 11",
              paper.where + "; model " + counter.model().title,
              {},
              {}};
  std::string sampled;
  add_methods(
      table, counter.model(), wanted_lengths(paper_lengths(paper), options), options,
      [&](const TableLength& length, const OperatorTime& time, const OperatorTime& full) {
        table.add({length.label, time.label, "density"}).set(Origin::workload, time.density);
        if (!time.measured()) return;
        if (sampled.empty())
          sampled =
              table.note(sampling_note(time, time.run_samples.size(), options) +
                         " Speedups are over full attention timed in the same rounds." +
                         (time.scale == 1
                              ? ""
                              : " A share of 1/density above 1 is the error of scaling samples up, "
                                "which this table measures without --backend."));
        Cell& ms = table.add({length.label, time.label, "ms"});
        ms.set(Origin::measured, time.seconds() * 1e3);
        ms.notes.push_back(sampled);
        if (!full.measured()) return;
        const double speedup = full.seconds() / time.seconds();
        Cell& gain = table.add({length.label, time.label, "x"});
        gain.set(Origin::model, 1 / time.density);
        gain.set(Origin::measured, speedup);
        table.add({length.label, time.label, "of 1/density"})
            .set(Origin::measured, speedup * time.density);
      });
  return table;
}

}  // namespace

Table table11(const TableOptions& options) {
  const PaperTable paper = paper_table("11", options.paper);
  if (!options.backends.empty()) return method_table(paper, options);
  FlopsCounter counter(options, paper.model);
  Table table = counter.table(paper);
  std::string overhead;
  if (counter.is_papers()) {
    overhead = table.note(overhead_note(paper, counter));
    table.note(full_note(paper, counter.model()));
  }
  const auto rows = wanted_rows(paper, options);
  for (const PaperRow& row : rows) add_row(table, paper, row, counter, overhead);
  if (options.measure) measure_rows(table, rows, counter, options);
  table.mark_unexplained();
  return table;
}

namespace {
const RegisterTable registered_table11(11, table11);
}  // namespace

}  // namespace vidattn
