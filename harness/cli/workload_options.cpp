#include "harness/cli/workload_options.h"

#include "attention/grid.h"
#include "harness/workloads/shots.h"

namespace vidattn {

void WorkloadOptions::add_grid(CLI::App& app) {
  app.add_option("--grid", grid_, "latent frames, height and width in tokens: T,H,W")
      ->delimiter(',')
      ->expected(3);
  // Parsed here: CLI11 takes an empty list for no option at all.
  app.add_option_function<std::string>(
      "--shots", [this](const std::string& text) { shots_ = parse_shots(text); },
      "first latent frame of every shot: 0,10,20");
}

void WorkloadOptions::add_all(CLI::App& app) {
  app.add_option("--workload", request_.spec, "film | video:PATH | tensors:PATH")
      ->capture_default_str();
  add_grid(app);
  app.add_option("--heads", request_.heads, "heads of the synthesized tensors")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  app.add_option("--dim", request_.dim, "channels per head, a multiple of 8")
      ->capture_default_str()
      ->check(CLI::Range(8, 1024));
  app.add_option("--seed", request_.seed, "seed of the film and the projections")
      ->check(CLI::Range(0.0, 1e18))
      ->capture_default_str();
  app.add_option("--peak", request_.peak,
                 "share of the attention mass on the strongest 5% of the keys, to calibrate to; "
                 "0 = 0.8")
      ->capture_default_str();
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
