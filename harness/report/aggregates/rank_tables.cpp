#include "harness/report/aggregates/rank_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/io/text_table.h"
#include "harness/report/paper/paper_table.h"

namespace vidattn {
namespace {

/// A column for every number of ranks.
struct RankFigure {
  const char* header;
  int digits;
  double (*value)(const GridBalance&);
};

constexpr double kMebibyte = 1024.0 * 1024.0;
double mebibytes(const GridBalance& b) { return static_cast<double>(b.bytes()) / kMebibyte; }

const RankFigure kPairs{"pairs", 3, [](const GridBalance& b) { return b.pairs; }};
const RankFigure kTiles{"tiles", 3, [](const GridBalance& b) { return b.tiles; }};
const RankFigure kSteps{"in steps", 3, [](const GridBalance& b) { return b.tiles_in_steps; }};
const RankFigure kSent{"MiB", 3, mebibytes};

std::string rank_cell(const RankFigure& figure, const GridBalance& balance) {
  const double value = balance.refused.empty() ? figure.value(balance) : NAN;
  return std::isfinite(value) ? fmt::format("{:.{}g}", value, figure.digits) : "-";
}

std::string scheme_table(const std::vector<Measurement>& cases, GridBalance RankBalance::*scheme,
                         const std::vector<RankFigure>& figures) {
  const std::vector<std::string> names = row_names(cases);
  std::vector<std::string> headers;
  TableRows rows;
  for (size_t i = 0; i < cases.size(); ++i) {
    const std::vector<RankBalance>& ranks = cases[i].plan.ranks;
    if (ranks.empty()) continue;
    headers = {"backend"};
    std::vector<std::string> row{names[i]};
    for (const RankFigure& figure : figures)
      for (const RankBalance& of : ranks) {
        headers.push_back(fmt::format("{} P={}", figure.header, of.ranks));
        row.push_back(rank_cell(figure, of.*scheme));
      }
    rows.push_back(std::move(row));
  }
  return text_table(headers, rows);
}

/// Of the first case that was refused: it is the call's shape that does not fit the ranks.
std::string refused_lines(const std::vector<Measurement>& cases) {
  std::vector<std::string> lines;
  for (const Measurement& m : cases)
    for (const RankBalance& of : m.plan.ranks)
      for (const auto& [name, grid] :
           {std::pair{"Ulysses", &of.ulysses}, std::pair{"ring", &of.ring}}) {
        if (grid->refused.empty()) continue;
        std::string line = fmt::format("{} P={}: {}\n", name, of.ranks, grid->refused);
        if (std::find(lines.begin(), lines.end(), line) == lines.end())
          lines.push_back(std::move(line));
      }
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

}  // namespace

std::string rank_tables(const std::vector<Measurement>& cases) {
  if (std::all_of(cases.begin(), cases.end(),
                  [](const Measurement& m) { return m.plan.ranks.empty(); }))
    return "";
  return "\nUlysses, heads over P ranks: work of the busiest rank over the mean, and the most that "
         "a rank sends\n" +
         scheme_table(cases, &RankBalance::ulysses, {kPairs, kTiles, kSent}) +
         "\nRing, tokens over P ranks; in steps: where all wait for the slowest after every block "
         "of keys\n" +
         scheme_table(cases, &RankBalance::ring, {kPairs, kTiles, kSteps, kSent}) +
         refused_lines(cases);
}

}  // namespace vidattn
