#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vidattn {

struct ProgramCall {
  std::string program;                     ///< a path, or a name to look up in PATH
  std::vector<std::string> arguments;      ///< as the program gets them: no shell reads them
  std::vector<std::string> environment{};  ///< NAME=VALUE, beside this program's
  std::string input{};                     ///< all that it can read from stdin
  bool until_interrupted = false;          ///< ended as soon as interrupted() is true
  double seconds = 0;                      ///< after which it is ended; 0 = never
  int64_t most_file_bytes = 0;  ///< of every file that it writes (RLIMIT_FSIZE); 0 = no limit
};

struct ProgramResult {
  int code = 0;            ///< exit code, or the number of the signal that ended it
  bool signalled = false;  ///< whether a signal did
  bool timed_out = false;  ///< whether it took too long
  std::string out;         ///< what it wrote to stdout
  std::string complaint;   ///< the last line that it wrote to stderr

  bool fine() const { return code == 0 && !signalled; }
  /// Why it is not fine: "was ended by signal 9", "failed: COMPLAINT".
  std::string trouble() const;
};

/// Where a program is that may be run: `name` itself where it is a path, else what PATH leads to.
/// Empty when there is none.
std::string find_program(const std::string& name);

/// Runs another program and waits for its end. It has no files of ours but stdin, stdout and
/// stderr, does not hear Ctrl-C, and is ended when this process dies. What it started is ended with
/// it at the time limit and when interrupted. Throws InputError when it
/// cannot be found or started.
ProgramResult run_program(const ProgramCall& call);

}  // namespace vidattn
