#include "harness/tables/operators/methods.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/host/interrupt.h"
#include "harness/host/progress.h"
#include "harness/measure/density.h"
#include "harness/tables/flops.h"
#include "harness/tables/notes.h"
#include "harness/tables/operators/latency.h"

namespace vidattn {
namespace {

bool left_undone(const OperatorTime& time, const TableOptions& options) {
  return time.failure == kInterrupted ||
         (options.measure && time.failure.empty() && !time.measured());
}

std::string line(const TableLength& length, const OperatorTime& time, const OperatorTime& full) {
  std::string text = fmt::format("{}, {}: density {:.4f}", length.label, time.label, time.density);
  if (time.measured()) text += fmt::format(", {:.0f} ms", time.seconds() * 1e3);
  if (time.measured() && full.measured())
    text += fmt::format(", {:.2f}x", full.seconds() / time.seconds());
  return text;
}

std::string method_note(const DitModel& model, const TableOptions& options) {
  return note_text(
      "methods.densities",
      fmt::arg("workload", options.workload.empty() ? std::string("the film") : options.workload),
      fmt::arg("measured_heads", method_heads(model, options)), fmt::arg("heads", model.heads));
}

/// The notes that one table has once, made when they are first needed.
class MethodNotes {
 public:
  explicit MethodNotes(Table& table) : table_(table) {}

  void failed(const TableLength& length, const OperatorTime& time) {
    table_.note(note_text("methods.failed", fmt::arg("label", time.label),
                          fmt::arg("backend", time.backend), fmt::arg("length", length.label),
                          fmt::arg("why", time.failure)));
  }
  void missed(const TableLength& length, const OperatorTime& time) {
    missed_.add(fmt::format("{} at {}", time.label, length.label), time.density,
                time.wanted_density);
  }
  void measured(const OperatorTime& time) { times_.push_back(time); }
  void undone(const std::string& what) { undone_ += (undone_.empty() ? "" : ", ") + what; }

  void finish() {
    if (const std::string missed = missed_.note(); !missed.empty()) table_.note(missed);
    if (const std::string note = mistrusted_note(times_); !note.empty()) table_.note(note);
    if (!undone_.empty()) table_.note(note_text("any.undone", fmt::arg("what", undone_)));
  }

 private:
  Table& table_;
  MissedDensities missed_;
  std::vector<OperatorTime> times_;
  std::string undone_;
};

}  // namespace

std::vector<TableLength> paper_lengths(const PaperTable& paper) {
  std::vector<TableLength> lengths;
  for (size_t c = 0; c < paper.column_tokens.size(); ++c)
    lengths.push_back({paper.columns[c], paper.column_tokens[c]});
  for (const PaperRow& row : paper.rows) {
    if (row.tokens == 0) continue;
    if (!lengths.empty() && lengths.back().tokens == row.tokens)  // the rows vary something else
      lengths.back().label = fmt::format("{} tokens", row.tokens);
    else
      lengths.push_back({row.label, row.tokens});
  }
  return lengths;
}

std::vector<TableLength> wanted_lengths(const std::vector<TableLength>& lengths,
                                        const TableOptions& options) {
  if (options.tokens.empty()) return lengths;
  std::vector<TableLength> wanted;
  for (int64_t tokens : options.tokens) {
    TableLength length{fmt::format("{} tokens", tokens), tokens};
    for (const TableLength& known : lengths)
      if (known.tokens == tokens) length = known;
    wanted.push_back(length);
  }
  return wanted;
}

void add_methods(Table& table, const DitModel& model, const std::vector<TableLength>& lengths,
                 const TableOptions& options, const AddMethodCells& add_cells) {
  table.note(method_note(model, options));
  MethodNotes notes(table);
  const int64_t steps = method_steps(options);
  const auto methods = static_cast<int64_t>(options.backends.size());
  for (const TableLength& length : lengths) {
    if (interrupted()) {
      notes.undone("everything at " + length.label);
      continue;
    }
    const Inputs in = method_inputs(model, length.tokens, options);
    Progress progress(fmt::format("methods at {}", length.label), methods * steps);
    for (int64_t i = 0; i < methods; ++i) {
      if (interrupted()) {
        notes.undone(fmt::format("{} at {}", options.backends[i], length.label));
        continue;
      }
      int64_t done = i * steps;
      const auto times =
          method_times(options.backends[i], in, model, options, [&] { progress.update(++done); });
      for (const OperatorTime& time : times) {
        if (&time == times.data() && i > 0) continue;  // full attention again
        table.details["operators"].push_back(to_json(time));
        if (left_undone(time, options))
          notes.undone(fmt::format("{} at {}", time.label, length.label));
        else if (!time.failure.empty())
          notes.failed(length, time);
        else
          notes.missed(length, time);
        if (!time.failure.empty()) continue;
        notes.measured(time);
        progress.message(line(length, time, times[0]));
        add_cells(length, time, times[0]);
      }
      progress.update((i + 1) * steps);
    }
  }
  notes.finish();
}

Table method_flops_table(const PaperTable& paper, const TableOptions& options) {
  const FlopsCounter counter(options, paper.model);
  Table table{paper.name, paper.label, "PFLOPs of other methods, in the shape of " + paper.where,
              "model " + counter.model().title};
  add_methods(
      table, counter.model(), wanted_lengths(paper_lengths(paper), options), options,
      [&](const TableLength& length, const OperatorTime& time, const OperatorTime&) {
        table.add({length.label, time.label, "density"}).set(Origin::workload, time.density);
        table.add({length.label, time.label, "sparsity %"})
            .set(Origin::workload, 100 * (1 - time.density));
        table.add({length.label, time.label, "PFLOP"})
            .set(Origin::workload, counter.pflops(length.tokens, time.density));
      });
  return table;
}

}  // namespace vidattn
