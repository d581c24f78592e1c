#pragma once

namespace vidattn {

/// Sees to room on the stack, which runs end with SIGSEGV without: raises a limit of this process
/// that is small to what is usual, where the hard one lets it. Threads and programs that start
/// later have it, too; OpenMP's after a restart alone. Returns whether it did. Throws OutOfMemory
/// where too little is left.
bool require_stack();

}  // namespace vidattn
