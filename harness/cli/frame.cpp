#include "harness/cli/frame.h"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>

#include "attention/cpu/units/simd.h"
#include "attention/error.h"
#include "build_info.h"
#include "harness/cli/claims.h"
#include "harness/cli/parser.h"
#include "harness/distributed/ranks/session.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/thrown.h"
#include "harness/host/start/threads.h"
#include "harness/io/file.h"
#include "harness/io/places/roles.h"

namespace vidattn {
namespace {

/// A paper that inputs x.tex would find JSON in it.
void require_json_name(const std::string& option, const std::string& path) {
  const std::string ending = std::filesystem::path(path).extension();
  for (const char* other : {".tex", ".md", ".csv", ".html", ".svg", ".png", ".pdf"})
    if (ending == other)
      throw InputError(option + " " + in_quotes(path) +
                       " would hold JSON: end it in .json; `vidattn report FILE.json --figures "
                       "FOLDER` makes table.tex, table.md and table.csv of runs");
}

/// The places that a command's options name for writing. Folders that were made for it and have
/// nothing in the end go away with the object: work that was refused leaves no trace.
class WritablePlaces {
 public:
  /// Throws InputError for one that cannot be written; those before it leave no trace, either.
  explicit WritablePlaces(const std::vector<Option>& options) : WritablePlaces() {
    for (const Option& option : options)
      for (const std::string& path : written_paths(option)) {
        if (option.writes == Written::json) require_json_name(option.name, path);
        if (is_file(option.writes)) require_writable(path);
        if (option.writes == Written::folder && make_writable_folder(path)) made_.push_back(path);
      }
  }
  ~WritablePlaces() {
    for (const std::string& path : made_) ::rmdir(path.c_str());  // fails where something is in it
  }
  WritablePlaces(const WritablePlaces&) = delete;
  WritablePlaces& operator=(const WritablePlaces&) = delete;

 private:
  WritablePlaces() = default;  // what it made is an object, which is taken down after a throw

  std::vector<std::string> made_;
};

void check_ranks(const Command& command) {
  if (!command.on_ranks)
    refuse_ranks(
        "do all of `vidattn " + command.name +
        "`: what ranks share is `run`, `attend`, `bench` and `generate` with --distributed, "
        "and `run SUITE`");
}

/// Records are for reading elsewhere, where the program lies at another place.
Arguments recorded(int argc, char** argv) {
  Arguments arguments(argv, argv + argc);
  arguments[0] = std::filesystem::path(arguments[0]).filename();
  return arguments;
}

/// What is wrong is most often wrong on every rank: rank 0 says it, and its launcher then ends the
/// others.
void let_the_first_rank_speak() {
  constexpr auto kPatience = std::chrono::seconds(3);
  if (started_rank() == 0) return;
  std::signal(SIGTERM, SIG_DFL);  // there is nothing to end well, and nothing to say
  std::this_thread::sleep_for(kPatience);
}

ExitCode parse_and_run(int argc, char** argv) {
  std::string simd;
  const ToolOptions tool{
      .help =
          "vidattn: benchmark and evaluation of sparse attention for video diffusion transformers",
      .version = "vidattn " VIDATTN_VERSION,
      .options = {Option("--simd", &simd,
                         "restrict the CPU device to this instruction set (see `vidattn env`)")}};
  const std::vector<Command> commands = make_commands();
  const Command* command = nullptr;
  try {
    command = parse(tool, commands, argc, argv);
    if (command == nullptr) return ExitCode::fine;
    check_ranks(*command);
  } catch (const InputError&) {
    if (started_rank() == 0) throw;
    let_the_first_rank_speak();  // all have the same line
    return ExitCode::usage;
  }
  if (!simd.empty()) force_cpu_simd_target(simd);
  const FileRoles roles;
  claim_files(command->options);
  const WritablePlaces places(command->options);
  catch_interrupts(started_ranks() == 1);
  start_threads();
  const ExitCode code = command->run(recorded(argc, argv));
  return interrupted() ? ExitCode::interrupted : code;
}

/// Whatever is thrown becomes a line and a code.
ExitCode run_caught(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const RefusedByAll&) {
    if (started_rank() == 0) return say_what_was_thrown();
    let_the_first_rank_speak();
    return ExitCode::usage;
  } catch (...) {
    let_the_first_rank_speak();
    return say_what_was_thrown();
  }
}

}  // namespace

ExitCode run_tool(int argc, char** argv) {
  const ExitCode code = run_caught(argc, argv);
  if (started_rank() == 0) say_unless_passed_on(code);
  return code;
}

}  // namespace vidattn
