#pragma once

#include <string>
#include <vector>

#include "harness/tables/project/project.h"
#include "harness/tables/project/projection_table.h"

namespace vidattn {

/// How even the plans are over the ranks asked for; empty where none were.
std::vector<ProjectionTable> rank_parts(const Projection& p);

/// The times on the cluster, a table for each number of tokens; empty without a cluster.
std::vector<ProjectionTable> cluster_parts(const Projection& p);

/// The same as lines of the projection's CSV, of kind "cluster": every way to share the ranks.
std::string cluster_csv(const Projection& p);

}  // namespace vidattn
