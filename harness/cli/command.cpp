#include "harness/cli/command.h"

#include <map>

namespace vidattn {
namespace {

std::multimap<int, AddCommand>& registry() {
  static std::multimap<int, AddCommand> commands;
  return commands;
}

/// Lets an option that may be repeated take one value each time: CLI11 would give it the video or
/// suite that follows, too.
void take_one_value_each(CLI::App& command) {
  for (CLI::Option* option : command.get_options())
    if (option->nonpositional() &&
        option->get_expected_max() == CLI::detail::expected_max_vector_size)
      option->allow_extra_args(false);
}

}  // namespace

RegisterCommand::RegisterCommand(int order, AddCommand add) { registry().emplace(order, add); }

void add_commands(CommandLine& line) {
  for (const auto& [order, add] : registry()) add(line);
  for (CLI::App* command : line.app.get_subcommands({})) take_one_value_each(*command);
}

}  // namespace vidattn
