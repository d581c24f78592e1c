#include "harness/tables/operators/methods.h"

#include "harness/tables/flops.h"
#include "harness/tables/latency/measured.h"
#include "harness/tables/notes.h"

namespace vidattn {
namespace {

/// How one method's times were taken, and what their speedups are over.
std::string methods_note(const OperatorTime& time, const TableOptions& options) {
  std::string text = sampling_note(time, time.run_samples.size(), options) + " " +
                     note_text("table11.methods_sampled");
  if (options.pass != Pass::forward)
    text += " " + note_text("table11.pass", fmt::arg("timed", timed_text(options.pass)));
  if (time.scale != 1) text += " " + note_text("table11.methods_scaled");
  return text;
}

}  // namespace

Table latency_of_methods(const PaperTable& paper, const TableOptions& options) {
  const FlopsCounter counter(options, paper.model);
  Table table{"11", paper.label,
              "Operator latency of other methods, in the shape of MoGA's Table 11",
              paper.where + "; model " + counter.model().title};
  std::string sampled;
  add_methods(
      table, counter.model(), wanted_lengths(paper_lengths(paper), options), options,
      [&](const TableLength& length, const OperatorTime& time, const OperatorTime& full) {
        table.add({length.label, time.label, "density"}).set(Origin::workload, time.density);
        if (!time.measured()) return;
        if (sampled.empty()) sampled = table.note(methods_note(time, options));
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

}  // namespace vidattn
