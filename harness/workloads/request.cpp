#include "harness/workloads/request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/workloads/kind.h"

namespace vidattn {

std::vector<std::string> workload_arguments(const WorkloadRequest& r) {
  std::vector<std::string> words{"--workload", r.spec};
  const auto add = [&](const char* option, const std::string& value) {
    words.insert(words.end(), {option, value});
  };
  if (r.frames > 0) add("--grid", fmt::format("{},{},{}", r.frames, r.height, r.width));
  if (!r.shots.empty()) add("--shots", fmt::format("{}", fmt::join(r.shots, ",")));
  if (r.scale != 0) add("--scale", fmt::format("{}", r.scale));
  if (!r.masks.empty()) add("--masks", r.masks);
  const WorkloadKind& kind = find_workload_kind(r.spec);
  if (kind.seeded) {
    add("--seed", std::to_string(r.seed));
    return words;
  }
  if (!kind.synthesized) {
    const std::vector<std::string> capture = capture_arguments(r.capture);
    words.insert(words.end(), capture.begin(), capture.end());
    if (r.carry) words.emplace_back("--carry");
    return words;
  }
  add("--heads", std::to_string(r.heads));
  add("--dim", std::to_string(r.dim));
  add("--seed", std::to_string(r.seed));
  if (r.peak != 0) add("--peak", fmt::format("{}", r.peak));
  if (kind.steps == nullptr) return words;
  if (r.capture.layer >= 0) add("--layer", std::to_string(r.capture.layer));
  if (r.capture.step >= 0) add("--step", std::to_string(r.capture.step));
  if (r.carry) words.emplace_back("--carry");
  return words;
}

}  // namespace vidattn
