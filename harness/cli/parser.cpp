#include "harness/cli/parser.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <regex>
#include <type_traits>

#include "attention/error.h"
#include "attention/nearest.h"
#include "harness/cli/misspelt.h"
#include "harness/io/text/console.h"

namespace vidattn {
namespace {

/// CLI::Range, but NaN is refused.
template <class T>
CLI::Validator in_range(const Range& range) {
  const T least = static_cast<T>(range.least), most = static_cast<T>(range.most);
  CLI::Validator validator = CLI::Range(least, most);
  if (range == kPositive) validator.description("POSITIVE");
  return validator.operation([=](std::string& text) {
    T value{};
    if (CLI::detail::lexical_cast(text, value) && value >= least && value <= most)
      return std::string();
    return range == kPositive ? fmt::format("Value {} not a positive number", text)
                              : fmt::format("Value {} not in range {} to {}", text, least, most);
  });
}

/// Of any number: infinity and NaN are none that an option could mean.
CLI::Validator finite() {
  return {[](std::string& text) {
            double value = 0;
            return CLI::detail::lexical_cast(text, value) && std::isfinite(value)
                       ? std::string()
                       : fmt::format("Value {} not a finite number", text);
          },
          ""};
}

/// Of whole numbers, which CLI11 takes as the largest that there is where they do not fit.
CLI::Validator fits(bool is_signed) {
  return {[is_signed](std::string& text) {
            errno = 0;
            if (is_signed)
              std::strtoll(text.c_str(), nullptr, 0);
            else
              std::strtoull(text.c_str(), nullptr, 0);
            return errno == ERANGE ? fmt::format("Value {} does not fit 64 bits", text)
                                   : std::string();
          },
          ""};
}

void check_range(CLI::Option& added, const Option& option) {
  const bool real = std::holds_alternative<double*>(option.target) ||
                    std::holds_alternative<std::optional<double>*>(option.target);
  if (real && option.range)
    added.check(in_range<double>(*option.range));
  else if (real)
    added.check(finite());
  else if (option.range)
    added.check(in_range<int64_t>(*option.range));
  else if (std::holds_alternative<uint64_t*>(option.target))
    added.check(fits(false));
  else if (std::holds_alternative<int64_t*>(option.target) ||
           std::holds_alternative<std::vector<int64_t>*>(option.target))
    added.check(fits(true));
}

CLI::Validator one_of(const std::vector<std::string>& choices) {
  const auto refuse = [choices](std::string& text) {
    const bool known = std::find(choices.begin(), choices.end(), text) != choices.end();
    return known ? std::string() : "unknown choice '" + text + "': " + known_are(text, choices);
  };
  return {refuse, fmt::format("{{{}}}", fmt::join(choices, ","))};
}

bool inside(const std::optional<Range>& range, double value) {
  return !range || (value >= range->least && value <= range->most);
}

/// Whether there is a default, and one that could be asked for.
struct HasDefault {
  const std::optional<Range>& range;

  template <class T>
  bool operator()(T* value) const {
    if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::optional<double>>)
      return false;
    else if constexpr (std::is_arithmetic_v<T>)
      return inside(range, static_cast<double>(*value));
    else
      return !value->empty();
  }
  template <class... Text>
  bool operator()(const std::function<void(Text...)>&) const {
    return false;
  }
};

/// Adds the option to CLI11's parser, by the type of its target.
struct Add {
  CLI::App& app;
  const Option& option;

  CLI::Option* operator()(bool* flag) const {
    return app.add_flag(option.name, *flag, option.help);
  }
  CLI::Option* operator()(const std::function<void()>& call) const {
    return app.add_flag_callback(option.name, call, option.help);
  }
  CLI::Option* operator()(const std::function<void(const std::string&)>& call) const {
    return app.add_option_function<std::string>(option.name, call, option.help)
        ->default_str(option.default_text);
  }
  CLI::Option* operator()(std::vector<int64_t>* numbers) const {
    CLI::Option* added = app.add_option(option.name, *numbers, option.help)->delimiter(',');
    return option.count > 0 ? added->expected(option.count) : added;
  }
  template <class T>
  CLI::Option* operator()(T* value) const {
    return app.add_option(option.name, *value, option.help);
  }
};

CLI::Option* add_option(CLI::App& app, const Option& option) {
  CLI::Option* added = std::visit(Add{app, option}, option.target);
  added->required(option.is_required);
  check_range(*added, option);
  if (!option.choices.empty()) added->check(one_of(option.choices));
  if (!option.default_text.empty())
    added->default_str(option.default_text);
  else if (std::visit(HasDefault{option.range}, option.target))
    added->capture_default_str();
  if (!option.group.empty()) added->group(option.group);
  // One value each time: CLI11 would give it the video or suite that follows, too.
  if (!option.takes_several && added->nonpositional() &&
      added->get_expected_max() == CLI::detail::expected_max_vector_size)
    added->allow_extra_args(false);
  return added;
}

void add_options(CLI::App& app, const std::vector<Option>& options) {
  for (const Option& option : options) add_option(app, option);
  for (const Option& option : options) {
    for (const std::string& other : option.needed)
      app.get_option(option.name)->needs(app.get_option(other));
    for (const std::string& other : option.excluded)
      app.get_option(option.name)->excludes(app.get_option(other));
  }
}

/// The parser of a command; of `study make` the one below `study`, which is made with the first.
CLI::App* app_of(CLI::App& app, const Command& command) {
  const std::vector<std::string> words = words_of(command);
  if (words.size() == 1) return app.add_subcommand(command.name, command.help);
  const auto there =
      app.get_subcommands([&](CLI::App* each) { return each->get_name() == words[0]; });
  CLI::App* group = there.empty() ? app.add_subcommand(words[0])->require_subcommand(1) : there[0];
  const std::string before = group->get_description();
  group->description(before + (before.empty() ? "" : "; ") + words[1] + ": " + command.help);
  return group->add_subcommand(words[1], command.help);
}

std::string exit_codes(const std::string& own) {
  return fmt::format(
      "Exit code: 0 fine; {}{}3 the line, an input or an output is wrong; 4 vidattn is at fault; "
      "130 interrupted",
      own, own.empty() ? "" : "; ");
}

/// Its options are added once it is met on the line: those of all commands take longer to add than
/// a line to read.
CLI::App* add_command(CLI::App& app, const Command& command) {
  CLI::App* added = app_of(app, command);
  added->footer(exit_codes(command.exits));
  added->preparse_callback([added, &command](size_t) { add_options(*added, command.options); });
  return added;
}

/// Names an option that takes one value, or a fixed number, and stands on the line more than once;
/// CLI11 only says how many values it wanted. Empty for other errors.
std::string given_twice(const CLI::ParseError& error, const std::vector<std::string>& words) {
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) == nullptr) return "";
  const std::string message = error.what(), name = message.substr(0, message.find(':'));
  const auto times = std::count_if(words.begin(), words.end(), [&](const std::string& word) {
    return word == name || word.starts_with(name + "=");
  });
  return times > 1 ? name + " is given more than once" : "";
}

/// Names a list of numbers that is written as results print a grid, 21x30x52. Empty for other
/// errors.
std::string without_commas(const CLI::ParseError& error, const std::vector<std::string>& words) {
  const std::string message = error.what();
  for (size_t i = 0; i < words.size(); ++i) {
    const size_t equals = words[i].find('=');
    const std::string name = words[i].substr(0, equals);
    if (!name.starts_with("--") || message.find(name) == std::string::npos) continue;
    std::string list = equals != std::string::npos ? words[i].substr(equals + 1)
                       : i + 1 < words.size()      ? words[i + 1]
                                                   : "";
    static const std::regex grid("[0-9]+(x[0-9]+)+");
    if (!std::regex_match(list, grid)) continue;
    const std::string given = list;
    std::replace(list.begin(), list.end(), 'x', ',');
    return fmt::format("{}: numbers have commas between them: {} for {}", name, list, given);
  }
  return "";
}

/// The words of a line; `help COMMAND` as `COMMAND --help`. Throws InputError for help on a command
/// that there is not.
std::vector<std::string> words_on(int argc, char** argv, const ToolOptions& tool,
                                  const std::vector<Command>& commands) {
  std::vector<std::string> words{argv + 1, argv + argc};
  if (words.empty() || words[0] != "help") return words;
  words.erase(words.begin());
  const std::string misspelt = find_misspelt(words, tool.options, commands);
  const bool group_alone = words.size() == 1 && misspelt.starts_with("after ");  // `help study`
  if (!misspelt.empty() && !group_alone) throw InputError(misspelt);
  words.emplace_back("--help");
  return words;
}

/// No option means an empty text: it would count as not given, or as any name. A shell makes one of
/// a variable that is not set.
void refuse_empty_words(const std::vector<std::string>& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    const bool after_equals =
        words[i].starts_with("--") && words[i].find('=') == words[i].size() - 1;
    if (after_equals)
      throw InputError(words[i].substr(0, words[i].size() - 1) + ": an empty value");
    if (!words[i].empty()) continue;
    const bool after_option = i > 0 && words[i - 1].starts_with("--");
    throw InputError((after_option ? words[i - 1] + ": " : "") + "an empty value");
  }
}

void note_given(const CLI::App& app, const std::vector<Option>& options) {
  for (const Option& option : options)
    if (option.given != nullptr) *option.given = app.get_option(option.name)->count() > 0;
}

}  // namespace

const Command* parse(const ToolOptions& tool, const std::vector<Command>& commands, int argc,
                     char** argv) {
  const std::vector<std::string> words = words_on(argc, argv, tool, commands);
  CLI::App app(tool.help, argv[0]);
  app.require_subcommand(1);
  app.set_version_flag("--version", tool.version);
  app.fallthrough();
  app.footer("`vidattn help COMMAND` explains a command and its exit codes.\n" +
             exit_codes("1 something failed or is worse; 2 the results cannot be judged"));
  add_options(app, tool.options);
  refuse_empty_words(words);
  std::vector<const CLI::App*> parsers;
  for (const Command& command : commands) parsers.push_back(add_command(app, command));
  try {
    app.parse(
        std::vector<std::string>(words.rbegin(), words.rend()));  // CLI11 wants the last first
  } catch (const CLI::CallForHelp&) {
    print_out("{}", app.help());  // not by std::cout, whose failures nobody sees
    return nullptr;
  } catch (const CLI::CallForVersion& version) {
    print_out("{}\n", version.what());
    return nullptr;
  } catch (const CLI::ParseError& error) {
    const std::string misspelt = find_misspelt(words, tool.options, commands);
    if (!misspelt.empty()) throw InputError(misspelt);
    const std::string twice = given_twice(error, words);
    if (!twice.empty()) throw InputError(twice);
    const std::string commas = without_commas(error, words);
    if (!commas.empty()) throw InputError(commas);
    const bool no_command =
        dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && app.get_subcommands().empty();
    throw InputError(no_command ? "a command is needed; `vidattn --help` names them"
                                : error.what());
  }
  for (size_t i = 0; i < commands.size(); ++i) {
    if (!parsers[i]->parsed()) continue;
    note_given(*parsers[i], commands[i].options);
    return &commands[i];
  }
  throw std::logic_error("no command was parsed");
}

}  // namespace vidattn
