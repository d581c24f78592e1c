#include <fmt/format.h>

#include "harness/tables/flops.h"
#include "harness/tables/operators/count.h"
#include "harness/tables/operators/methods.h"
#include "harness/tables/paper.h"
#include "harness/tables/tables.h"

namespace vidattn {
namespace {

/// M whose closed form gives the printed sparsity.
double groups_of_sparsity(double sparsity, const WindowSetting& setting) {
  return 1 / (1 - sparsity - stga_density(setting) - frame_density(setting.frames));
}

/// The rows whose printed sparsity is not the closed form's, and the M that it would be of.
std::string sparsity_note(const FlopsCounter& counter, const PaperTable& paper) {
  int fits = 0;
  std::string others;
  for (const PaperRow& row : paper.rows) {
    const WindowSetting s = counter.setting(row.tokens);
    const double ideal = 100 * (1 - moga_stga_density(row.groups, s));
    const bool same = row.values[0].prints(ideal);
    fits += same;
    if (!same)
      others += fmt::format(
          "; the printed {}% for M={} is the closed form of M={:.4g}, that of "
          "M={} is {:.4g}%",
          row.values[0].text, row.groups, groups_of_sparsity(row.values[0].value() / 100, s),
          row.groups, ideal);
  }
  const WindowSetting s = counter.setting(paper.rows.back().tokens);
  return fmt::format(
      "{} of {} printed sparsities are the closed form 1 - 1/M - 1/{} - 1/{} (2x2 windows, {} "
      "temporal groups, {} latent frames, no boundary frames) to the last digit{}.",
      fits, paper.rows.size(), s.windows * s.temporal_groups, s.frames, s.temporal_groups, s.frames,
      others);
}

/// What the printed PFLOPs would need of the router.
std::string pflops_note(const FlopsCounter& counter, const PaperTable& paper) {
  std::vector<PrintedCell> cells;
  std::string needed;
  for (const PaperRow& row : paper.rows) {
    if (row.groups == 1) continue;
    cells.push_back({row.tokens, row.groups, row.values[1]});
    const double dense = counter.pflops(row.tokens, 0), full = counter.pflops(row.tokens, 1);
    const WindowSetting s = counter.setting(row.tokens);
    const double moga = (row.values[1].value() - dense) / (full - dense) - stga_density(s) -
                        frame_density(s.frames);
    needed += fmt::format("{}M={}: {:.1f}", needed.empty() ? "" : ", ", row.groups, 1 / moga);
  }
  const auto fits = rank_fits(counter.formulas(), cells);
  return fmt::format(
      "PFLOPs: ways of counting tried on the {} sparse rows:{}\n{} fits all of them. Read as "
      "executed work of an unbalanced router, the column needs this many groups of equal size: {}; "
      "the sparsity column beside it is that of a balanced one. That is a reading: unexplained.",
      cells.size(), describe(fits), fits[0].fits == fits[0].cells ? "The first" : "None", needed);
}

std::string other_table_note(const PaperTable& paper, const TableOptions& options) {
  const PaperTable five = paper_table("5", options.paper);
  const double m8 = paper.value("M=8", "PFLOPs"), m5 = five.value("MoGA (M=5)", "10 s");
  return fmt::format(
      "Tables 4 and 5 at 10 s: Table 4 prints {:g} PFLOPs for M=8, Table 5 {:g} for M=5. Fewer "
      "groups cost more, so the two {} with each other.",
      m8, m5, m8 < m5 ? "agree" : "disagree");
}

}  // namespace

Table table4(const TableOptions& options) {
  const PaperTable paper = paper_table("4", options.paper);
  if (!options.backends.empty()) return method_flops_table(paper, options);
  FlopsCounter counter(options, paper.model);
  Table table = counter.table(paper);
  std::string sparsity, pflops;
  if (counter.is_papers()) {
    sparsity = table.note(sparsity_note(counter, paper));
    pflops = table.note(pflops_note(counter, paper));
    table.note(other_table_note(paper, options));
  }
  for (const PaperRow& row : paper.rows) {
    Cell& share = table.add({row.label, paper.columns[0], "%"});
    for (Origin origin : counter.origins())
      share.set(origin, 100 * (1 - counter.density(origin, row.tokens, row.groups)));
    if (counter.is_papers()) share.set(Origin::paper, row.values[0].value());
    if (!sparsity.empty() && !row.values[0].prints(share.value(Origin::model)))
      share.notes.push_back(sparsity);
    Cell& work = table.add({row.label, paper.columns[1], "PFLOP"});
    for (Origin origin : counter.origins())
      work.set(origin, counter.pflops(row.tokens, counter.density(origin, row.tokens, row.groups)));
    if (counter.is_papers()) work.set(Origin::paper, row.values[1].value());
    if (!pflops.empty() && std::abs(work.difference()) > kNoteAbove) work.notes.push_back(pflops);
    table.details["cost"].push_back(counter.breakdown(
        row.tokens, row.groups, counter.density(Origin::model, row.tokens, row.groups)));
  }
  const int64_t tokens = paper.rows.back().tokens, most = paper.rows.back().groups;
  table.note(fmt::format(
      "Counted plans also hold the boundary frames of adjacent shots (MoGA §2.2), one on each "
      "side: "
      "density {:+.4f} at {} tokens over the closed form{}. "
      "skewed: group sizes proportional to 1/(g+1), sum of squared shares {:.3f} at M={}.",
      counter.density(Origin::balanced, tokens, most) -
          counter.density(Origin::model, tokens, most),
      tokens, counter.is_papers() ? ", which the paper's sparsity leaves out" : "",
      router_density(most, Router::skewed), most));
  table.mark_unexplained();
  return table;
}

namespace {
const RegisterTable registered_table4(4, table4);
}  // namespace

}  // namespace vidattn
