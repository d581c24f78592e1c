#pragma once

#include <string>

namespace vidattn {

/// Text of `vidattn list`: backends with their parameters and inputs, devices and workloads.
std::string inventory();

}  // namespace vidattn
