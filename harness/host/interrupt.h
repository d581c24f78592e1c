#pragma once

namespace vidattn {

/// From now on the first SIGINT (Ctrl-C), SIGTERM or SIGHUP only makes interrupted() true and
/// cancels runs of devices (attention/cancel.h), so that work can stop soon with its results
/// written. A second one ends the process at once with code 130. SIGHUP stays ignored where it was,
/// as `nohup` does. A pipe without a reader (SIGPIPE) and the limit on files' sizes (SIGXFSZ) are
/// errors of the write instead of an end. `says`: the first signal's notice is printed; ranks,
/// which their launcher ends by signals, take it without a word.
void catch_interrupts(bool says = true);

bool interrupted();

}  // namespace vidattn
