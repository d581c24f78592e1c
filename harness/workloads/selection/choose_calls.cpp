#include "harness/workloads/selection/choose_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/workloads/capture/metadata.h"
#include "harness/workloads/capture/operands.h"
#include "harness/workloads/capture/settings.h"
#include "harness/workloads/capture/source.h"
#include "harness/workloads/kind.h"
#include "harness/workloads/tensors.h"

namespace vidattn {
namespace {

/// Every number or range that was asked for is that of some call. `name` is "layer", `there` what
/// the calls have.
void require_found(const NumberList& wanted, std::set<int64_t> there, const char* name,
                   const CapturePath& path) {
  there.erase(-1);
  for (const NumberList::Range& range : wanted.ranges()) {
    const auto found = there.lower_bound(range.first);
    if (found != there.end() && *found <= range.last) continue;
    throw InputError(fmt::format("{} has no call of {} {}: {}", in_quotes(path.path.native()), name,
                                 range.text(), numbers_there(name, there)));
  }
}

void keep_wanted(std::vector<CaptureCall>& calls, const CallSelection& selection,
                 const CapturePath& path) {
  std::set<int64_t> layers, steps;
  for (const CaptureCall& call : calls) {
    layers.insert(call.layer);
    steps.insert(call.step);
  }
  require_found(selection.layers, layers, "layer", path);
  require_found(selection.steps, steps, "step", path);
  std::erase_if(calls, [&](const CaptureCall& call) {
    return !selection.layers.takes(call.layer) || !selection.steps.takes(call.step);
  });
  if (calls.empty())
    throw InputError(
        fmt::format("{} has no call of those layers and steps", in_quotes(path.path.native())));
}

/// Whether a file that cannot be read may hold a chosen call, by its name.
bool concerns(const Unreadable& file, const CallSelection& selection) {
  const auto may_be = [](const NumberList& wanted, std::optional<int64_t> number) {
    return !number || wanted.takes(*number);
  };
  return may_be(selection.layers, layer_in(file.source)) &&
         may_be(selection.steps, step_in(file.source));
}

/// Whether a call's layer and step are no other call's.
bool told_by_numbers(const CaptureCall& call, const std::vector<CaptureCall>& calls) {
  return std::count_if(calls.begin(), calls.end(), [&](const CaptureCall& other) {
           return (call.layer < 0 || call.layer == other.layer) &&
                  (call.step < 0 || call.step == other.step);
         }) == 1;
}

WorkloadRequest request_of_call(const WorkloadRequest& shared, const CaptureCall& call,
                                bool by_numbers) {
  WorkloadRequest one = shared;
  one.call = call;
  one.capture.layer = by_numbers ? call.layer : -1;
  one.capture.step = by_numbers ? call.step : -1;
  if (!by_numbers) one.spec = tensors_spec({call.source, call.names.prefix});
  return one;
}

/// How many calls lie in one, as the entries of a batch. What is wrong with it is said when it is
/// loaded.
int64_t entries_of(const CaptureCall& call, const WorkloadRequest& request) {
  try {
    const auto source = open_source(call.source);
    const CaptureMetadata said =
        read_capture_metadata(source->metadata(call.names.qkv[0]), in_quotes(call.source.native()));
    std::vector<std::string> ignored;
    return open_operands(*source, call.names, settle(request, said, ignored), ignored).batch;
  } catch (const InputError&) {
    return 1;
  }
}

void refuse_where_no_capture(const WorkloadRequest& request, const CallSelection& selection) {
  if (!selection.layers.empty() || !selection.steps.empty() || !selection.batch_entries.empty())
    throw InputError(fmt::format(
        "lists of layers, steps or batch entries choose calls of a capture (tensors:PATH), and {} "
        "is none",
        in_quotes(request.spec)));
}

/// All steps of a kind that is a run, or the one that is asked for.
ChosenCalls choose_steps(const WorkloadRequest& request, const CallSelection& selection) {
  if (!selection.layers.empty() || !selection.steps.empty() || !selection.batch_entries.empty())
    throw InputError(fmt::format("{} is measured whole, or at one --step of one --layer",
                                 in_quotes(request.spec)));
  const int64_t steps = find_workload_kind(request.spec).steps(request);
  if (request.capture.step >= 0) return {{request}, {}};
  ChosenCalls chosen;
  for (int64_t step = 0; step < steps; ++step) {
    chosen.requests.push_back(request);
    chosen.requests.back().capture.step = step;
  }
  return chosen;
}

}  // namespace

ChosenCalls choose_calls(const WorkloadRequest& request, const CallSelection& selection) {
  if (find_workload_kind(request.spec).steps) return choose_steps(request, selection);
  ChosenCalls chosen{{request}, {}};
  const std::optional<CapturePath> path = tensors_path(request.spec);
  if (!path) {
    refuse_where_no_capture(request, selection);
    return chosen;
  }
  std::vector<CaptureCall> calls = list_calls(*path, request.capture, &chosen.unreadable);
  keep_wanted(calls, selection, *path);
  std::erase_if(chosen.unreadable,
                [&](const Unreadable& file) { return !concerns(file, selection); });
  std::vector<WorkloadRequest> requests;
  std::set<int64_t> entries;
  for (const CaptureCall& call : calls) {
    const WorkloadRequest one = request_of_call(request, call, told_by_numbers(call, calls));
    const int64_t count = request.capture.batch_entry >= 0 ? 1 : entries_of(call, one);
    for (int64_t entry = 0; entry < count; ++entry) {
      entries.insert(entry);
      if (!selection.batch_entries.takes(entry)) continue;
      requests.push_back(one);
      if (count > 1) requests.back().capture.batch_entry = entry;
    }
  }
  require_found(selection.batch_entries, entries, "batch entry", *path);
  const bool alone = requests.size() == 1 && chosen.unreadable.empty() &&
                     requests[0].capture.batch_entry == request.capture.batch_entry;
  if (!alone) chosen.requests = std::move(requests);
  return chosen;
}

}  // namespace vidattn
