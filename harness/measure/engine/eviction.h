#pragma once

#include <cstdint>
#include <memory>

namespace vidattn {

/// Writes twice the last-level cache, at least 64 MiB, from every thread.
class Eviction {
 public:
  explicit Eviction(bool wanted);
  void operator()();                        ///< nothing when it is not wanted
  int64_t bytes() const { return bytes_; }  ///< 0 when it is not wanted

 private:
  int64_t bytes_ = 0;
  std::unique_ptr<char[]> memory_;
  char value_ = 0;
};

}  // namespace vidattn
