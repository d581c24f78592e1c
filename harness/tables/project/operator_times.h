#pragma once

#include <string>
#include <vector>

#include "metrics/model/time_fit.h"
#include "metrics/plan/tile_density.h"

namespace vidattn {

/// A published time of one attention operator.
struct OperatorCell {
  std::string row, column;
  int64_t tokens = 0, heads = 0;
  TimeFeatures features;
  double seconds = 0;
  bool fitted = false;  ///< its column is one of those that a model is fitted on
};

/// Published times of operators on one device.
struct OperatorTimes {
  std::string name, title, device, source, note;
  TileShape tile = {};  ///< that the work is counted in
  std::vector<OperatorCell> cells;
};

/// MoGA's Table 11. The work of its MoGA columns is that of plans of moga_stga on a balanced
/// synthetic router (operators/count.h), with its 12 heads of 128. Fitted on full attention and
/// M=20.
OperatorTimes table11_times();

/// Files of block-sparse kernels with shapes (results/operators/*.json). Throws InputError for one
/// that is not as it should be.
OperatorTimes operator_times_from(const std::string& text, const std::string& name);

/// Every device's published times, of the devices in `names`: all that the program has.
std::vector<OperatorTimes> published_times(const std::vector<std::string>& names);

/// A model of a device's times, and how far from it the cells are that it was not fitted on.
struct FittedTimes {
  OperatorTimes times;
  TimeModel model;

  /// (model - printed) / printed.
  double error(const OperatorCell& cell) const;
  /// Of largest size, over the cells that were fitted or over the others; NaN where there is none.
  double largest_error(bool fitted) const;
  /// Whether work of that size lies outside of twice the range of the fitted cells'.
  bool extrapolates(const TimeFeatures& features) const;
};

FittedTimes fit_operator(OperatorTimes times);

}  // namespace vidattn
