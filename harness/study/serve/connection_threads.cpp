#include "harness/study/serve/connection_threads.h"

#include <system_error>
#include <utility>

namespace vidattn {

void ConnectionThreads::add(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(work));
  if (waiting_.size() > idle_ && threads_.size() < kMost) start_one();
  wake_.notify_one();
}

void ConnectionThreads::start_one() {
  try {
    threads_.emplace_back([this] { work_on(); });
  } catch (const std::system_error&) {  // those that there are must do
    if (threads_.empty()) throw;
  }
}

void ConnectionThreads::end() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void ConnectionThreads::work_on() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    wake_.wait(lock, [this] { return !waiting_.empty() || ended_; });
    --idle_;
    if (waiting_.empty()) return;
    const std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work();
    lock.lock();
  }
}

}  // namespace vidattn
