#include "harness/command.h"

#include <map>

namespace vidattn {
namespace {

std::multimap<int, AddCommand>& registry() {
  static std::multimap<int, AddCommand> commands;
  return commands;
}

}  // namespace

RegisterCommand::RegisterCommand(int order, AddCommand add) { registry().emplace(order, add); }

void add_commands(CommandLine& line) {
  for (const auto& [order, add] : registry()) add(line);
}

}  // namespace vidattn
