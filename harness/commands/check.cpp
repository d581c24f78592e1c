#include "harness/compare/check.h"

#include "harness/cli/command.h"

namespace vidattn {
namespace {

const RegisterCommand registered(60, [](CommandLine& line) {
  auto options = std::make_shared<CheckOptions>();
  SuiteOptions& suite = options->suite;
  auto* app = line.app.add_subcommand(
      "check", "hold a suite against a baseline: exit 0 fine, 1 regression, 2 invalid, 3 usage");
  app->add_option("--baseline", options->baseline, "JSON file of accepted figures")->required();
  app->add_option("--suite", suite.suite, "suite to run; the baseline's own unless given");
  app->add_option("--run", options->run, "judge this stored run instead of measuring")
      ->excludes("--suite");
  app->add_option("--db", suite.db, "SQLite file of stored runs")->capture_default_str();
  app->add_option("--accept", options->accept,
                  "make the run the new baseline, for this reason (kept in the file)")
      ->check([](const std::string& reason) {
        return reason.find_first_not_of(" \t") == std::string::npos ? "a reason is needed" : "";
      });
  app->add_option("--markdown", options->markdown, "write the report for a pull request");
  app->add_option("--junit", options->junit, "write the report as JUnit XML");
  app->add_flag("--quiet", suite.quiet, "the verdict only");
  app->callback([&line, options] {
    line.action = [&line, options] {
      options->suite.arguments = line.arguments;
      return check(*options);
    };
  });
});

}  // namespace
}  // namespace vidattn
