#include "harness/cli/command.h"

#include <algorithm>
#include <iterator>

namespace vidattn {
namespace {

/// The order of the help text. Commands that are not named here follow by their names.
constexpr const char* kOrder[] = {
    "run",   "sweep",     "case",       "table",      "project",     "attend",       "conform",
    "train", "generate",  "experiment", "restore",    "quality",     "metrics",      "film",
    "shots", "videodiff", "curate",     "study make", "study serve", "study report", "bench",
    "check", "compare",   "history",    "selftest",   "runs",        "export",       "import",
    "merge", "report",    "list",       "env"};

std::vector<Command (*)()>& registry() {
  static std::vector<Command (*)()> commands;
  return commands;
}

auto place(const Command& command) {
  const auto found = std::find(std::begin(kOrder), std::end(kOrder), command.name);
  return std::pair(found - std::begin(kOrder), command.name);
}

}  // namespace

RegisterCommand::RegisterCommand(Command (*make)()) { registry().push_back(make); }

std::vector<std::string> words_of(const Command& command) {
  const size_t space = command.name.find(' ');
  if (space == std::string::npos) return {command.name};
  return {command.name.substr(0, space), command.name.substr(space + 1)};
}

std::vector<Command> make_commands() {
  std::vector<Command> commands;
  for (const auto make : registry()) commands.push_back(make());
  std::sort(commands.begin(), commands.end(),
            [](const Command& a, const Command& b) { return place(a) < place(b); });
  return commands;
}

}  // namespace vidattn
