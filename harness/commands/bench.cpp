#include "harness/measure/bench.h"

#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/options.h"

namespace vidattn::bench_command {
namespace {

const RegisterCommand registered([] {
  auto o = std::make_shared<BenchOptions>();
  return Command{"bench",
                 "kernel speed against this machine's measured limits",
                 {device_option(o->device),
                  Option("--seconds", &o->seconds, "least time for each line").in(0, 3600),
                  Option("--quick", &o->quick, "a short list"), out_option(o->out, "JSON file")},
                 [o](const Arguments& arguments) {
                   o->arguments = arguments;
                   return bench(*o);
                 }};
});

}  // namespace
}  // namespace vidattn::bench_command
