#include "harness/workloads/workload.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "attention/error.h"
#include "harness/host/progress.h"
#include "harness/workloads/tensors.h"
#include "harness/workloads/video/video_workload.h"

namespace vidattn {

Workload make_workload(const WorkloadRequest& request) {
  if (request.spec == "film") return film_workload(request);
  if (request.spec.rfind("video:", 0) == 0) return video_workload(request);
  if (request.spec.rfind("tensors:", 0) == 0) return tensors_workload(request);
  throw InputError("unknown workload '" + request.spec +
                   "': known are film, video:PATH, tensors:PATH");
}

Workload build_workload(WorkloadRequest request) {
  constexpr int64_t kSteps = 1000;
  Progress progress("building the workload", kSteps);
  request.progress = [&](double share) { progress.update(static_cast<int64_t>(share * kSteps)); };
  return make_workload(request);
}

std::vector<std::string> workload_arguments(const WorkloadRequest& r) {
  std::vector<std::string> words{"--workload", r.spec};
  const auto add = [&](const char* option, const std::string& value) {
    words.insert(words.end(), {option, value});
  };
  if (r.frames > 0) add("--grid", fmt::format("{},{},{}", r.frames, r.height, r.width));
  if (!r.shots.empty()) add("--shots", fmt::format("{}", fmt::join(r.shots, ",")));
  if (r.spec.rfind("tensors:", 0) == 0) return words;
  add("--heads", std::to_string(r.heads));
  add("--dim", std::to_string(r.dim));
  add("--seed", std::to_string(r.seed));
  if (r.peak != 0) add("--peak", fmt::format("{}", r.peak));
  return words;
}

}  // namespace vidattn
