#include "harness/tables/project/devices.h"

#include <algorithm>

#include "attention/error.h"
#include "attention/nearest.h"
#include "harness/io/embedded.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"

namespace vidattn {
namespace {

constexpr const char* kPeaks = "results/devices/peaks.json";

std::string name_in(const JsonReader& json) {
  std::string name = json.text();
  if (name.empty() || name.find_first_of(", \t") != std::string::npos)
    json.expected("a name without commas and spaces");
  return name;
}

ProjectedDevice device_from(const JsonReader& json) {
  // Far beyond any chip; a peak of 0 would divide by it.
  constexpr double kLeast = 1e-3, kMost = 1e9;
  json.object_of(
      {"name", "title", "tflops", "bandwidth_gbs", "clock_mhz", "source", "seen", "note"});
  ProjectedDevice device;
  device.name = name_in(json.at("name"));
  device.title = json.maybe("title").get_or<std::string>(device.name);
  device.peaks.flops = 1e12 * json.at("tflops").number(kLeast, kMost);
  device.peaks.bandwidth = 1e9 * json.at("bandwidth_gbs").number(kLeast, kMost);
  if (!json.maybe("clock_mhz").is_null())
    device.clock_mhz = json.at("clock_mhz").number(kLeast, kMost);
  json.read("source", device.source);
  if (device.source.empty()) json.at("source").expected("where the peaks are published");
  json.read_if("seen", device.seen);
  json.read_if("note", device.note);
  return device;
}

void add_devices(const JsonReader& json, std::vector<ProjectedDevice>& devices) {
  json.object_of({"note", "devices"});
  for (const JsonReader& item : json.at("devices").items()) {
    ProjectedDevice device = device_from(item);
    const bool known =
        std::any_of(devices.begin(), devices.end(), [&](const ProjectedDevice& other) {
          return lower_case(other.name) == lower_case(device.name);
        });
    if (!known) devices.push_back(std::move(device));
  }
}

}  // namespace

std::vector<ProjectedDevice> known_devices(const std::string& file) {
  std::vector<ProjectedDevice> devices;
  if (!file.empty()) {
    const nlohmann::json own = read_json(file);
    add_devices(JsonReader(own, in_quotes(file)), devices);
  }
  const nlohmann::json ours = parse_json(embedded(kPeaks));
  add_devices(JsonReader(ours, kPeaks), devices);
  return devices;
}

std::vector<ProjectedDevice> choose_devices(const std::string& names,
                                            const std::vector<ProjectedDevice>& known) {
  if (names.empty()) return known;
  std::vector<std::string> all;
  for (const ProjectedDevice& device : known) all.push_back(device.name);
  std::vector<ProjectedDevice> chosen;
  for (size_t at = 0; at <= names.size();) {
    const size_t next = std::min(names.find(',', at), names.size());
    const std::string name = names.substr(at, next - at);
    at = next + 1;
    const auto named = [&](const ProjectedDevice& d) {
      return lower_case(d.name) == lower_case(name);
    };
    const auto found = std::find_if(known.begin(), known.end(), named);
    if (found == known.end())
      throw InputError("no device " + in_quotes(name) + " to project on: " + known_are(name, all));
    if (std::none_of(chosen.begin(), chosen.end(), named)) chosen.push_back(*found);
  }
  return chosen;
}

}  // namespace vidattn
