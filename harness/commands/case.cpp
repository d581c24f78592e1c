#include <memory>

#include "attention/error.h"
#include "harness/cli/command.h"
#include "harness/cli/options.h"
#include "harness/cli/workload_options.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/measure/request.h"
#include "harness/store/measurement_json.h"

namespace vidattn::case_command {
namespace {

struct Given {
  WorkloadOptions workload;
  CaseRequest request;
  std::string dtype = "f32", pass = "forward";
  bool json = false;
};

void print(const Measurement& c) {
  print_out("{}: {}{}{}\n", to_string(c.outcome), c.key(), c.reason.empty() ? "" : ": ", c.reason);
  if (!c.timed()) return;
  print_out(
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
  } catch (const std::bad_alloc& error) {
    std::vector<Measurement> cases;
    for (const std::string& backend : request.backends) {
      cases.push_back(named_case(request, backend));
      cases.back().outcome = Outcome::out_of_memory;
      cases.back().reason = text_of(error);
    }
    return cases;
  }
}

ExitCode run(const Given& given) {
  CaseRequest request = given.request;
  request.workload = given.workload.request();
  request.dtype = parse_dtype(given.dtype);
  request.pass = parse_pass(given.pass);
  check_timing(request.timing);
  nlohmann::json record = nlohmann::json::array();
  bool passed = true;
  for (const Measurement& c : measure(request)) {
    passed &= c.outcome == Outcome::passed || c.outcome == Outcome::skipped;
    record.push_back(to_json(c));
    if (!given.json) print(c);
  }
  if (given.json) print_out("{}\n", json_line(record));
  return passed ? ExitCode::fine : ExitCode::regression;
}

std::vector<Option> timing_options(TimingOptions& timing) {
  return {Option("--seconds", &timing.seconds, "time budget of the blocks").in(0, 1e6),
          Option("--interval", &timing.interval,
                 "stop when the 95% interval of the ratio to full attention is this narrow, as a "
                 "share of the ratio to either side")
              .in(1e-6, 1),
          Option("--min-blocks", &timing.min_blocks, "blocks that are timed in any case")
              .in(1, 1000000),
          Option("--max-blocks", &timing.max_blocks, "blocks that are not exceeded").in(1, 1000000),
          Option("--order-seed", &timing.seed, "seed of the order inside the blocks"),
          Option("--cold", &timing.cold, "evict the caches before every timed run")};
}

std::vector<Option> options(Given& o) {
  CaseRequest& r = o.request;
  return joined(
      {o.workload.all(),
       {Option("--backend", &r.backends, "NAME[:key=value,…]; may be repeated").required(),
        device_option(r.device), dtype_option(o.dtype), pass_option(o.pass),
        Option("--density", &r.density, "solve the backends' knobs for this density").in(1e-9, 1)},
       timing_options(r.timing),
       {Option("--whole", &r.whole, "never extrapolate full attention from a sample of its rows"),
        Option("--json", &o.json, "print the whole record, with all samples, as JSON"),
        quiet_option()}});
}

const RegisterCommand registered([] {
  auto given = std::make_shared<Given>();
  return Command{"case",
                 "one case of a suite, in this process: backends timed beside full attention",
                 options(*given),
                 [given](const Arguments&) { return run(*given); },
                 true,
                 "1 a case neither passed nor was skipped"};
});

}  // namespace
}  // namespace vidattn::case_command
