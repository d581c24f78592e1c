#include <fmt/format.h>

#include "harness/tables/flops.h"
#include "harness/tables/notes.h"
#include "harness/tables/operators/methods.h"
#include "harness/tables/paper.h"
#include "harness/tables/tables.h"

namespace vidattn {
namespace {

// Latent frames per second at 16 frames per second and four pixel frames per latent frame; the
// paper's durations are these many latent frames (20 at 5 s).
constexpr double kLatentFrameRate = 4;
constexpr int64_t kFrameTokens = 1560;

/// One curve per row of Table 5: ours at every latent frame, the printed points of Table 5.
nlohmann::json curves(const FlopsCounter& counter, const PaperTable& five) {
  nlohmann::json all = nlohmann::json::array();
  for (const PaperRow& row : five.rows) {
    nlohmann::json curve{{"name", row.label},
                         {"groups", row.groups},
                         {"model", nlohmann::json::array()},
                         {"paper", nlohmann::json::array()}};
    for (int64_t tokens = five.column_tokens.front(); tokens <= five.column_tokens.back();
         tokens += 5 * kFrameTokens) {
      const double seconds = static_cast<double>(tokens / kFrameTokens) / kLatentFrameRate;
      const double density = moga_stga_density(row.groups, counter.setting(tokens));
      curve["model"].push_back({seconds, counter.pflops(tokens, density)});
    }
    for (size_t c = 0; c < five.columns.size() && counter.is_papers(); ++c)
      curve["paper"].push_back(
          {static_cast<double>(five.column_tokens[c] / kFrameTokens) / kLatentFrameRate,
           row.values[c].value()});
    all.push_back(std::move(curve));
  }
  return all;
}

}  // namespace

Table table6(const TableOptions& options) {
  const PaperTable paper = paper_table("6", options.paper);
  if (!options.backends.empty()) return method_flops_table(paper, options);
  FlopsCounter counter(options, paper.model);
  Table table = counter.table(paper);
  for (const PaperRow& row : paper.rows) {
    Cell& cell = table.add({row.label, paper.columns[0], "PFLOP"});
    for (Origin origin : counter.origins())
      cell.set(origin, counter.pflops(row.tokens, counter.density(origin, row.tokens, row.groups)));
    if (counter.is_papers()) cell.set_paper(row.values[0]);
  }
  table.details["curves"] = curves(counter, paper_table("5", options.paper));
  table.note(note_text("figure6.drawn",
                       fmt::arg("printed", counter.is_papers() ? note_text("figure6.drawn_printed")
                                                               : std::string())));
  table.mark_unexplained();
  return table;
}

namespace {
const RegisterTable registered_table6(6, table6);
}  // namespace

}  // namespace vidattn
