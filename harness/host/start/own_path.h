#pragma once

#include <filesystem>

namespace vidattn {

/// Where this program lies, as an absolute path: what /proc/self/exe says, or without /proc what it
/// was started as. Empty when neither is known. To be asked before the current folder is changed.
std::filesystem::path own_path();

}  // namespace vidattn
