#include "harness/tables/cluster/clusters.h"

#include <fmt/format.h>

#include <charconv>
#include <vector>

#include "attention/error.h"
#include "attention/nearest.h"
#include "harness/io/embedded.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/json_reader.h"

namespace vidattn {
namespace {

constexpr const char* kClusters = "results/devices/clusters.json";
constexpr int64_t kMostDevices = 4096;

Cluster cluster_from(const JsonReader& json) {
  // A bandwidth of 0 would divide by it; a latency of a second is none of a link.
  constexpr double kLeast = 1e-3, kMost = 1e6, kLongest = 1e6;
  json.object_of({"name", "title", "device", "per_node", "node_gbs", "node_latency_us",
                  "network_gbs", "network_latency_us", "call_us", "source", "seen", "note"});
  const auto link = [&](const std::string& prefix) {
    return Link{1e9 * json.at(prefix + "_gbs").number(kLeast, kMost),
                1e-6 * json.at(prefix + "_latency_us").number(0, kLongest)};
  };
  Cluster cluster;
  json.read("name", cluster.name);
  json.read("title", cluster.title);
  json.read("device", cluster.device);
  cluster.links.per_node = json.at("per_node").integer(1, kMostDevices);
  cluster.links.node = link("node");
  cluster.links.network = link("network");
  cluster.links.call_seconds = 1e-6 * json.at("call_us").number(0, kLongest);
  json.read("source", cluster.source);
  json.read_if("seen", cluster.seen);
  json.read_if("note", cluster.note);
  return cluster;
}

std::vector<Cluster> known_clusters() {
  const nlohmann::json file = parse_json(embedded(kClusters));
  const JsonReader json(file, kClusters);
  json.object_of({"note", "clusters"});
  std::vector<Cluster> clusters;
  for (const JsonReader& item : json.at("clusters").items()) clusters.push_back(cluster_from(item));
  return clusters;
}

int64_t devices_of(const std::string& text, size_t cross) {
  int64_t count = 0;
  const char* end = text.data() + text.size();
  const char* begin = cross == std::string::npos ? end : text.data() + cross + 1;
  const auto [last, error] = std::from_chars(begin, end, count);
  if (error != std::errc() || last != end || count < 2 || count > kMostDevices)
    throw InputError(fmt::format("--cluster {}: a name and 2 to {} devices, as h100x64",
                                 in_quotes(text), kMostDevices));
  return count;
}

}  // namespace

Cluster parse_cluster(const std::string& text) {
  const size_t cross = text.rfind('x');
  const int64_t devices = devices_of(text, cross);
  const std::string name = lower_case(text.substr(0, cross));
  std::vector<std::string> names;
  for (Cluster& cluster : known_clusters()) {
    if (cluster.name == name) {
      cluster.devices = devices;
      return cluster;
    }
    names.push_back(cluster.name);
  }
  throw InputError("no cluster " + in_quotes(name) + ": " + known_are(name, names));
}

}  // namespace vidattn
