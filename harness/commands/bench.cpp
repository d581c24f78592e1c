#include "harness/measure/bench/bench.h"

#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/options.h"
#include "harness/distributed/bench_distributed.h"
#include "harness/distributed/ranks/session.h"

namespace vidattn::bench_command {
namespace {

const RegisterCommand registered([] {
  auto distributed = std::make_shared<DistributedBench>();
  BenchOptions* o = &distributed->bench;
  auto dtypes = std::make_shared<std::vector<std::string>>();
  auto pass = std::make_shared<std::string>("forward");
  return Command{
      "bench",
      "kernel speed against this machine's measured limits",
      {device_option(o->device), pass_option(*pass),
       Option("--seconds", &o->seconds, "least time for each line").in(0, 3600),
       Option("--quick", &o->quick, "a short list"),
       Option("--dtype", dtypes.get(),
              "two or more of f32, bf16, f16, int8 and fp8: how much faster than the first the "
              "others are, at the scores alone and at all of attention"),
       out_option(o->out, "JSON file"), distributed_option(distributed->layout, {"--dtype"}),
       rank_timeout_option(distributed->patience).needs("--distributed")},
      [distributed, o, dtypes, pass](const Arguments& arguments) {
        for (const std::string& dtype : *dtypes) o->dtypes.push_back(parse_dtype(dtype));
        o->pass = parse_pass(*pass);
        o->arguments = arguments;
        if (!distributed->layout.empty()) return bench_distributed(*distributed);
        refuse_ranks("measure everything: --distributed shares the calls");
        return bench(*o);
      },
      true,
      exits_with_ranks("1 a kernel failed its check against the reference")};
});

}  // namespace
}  // namespace vidattn::bench_command
