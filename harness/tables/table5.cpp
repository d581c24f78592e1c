#include <fmt/format.h>

#include "harness/tables/flops.h"
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
  return fmt::format(
      "Full attention at {} tokens takes {:.4f} PFLOPs, printed is {}; {} tokens (81 frames, "
      "Wan2.1's "
      "own length) take {:.4f}. Of the {} other durations {} agree to the last digit, rounded or "
      "cut "
      "off.",
      tokens, counter.pflops(tokens, 1), paper.rows[0].values[0].text, kWanTokens,
      counter.pflops(kWanTokens, 1), paper.columns.size() - 1, fits);
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
  const Formula rule{fmt::format("printed full {:g}/M + {:.3f}: the whole model, dense layers "
                                 "included, divided by M; where {:.3f} comes from is unexplained",
                                 full, rest, rest),
                     [=](int64_t, int64_t m) { return full / static_cast<double>(m) + rest; }};
  auto formulas = counter.formulas();
  formulas.push_back(rule);
  return fmt::format(
      "5 s: the dense layers alone (projections, cross-attention, FFN) take {:.4f} PFLOPs at {} "
      "tokens. Below that, and so no whole forward pass whatever its attention does: {}. Ways of "
      "counting tried on the column:{}",
      dense, tokens, below.empty() ? "none" : below, describe(rank_fits(formulas, cells)));
}

std::string others_note(const FlopsCounter& counter, const PaperTable& paper) {
  const auto cells = sparse_cells(paper, false);
  return fmt::format(
      "10 s and more: ways of counting tried on the {} sparse cells:{}\nThose that divide the "
      "whole "
      "model by M are arithmetic, not a forward pass: routing makes no dense layer cheaper. The "
      "closed form of this table is what is executed.",
      cells.size(), describe(rank_fits(counter.formulas(), cells)));
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
      if (counter.is_papers()) cell.set(Origin::paper, row.values[c].value());
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
  const int64_t longest = paper.column_tokens.back(), most = paper.rows.back().groups;
  const PassCost forward = forward_cost(counter.model(), {longest});
  std::string parts;
  for (const CostItem& item : forward.items)
    if (item.flops > 0)
      parts += fmt::format("{}{} {:.1f}%", parts.empty() ? "" : ", ", item.name,
                           100 * item.flops / forward.flops());
  table.note(fmt::format(
      "Full attention at {} tokens: {}. Not in any cell: the router, {:.2g} PFLOPs at M={}, and "
      "the "
      "embeddings outside of the blocks, {:.2g} PFLOPs. A backward pass takes {:.2f} PFLOPs more. "
      "Least memory traffic of the forward pass in bf16: {:.1f} GB.",
      longest, parts, router_flops(counter.model(), longest, most) * 1e-15, most,
      outside_flops(counter.model(), {longest}) * 1e-15, backward_cost(forward).flops() * 1e-15,
      forward.bytes() * 1e-9));
  table.mark_unexplained();
  return table;
}

namespace {
const RegisterTable registered_table5(5, table5);
}  // namespace

}  // namespace vidattn
