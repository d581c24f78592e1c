#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/tables/paper.h"

namespace vidattn {

/// A printed number with what it stands for.
struct PrintedCell {
  int64_t tokens = 0, groups = 0;
  Printed printed;
};

/// A way in which numbers may have been counted.
struct Formula {
  std::string text;
  std::function<double(int64_t tokens, int64_t groups)> value;
};

/// How a formula fits printed cells.
struct Fit {
  std::string text;
  int fits = 0, cells = 0;  ///< cells that it prints (Printed::prints), of all
  double worst = 0;         ///< largest |value / printed - 1|
};

Fit fit(const Formula& formula, const std::vector<PrintedCell>& cells);

/// All formulas, the best first: most cells, then the smallest worst difference.
std::vector<Fit> rank_fits(const std::vector<Formula>& formulas,
                           const std::vector<PrintedCell>& cells);

/// One line per fit, each after a line break: "12 of 12 cells, worst 1.5%: text".
std::string describe(const std::vector<Fit>& fits);

}  // namespace vidattn
