#pragma once

namespace vidattn {

/// From now on the first SIGINT (Ctrl-C) or SIGTERM only makes interrupted() true and cancels runs
/// of devices (attention/cancel.h), so that work can stop soon with its results written. A second
/// one ends the process at once with code 130.
void catch_interrupts();

bool interrupted();

}  // namespace vidattn
