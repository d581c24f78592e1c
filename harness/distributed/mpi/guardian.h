#pragma once

#include <sys/types.h>

#include <string>

namespace vidattn {

/// A process beside a rank that sees what no thread of it can: that it is stopped (SIGSTOP), where
/// no other rank waits for it any more, but its launcher does.
class Guardian {
 public:
  /// Kills this process, after a line on stderr that ends with "\n", once it has been stopped for
  /// so many seconds on end, until the object goes. Where no process can be made, nobody does.
  Guardian(const std::string& line, double patience);
  ~Guardian();
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;

 private:
  int held_ = -1;  ///< closed when this process ends, however it does
  pid_t process_ = -1;
};

}  // namespace vidattn
