#include <fmt/format.h>

#include "harness/tables/flops.h"
#include "harness/tables/notes.h"
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
      others += note_text("table4.sparsity_other", fmt::arg("printed", row.values[0].text),
                          fmt::arg("groups", row.groups),
                          fmt::arg("other", groups_of_sparsity(row.values[0].value() / 100, s)),
                          fmt::arg("ideal", ideal));
  }
  const WindowSetting s = counter.setting(paper.rows.back().tokens);
  return note_text("table4.sparsity", fmt::arg("fits", fits), fmt::arg("rows", paper.rows.size()),
                   fmt::arg("windows", s.windows * s.temporal_groups), fmt::arg("frames", s.frames),
                   fmt::arg("temporal_groups", s.temporal_groups), fmt::arg("others", others));
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
  return note_text("table4.pflops", fmt::arg("rows", cells.size()),
                   fmt::arg("fits", describe(fits)),
                   fmt::arg("best", fits[0].fits == fits[0].cells ? "The first" : "None"),
                   fmt::arg("needed", needed));
}

std::string other_table_note(const PaperTable& paper, const TableOptions& options) {
  const PaperTable five = paper_table("5", options.paper);
  const double m8 = paper.value("M=8", "PFLOPs"), m5 = five.value("MoGA (M=5)", "10 s");
  return note_text("table4.against_table5", fmt::arg("m8", m8), fmt::arg("m5", m5),
                   fmt::arg("verdict", m8 < m5 ? "agree" : "disagree"));
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
    if (counter.is_papers()) share.set_paper(row.values[0]);
    if (!sparsity.empty() && !row.values[0].prints(share.value(Origin::model)))
      share.notes.push_back(sparsity);
    Cell& work = table.add({row.label, paper.columns[1], "PFLOP"});
    for (Origin origin : counter.origins())
      work.set(origin, counter.pflops(row.tokens, counter.density(origin, row.tokens, row.groups)));
    if (counter.is_papers()) work.set_paper(row.values[1]);
    if (!pflops.empty() && std::abs(work.difference()) > kNoteAbove) work.notes.push_back(pflops);
    table.details["cost"].push_back(counter.breakdown(
        row.tokens, row.groups, counter.density(Origin::model, row.tokens, row.groups)));
  }
  const int64_t tokens = paper.rows.back().tokens, most = paper.rows.back().groups;
  const double boundaries = counter.density(Origin::balanced, tokens, most) -
                            counter.density(Origin::model, tokens, most);
  table.note(note_text(
      "table4.boundaries", fmt::arg("extra", boundaries), fmt::arg("tokens", tokens),
      fmt::arg("left_out",
               counter.is_papers() ? note_text("table4.boundaries_left_out") : std::string()),
      fmt::arg("squares", router_density(most, Router::skewed)), fmt::arg("groups", most)));
  table.mark_unexplained();
  return table;
}

namespace {
const RegisterTable registered_table4(4, table4);
}  // namespace

}  // namespace vidattn
