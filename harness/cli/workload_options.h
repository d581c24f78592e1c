#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/cli/option.h"
#include "harness/workloads/request.h"
#include "harness/workloads/selection/choose_calls.h"

namespace vidattn {

/// The command-line options that describe a workload. The object must outlive their parsing.
class WorkloadOptions {
 public:
  WorkloadOptions() = default;
  /// `trained`: what is measured where no workload is named, unless an option is given that only
  /// synthesized tensors have (--heads, --dim, --peak, --shots, --masks): those are the film's.
  explicit WorkloadOptions(std::string trained) : trained_(std::move(trained)) {}

  /// --workload --grid --shots --scale, those of synthesized tensors (--heads --dim --seed --peak)
  /// and those of captures (--attention --layout --prefix --valid --batch-entry --layer --step
  /// --head-range)
  std::vector<Option> all();
  /// --grid and --shots alone
  std::vector<Option> grid();
  /// --scale and --attention alone
  Option scale();
  Option attention();
  /// The request as given; throws InputError for a grid that makes no sense, and where lists of
  /// numbers choose several calls of a capture.
  WorkloadRequest request() const;
  /// The same for a command that takes several calls, with the lists that choose them.
  WorkloadRequest request(CallSelection& selection) const;
  /// What `--layers` and `--steps` say with a list.
  void choose_layers(NumberList layers) { lists_.layers = std::move(layers); }
  void choose_steps(NumberList steps) { lists_.steps = std::move(steps); }

 private:
  std::vector<Option> capture();

  Option heads();
  Option numbers(const char* name, NumberList CallSelection::*list, int64_t CaptureOptions::*single,
                 const char* help);

  bool given(const char* option) const;
  /// Throws InputError for options that the kind of workload has no use for.
  void check_options(const std::string& spec) const;
  /// What --workload says, or stands for where it is not given.
  std::string spec() const;

  WorkloadRequest request_;
  std::string trained_;  ///< empty = film
  std::map<std::string, bool> given_;
  CallSelection lists_;  ///< of several numbers; single ones stand in the request
  std::vector<int64_t> grid_, shots_;
};

}  // namespace vidattn
