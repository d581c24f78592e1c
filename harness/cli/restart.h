#pragma once

#include <string>
#include <utility>
#include <vector>

#include "attention/blas.h"

namespace vidattn {

/// Called before any library begins: under limits of memory or threads (`ulimit -d`, `-v`, `-u`)
/// starts the program again with OPENBLAS_NUM_THREADS=1. OpenBLAS starts its threads when it is
/// loaded, and where it cannot, ends the program as by Ctrl-C. `environment` is envp; nothing of
/// C++ is ready yet.
void restart_limited(char** argv, char** environment) noexcept;

/// Variables that libraries read from the environment only when they are loaded, and their values,
/// where the environment has others. What is set already is kept, but for the last. `core` is what
/// OpenBLAS chose.
/// - OPENBLAS_CORETYPE, where OpenBLAS does not know the CPU and chose slower kernels than it could
///   run (Debian's 0.3.21 takes Zen 4 and later for a Haswell: half the speed).
/// - GOMP_SPINCOUNT=2000, about 0.1 ms: libgomp's threads spin for some 15 ms on a thread that they
///   wait for, and where other programs want the cores that keeps the very thread from running, so
///   that a run of 1 ms takes 16.
/// - OPENBLAS_NUM_THREADS=1: the others are of no use (attention/blas.h), and where there is no
///   memory for their buffers, they spin for ever and keep the program from ending.
std::vector<std::pair<const char*, std::string>> missing_settings(
    const std::string& core = blas_core());

/// Says to restart_tuned() that the settings are there.
inline constexpr const char* kRestarted = "VIDATTN_RESTARTED";

/// To be called first in main(): starts the program again with the missing settings, and returns
/// where nothing is missing or the program cannot be restarted. argv is main()'s. `stack_raised`:
/// in any case, or threads that are there already end with SIGSEGV (require_stack()).
void restart_tuned(char** argv, const std::string& core = blas_core(), bool stack_raised = false);

}  // namespace vidattn
