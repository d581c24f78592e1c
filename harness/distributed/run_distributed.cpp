#include "harness/distributed/run_distributed.h"

#include <fmt/format.h>

#include <algorithm>

#include "attention/error.h"
#include "harness/distributed/first_solution.h"
#include "harness/distributed/ranks/session.h"
#include "harness/distributed/report.h"
#include "harness/host/output/outputs.h"
#include "harness/host/record.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/io/text/counted.h"
#include "harness/workloads/in_dtype.h"

namespace vidattn {
namespace {

constexpr const char* kSchema = "1.2";

/// What rank 0 says and writes.
class RunRecord {
 public:
  RunRecord(const DistributedRun& run, const RankLayout& layout, const Communicator& world,
            const SharedWorkload& workload, const OwnCores& cores)
      : out_(run.out),
        layout_(layout),
        json_(record_header("run --distributed", kSchema, run.arguments)) {
    const int threads = cores.threads();
    const CallShape& shape = workload.own.shape;
    const VideoGrid& grid = workload.own.own.grid;
    json_["workload"] = {{"name", workload.name},
                         {"provenance", workload.provenance},
                         {"length", shape.length},
                         {"heads", shape.heads},
                         {"kv_heads", shape.kv_heads},
                         {"dim", shape.dim},
                         {"grid", {grid.frames, grid.height, grid.width}},
                         {"shots", grid.shots},
                         {"text_tokens", grid.text_tokens}};
    json_["distributed"] = distributed_json(layout, world, cores);
    json_["cases"] = nlohmann::json::array();
    print_out(
        "{} over {} of {} ({}){}{}\n", layout.text(), counted(world.size(), "rank"),
        counted(threads, "thread"), world.transport().name(),
        cores.pinned() ? "" : ", not pinned apart",
        run.shared_only ? "" : fmt::format("; one process: {}", counted(cores.all(), "thread")));
  }
  void add(const DistributedCase& result) {
    print_out("\n{}", case_text(result, layout_));
    json_["cases"].push_back(case_json(result));
    keep();
  }
  void skip(const std::string& backend, const std::string& why) {
    print_out("\n{}: skipped: {}\n", backend, why);
    json_["cases"].push_back({{"backend", backend}, {"outcome", "skipped"}, {"reason", why}});
    keep();
  }
  void write(Outputs& outputs) {
    if (!out_.empty()) outputs.write([&] { write_json(out_, json_); });
  }

 private:
  /// What was measured is there whatever becomes of the rest.
  void keep() {
    if (!out_.empty()) Outputs::keep([&] { write_json(out_, json_); });
  }
  std::string out_;
  RankLayout layout_;
  nlohmann::json json_;
};

/// What a method is set for; nullopt = as it is given.
std::vector<std::optional<double>> densities_of(const BackendSpec& spec,
                                                const std::vector<double>& asked) {
  if (asked.empty() || spec.backend->name() == "full") return {std::nullopt};
  return {asked.begin(), asked.end()};
}

/// The same as one process finds on the whole call.
DensitySolution solve_for_call(const BackendSpec& spec, const Device& device, DType dtype,
                               const SharedWorkload& workload, double density) {
  Inputs whole = *workload.whole;
  whole.device = &device;
  set_dtype(whole, dtype, "the workload");
  return solve_density(spec, whole, density);
}

DistributedCase run_one(Communicator& world, const RankLayout& layout, BackendSpec spec,
                        const std::optional<double>& density, const Device& device,
                        const CaseOptions& options, const SharedWorkload& workload,
                        OwnCores& cores) {
  std::string note;
  if (density) {
    DensitySolution solved = solve_on_first(
        world, [&] { return solve_for_call(spec, device, options.dtype, workload, *density); });
    spec = std::move(solved.spec);
    note = std::move(solved.note);
  }
  DistributedCase result = run_case(world, layout, spec, device, options, workload, cores);
  result.density = density;
  result.note = std::move(note);
  return result;
}

}  // namespace

ExitCode run_distributed(const DistributedRun& run, Communicator& world) {
  const bool first = world.rank() == 0;
  RankLayout layout;
  SharedWorkload workload;
  agree(world, [&] {
    layout = parse_rank_layout(run.layout, world.size());
    for (const std::string& backend : run.backends) parse_backend(backend);
    for (const std::string& device : run.devices) find_device(device);
    workload = share_workload(run.workload, layout, world.rank(), !run.shared_only);
  });
  OwnCores cores(world);
  const Link link = measure_link(world);
  std::optional<RunRecord> record;
  if (first) record.emplace(run, layout, world, workload, cores);
  bool failed = false, any = false;
  const auto one = [&](const std::string& device, DType dtype, const std::string& backend,
                       const std::optional<double>& density) {
    try {
      const DistributedCase result =
          run_one(world, layout, parse_backend(backend), density, find_device(device),
                  {dtype, run.pass, run.repeat, link}, workload, cores);
      failed |= !result.reason.empty();
      any = true;
      if (first) record->add(result);
    } catch (const InputError& error) {  // agreed on by all ranks
      if (first) record->skip(backend, error.what());
    }
  };
  for (const std::string& device : run.devices)
    for (const DType dtype : run.dtypes)
      for (const std::string& backend : run.backends)
        for (const auto& density : densities_of(parse_backend(backend), run.densities))
          one(device, dtype, backend, density);
  Outputs outputs;
  if (first) record->write(outputs);
  return outputs.code(failed || !any ? ExitCode::regression : ExitCode::fine);
}

ExitCode run_distributed(const DistributedRun& run) {
  return with_mpi_ranks(run.patience,
                        [&](Communicator& world) { return run_distributed(run, world); });
}

}  // namespace vidattn
