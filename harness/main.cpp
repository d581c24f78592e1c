#include <cstdio>
#include <cstdlib>

#include "harness/cli/frame.h"
#include "harness/cli/restart.h"
#include "harness/cli/thrown.h"

int main(int argc, char** argv) {
  vidattn::end_in_one_line();
  vidattn::restart_tuned(argv);
  const auto code = vidattn::run_tool(argc, argv);
  // Not exit(): where memory ran short, OpenBLAS was seen to wait in it for a thread that spins.
  std::fflush(nullptr);
  std::_Exit(static_cast<int>(code));
}
