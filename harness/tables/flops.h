#pragma once

#include <map>

#include "harness/tables/fits.h"
#include "harness/tables/options.h"
#include "harness/tables/table.h"
#include "harness/workloads/workload.h"
#include "metrics/model/cost_model.h"
#include "metrics/plan/ideal_density.h"

namespace vidattn {

/// The parts that tables 4, 5 and 6 share: densities of moga_stga by closed form and by plans, and
/// the PFLOPs of one forward pass that follow.
class FlopsCounter {
 public:
  /// Throws InputError for an unknown model or workload.
  FlopsCounter(const TableOptions& options, const std::string& default_model);

  const DitModel& model() const { return model_; }
  /// Whether the model is the one that the paper's numbers are of; never a model file, whatever its
  /// name.
  bool is_papers() const { return is_papers_; }
  /// The paper's table with this model in it: without cells, and for another model than the paper's
  /// under another title.
  Table table(const PaperTable& paper) const;

  /// Windows 2x2, the given temporal groups, no boundary frames.
  WindowSetting setting(int64_t tokens) const;
  /// Density by origin: model, balanced, skewed and, where one is asked for, workload.
  double density(Origin origin, int64_t tokens, int64_t groups);
  double pflops(int64_t tokens, double density) const;
  /// The origins that there are values for.
  std::vector<Origin> origins() const;

  /// Ways of counting that might be behind the paper's PFLOPs.
  std::vector<Formula> formulas() const;
  /// {"forward": {item: {"flops", "bytes"}}, "backward": …, "router_flops", …} for JSON.
  nlohmann::json breakdown(int64_t tokens, int64_t groups, double density) const;

 private:
  const Workload& workload(int64_t tokens);

  TableOptions options_;
  DitModel model_;
  bool is_papers_;
  std::map<std::tuple<Origin, int64_t, int64_t>, double> known_;
  std::map<int64_t, Workload> workloads_;
};

}  // namespace vidattn
