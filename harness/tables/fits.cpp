#include "harness/tables/fits.h"

#include <fmt/format.h>

#include <algorithm>

namespace vidattn {

Fit fit(const Formula& formula, const std::vector<PrintedCell>& cells) {
  Fit result{formula.text, 0, static_cast<int>(cells.size()), 0};
  for (const PrintedCell& cell : cells) {
    const double value = formula.value(cell.tokens, cell.groups);
    result.fits += cell.printed.prints(value);
    result.worst = std::max(result.worst, std::abs(value / cell.printed.value() - 1));
  }
  return result;
}

std::vector<Fit> rank_fits(const std::vector<Formula>& formulas,
                           const std::vector<PrintedCell>& cells) {
  std::vector<Fit> fits;
  for (const Formula& formula : formulas) fits.push_back(fit(formula, cells));
  std::stable_sort(fits.begin(), fits.end(), [](const Fit& a, const Fit& b) {
    return a.fits != b.fits ? a.fits > b.fits : a.worst < b.worst;
  });
  return fits;
}

std::string describe(const std::vector<Fit>& fits) {
  std::string text;
  for (const Fit& f : fits)
    text +=
        fmt::format("\n{} of {} cells, worst {:.1f}%: {}", f.fits, f.cells, 100 * f.worst, f.text);
  return text;
}

}  // namespace vidattn
