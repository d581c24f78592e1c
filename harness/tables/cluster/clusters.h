#pragma once

#include <string>

#include "metrics/ranks/cluster_time.h"

namespace vidattn {

/// Devices with links between them. They need not be here.
struct Cluster {
  std::string name, title;
  std::string device;  ///< of results/devices/peaks.json
  int64_t devices = 0;
  ClusterLinks links;
  std::string source, seen, note;  ///< of the links, as of ProjectedDevice
};

/// "h100x64": 64 devices of a cluster of results/devices/clusters.json, whatever the case of its
/// letters. Throws InputError for another name, with those that are known, and for a number of
/// devices that is not 2 to 4096.
Cluster parse_cluster(const std::string& text);

}  // namespace vidattn
