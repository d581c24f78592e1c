#include "harness/compare/selftest.h"

#include "harness/cli/command.h"
#include "harness/cli/share.h"
#include "harness/cli/workload_options.h"

namespace vidattn {
namespace {

struct Options {
  WorkloadOptions workload;
  SelftestOptions selftest;
  std::string margin = "1%", slowdown = "3%";
};

// Small enough that a comparison has hundreds of blocks in its time.
constexpr int64_t kFrames = 5, kHeight = 12, kWidth = 16, kHeads = 1, kDim = 64;

SelftestOptions complete(const Options& given, const CommandLine& line) {
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
  selftest.arguments = line.arguments;
  return selftest;
}

const RegisterCommand registered(61, [](CommandLine& line) {
  auto options = std::make_shared<Options>();
  SelftestOptions& selftest = options->selftest;
  auto* app = line.app.add_subcommand(
      "selftest", "does compare tell the truth here: a thing against itself, and slowed down");
  app->add_option("--aa", selftest.same, "comparisons of a backend with itself")
      ->capture_default_str()
      ->check(CLI::Range(0, 100000));
  app->add_option("--inject", options->slowdown, "slowdown to be found: 3% or 0.03; 0 = none")
      ->capture_default_str();
  app->add_option("--tries", selftest.tries, "comparisons with the slowdown")
      ->capture_default_str()
      ->check(CLI::Range(0, 100000));
  app->add_option("--backend", selftest.backends,
                  "NAME[:key=value,…]; may be repeated, taken in turn");
  options->workload.add_all(*app);
  app->add_option("--time", selftest.seconds, "seconds for each comparison with itself")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 86400.0));
  app->add_option("--inject-time", selftest.slowed_seconds, "seconds for each with the slowdown")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 86400.0));
  app->add_option("--margin", options->margin, "difference that does not matter: 1% or 0.01")
      ->capture_default_str();
  app->add_option("--order-seed", selftest.seed, "seed of the order within the blocks")
      ->capture_default_str();
  app->add_option("--out", selftest.out, "JSON file for everything measured");
  app->add_flag("--quiet", selftest.quiet, "no progress");
  app->callback([&line, options] {
    line.action = [&line, options] { return vidattn::selftest(complete(*options, line)); };
  });
});

}  // namespace
}  // namespace vidattn
