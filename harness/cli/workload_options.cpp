#include "harness/cli/workload_options.h"

#include <fmt/format.h>

#include <limits>

#include "attention/error.h"
#include "attention/grid.h"
#include "harness/cli/options.h"
#include "harness/io/file.h"
#include "harness/workloads/kind.h"
#include "harness/workloads/shots.h"

namespace vidattn {
namespace {

void check_head_range(const WorkloadRequest& request) {
  const std::string& range = request.capture.head_range;
  if (range.empty()) return;
  parse_head_range(range, "the head range");
  if (find_workload_kind(request.spec).synthesized)
    throw InputError(fmt::format("heads {} are a choice from a capture (tensors:PATH)", range));
}

}  // namespace

bool WorkloadOptions::given(const char* option) const {
  const auto found = given_.find(option);
  return found != given_.end() && found->second;
}

std::string WorkloadOptions::spec() const {
  if (trained_.empty() || given("--workload")) return request_.spec;
  for (const char* option : {"--heads", "--dim", "--peak", "--shots", "--masks"})
    if (given(option)) return request_.spec;
  return trained_;
}

void WorkloadOptions::check_options(const std::string& spec) const {
  const WorkloadKind& kind = find_workload_kind(spec);
  if (kind.synthesized) return;
  for (const char* option : {"--dim", "--peak", "--heads"})
    if (given(option) && (kind.seeded || std::string(option) != "--heads"))
      throw InputError(
          fmt::format("{} is of synthesized tensors (film, video:PATH, steps:N): {} has its own",
                      option, in_quotes(spec)));
}

std::vector<Option> WorkloadOptions::grid() {
  return {Option("--grid", &grid_, "latent frames, height and width in tokens: T,H,W").of(3),
          // Not a list of numbers: an empty one would be taken for no option at all.
          Option(
              "--shots", [this](const std::string& text) { shots_ = parse_shots(text); },
              "first latent frame of every shot: 0,10,20")};
}

std::vector<Option> WorkloadOptions::all() {
  std::vector<Option> options = grid();
  Option workload("--workload", &request_.spec, workload_usages(" | "));
  if (!trained_.empty())
    workload.shown_as(trained_ + ", or film where options are given that only it has");
  options.insert(options.begin(), workload);
  const std::vector<Option> synthesized = {
      heads(), Option("--dim", &request_.dim, "channels per head, a multiple of 8").in(8, 1024),
      Option("--seed", &request_.seed, "seed of the film and the projections").in(0, 1e18),
      Option("--peak", &request_.peak,
             "share of the attention mass on the strongest 5% of the keys, to calibrate to; "
             "0 = 0.8"),
      Option("--masks", &request_.masks,
             "who is where, for `router IoU`: persons[:FILE], found in a video by a network "
             "(harness/get_models.sh), or characters, the film's own")};
  options = joined({options, {scale()}, synthesized, capture()});
  for (Option& option : options) option.under("Workload").tells(given_[option.name]);
  return options;
}

Option WorkloadOptions::scale() {
  return Option("--scale", &request_.scale, "softmax scale; 0 = 1/sqrt(D), or as a capture says")
      .in(0, 1e30);
}

Option WorkloadOptions::attention() {
  return Option(
             "--attention", &request_.capture.attention,
             "whether the keys are the queries' tokens (self) or others (cross), where there are "
             "as many")
      .one_of({kSelf, kCross});
}

std::vector<Option> WorkloadOptions::capture() {
  constexpr double kMost = std::numeric_limits<int32_t>::max();
  CaptureOptions& capture = request_.capture;
  return {attention(),
          Option("--layout", &capture.layout,
                 "order of a capture's axes: lhd, hld, blhd, bhld, l(hd) …"),
          Option("--prefix", &capture.prefix, "tokens of a capture before the video").in(0, kMost),
          Option("--valid", &capture.valid, "tokens of a capture before its padding").in(1, kMost),
          numbers("--batch-entry", &CallSelection::batch_entries, &CaptureOptions::batch_entry,
                  "entry of a capture's batch, from 0; run and sweep take lists as 0,1"),
          numbers("--layer", &CallSelection::layers, &CaptureOptions::layer,
                  "layer to take of a capture; run and sweep take lists as 0,14,29 or 0-3"),
          numbers("--step", &CallSelection::steps, &CaptureOptions::step,
                  "step to take of a capture; run and sweep take lists, too"),
          Option("--head-range", &capture.head_range, "heads to read of a capture: 0-3")};
}

/// A number, or of a capture a range as --head-range has it.
Option WorkloadOptions::heads() {
  const auto take = [this](const std::string& text) {
    const NumberList heads(text, "--heads");
    constexpr int64_t kMostHeads = 1024;
    if (const auto number = heads.only()) {
      if (*number < 1 || *number > kMostHeads)
        throw InputError(
            fmt::format("--heads: Value {} not in range 1 to {}", *number, kMostHeads));
      request_.heads = request_.capture.heads = *number;
    } else {
      request_.capture.head_range = text;
    }
  };
  return Option("--heads", take,
                "heads of the synthesized tensors, or of a capture's flat channels; with a range, "
                "0-3, those to read of a capture")
      .shown_as(std::to_string(request_.heads));
}

Option WorkloadOptions::numbers(const char* name, NumberList CallSelection::*list,
                                int64_t CaptureOptions::*single, const char* help) {
  return {name,
          [this, name, list, single](const std::string& text) {
            const NumberList numbers(text, name);
            if (const auto number = numbers.only())
              request_.capture.*single = *number;
            else
              lists_.*list = numbers;
          },
          help};
}

WorkloadRequest WorkloadOptions::request(CallSelection& selection) const {
  selection = lists_;
  WorkloadRequest request = request_;
  request.spec = spec();
  if (grid_.size() == 3) {
    request.frames = grid_[0];
    request.height = grid_[1];
    request.width = grid_[2];
    VideoGrid{request.frames, request.height, request.width}.validate();
  }
  request.shots = shots_;
  check_head_range(request);
  check_options(request.spec);
  return request;
}

WorkloadRequest WorkloadOptions::request() const {
  CallSelection selection;
  WorkloadRequest one = request(selection);
  if (!selection.layers.empty() || !selection.steps.empty() || !selection.batch_entries.empty())
    throw InputError(
        "one call of a capture is needed: --layer, --step and --batch-entry take one number here, "
        "and lists in run and sweep");
  return one;
}

}  // namespace vidattn
