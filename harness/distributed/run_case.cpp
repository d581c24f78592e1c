#include "harness/distributed/run_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <optional>

#include "attention/error.h"
#include "harness/distributed/alone.h"
#include "harness/distributed/parts/exchange.h"
#include "harness/distributed/parts/volume.h"
#include "harness/distributed/ranks/session.h"
#include "harness/measure/verify.h"
#include "harness/workloads/in_dtype.h"
#include "metrics/machine/memory.h"
#include "metrics/plan/check/equality.h"
#include "metrics/plan/check/gradients.h"
#include "metrics/plan/fidelity.h"

namespace vidattn {
namespace {

/// Merging by LSE in float32 against one softmax; gradients are sums of partial sums.
constexpr double kRingLimit = 2e-6, kRingGradientLimit = 4 * kRingLimit;
/// What all ranks' parts are added up to, under Ulysses too (a router's layer, SLA's projection).
constexpr double kSumLimit = 2e-6;
/// Of half types, in units of what is allowed for outputs, as the check of gradients has it.
constexpr double kGradientsOverOutputs = 2.5;

std::vector<int64_t> all_rows(const Tensor& of) {
  std::vector<int64_t> rows(of.length());
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

double median_of(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + std::ssize(values) / 2, values.end());
  return values[values.size() / 2];
}

Difference difference_of(const Tensor& shared, const Alone& alone, const RankLayout& layout) {
  const Tensor& want = alone.o();
  Difference found;
  found.same_bits =
      std::memcmp(shared.data<char>(), want.data<char>(), static_cast<size_t>(want.bytes())) == 0;
  if (!found.same_bits) found.error = relative_l2_between(shared, want, all_rows(shared));
  if (layout.tokens > 1)
    found.limit = want.dtype() == DType::f32 ? kRingLimit : allowed_error(alone.in(), {0});
  return found;
}

/// Relative L2; absolute where nothing is expected.
double gradient_difference(const std::vector<float>& got, const std::vector<float>& want) {
  double error = 0, norm = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    error += std::pow(double{got[i]} - double{want[i]}, 2);
    norm += std::pow(double{want[i]}, 2);
  }
  return std::sqrt(norm > 0 ? error / norm : error);
}

using NamedArrays = std::map<std::string, Array>;

/// What every gradient of `want` differs by. Those of q, k and v have the bits of one process under
/// Ulysses, and count for that; those of inputs are sums of ranks' parts.
Difference difference_of(const NamedArrays& got, const Alone& alone, const RankLayout& layout) {
  Difference found;
  if (layout.tokens > 1)
    found.limit = alone.in().q->dtype() == DType::f32
                      ? kRingGradientLimit
                      : kGradientsOverOutputs * allowed_error(alone.in(), {0});
  for (const auto& [name, array] : alone.gradients()) {
    const auto &a = std::get<std::vector<float>>(got.at(name).values),
               &b = std::get<std::vector<float>>(array.values);
    if (std::memcmp(a.data(), b.data(), b.size() * sizeof(float)) == 0) continue;
    const bool of_call = name == "q" || name == "k" || name == "v";
    found.same_bits &= !of_call;
    if (!of_call) found.limit = std::max(found.limit, kSumLimit);
    found.error = std::max(found.error, gradient_difference(a, b));
  }
  return found;
}

/// Each tensor's rows of all ranks on the first, the other arrays as they are there.
NamedArrays gathered(Communicator& world, const SharedGradients& found, int64_t own_tokens) {
  NamedArrays all;
  all["q"] = to_array(gather_tokens_at(0, world, found.q));
  all["k"] = to_array(gather_tokens_at(0, world, found.k));
  all["v"] = to_array(gather_tokens_at(0, world, found.v));
  for (const auto& [name, array] : found.inputs)
    all[name] = array.shape[0] == own_tokens ? *gather_tokens(world, array) : array;
  return all;
}

/// The ranks' share of a case: its calls and what is known of them.
class SharedCase {
 public:
  SharedCase(Communicator& world, const RankLayout& layout, const BackendSpec& spec,
             const SharedInputs& own, const Device& device, Pass pass)
      : world_(world),
        layout_(layout),
        own_(own),
        pass_(pass),
        call_(world, layout, spec, own, device) {
    out_.keep = times_backward(pass);
    if (!out_.keep) return;
    const Share rows = layout.tokens_of(world.rank(), own.shape.length);
    d_o_ = sample_output_gradient(own.shape.heads, own.shape.value_dim, rows.begin, rows.end);
  }

  /// All that is timed, once. Seconds of the slowest rank. `fault` gets why the own heads are not
  /// to be believed, by the reference; nothing = they are.
  double run(std::string* fault = nullptr) {
    EqualityCheck check, of_gradients;
    const RankTimes forward = call_.run(out_, fault != nullptr ? &check : nullptr);
    RankTimes backward;
    if (out_.keep)
      backward = call_.backward(d_o_, gradients_, fault != nullptr ? &of_gradients : nullptr);
    if (fault != nullptr) *fault = check.passed() ? of_gradients.reason : check.reason;
    forward_ = all_gather_values(world_, std::vector{forward});
    backward_ = all_gather_values(world_, std::vector{backward});
    double slowest = 0;
    for (int r = 0; r < world_.size(); ++r)
      slowest = std::max(slowest, (times_forward(pass_) ? forward_[r].total : 0) +
                                      (times_backward(pass_) ? backward_[r].total : 0));
    return slowest;
  }

  /// Compares the last run's results with one process, on the first rank.
  void compare(const std::optional<Alone>& alone, DistributedCase& result) {
    const Tensor shared = gather_tokens_at(0, world_, out_.o);
    if (alone) judge("result", result.output = difference_of(shared, *alone, layout_), result);
    if (!out_.keep) return;
    const NamedArrays found = gathered(world_, gradients_, own_.own.length());
    if (alone) judge("gradients", result.gradients = difference_of(found, *alone, layout_), result);
  }

  /// Of the last run, by rank; empty where a pass is not timed.
  std::vector<RankTimes> forward() const {
    return times_forward(pass_) ? forward_ : std::vector<RankTimes>();
  }
  std::vector<RankTimes> backward() const {
    return times_backward(pass_) ? backward_ : std::vector<RankTimes>();
  }

  /// Why this rank's heads of a run are not to be believed, by the reference; empty = they are.
  std::string fault() {
    std::string found;
    run(&found);
    return found;
  }

  void tell_expected(DistributedCase& result) {
    result.forward.expected = world_.all_gather(
        bytes_sent(layout_, own_.shape, world_.rank(), static_cast<int64_t>(out_.lse.size())));
    result.backward.expected =
        world_.all_gather(backward_bytes_sent(layout_, own_.shape, world_.rank()));
    result.figures = call_.figures();
  }

 private:
  static void judge(const char* what, const Difference& found, DistributedCase& result) {
    if (result.reason.empty() && !(found.error <= found.limit))
      result.reason =
          fmt::format("the shared {} {} {:.3g} from one process's, allowed are {:.3g}", what,
                      std::string(what) == "result" ? "is" : "are", found.error, found.limit);
  }

  Communicator& world_;
  const RankLayout& layout_;
  const SharedInputs& own_;
  Pass pass_;
  SharedCall call_;
  Tensor d_o_;
  Output out_;
  SharedGradients gradients_;
  std::vector<RankTimes> forward_, backward_;
};

}  // namespace

DistributedCase run_case(Communicator& world, const RankLayout& layout, const BackendSpec& spec,
                         const Device& device, const CaseOptions& options,
                         const SharedWorkload& workload, OwnCores& cores) {
  const auto [dtype, pass, repeat, link, seconds] = options;
  DistributedCase result{
      .backend = spec.text(), .device = device.name(), .dtype = to_string(dtype), .pass = pass};
  SharedInputs own = workload.own;
  std::optional<Alone> alone;
  agree(world, [&] {
    require_pass(options.pass, device, options.dtype);
    prepare_shared(spec, own, world);
    set_dtype(own.own, options.dtype, "the workload");
    own.shape.dtype = own.own.q->dtype();
    if (!workload.whole) return;
    Inputs whole = *workload.whole;
    spec.backend->prepare(whole, spec.params);
    set_dtype(whole, options.dtype, "the workload");
    alone.emplace(spec, device, std::move(whole), options.pass);
  });
  result.beside_one = world.all_gather(int64_t{alone.has_value()})[0] != 0;
  const PeakMemory memory;
  SharedCase shared(world, layout, spec, own, device, pass);
  shared.run();
  result.peak_bytes = world.all_gather(own.bytes() + memory.extra_bytes().value_or(0));
  if (alone) {
    cores.with_all([&] { alone->run(); });
    result.reason = alone->fault();
    shared.compare(alone, result);
  } else if (result.beside_one) {
    shared.compare(alone, result);
  } else {
    result.reason = shared.fault();
  }
  shared.tell_expected(result);
  const std::vector<std::string> faults = world.all_gather(result.reason);
  const auto fault =
      std::find_if(faults.begin(), faults.end(), [](const auto& text) { return !text.empty(); });
  if (fault != faults.end()) {
    result.reason = *fault;
    return result;
  }

  std::vector<double> of_one, of_all, attention;
  std::vector<std::vector<RankTimes>> forward, backward;
  double timed = 0;  // of the slowest ranks, and so the same on all
  for (int i = 0; i < repeat || timed < seconds; ++i) {
    if (alone) {
      cores.with_all([&] { of_one.push_back(alone->run()); });
      attention.push_back(alone->attention());
    }
    world.barrier();
    of_all.push_back(shared.run());
    timed += of_all.back();
    forward.push_back(shared.forward());
    backward.push_back(shared.backward());
  }
  result.total = median_of(of_all);
  const auto run = std::find(of_all.begin(), of_all.end(), result.total) - of_all.begin();
  result.forward.ranks = forward[run];
  result.backward.ranks = backward[run];
  if (!alone) return result;
  result.alone = median_of(of_one);
  for (const RankTimes& rank : result.forward.ranks)
    result.attended =
        std::max(result.attended, rank.total - rank.planning - rank.for_planning.waited);
  // A rank has a share of the cores that one process has.
  const double on_one = median_of(attention) * cores.all() / cores.threads();
  if (result.attended > 0 && world.size() > 1)
    result.predicted = predicted_seconds(alone->plan(), alone->in(), layout.grid(), on_one, link);
  return result;
}

}  // namespace vidattn
