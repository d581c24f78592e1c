#include "harness/study/serve/serve.h"

#include <memory>

#include "harness/cli/command.h"

namespace vidattn::study_serve_command {
namespace {

const RegisterCommand registered([] {
  auto o = std::make_shared<ServeStudyOptions>();
  return Command{
      "study serve",
      "serve a study to raters, on this machine or the local network",
      {Option("STUDY", &o->study, "folder of `study make`").required(),
       Option("--port", &o->port, "0 = any that is free").in(0, 65535),
       Option("--lan", &o->lan, "let other machines reach it; without, only this one can")},
      [o](const Arguments&) { return serve_study(*o); }};
});

}  // namespace
}  // namespace vidattn::study_serve_command
