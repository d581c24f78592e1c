#include "harness/cli/workload_options.h"

#include <limits>

#include "attention/grid.h"
#include "harness/cli/options.h"
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
      Option("--heads", &request_.heads,
             "heads of the synthesized tensors, or of a capture's flat channels")
          .in(1, 1024)
          .tells(heads_given_),
      Option("--dim", &request_.dim, "channels per head, a multiple of 8").in(8, 1024),
      Option("--seed", &request_.seed, "seed of the film and the projections").in(0, 1e18),
      Option("--peak", &request_.peak,
             "share of the attention mass on the strongest 5% of the keys, to calibrate to; "
             "0 = 0.8")};
  options = joined({options, {scale()}, synthesized, capture()});
  for (Option& option : options) option.under("Workload");
  return options;
}

Option WorkloadOptions::scale() {
  return Option("--scale", &request_.scale, "softmax scale; 0 = 1/sqrt(D), or as a capture says")
      .in(0, 1e30);
}

std::vector<Option> WorkloadOptions::capture() {
  constexpr double kMost = std::numeric_limits<int32_t>::max();
  CaptureOptions& capture = request_.capture;
  return {Option("--layout", &capture.layout,
                 "order of a capture's axes: lhd, hld, blhd, bhld, l(hd) …"),
          Option("--prefix", &capture.prefix, "tokens of a capture before the video").in(0, kMost),
          Option("--valid", &capture.valid, "tokens of a capture before its padding").in(1, kMost),
          Option("--batch-entry", &capture.batch_entry, "entry of a capture's batch, from 0")
              .in(0, kMost),
          Option("--layer", &capture.layer, "layer to take of a capture of several").in(0, kMost),
          Option("--step", &capture.step, "step to take of a capture of several").in(0, kMost),
          Option("--head-range", &capture.head_range, "heads to read of a capture: 0-3")};
}

WorkloadRequest WorkloadOptions::request() const {
  WorkloadRequest request = request_;
  if (heads_given_) request.capture.heads = request.heads;
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
