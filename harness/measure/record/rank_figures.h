#pragma once

#include <string>
#include <vector>

#include "metrics/ranks/balance.h"

namespace vidattn {

/// A figure of a plan over ranks, as tables show it.
struct RankFigure {
  const char* header;
  double (*value)(const GridBalance&);
};

/// A way to share the work, with its figures.
struct RankScheme {
  const char *name, *title;
  GridBalance RankBalance::*grid;
  std::vector<RankFigure> figures;
};
/// Ulysses and a ring.
const std::vector<RankScheme>& rank_schemes();

/// A column for every figure and number of ranks: "pairs P=4".
std::vector<std::string> rank_headers(const RankScheme& scheme,
                                      const std::vector<RankBalance>& ranks);
/// Its cells; "-" where the ranks are refused, or nothing is computed.
std::vector<std::string> rank_cells(const RankScheme& scheme,
                                    const std::vector<RankBalance>& ranks);
/// Why ranks are refused, one line each: "Ulysses P=8: …". It hangs on the call's shape alone.
std::vector<std::string> rank_refusals(const std::vector<RankBalance>& ranks);

}  // namespace vidattn
