#include "harness/cli/workload_options.h"

#include "attention/grid.h"
#include "harness/workloads/kind.h"
#include "harness/workloads/shots.h"

namespace vidattn {

std::vector<Option> WorkloadOptions::grid() {
  return {Option("--grid", &grid_, "latent frames, height and width in tokens: T,H,W").of(3),
          // Not a list of numbers: an empty one would be taken for no option at all.
          Option(
              "--shots", [this](const std::string& text) { shots_ = parse_shots(text); },
              "first latent frame of every shot: 0,10,20")};
}

std::vector<Option> WorkloadOptions::all() {
  std::vector<Option> options = grid();
  options.insert(options.begin(), Option("--workload", &request_.spec, workload_usages(" | ")));
  const std::vector<Option> synthesized = {
      Option("--heads", &request_.heads, "heads of the synthesized tensors").in(1, 1024),
      Option("--dim", &request_.dim, "channels per head, a multiple of 8").in(8, 1024),
      Option("--seed", &request_.seed, "seed of the film and the projections").in(0, 1e18),
      Option("--peak", &request_.peak,
             "share of the attention mass on the strongest 5% of the keys, to calibrate to; "
             "0 = 0.8")};
  options.push_back(scale());
  options.insert(options.end(), synthesized.begin(), synthesized.end());
  for (Option& option : options) option.under("Workload");
  return options;
}

Option WorkloadOptions::scale() {
  return Option("--scale", &request_.scale, "softmax scale; 0 = 1/sqrt(D)").in(0, 1e30);
}

WorkloadRequest WorkloadOptions::request() const {
  WorkloadRequest request = request_;
  if (grid_.size() == 3) {
    request.frames = grid_[0];
    request.height = grid_[1];
    request.width = grid_[2];
    VideoGrid{request.frames, request.height, request.width}.validate();
  }
  request.shots = shots_;
  return request;
}

}  // namespace vidattn
