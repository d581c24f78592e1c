#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/host/exit_code.h"
#include "harness/tables/cluster/projection.h"
#include "harness/tables/project/devices.h"
#include "harness/tables/project/operator_times.h"
#include "harness/tables/project/work.h"
#include "harness/workloads/request.h"

namespace vidattn {

struct ProjectOptions {
  WorkloadRequest workload;
  std::vector<std::string> backends;  ///< NAME[:key=value,…]; full attention is always beside them
  std::vector<double> densities;      ///< solve each backend's knob for these; empty = as given
  std::string device_names;           ///< with commas between them; empty = all
  std::string devices_file;           ///< with devices of the user's; empty = none
  std::string tile = "128x128";
  std::vector<int64_t> ranks;          ///< find the balance over them; empty = over none
  std::string cluster;                 ///< "h100x64"; empty = none
  std::vector<int64_t> tokens;         ///< to project on the cluster; empty = the workload's own
  bool fits_only = false;              ///< no plan: the fitted models and their errors alone
  std::string format = "text";         ///< of what is printed: text, markdown, csv or json
  std::vector<std::string> out;        ///< files: .txt .md .csv .json, of a cluster .svg .png .pdf
  std::vector<std::string> arguments;  ///< the command line, for the record
};

/// What a device would make of a plan. All of it is prediction.
struct DeviceProjection {
  Roofline best;
  double share_of_dense = 0;     ///< of full attention's time at best
  double predicted_seconds = 0;  ///< by the fitted model; NaN where the device has none
  double predicted_speedup = 0;  ///< over full attention by the same model
  bool extrapolated = false;
};

struct ProjectedPlan {
  std::string backend;  ///< canonical text, numbers shortened
  std::string failure;  ///< why there is no plan; empty = there is one
  std::string note;     ///< of a density that was missed
  PlanWork work;
  std::vector<DeviceProjection> devices;  ///< in the order of Projection::devices
  std::vector<RankBalance> ranks;         ///< over the numbers of ranks asked for, ascending
  ClusterPlan on_cluster;
  std::vector<ClusterTimes> cluster;  ///< in the order of ClusterProjection::tokens
};

/// What plans are projected on beside single devices.
struct ClusterProjection {
  Cluster cluster;
  ProjectedDevice device;
  std::vector<int64_t> tokens;
  std::vector<RankGrid> grids;  ///< ClusterTimes::by_grid are in their order
};

struct Projection {
  std::string workload;
  int64_t tokens = 0, keys = 0, heads = 0, dim = 0;
  TileShape tile = {};
  std::vector<ProjectedDevice> devices;
  std::vector<FittedTimes> fits;  ///< of these devices
  std::optional<ClusterProjection> cluster;
  std::vector<ProjectedPlan> plans;

  /// The model of a device's times; null = none is published.
  const FittedTimes* fit_of(const std::string& device) const;
};

/// `vidattn project`: plans on the workload, counts what a tiled kernel would do, and says what it
/// would take at best on each device, and by a model fitted on published times where there is one.
/// Nothing is run, and nothing goes into a store. Throws InputError before any work for what is
/// unknown, and where no plan can be made.
ExitCode project(const ProjectOptions& options);

}  // namespace vidattn
