#include "harness/compare/selftest.h"

#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/options.h"
#include "harness/cli/share.h"
#include "harness/cli/workload_options.h"

namespace vidattn::selftest_command {
namespace {

struct Given {
  WorkloadOptions workload;
  SelftestOptions selftest;
  std::string margin = "1%", slowdown = "3%";
};

// Small enough that a comparison has hundreds of blocks in its time.
constexpr int64_t kFrames = 5, kHeight = 12, kWidth = 16, kHeads = 1, kDim = 64;

SelftestOptions complete(const Given& given, const Arguments& arguments) {
  SelftestOptions selftest = given.selftest;
  selftest.workload = given.workload.request();
  WorkloadRequest& request = selftest.workload;
  if (request.spec == "film" && request.frames == 0) {
    request.frames = kFrames;
    request.height = kHeight;
    request.width = kWidth;
    request.heads = kHeads;
    request.dim = kDim;
  }
  if (selftest.backends.empty()) selftest.backends = {"full", "moga", "stga", "moga_stga", "vmoba"};
  selftest.rule.margin = parse_share(given.margin, "--margin");
  selftest.slowdown = parse_share(given.slowdown, "--inject");
  selftest.arguments = arguments;
  return selftest;
}

std::vector<Option> options(Given& o) {
  SelftestOptions& selftest = o.selftest;
  return joined(
      {{Option("--aa", &selftest.same, "comparisons of a backend with itself").in(0, 100000),
        Option("--inject", &o.slowdown, "slowdown to be found: 3% or 0.03; 0 = none"),
        Option("--tries", &selftest.tries, "comparisons with the slowdown").in(0, 100000),
        Option("--backend", &selftest.backends,
               "NAME[:key=value,…]; may be repeated, taken in turn")},
       o.workload.all(),
       {Option("--time", &selftest.seconds, "seconds for each comparison with itself")
            .in(0.1, 86400),
        Option("--inject-time", &selftest.slowed_seconds, "seconds for each with the slowdown")
            .in(0.1, 86400),
        Option("--margin", &o.margin, "difference that does not matter: 1% or 0.01"),
        Option("--order-seed", &selftest.seed, "seed of the order within the blocks"),
        out_option(selftest.out), quiet_option()}});
}

const RegisterCommand registered([] {
  auto given = std::make_shared<Given>();
  return Command{
      "selftest",
      "does compare tell the truth here: a thing against itself, and slowed down",
      options(*given),
      [given](const Arguments& arguments) { return selftest(complete(*given, arguments)); },
      false,
      "1 a verdict was wrong; 2 inconclusive: all verdicts of a part were ambiguous"};
});

}  // namespace
}  // namespace vidattn::selftest_command
