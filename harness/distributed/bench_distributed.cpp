#include "harness/distributed/bench_distributed.h"

#include <fmt/format.h>

#include <algorithm>

#include "attention/error.h"
#include "harness/distributed/ranks/session.h"
#include "harness/distributed/report.h"
#include "harness/host/output/outputs.h"
#include "harness/host/record.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/io/text/counted.h"
#include "harness/measure/bench/shapes.h"
#include "harness/measure/pass_timing.h"
#include "harness/measure/record/measurement.h"
#include "harness/measure/verify.h"
#include "metrics/machine/peak.h"
#include "metrics/plan/stats.h"

namespace vidattn {
namespace {

constexpr int kFewestRuns = 3;

/// A line's plan as a method, which reads no tensor.
class LineMethod : public Backend {
 public:
  explicit LineMethod(BenchLine line) : line_(std::move(line)) {}
  std::string name() const override { return line_.shape; }
  BackendInfo describe() const override {
    return {.title = "a line of bench", .plans_from = PlansFrom::nothing};
  }
  Plan make_plan(const Inputs&, const Params&) const override { return bench_plan(line_); }

 private:
  BenchLine line_;
};

/// The lines that are of all threads, in float32 as made: run_case() brings them to `dtype`.
struct SharedLine {
  BenchLine line;
  DType dtype;
};

std::vector<SharedLine> shared_lines(bool quick, const RankLayout& layout) {
  std::vector<SharedLine> lines;
  for (BenchLine line : bench_lines(quick)) {
    if (line.threads != BenchLine().threads) continue;
    const DType dtype = std::exchange(line.dtype, DType::f32);
    line.heads = std::max<int64_t>(line.heads, layout.heads);
    lines.push_back({line, dtype});
  }
  return lines;
}

SharedWorkload workload_of(const BenchLine& line, const RankLayout& layout, int rank) {
  SharedWorkload workload{.name = line.shape};
  Inputs whole = bench_inputs(line);
  workload.own = share_inputs(whole, {}, layout, rank);
  if (rank == 0) workload.whole = std::move(whole);
  return workload;
}

/// What the ranks' units reach, all at once, for the type that the pass multiplies: gradients are
/// float32.
double peak_of_all(Communicator& world, const OwnCores& cores, DType dtype, Pass pass) {
  world.barrier();
  const DType multiplied = times_forward(pass) ? dtype : DType::f32;
  double sum = 0;
  for (const double peak : world.all_gather(peak_gflops(multiplied, cores.threads()))) sum += peak;
  return sum;
}

double flops_of(const BenchLine& line, Pass pass) {
  const CallShape shape{line.length, line.length, line.heads, line.heads, line.dim, line.dim};
  return timed_flops(plan_stats(bench_plan(line), without_values(shape, {})), pass);
}

std::string label_of(const SharedLine& of) {
  return fmt::format("{:<8} {:>7} {:>5} {:>4} {:>5}", of.line.shape, of.line.length, of.line.heads,
                     of.line.dim, to_string(of.dtype));
}

/// What went over the wires and was waited for: the most of any rank, in both passes.
double most_of(const DistributedCase& found, double (*seconds)(const RankTimes&)) {
  double most = 0;
  for (const SharedPass* pass : {&found.forward, &found.backward})
    for (const RankTimes& rank : pass->ranks) most = std::max(most, seconds(rank));
  return most;
}

class BenchRecord {
 public:
  BenchRecord(const DistributedBench& options, const RankLayout& layout, const Communicator& world,
              const OwnCores& cores)
      : options_(options),
        json_(record_header("bench --distributed", "1.1", options.bench.arguments)) {
    json_["device"] = options.bench.device;
    json_["pass"] = to_string(options.bench.pass);
    json_["distributed"] = distributed_json(layout, world, cores);
    json_["lines"] = nlohmann::json::array();
    print_out("{} over {} of {}; one process: {}\n", layout.text(), counted(world.size(), "rank"),
              counted(cores.threads(), "thread"), counted(cores.all(), "thread"));
    print_out("{:<8} {:>7} {:>5} {:>4} {:>5} {:>9} {:>8} {:>9} {:>9} {:>10} {:>11} {:>10}  {}\n",
              "shape", "N", "heads", "D", "dtype", "GFLOP/s", "of peak", "ms", "one's ms",
              "efficiency", "exchange ms", "waiting ms", "error");
  }

  void add(const SharedLine& of, const DistributedCase& found, double peak) {
    const double rate = flops_of(of.line, options_.bench.pass) / found.total * 1e-9;
    const std::string fault = above_peak(rate / peak);
    print_out("{} {:>9.1f} {:>8.3f} {:>9.3g} {:>9.3g} {:>10.3f} {:>11.3g} {:>10.3g}  {}{}\n",
              label_of(of), rate, rate / peak, 1e3 * found.total, 1e3 * found.alone,
              found.efficiency(),
              1e3 * most_of(found, [](const auto& rank) { return rank.communication.seconds; }),
              1e3 * most_of(found, [](const auto& rank) { return rank.waiting; }),
              found.output.same_bits ? "none" : fmt::format("{:.1e}", found.output.error),
              fault.empty() ? "" : "; " + fault);
    std::fflush(stdout);
    nlohmann::json json = case_json(found);
    json["shape"] = of.line.shape;
    json["length"] = of.line.length;
    json["heads"] = of.line.heads;
    json["dim"] = of.line.dim;
    json["gflops"] = rate;
    json["peak_gflops"] = peak;
    if (!fault.empty()) json["mistrusted"] = fault;
    json_["lines"].push_back(std::move(json));
    if (!options_.bench.out.empty()) Outputs::keep([&] { write_json(options_.bench.out, json_); });
  }

  void write(Outputs& outputs) {
    if (!options_.bench.out.empty()) outputs.write([&] { write_json(options_.bench.out, json_); });
  }

 private:
  const DistributedBench& options_;
  nlohmann::json json_;
};

}  // namespace

ExitCode bench_distributed(const DistributedBench& options, Communicator& world) {
  const BenchOptions& bench = options.bench;
  RankLayout layout;
  agree(world, [&] {
    layout = parse_rank_layout(options.layout, world.size());
    require_pass(bench.pass, find_device(bench.device), DType::f32);
  });
  const Device& device = find_device(bench.device);
  OwnCores cores(world);
  std::optional<BenchRecord> record;
  if (world.rank() == 0) record.emplace(options, layout, world, cores);
  bool failed = false;
  for (const SharedLine& of : shared_lines(bench.quick, layout)) {
    const LineMethod method(of.line);
    const double peak = peak_of_all(world, cores, of.dtype, bench.pass);
    const DistributedCase found = run_case(
        world, layout, {&method, method.defaults()}, device,
        {.dtype = of.dtype, .pass = bench.pass, .repeat = kFewestRuns, .seconds = bench.seconds},
        workload_of(of.line, layout, world.rank()), cores);
    failed |= !found.reason.empty();
    if (record && found.reason.empty()) record->add(of, found, peak);
    if (record && !found.reason.empty()) print_out("{} {}\n", label_of(of), found.reason);
  }
  Outputs outputs;
  if (record) record->write(outputs);
  return outputs.code(failed ? ExitCode::regression : ExitCode::fine);
}

ExitCode bench_distributed(const DistributedBench& options) {
  return with_mpi_ranks(options.patience,
                        [&](Communicator& world) { return bench_distributed(options, world); });
}

}  // namespace vidattn
