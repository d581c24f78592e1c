#include "harness/measure/record/rank_figures.h"

#include <fmt/format.h>

namespace vidattn {
namespace {

double sent_mebibytes(const GridBalance& b) {
  return static_cast<double>(b.bytes()) / (1024.0 * 1024.0);
}

std::string rank_cell(const RankFigure& figure, const GridBalance& balance) {
  const double value = balance.refused.empty() ? figure.value(balance) : NAN;
  return std::isfinite(value) ? fmt::format("{:.3g}", value) : "-";
}

}  // namespace

const std::vector<RankScheme>& rank_schemes() {
  static const RankFigure pairs{"pairs", [](const GridBalance& b) { return b.pairs; }};
  static const RankFigure tiles{"tiles", [](const GridBalance& b) { return b.tiles; }};
  static const RankFigure steps{"in steps", [](const GridBalance& b) { return b.tiles_in_steps; }};
  static const RankFigure sent{"MiB", sent_mebibytes};
  static const std::vector<RankScheme> schemes{
      {"Ulysses",
       "Ulysses, heads over P ranks: work of the busiest rank over the mean, and the most that a "
       "rank sends",
       &RankBalance::ulysses,
       {pairs, tiles, sent}},
      {"ring",
       "Ring, tokens over P ranks; in steps: where all wait for the slowest after every block of "
       "keys",
       &RankBalance::ring,
       {pairs, tiles, steps, sent}}};
  return schemes;
}

std::vector<std::string> rank_headers(const RankScheme& scheme,
                                      const std::vector<RankBalance>& ranks) {
  std::vector<std::string> headers;
  for (const RankFigure& figure : scheme.figures)
    for (const RankBalance& of : ranks)
      headers.push_back(fmt::format("{} P={}", figure.header, of.ranks));
  return headers;
}

std::vector<std::string> rank_cells(const RankScheme& scheme,
                                    const std::vector<RankBalance>& ranks) {
  std::vector<std::string> cells;
  for (const RankFigure& figure : scheme.figures)
    for (const RankBalance& of : ranks) cells.push_back(rank_cell(figure, of.*scheme.grid));
  return cells;
}

std::vector<std::string> rank_refusals(const std::vector<RankBalance>& ranks) {
  std::vector<std::string> lines;
  for (const RankScheme& scheme : rank_schemes())
    for (const RankBalance& of : ranks)
      if (const std::string& why = (of.*scheme.grid).refused; !why.empty())
        lines.push_back(fmt::format("{} P={}: {}", scheme.name, of.ranks, why));
  return lines;
}

}  // namespace vidattn
