#include "harness/distributed/run_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>

#include "harness/distributed/parts/exchange.h"
#include "harness/distributed/parts/volume.h"
#include "harness/distributed/ranks/session.h"
#include "harness/workloads/in_dtype.h"
#include "metrics/machine/memory.h"
#include "metrics/plan/check/equality.h"
#include "metrics/plan/fidelity.h"

namespace vidattn {
namespace {

/// Merging by LSE in float32 against one softmax.
constexpr double kRingLimit = 2e-6;

std::vector<int64_t> all_rows(const Tensor& of) {
  std::vector<int64_t> rows(of.length());
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

double median_of(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + std::ssize(values) / 2, values.end());
  return values[values.size() / 2];
}

/// The call without ranks, on rank 0.
class Alone {
 public:
  Alone(const BackendSpec& spec, const Device& device, Inputs whole)
      : spec_(spec), device_(device), in_(std::move(whole)) {
    in_.device = &device;
  }
  /// Seconds of planning and attention.
  double run() {
    const auto start = Clock::now();
    plan_ = spec_.backend->plan(in_, spec_.params);
    device_.run(plan_, in_, out_);
    return seconds_since(start);
  }
  std::string fault() const { return check_equality(plan_, in_, out_).reason; }
  double limit() const {
    return in_.q->dtype() == DType::f32 ? kRingLimit : allowed_error(in_, {0});
  }
  const Tensor& o() const { return out_.o; }

 private:
  const BackendSpec& spec_;
  const Device& device_;
  Inputs in_;
  Plan plan_;
  Output out_;
};

void compare(const Tensor& shared, const Alone& alone, const RankLayout& layout,
             DistributedCase& result) {
  const Tensor& want = alone.o();
  result.same_bits =
      std::memcmp(shared.data<char>(), want.data<char>(), static_cast<size_t>(want.bytes())) == 0;
  result.error = result.same_bits ? 0 : relative_l2_between(shared, want, all_rows(shared));
  result.limit = layout.tokens == 1 ? 0 : alone.limit();
  result.reason = alone.fault();
  if (result.reason.empty() && !(result.error <= result.limit))
    result.reason =
        fmt::format("the shared result is {:.3g} from one process's, allowed are {:.3g}",
                    result.error, result.limit);
}

}  // namespace

DistributedCase run_case(Communicator& world, const RankLayout& layout, const BackendSpec& spec,
                         const Device& device, DType dtype, Inputs whole, int repeat,
                         OwnCores& cores) {
  DistributedCase result{
      .backend = spec.text(), .device = device.name(), .dtype = to_string(dtype)};
  const bool first = world.rank() == 0;
  std::optional<SharedInputs> own;
  std::optional<Alone> alone;
  agree(world, [&] {
    whole.device = &device;
    spec.backend->prepare(whole, spec.params);
    set_dtype(whole, dtype, "the workload");
    own = share_inputs(whole, spec.backend->info().inputs, layout, world.rank());
    if (first) alone.emplace(spec, device, whole);
    whole = {};
  });
  SharedCall call(world, layout, spec, *own, device);
  Output out;
  const PeakMemory memory;
  call.run(out);
  result.peak_bytes = world.all_gather(own->bytes() + memory.extra_bytes().value_or(0));
  const Tensor shared = gather_tokens_at_first(world, out.o);
  if (first) {
    cores.with_all([&] { alone->run(); });
    compare(shared, *alone, layout, result);
  }
  const std::vector<int64_t> believed = world.all_gather(int64_t{result.reason.empty()});
  result.expected = world.all_gather(
      bytes_sent(layout, own->shape, world.rank(), static_cast<int64_t>(out.lse.size())));
  if (believed[0] == 0) return result;

  std::vector<double> of_one, of_all;
  std::vector<std::vector<RankTimes>> runs;
  for (int i = 0; i < repeat; ++i) {
    if (first) cores.with_all([&] { of_one.push_back(alone->run()); });
    world.barrier();
    runs.push_back(all_gather_values(world, std::vector{call.run(out)}));
    double slowest = 0;
    for (const RankTimes& rank : runs.back()) slowest = std::max(slowest, rank.total);
    of_all.push_back(slowest);
  }
  result.total = median_of(of_all);
  result.ranks = runs[std::find(of_all.begin(), of_all.end(), result.total) - of_all.begin()];
  if (first) result.alone = median_of(of_one);
  return result;
}

}  // namespace vidattn
