#include "harness/host/preflight.h"

#include <fmt/format.h>
#include <omp.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <numeric>
#include <sstream>

#include "metrics/machine/peak.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

using State = PreflightCheck::State;

constexpr int kBursts = 10;  // of about 50 ms each

State grade(double value, double warn, double invalid) {
  return value > invalid ? State::invalid : value > warn ? State::warn : State::pass;
}

PreflightCheck load_check() {
  std::ifstream in("/proc/loadavg");
  double load = 0;
  if (!(in >> load)) return {"load", State::warn, "not known on this system"};
  const double per_core = load / omp_get_num_procs();
  return {"load", per_core > 0.5 ? State::warn : State::pass,
          fmt::format("load average {:.2f} on {} cores; other programs should rest", load,
                      omp_get_num_procs())};
}

PreflightCheck governor_check() {
  std::ifstream in("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  std::string governor;
  if (!(in >> governor))
    return {"governor", State::pass, "not known on this system (usual in virtual machines)"};
  return {"governor", governor == "performance" ? State::pass : State::warn,
          fmt::format("{}; performance keeps the clock steadier", governor)};
}

PreflightCheck steal_check(const CpuTicks& from, const CpuTicks& to) {
  if (to.total == 0) return {"steal", State::warn, "not known on this system"};
  const double share = stolen_share(from, to);
  return {"steal", grade(share, 0.01, 0.2),
          fmt::format("{:.1f}% of the time went to other virtual machines", 100 * share)};
}

PreflightCheck throttling_check(const std::vector<double>& rates) {
  const auto half = rates.begin() + static_cast<int64_t>(rates.size() / 2);
  const double first = *std::max_element(rates.begin(), half);
  const double second = *std::max_element(half, rates.end());
  const double loss = 1 - second / first;
  return {"throttling", grade(loss, 0.05, 0.25),
          fmt::format("best speed changed by {:+.1f}% within half a second of load", -100 * loss)};
}

PreflightCheck noise_check(const std::vector<double>& rates) {
  const double loss = highest(rates) / median(rates) - 1;
  return {"noise", grade(loss, 0.05, 0.5),
          fmt::format("the median burst takes {:.1f}% longer than the best", 100 * loss)};
}

}  // namespace

CpuTicks cpu_ticks() {
  // "cpu0 user nice system idle iowait irq softirq steal guest guest_nice"; user includes guest.
  constexpr size_t kIdle = 3, kIowait = 4, kSteal = 7, kCounted = 8;
  cpu_set_t usable;
  if (sched_getaffinity(0, sizeof usable, &usable) != 0) return {};
  std::ifstream in("/proc/stat");
  CpuTicks sum;
  for (std::string line; std::getline(in, line);) {
    int cpu = 0;
    if (std::sscanf(line.c_str(), "cpu%d ", &cpu) != 1 || !CPU_ISSET(cpu, &usable)) continue;
    std::istringstream values(line.substr(line.find(' ')));
    std::array<int64_t, kCounted> ticks{};
    for (int64_t& t : ticks)
      if (!(values >> t)) return {};
    const int64_t total = std::accumulate(ticks.begin(), ticks.end(), int64_t{0});
    sum.total += total;
    sum.busy += total - ticks[kIdle] - ticks[kIowait] - ticks[kSteal];
    sum.stolen += ticks[kSteal];
  }
  return sum;
}

double cpus_of_others(const CpuTicks& from, const CpuTicks& to, double own_seconds) {
  const auto total = static_cast<double>(to.total - from.total);
  if (total <= 0) return 0;
  const double busy = static_cast<double>(to.busy - from.busy);
  const double own = own_seconds * static_cast<double>(sysconf(_SC_CLK_TCK));
  return std::max(0.0, busy - own) / total * omp_get_num_procs();
}

double stolen_share(const CpuTicks& from, const CpuTicks& to) {
  const int64_t total = to.total - from.total;
  return total <= 0 ? 0 : static_cast<double>(to.stolen - from.stolen) / static_cast<double>(total);
}

std::vector<PreflightCheck> preflight() {
  const PreflightCheck load = load_check();
  const CpuTicks before = cpu_ticks();
  std::vector<double> rates;
  for (int i = 0; i < kBursts; ++i) rates.push_back(fma_peak_gflops(omp_get_max_threads()));
  return {load, steal_check(before, cpu_ticks()), governor_check(), throttling_check(rates),
          noise_check(rates)};
}

std::string to_string(State state) {
  return state == State::pass ? "pass" : state == State::warn ? "warn" : "invalid";
}

nlohmann::json to_json(const std::vector<PreflightCheck>& checks) {
  nlohmann::json json = nlohmann::json::array();
  for (const PreflightCheck& check : checks)
    json.push_back(
        {{"name", check.name}, {"state", to_string(check.state)}, {"message", check.message}});
  return json;
}

std::vector<PreflightCheck> preflight_from_json(const JsonReader& json) {
  std::vector<PreflightCheck> checks;
  for (const JsonReader& j : json.items()) {
    const std::string state = j.at("state").text();
    if (state != "pass" && state != "warn" && state != "invalid")
      j.at("state").expected("pass, warn or invalid");
    checks.push_back({j.at("name").text(),
                      state == "pass"   ? State::pass
                      : state == "warn" ? State::warn
                                        : State::invalid,
                      j.at("message").line()});
  }
  return checks;
}

std::string preflight_line(const std::vector<PreflightCheck>& checks) {
  if (checks.empty()) return "";
  std::string text;
  for (const PreflightCheck& check : checks)
    if (check.state != State::pass)
      text += fmt::format("{}{}: {} ({})", text.empty() ? "" : "; ", to_string(check.state),
                          check.name, check.message);
  return fmt::format("preflight: {}\n", text.empty() ? "pass" : text);
}

bool preflight_invalid(const std::vector<PreflightCheck>& checks) {
  return std::any_of(checks.begin(), checks.end(),
                     [](const PreflightCheck& check) { return check.state == State::invalid; });
}

}  // namespace vidattn
