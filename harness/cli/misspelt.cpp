#include "harness/cli/misspelt.h"

#include <algorithm>
#include <string_view>

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

/// The second words of the commands that begin with this one; empty where it is no such word.
std::vector<std::string> second_words(const std::string& word,
                                      const std::vector<Command>& commands) {
  std::vector<std::string> seconds;
  for (const Command& command : commands)
    if (const auto words = words_of(command); words.size() == 2 && words[0] == word)
      seconds.push_back(words[1]);
  return seconds;
}

std::string no_second(const std::string& first, const std::string& word,
                      const std::vector<std::string>& seconds) {
  if (word.empty()) return "after '" + first + "' a command is needed: " + known_are("", seconds);
  return "no command '" + first + " " + word + "': " + known_are(word, seconds);
}

/// Scripts of a checkout that one may take for commands.
constexpr std::string_view kScripts[] = {"build", "get_models", "quickstart", "setup"};

std::string no_command(const std::string& word, const std::vector<Command>& commands) {
  if (std::find(std::begin(kScripts), std::end(kScripts), word) != std::end(kScripts))
    return "no command '" + word + "': it is a script of the checkout, harness/" + word + ".sh";
  std::vector<std::string> names;
  for (const Command& command : commands) names.push_back(words_of(command)[0]);
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
      const std::vector<std::string> seconds = second_words(word, commands);
      const std::string second = !seconds.empty() && i + 1 < words.size() ? words[++i] : "";
      command = find(commands, second.empty() ? word : word + " " + second);
      if (command == nullptr)
        return seconds.empty() ? no_command(word, commands) : no_second(word, second, seconds);
    }
  }
  return "";
}

}  // namespace vidattn
