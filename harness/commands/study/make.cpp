#include "harness/study/make/make.h"

#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/options.h"

namespace vidattn::study_make_command {
namespace {

const RegisterCommand registered([] {
  auto o = std::make_shared<MakeStudyOptions>();
  const auto kind = [o](const std::string& name) {
    o->kind = name == "pairs" ? StudyKind::pairs : StudyKind::scale;
  };
  return Command{
      "study make",
      "prepare a blind study: anonymous videos, orders for the raters, their page",
      {Option("--videos", &o->videos,
              "a folder for each method, with a video ID.mp4 or ID.webm of each prompt; "
              "NAME=FOLDER names the method otherwise")
           .several()
           .required(),
       Option("--prompts", &o->prompts, "JSON Lines of {id, prompt}").required(),
       Option("--ask", kind, "scale: each video from 1 to 10; pairs: which of two is better")
           .one_of({"scale", "pairs"})
           .shown_as("scale"),
       Option("--per-rater", &o->per_rater, "prompts that a rater sees; 0 = all").in(0, 10000),
       Option("--checks", &o->checks, "attention checks that a rater sees").in(0, 100),
       Option("--title", &o->title, "above the page; methods' names give it away")
           .shown_as("what --ask asks"),
       Option("--out", &o->out, "folder of the study, new or empty")
           .required()
           .written(Written::folder),
       quiet_option()},
      [o](const Arguments&) { return make_study(*o); }};
});

}  // namespace
}  // namespace vidattn::study_make_command
