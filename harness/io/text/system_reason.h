#pragma once

#include <string>

namespace vidattn {

/// What an error number of the system says: "No space left on device" for ENOSPC.
std::string system_reason(int error);

}  // namespace vidattn
