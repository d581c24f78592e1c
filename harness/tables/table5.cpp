#include <fmt/format.h>

#include "harness/tables/flops.h"
#include "harness/tables/notes.h"
#include "harness/tables/operators/methods.h"
#include "harness/tables/paper.h"
#include "harness/tables/tables.h"

namespace vidattn {
namespace {

// Wan2.1's own length: 81 frames are 21 latent frames of 30x52 tokens.
constexpr int64_t kWanTokens = 32760;

std::vector<PrintedCell> sparse_cells(const PaperTable& paper, bool shortest) {
  std::vector<PrintedCell> cells;
  for (const PaperRow& row : paper.rows)
    for (size_t c = 0; c < row.values.size() && row.groups > 1; ++c)
      if ((c == 0) == shortest)
        cells.push_back({paper.column_tokens[c], row.groups, row.values[c]});
  return cells;
}

std::string full_note(const FlopsCounter& counter, const PaperTable& paper) {
  const int64_t tokens = paper.column_tokens[0];
  int fits = 0;
  for (size_t c = 1; c < paper.columns.size(); ++c)
    fits += paper.rows[0].values[c].prints(counter.pflops(paper.column_tokens[c], 1));
  return note_text(
      "table5.full", fmt::arg("tokens", tokens), fmt::arg("pflops", counter.pflops(tokens, 1)),
      fmt::arg("printed", paper.rows[0].values[0].text), fmt::arg("wan_tokens", kWanTokens),
      fmt::arg("wan_pflops", counter.pflops(kWanTokens, 1)),
      fmt::arg("others", paper.columns.size() - 1), fmt::arg("fits", fits));
}

/// The 5 s column: what it cannot be, and which rule it follows.
std::string shortest_note(const FlopsCounter& counter, const PaperTable& paper) {
  const int64_t tokens = paper.column_tokens[0];
  const double dense = counter.pflops(tokens, 0), full = paper.rows[0].values[0].value();
  std::string below;
  double rest = 0;
  const auto cells = sparse_cells(paper, true);
  for (const PrintedCell& cell : cells) {
    if (cell.printed.value() < dense)
      below +=
          fmt::format("{}{} (M={})", below.empty() ? "" : ", ", cell.printed.text, cell.groups);
    rest += (cell.printed.value() - full / static_cast<double>(cell.groups)) /
            static_cast<double>(cells.size());
  }
  const Formula rule{
      note_text("table5.shortest_rule", fmt::arg("full", full), fmt::arg("rest", rest)),
      [=](int64_t, int64_t m) { return full / static_cast<double>(m) + rest; }};
  auto formulas = counter.formulas();
  formulas.push_back(rule);
  return note_text("table5.shortest", fmt::arg("dense", dense), fmt::arg("tokens", tokens),
                   fmt::arg("below", below.empty() ? "none" : below),
                   fmt::arg("fits", describe(rank_fits(formulas, cells))));
}

std::string others_note(const FlopsCounter& counter, const PaperTable& paper) {
  const auto cells = sparse_cells(paper, false);
  return note_text("table5.others", fmt::arg("cells", cells.size()),
                   fmt::arg("fits", describe(rank_fits(counter.formulas(), cells))));
}

/// Shares of full attention's work, and what is in no cell.
std::string parts_note(const FlopsCounter& counter, int64_t tokens, int64_t groups) {
  const PassCost forward = forward_cost(counter.model(), {tokens});
  std::string parts;
  for (const CostItem& item : forward.items)
    if (item.flops > 0)
      parts += fmt::format("{}{} {:.1f}%", parts.empty() ? "" : ", ", item.name,
                           100 * item.flops / forward.flops());
  return note_text("table5.parts", fmt::arg("tokens", tokens), fmt::arg("parts", parts),
                   fmt::arg("router", router_flops(counter.model(), tokens, groups) * 1e-15),
                   fmt::arg("groups", groups),
                   fmt::arg("outside", outside_flops(counter.model(), {tokens}) * 1e-15),
                   fmt::arg("backward", backward_cost(forward).flops() * 1e-15),
                   fmt::arg("traffic", forward.bytes() * 1e-9));
}

}  // namespace

Table table5(const TableOptions& options) {
  const PaperTable paper = paper_table("5", options.paper);
  if (!options.backends.empty()) return method_flops_table(paper, options);
  FlopsCounter counter(options, paper.model);
  Table table = counter.table(paper);
  std::string full, shortest, others;
  if (counter.is_papers()) {
    full = table.note(full_note(counter, paper));
    shortest = table.note(shortest_note(counter, paper));
    others = table.note(others_note(counter, paper));
  }
  for (const PaperRow& row : paper.rows)
    for (size_t c = 0; c < paper.columns.size(); ++c) {
      const int64_t tokens = paper.column_tokens[c];
      Cell& cell = table.add({row.label, paper.columns[c], "PFLOP"});
      for (Origin origin : counter.origins())
        cell.set(origin, counter.pflops(tokens, counter.density(origin, tokens, row.groups)));
      if (counter.is_papers()) cell.set_paper(row.values[c]);
      if (!full.empty() && std::abs(cell.difference()) > kNoteAbove)
        cell.notes.push_back(row.groups == 1 ? full : c == 0 ? shortest : others);
      if (row.groups > 1) {
        Cell& sparsity = table.add({row.label, paper.columns[c] + ", sparsity", "%"});
        for (Origin origin : counter.origins())
          sparsity.set(origin, 100 * (1 - counter.density(origin, tokens, row.groups)));
      }
      table.details["cost"].push_back(counter.breakdown(
          tokens, row.groups, counter.density(Origin::model, tokens, row.groups)));
    }
  table.note(parts_note(counter, paper.column_tokens.back(), paper.rows.back().groups));
  table.mark_unexplained();
  return table;
}

namespace {
const RegisterTable registered_table5(5, table5);
}  // namespace

}  // namespace vidattn
