#include <utility>

#include "harness/host/interrupt.h"
#include "harness/tables/generation/basis.h"
#include "harness/tables/generation/measured.h"
#include "harness/tables/generation/notes.h"
#include "harness/tables/notes.h"
#include "harness/tables/tables.h"

namespace vidattn {
namespace {

void set_paper(Table& table, const PaperTable& paper) {
  for (Cell& cell : table.cells)
    for (const PaperRow& row : paper.rows)
      if (row.label == cell.row) cell.set_paper(paper.at(cell.row, cell.column));
}

void add_projection(Table& table, const Basis& b) {
  constexpr double kGiga = 1e9;
  const PassTimes full = b.papers_passes(1);
  const auto cell = [&](const std::string& row, size_t c, const char* unit, double value) {
    table.add({row, b.paper.columns[c], unit}).set(Origin::model, value);
  };
  for (size_t c = 0; c < std::size(kGenerationGroups); ++c) {
    const PassTimes passes = b.papers_passes(kGenerationGroups[c]);
    const MemoryEstimate memory = b.memory(kGenerationGroups[c]);
    cell(kTraining, c, "s", passes.training());
    if (c > 0) cell(kTrainingGain, c, "x", full.training() / passes.training());
    cell(kTrainingRam, c, "GB", memory.training(true) / kGiga);
    cell(kInference, c, "s", passes.forward.total());
    if (c > 0) cell(kInferenceGain, c, "x", full.forward.total() / passes.forward.total());
    cell(kInferenceRam, c, "GB", memory.inference() / kGiga);
  }
}

/// The whole generation: work, and Amdahl's law by FLOPs and by the printed times.
void add_generation(Table& table, const Basis& b) {
  const DenoisingRun run = b.run();
  const PassCost full = forward_cost(b.model(), {b.tokens});
  const double printed = b.paper.value(kInference, b.paper.columns[0]);
  const double share = b.papers_passes(1).forward.attention / printed;
  table.add({kShareOfFlops, b.paper.columns[0], "1"}).set(Origin::model, full.attention_share());
  if (b.is_papers())
    table.add({kShareOfPrinted, b.paper.columns[0], "1"}).set(Origin::model, share);
  for (size_t c = 0; c < std::size(kGenerationGroups); ++c) {
    Cell work{kWork, b.paper.columns[c], "PFLOP"}, gain{kByFlops, b.paper.columns[c], "x"};
    for (Origin origin : b.counter.origins()) {
      const double density = run.density(b.counter.density(origin, b.tokens, kGenerationGroups[c]));
      const double flops = forward_cost(b.model(), {b.tokens, density}).flops();
      work.set(origin, flops * static_cast<double>(run.forward_passes()) * 1e-15);
      gain.set(origin, full.flops() / flops);
    }
    table.add(std::move(work));
    if (c == 0) continue;
    table.add(std::move(gain));
    if (!b.is_papers()) continue;
    const double speedup = b.operator_seconds(1) / b.operator_seconds(kGenerationGroups[c]);
    table.add({kOperator, b.paper.columns[c], "x"}).set(Origin::model, speedup);
    table.add({kByTime, b.paper.columns[c], "x"})
        .set(Origin::model, amdahl(share, run.attention_speedup(speedup)));
  }
}

/// Notes of the rows whose difference is above 5%.
void explain(Table& table,
             const std::vector<std::pair<std::vector<std::string>, std::string>>& by) {
  for (Cell& cell : table.cells)
    for (const auto& [rows, key] : by)
      for (const std::string& row : rows)
        if (cell.row == row && std::abs(cell.difference()) > kNoteAbove) cell.notes.push_back(key);
}

/// The paper's values, and what does not fit in them.
void add_paper(Table& table, const Basis& b) {
  set_paper(table, b.paper);
  const std::string inference = table.note(inference_note(b));
  const std::string training = table.note(training_note(b));
  const std::string memory = table.note(memory_note(b));
  explain(table, {{{kTraining, kTrainingGain}, training},
                  {{kInference, kInferenceGain}, inference},
                  {{kTrainingRam, kInferenceRam}, memory}});
}

}  // namespace

Table table12(const TableOptions& options) {
  const PaperTable paper = paper_table("12", options.paper),
                   latency = paper_table("11", options.paper);
  FlopsCounter counter(options, paper.model);
  const Basis basis{paper, latency, counter, options, row_of(latency, kGenerationTokens)};
  if (!options.backends.empty()) return generation_of_methods(basis);
  Table table = counter.table(paper);
  table.note(accounting_note(basis));
  add_projection(table, basis);
  if (basis.is_papers())
    add_paper(table, basis);
  else if (counter.is_papers())
    table.note(note_text("table12.other_devices", fmt::arg("devices", kPapersDevices)));
  add_generation(table, basis);
  table.note(generation_note(basis));
  if (options.measure && !interrupted()) add_measured_generation(table, basis);
  table.mark_unexplained();
  return table;
}

namespace {
const RegisterTable registered_table12(12, table12);
}  // namespace

}  // namespace vidattn
