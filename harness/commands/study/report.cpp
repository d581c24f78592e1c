#include "harness/study/report/report.h"

#include <memory>

#include "harness/cli/command.h"

namespace vidattn::study_report_command {
namespace {

const RegisterCommand registered([] {
  auto o = std::make_shared<StudyReportOptions>();
  return Command{
      "study report",
      "what a study found: means, differences, agreement, and what the next one could find",
      {Option("STUDY", &o->study, "folder of `study make`").required(),
       Option("--ratings", &o->ratings, "files that raters saved from the page").several(),
       Option("--out", &o->out, "file, kind by its ending: .json .md .txt; may be repeated")
           .written()},
      [o](const Arguments& arguments) {
        o->arguments = arguments;
        return report_study(*o);
      }};
});

}  // namespace
}  // namespace vidattn::study_report_command
