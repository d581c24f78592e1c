#include <fmt/format.h>

#include "harness/cli/command.h"
#include "harness/cli/workload_options.h"
#include "harness/host/interrupt.h"
#include "harness/host/progress.h"
#include "harness/measure/request.h"
#include "harness/store/measurement_json.h"

namespace vidattn {
namespace {

struct Options {
  WorkloadOptions workload;
  CaseRequest request;
  std::string dtype = "f32";
  bool json = false, quiet = false;
};

void print(const Measurement& c) {
  fmt::print("{}: {}{}{}\n", to_string(c.outcome), c.key(), c.reason.empty() ? "" : ": ", c.reason);
  if (!c.timed()) return;
  fmt::print(
      "  {:.4g} of full attention's time, 95% interval {:.4g} to {:.4g}, {} blocks, stopped by {}\n"
      "  density {:.4g}, relative L2 {:.3g}, plan {}\n",
      c.metric("ratio"), c.metric("ratio_low"), c.metric("ratio_high"), c.blocks.size(),
      c.timing ? c.timing->stopped_by : "", c.metric("density"), c.metric("relative_l2"),
      c.plan.checksum);
}

/// Out of memory is an outcome here, not an end.
std::vector<Measurement> measure(const CaseRequest& request) {
  try {
    return measure_cases(request);
  } catch (const std::bad_alloc&) {
    std::vector<Measurement> cases;
    for (const std::string& backend : request.backends) {
      cases.push_back(named_case(request, backend));
      cases.back().outcome = Outcome::out_of_memory;
      cases.back().reason = "an allocation failed";
    }
    return cases;
  }
}

int run(const Options& options) {
  CaseRequest request = options.request;
  request.workload = options.workload.request();
  request.dtype = parse_dtype(options.dtype);
  check_timing(request.timing);
  catch_interrupts();
  if (options.quiet) set_progress_style(ProgressStyle::quiet);
  nlohmann::json record = nlohmann::json::array();
  bool passed = true;
  for (const Measurement& c : measure(request)) {
    passed &= c.outcome == Outcome::passed || c.outcome == Outcome::skipped;
    record.push_back(to_json(c));
    if (!options.json) print(c);
  }
  if (options.json)
    fmt::print("{}\n", record.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  return interrupted() ? 130 : passed ? 0 : 1;
}

const RegisterCommand registered(15, [](CommandLine& line) {
  auto options = std::make_shared<Options>();
  CaseRequest& r = options->request;
  auto* app = line.app.add_subcommand(
      "case", "one case of a suite, in this process: backends timed beside full attention");
  options->workload.add_all(*app);
  app->add_option("--backend", r.backends, "NAME[:key=value,…]; may be repeated")->required();
  app->add_option("--device", r.device, "device")->capture_default_str();
  app->add_option("--dtype", options->dtype, "f32, bf16 or f16")->capture_default_str();
  app->add_option("--density", r.density, "solve the backends' knobs for this density")
      ->check(CLI::Range(1e-9, 1.0));
  app->add_option("--seconds", r.timing.seconds, "time budget of the blocks")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e6));
  app->add_option("--interval", r.timing.interval,
                  "stop when the 95% interval of the ratio to full attention is this narrow, as a "
                  "share of the ratio to either side")
      ->capture_default_str()
      ->check(CLI::Range(1e-6, 1.0));
  app->add_option("--min-blocks", r.timing.min_blocks, "blocks that are timed in any case")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  app->add_option("--max-blocks", r.timing.max_blocks, "blocks that are not exceeded")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  app->add_option("--order-seed", r.timing.seed, "seed of the order inside the blocks")
      ->capture_default_str();
  app->add_flag("--cold", r.timing.cold, "evict the caches before every timed run");
  app->add_flag("--whole", r.whole, "never extrapolate full attention from a sample of its rows");
  app->add_flag("--json", options->json, "print the whole record, with all samples, as JSON");
  app->add_flag("--quiet", options->quiet, "no progress");
  app->callback([&line, options] { line.action = [options] { return run(*options); }; });
});

}  // namespace
}  // namespace vidattn
