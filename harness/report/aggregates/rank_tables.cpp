#include "harness/report/aggregates/rank_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/io/text_table.h"
#include "harness/measure/record/rank_figures.h"
#include "harness/report/paper/paper_table.h"

namespace vidattn {
namespace {

std::string scheme_table(const std::vector<Measurement>& cases, const RankScheme& scheme,
                         const std::vector<RankBalance>& asked) {
  const std::vector<std::string> names = row_names(cases);
  std::vector<std::string> headers = rank_headers(scheme, asked);
  headers.insert(headers.begin(), "backend");
  TableRows rows;
  for (size_t i = 0; i < cases.size(); ++i) {
    if (cases[i].plan.ranks.empty()) continue;
    rows.push_back(rank_cells(scheme, cases[i].plan.ranks));
    rows.back().insert(rows.back().begin(), names[i]);
  }
  return fmt::format("\n{}\n{}", scheme.title, text_table(headers, rows));
}

}  // namespace

std::string rank_tables(const std::vector<Measurement>& cases) {
  const auto asked = std::find_if(cases.begin(), cases.end(),
                                  [](const Measurement& m) { return !m.plan.ranks.empty(); });
  if (asked == cases.end()) return "";
  std::string text;
  for (const RankScheme& scheme : rank_schemes())
    text += scheme_table(cases, scheme, asked->plan.ranks);
  for (const std::string& line : rank_refusals(asked->plan.ranks)) text += line + "\n";
  return text;
}

}  // namespace vidattn
