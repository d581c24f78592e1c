#include <cstdio>
#include <cstdlib>

#include "harness/cli/frame.h"
#include "harness/cli/restart.h"
#include "harness/host/output/standard_streams.h"
#include "harness/host/output/thrown.h"
#include "harness/host/start/stack.h"

namespace {

// Not by exit(): where memory ran short, OpenBLAS was seen to wait in it for a thread that spins.
[[noreturn]] void end(vidattn::ExitCode code) {
  std::fflush(nullptr);
  std::_Exit(static_cast<int>(code));
}

void before_libraries(int /*argc*/, char** argv, char** environment) {
  vidattn::restart_limited(argv, environment);
}
// The linker's list of what runs before the libraries' own beginnings.
[[gnu::section(".preinit_array"), gnu::used]] auto* const kBeforeLibraries = before_libraries;

}  // namespace

int main(int argc, char** argv) {
  vidattn::open_standard_descriptors();
  vidattn::end_in_one_line();
  const bool stack_raised = vidattn::require_stack();
  vidattn::restart_tuned(argv, vidattn::blas_core(), stack_raised);
  vidattn::keep_printing();
  // Only libraries call exit(): libgomp, where it gets no memory for a thread, after saying so.
  std::atexit([] { end(vidattn::ExitCode::usage); });
  end(vidattn::finish_printing(vidattn::run_tool(argc, argv)));
}
