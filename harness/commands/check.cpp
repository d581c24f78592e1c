#include "harness/compare/check.h"

#include <memory>

#include "attention/error.h"
#include "harness/cli/command.h"
#include "harness/cli/options.h"

namespace vidattn::check_command {
namespace {

std::vector<Option> options(CheckOptions& o) {
  const auto accept = [&o](const std::string& reason) {
    if (reason.find_first_not_of(" \t") == std::string::npos)
      throw InputError("--accept: a reason is needed");
    o.accept = reason;
  };
  return {Option("--baseline", &o.baseline, "JSON file of accepted figures").required(),
          Option("--suite", &o.suite.suite, "suite to run; the baseline's own unless given"),
          Option("--run", &o.run, "judge this stored run instead of measuring").excludes("--suite"),
          db_option(o.suite.db),
          Option("--accept", accept,
                 "make the run the new baseline, for this reason (kept in the file)"),
          Option("--force", &o.force, "accept even times that are too uncertain to judge by")
              .needs("--accept"),
          out_option(o.out, "JSON file of the report, for programs"),
          Option("--markdown", &o.markdown, "write the report for a pull request").written(),
          Option("--junit", &o.junit, "write the report as JUnit XML").written(),
          quiet_option(&o.suite.quiet, "the verdict only")};
}

const RegisterCommand registered([] {
  auto o = std::make_shared<CheckOptions>();
  return Command{
      "check",
      "hold a suite against a baseline: exit 0 fine, 1 worse or changed, 2 invalid, 3 usage",
      options(*o),
      [o](const Arguments& arguments) {
        o->suite.arguments = arguments;
        return check(*o);
      },
      false,
      "1 a case is worse than the baseline or changed, or failed; 2 what was measured "
      "cannot be judged, or --accept was refused"};
});

}  // namespace
}  // namespace vidattn::check_command
