#pragma once

#include <string>

namespace vidattn {

/// A library beside the program that is opened when something is first wanted of it: linked, it
/// would slow every start of the tool and bring its threads.
class Plugin {
 public:
  /// Throws InputError, "WHAT cannot be loaded: why", where that fails.
  Plugin(const std::string& file, const std::string& what);
  void* function(const char* name) const;

 private:
  void* library_ = nullptr;
};

}  // namespace vidattn
