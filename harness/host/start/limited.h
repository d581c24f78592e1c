#pragma once

namespace vidattn {

/// Called before any library begins: under limits of memory or threads (`ulimit -d`, `-v`, `-u`)
/// starts the program again with OPENBLAS_NUM_THREADS=1. OpenBLAS starts its threads when it is
/// loaded, and where it cannot, ends the program as by Ctrl-C. `environment` is envp; nothing of
/// C++ is ready yet.
void restart_limited(char** argv, char** environment) noexcept;

}  // namespace vidattn
