#pragma once

#include "harness/host/exit_code.h"

namespace vidattn {

/// To be called first in main(): opens /dev/null on those of the descriptors 0 to 2 that are
/// closed, 1 and 2 so that printing there fails. The next file that is opened would get such a
/// number, and with it all that is printed.
void open_standard_descriptors();

/// From now on printing on stdout and stderr cannot fail, so that a full disk or a reader that went
/// away never ends work whose results are still to be written: stdout remembers the first error for
/// finish_printing(), stderr forgets it.
void keep_printing();

/// Flushes stdout and says in one line on stderr when not all could be printed; nothing where its
/// reader closed a pipe, as `head` does. Returns `code`, and in place of `fine` what became of it:
/// usage or pipe_closed.
ExitCode finish_printing(ExitCode code);

}  // namespace vidattn
