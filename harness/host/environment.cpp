#include "harness/host/environment.h"

#include <cpuinfo.h>
#include <fmt/core.h>
#include <hwy/highway.h>
#include <omp.h>
#include <openssl/crypto.h>
#include <sys/utsname.h>
#include <unistd.h>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libswscale/swscale.h>
}

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <new>
#include <opencv2/core/utility.hpp>
#include <opencv2/core/version.hpp>
#include <optional>
#include <sstream>

#include "attention/blas.h"
#include "attention/cpu/units/simd.h"
#include "build_info.h"
#include "harness/io/sha256.h"
#include "metrics/machine/peak.h"
#include "revision.h"

namespace vidattn {
namespace {

using nlohmann::json;

constexpr const char* kNotReadable = "not readable: ";

// One part of the environment; unread values become null and leave their reason in `unknown`.
struct Part {
  std::string name;
  json& unknown;
  json values = json::object();

  template <class T>
  void set(const char* key, const std::optional<T>& value, const std::string& reason) {
    values[key] = value ? json(*value) : json(nullptr);
    if (!value) unknown[name + "." + key] = reason;
  }
};

std::optional<std::string> first_line(const char* file) {
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line) || line.empty()) return std::nullopt;
  return line;
}

// The value of the first line "name : value" or "name=value" of a text.
std::optional<std::string> field(const char* file, const std::string& name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.rfind(name, 0) != 0) continue;
    const auto separator = line.find_first_not_of(" \t", name.size());
    if (separator == std::string::npos || (line[separator] != ':' && line[separator] != '='))
      continue;
    const auto first = line.find_first_not_of(" \t\"", separator + 1);
    if (first == std::string::npos) return std::nullopt;
    return line.substr(first, line.find_last_not_of(" \t\"") - first + 1);
  }
  return std::nullopt;
}

std::optional<double> number(const std::optional<std::string>& text) {
  double value = 0;
  if (!text || !(std::istringstream(*text) >> value)) return std::nullopt;
  return value;
}

std::optional<int64_t> memory_bytes(const char* name) {
  const auto kib = number(field("/proc/meminfo", name));
  if (!kib) return std::nullopt;
  return static_cast<int64_t>(*kib) * 1024;
}

std::optional<int64_t> cache_bytes(const cpuinfo_cache* cache) {
  if (cache == nullptr) return std::nullopt;
  return cache->size;
}

std::optional<std::string> cpu_name(bool known) {
  if (known && cpuinfo_get_packages_count() > 0 && cpuinfo_get_package(0)->name[0] != '\0')
    return cpuinfo_get_package(0)->name;
  return field("/proc/cpuinfo", "model name");
}

json machine(json& unknown) {
  Part part{"machine", unknown};
  // It writes to stderr where there is no /proc.
  const bool known = ::access("/proc/cpuinfo", R_OK) == 0 && cpuinfo_initialize();
  const char* const kNoTopology = "libcpuinfo could not read the processor's topology";
  const auto count = [&](uint32_t n) { return known ? std::optional(n) : std::nullopt; };
  const auto cache = [&](const cpuinfo_cache* (*get)(uint32_t), uint32_t n) {
    return known && n > 0 ? cache_bytes(get(0)) : std::nullopt;
  };
  part.set("cpu", cpu_name(known), "/proc/cpuinfo has no model name");
  part.set("packages", count(known ? cpuinfo_get_packages_count() : 0), kNoTopology);
  part.set("physical_cores", count(known ? cpuinfo_get_cores_count() : 0), kNoTopology);
  part.set("logical_cores", count(known ? cpuinfo_get_processors_count() : 0), kNoTopology);
  part.set("l1d_bytes", cache(cpuinfo_get_l1d_cache, known ? cpuinfo_get_l1d_caches_count() : 0),
           "libcpuinfo knows no such cache");
  part.set("l2_bytes", cache(cpuinfo_get_l2_cache, known ? cpuinfo_get_l2_caches_count() : 0),
           "libcpuinfo knows no such cache");
  part.set("l3_bytes", cache(cpuinfo_get_l3_cache, known ? cpuinfo_get_l3_caches_count() : 0),
           "libcpuinfo knows no such cache");
  // Whole GiB: the kernel's own share, and so the exact number, changes from boot to boot.
  const auto memory = memory_bytes("MemTotal");
  part.set(
      "memory_gib",
      memory ? std::optional(std::llround(static_cast<double>(*memory) / (1 << 30))) : std::nullopt,
      "/proc/meminfo has no MemTotal");
  return part.values;
}

std::string blas_version() {
  std::istringstream words(blas_config());  // "OpenBLAS 0.3.21 NO_LAPACKE ..."
  std::string name, version;
  words >> name >> version;
  return version;
}

/// Of one of FFmpeg's libraries, as it is loaded.
std::string ffmpeg_version(unsigned version) {
  return fmt::format("{}.{}.{}", AV_VERSION_MAJOR(version), AV_VERSION_MINOR(version),
                     AV_VERSION_MICRO(version));
}

/// Of the whole; a program that was bundled without it (tests/gpu_bundle.sh) has none.
std::string ffmpeg_release() {
  const char* release = av_version_info();
  return release == nullptr ? "none" : release;
}

json libraries() {
  return {
      {"cli11", VIDATTN_CLI11},
      {"eigen",
       fmt::format("{}.{}.{}", EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION)},
      {"ffmpeg", ffmpeg_release()},
      {"fmt",
       fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
      {"highway", fmt::format("{}.{}.{}", HWY_MAJOR, HWY_MINOR, HWY_PATCH)},
      {"libavcodec", ffmpeg_version(avcodec_version())},
      {"libavformat", ffmpeg_version(avformat_version())},
      {"libswscale", ffmpeg_version(swscale_version())},
      {"nlohmann_json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR,
                                    NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH)},
      {"openblas", blas_version()},
      {"opencv", cv::getVersionString()},
      {"openssl", OpenSSL_version(OPENSSL_VERSION_STRING)},
  };
}

json software(json& unknown) {
  Part part{"software", unknown};
  utsname system = {};
  uname(&system);
  part.values = {
      {"version", VIDATTN_VERSION},
      {"revision", VIDATTN_REVISION},
      {"build_type", VIDATTN_BUILD_TYPE},
      {"compiler", VIDATTN_COMPILER},
      {"flags", VIDATTN_FLAGS},
      {"simd", cpu_simd_target()},
      {"blas", blas_config()},
      {"blas_core", blas_core()},
      {"kernel", fmt::format("{} {} {}", system.sysname, system.release, system.machine)},
      {"libraries", libraries()},
  };
  part.set("distribution", field("/etc/os-release", "PRETTY_NAME"), "no /etc/os-release");
  return part.values;
}

std::optional<std::array<double, 3>> load_average() {
  std::ifstream in("/proc/loadavg");
  std::array<double, 3> load = {};
  if (!(in >> load[0] >> load[1] >> load[2])) return std::nullopt;
  return load;
}

// MHz; virtual machines tell only the nominal frequency, in /proc/cpuinfo.
std::optional<double> frequency() {
  const auto khz = number(first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"));
  if (khz) return *khz / 1000;
  return number(field("/proc/cpuinfo", "cpu MHz"));
}

json state(json& unknown) {
  Part part{"state", unknown};
  constexpr const char* kGovernor = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
  part.set("threads", std::optional(omp_get_max_threads()), "");
  part.set("load_average", load_average(), std::string(kNotReadable) + "/proc/loadavg");
  part.set("governor", first_line(kGovernor), std::string(kNotReadable) + kGovernor);
  part.set("frequency_mhz", frequency(), "neither in cpufreq nor in /proc/cpuinfo");
  part.set("memory_available_bytes", memory_bytes("MemAvailable"),
           "/proc/meminfo has no MemAvailable");
  return part.values;
}

std::string bytes_text(int64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return fmt::format("{:.4g} {}", value, kUnits[unit]);
}

std::string value_text(const std::string& key, const json& value) {
  if (key.size() > 6 && key.ends_with("_bytes") && value.is_number_integer())
    return bytes_text(value.get<int64_t>());
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_structured()) return value.dump();
  std::string text;
  for (const auto& [name, item] : value.items())
    text +=
        (text.empty() ? "" : ", ") + (value.is_object() ? name + " " : "") + value_text(name, item);
  return text;
}

}  // namespace

json environment() {
  json all = {{"unknown", json::object()}};
  json& unknown = all["unknown"];
  json parts = {
      {"machine", machine(unknown)}, {"software", software(unknown)}, {"state", state(unknown)}};
  all.update(parts);
  return all;
}

bool limits_are_wanted() {
  const char* wanted = std::getenv("VIDATTN_MEASURE_LIMITS");
  return wanted == nullptr || wanted != std::string("0");
}

void measure_limits(json& environment) {
  Part part{"measured", environment["unknown"]};
  const bool left_out = !limits_are_wanted();
  const double bandwidth = left_out ? NAN : triad_bandwidth_gbs(omp_get_max_threads());
  part.set("memory_bandwidth_gbs", std::isnan(bandwidth) ? std::nullopt : std::optional(bandwidth),
           left_out ? "VIDATTN_MEASURE_LIMITS=0" : "too little memory for its arrays");
  environment["measured"] = std::move(part.values);
}

void check_environment(const JsonReader& environment) {
  for (const auto& [name, part] : environment.object().members()) part.object();
  const JsonReader software = environment.maybe("software"), state = environment.maybe("state");
  for (const char* text : {"revision", "simd", "blas_core"})
    software.maybe(text).get_or(std::string());
  state.maybe("governor").get_or(std::string());
  state.maybe("threads").get_or(1);
  state.maybe("frequency_mhz").get_or(0.0);
  state.maybe("load_average").get<std::vector<double>>();
  environment.maybe("machine").maybe("logical_cores").get_or(1);
  environment.maybe("measured").maybe("memory_bandwidth_gbs").get_or(0.0);
}

std::string machine_key(const json& environment) {
  constexpr size_t kDigits = 16;
  return sha256(environment.at("machine").dump()).substr(0, kDigits);
}

std::string environment_text(const json& environment) {
  constexpr size_t kIndent = 2;
  const json unknown = environment.value("unknown", json::object());
  size_t width = 0;
  for (const char* part : {"machine", "software", "state"})
    for (const auto& item : environment.at(part).items())
      width = std::max(width, item.key().size());
  std::string text;
  for (const char* part : {"machine", "software", "state"}) {
    text += std::string(part) + "\n";
    for (const auto& [key, value] : environment.at(part).items()) {
      const std::string shown = value.is_null()
                                    ? "unknown (" + unknown.value(part + ("." + key), "") + ")"
                                    : value_text(key, value);
      text += fmt::format("{:{}}{:<{}} {}\n", "", kIndent, key + ":", width + 1, shown);
    }
  }
  return text;
}

}  // namespace vidattn
