#pragma once

namespace vidattn {

/// Whether this build has libtorch.
bool torch_available();

/// A function of the plug-in that has libtorch, which is only now opened: linked, it would add half
/// a second and its threads to every start of the tool. `wanted_for` begins the message of the
/// InputError where this build has none, or it cannot be loaded.
void* torch_function(const char* name, const char* wanted_for);

}  // namespace vidattn
