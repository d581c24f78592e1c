#include "harness/cli/misspelt.h"

#include "attention/nearest.h"

namespace vidattn {
namespace {

const Option* find(const std::vector<Option>& options, const std::string& name) {
  for (const Option& option : options)
    if (option.name == name) return &option;
  return nullptr;
}

const Command* find(const std::vector<Command>& commands, const std::string& name) {
  for (const Command& command : commands)
    if (command.name == name) return &command;
  return nullptr;
}

std::string no_command(const std::string& word, const std::vector<Command>& commands) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.push_back(command.name);
  const std::string nearest = did_you_mean(word, names);
  return "no command '" + word + "'" +
         (nearest.empty() ? "; `vidattn --help` names them" : nearest);
}

std::string no_option(const std::string& name, const std::vector<Option>& tool_options,
                      const Command* command) {
  std::vector<std::string> names;
  for (const Option& option : tool_options) names.push_back(option.name);
  if (command != nullptr)
    for (const Option& option : command->options) names.push_back(option.name);
  const std::string nearest = did_you_mean(name, names), of = command ? " " + command->name : "";
  return "no option '" + name + "' of vidattn" + of +
         (nearest.empty() ? "; `vidattn" + of + " --help` names them" : nearest);
}

}  // namespace

std::string find_misspelt(const std::vector<std::string>& words,
                          const std::vector<Option>& tool_options,
                          const std::vector<Command>& commands) {
  const Command* command = nullptr;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") break;
    if (word.starts_with("--")) {
      const std::string name = word.substr(0, word.find('='));
      if (name == "--help" || name == "--version") continue;
      const Option* option = find(tool_options, name);
      if (option == nullptr && command != nullptr) option = find(command->options, name);
      if (option == nullptr) return no_option(name, tool_options, command);
      // The word after it is its value, even where that begins like an option.
      if (name == word && !option->is_flag()) ++i;
    } else if (command == nullptr && !word.starts_with('-')) {
      command = find(commands, word);
      if (command == nullptr) return no_command(word, commands);
    }
  }
  return "";
}

}  // namespace vidattn
