#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace vidattn {

/// Threads that come as they are needed: work waits for one only where all of kMost are busy, so
/// that connections that say nothing hold up no other. They stay until end().
class ConnectionThreads {
 public:
  /// Below the 1,024 files that a process may usually have open, of which each connection is one.
  static constexpr size_t kMost = 512;

  ~ConnectionThreads() { end(); }

  /// Throws std::system_error where not even one thread can be had.
  void add(std::function<void()> work);
  /// Waits until all that was added is done.
  void end();

 private:
  void start_one();
  void work_on();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool ended_ = false;
};

}  // namespace vidattn
