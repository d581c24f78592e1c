#include <fmt/format.h>

#include <algorithm>

#include "harness/tables/flops.h"
#include "harness/tables/latency/columns.h"
#include "harness/tables/latency/measured.h"
#include "harness/tables/notes.h"
#include "harness/tables/paper.h"
#include "harness/tables/tables.h"

namespace vidattn {
namespace {

/// Printed MoGA time beyond printed full time x density, per 1,000 tokens, per row.
std::string overhead_note(const PaperTable& paper, const FlopsCounter& counter) {
  std::string text;
  double least = INFINITY, most = -INFINITY;
  for (int64_t m : kLatencyGroups) {
    text += fmt::format("{}M={}:", text.empty() ? "" : "; ", m);
    for (const PaperRow& row : paper.rows) {
      const double extra =
          paper.value(row.label, time_column(m)) -
          paper.value(row.label, kFullTime) * moga_stga_density(m, counter.setting(row.tokens));
      const double per_1000 = extra / static_cast<double>(row.tokens) * 1e3;
      least = std::min(least, per_1000);
      most = std::max(most, per_1000);
      text += fmt::format(" {:.0f} ms at {},", extra, row.label);
    }
    text.pop_back();
  }
  return note_text("table11.overhead", fmt::arg("extra", text), fmt::arg("least", least),
                   fmt::arg("most", most),
                   fmt::arg("cells", std::size(kLatencyGroups) * paper.rows.size()));
}

std::string full_note(const PaperTable& paper, const DitModel& model) {
  const PaperRow& last = paper.rows.back();
  const double flops =
      4 * std::pow(static_cast<double>(last.tokens), 2) * static_cast<double>(model.dim);
  return note_text("table11.full", fmt::arg("length", last.label), fmt::arg("tokens", last.tokens),
                   fmt::arg("rate", flops / paper.value(last.label, kFullTime) * 1e-9),
                   fmt::arg("heads", model.heads), fmt::arg("dim", model.head_dim()));
}

/// The time of full attention: the longest row's, which the others' follow from.
Cell full_cell(const PaperTable& paper, const PaperRow& row, const FlopsCounter& counter) {
  Cell cell{row.label, kFullTime, "ms"};
  if (!counter.is_papers()) return cell;
  const PaperRow& last = paper.rows.back();
  cell.set_paper(paper.at(row.label, kFullTime));
  cell.set(Origin::model,
           paper.value(last.label, kFullTime) *
               std::pow(static_cast<double>(row.tokens) / static_cast<double>(last.tokens), 2));
  return cell;
}

/// Closed forms and counts of one row, without any measurement.
void add_row(Table& table, const PaperTable& paper, const PaperRow& row, FlopsCounter& counter,
             const std::string& overhead) {
  table.add(full_cell(paper, row, counter));
  for (int64_t m : kLatencyGroups) {
    const double ideal = counter.density(Origin::model, row.tokens, m);
    Cell time{row.label, time_column(m), "ms"}, speedup{row.label, speedup_column(m), "x"},
        realised{row.label, realised_column(m), "of 1/density"};
    for (Origin origin : counter.origins())
      speedup.set(origin, 1 / counter.density(origin, row.tokens, m));
    if (counter.is_papers()) {
      time.set_paper(paper.at(row.label, time_column(m)));
      time.set(Origin::model, paper.value(row.label, kFullTime) * ideal);
      speedup.set_paper(paper.at(row.label, speedup_column(m)));
      realised.set(Origin::model, speedup.value(Origin::paper) * ideal);
    }
    for (Cell* cell : {&time, &speedup, &realised}) {
      if (std::abs(cell->difference()) > kNoteAbove) cell->notes.push_back(overhead);
      table.add(std::move(*cell));
    }
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

}  // namespace

Table table11(const TableOptions& options) {
  const PaperTable paper = paper_table("11", options.paper);
  if (!options.backends.empty()) return latency_of_methods(paper, options);
  FlopsCounter counter(options, paper.model);
  Table table = counter.table(paper);
  std::string overhead;
  if (counter.is_papers()) {
    overhead = table.note(overhead_note(paper, counter));
    table.note(full_note(paper, counter.model()));
    table.note(note_text("table11.realised"));
  }
  const auto rows = wanted_rows(paper, options);
  for (const PaperRow& row : rows) add_row(table, paper, row, counter, overhead);
  if (options.measure) add_measured_latency(table, rows, counter.model(), options);
  table.mark_unexplained();
  return table;
}

namespace {
const RegisterTable registered_table11(11, table11);
}  // namespace

}  // namespace vidattn
