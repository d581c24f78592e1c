#pragma once

namespace vidattn {

/// Starts OpenMP's threads, which then wait for work. Throws OutOfMemory where the system gives
/// fewer than OpenMP wants: OpenMP itself would end the program at the first loop for them.
void start_threads();

}  // namespace vidattn
