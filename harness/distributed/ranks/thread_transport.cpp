#include "harness/distributed/ranks/thread_transport.h"

#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <tuple>
#include <vector>

namespace vidattn {
namespace {

/// What the ranks of one process have in common: messages that were sent and not yet received.
struct Mailbox {
  using Way = std::tuple<int, int, int>;  ///< from, to, tag
  std::mutex mutex;
  std::condition_variable changed;
  std::map<Way, std::deque<std::vector<char>>> messages;
  std::exception_ptr failure;

  void fail(const std::exception_ptr& why) {
    const std::lock_guard lock(mutex);
    if (!failure) failure = why;
    changed.notify_all();
  }
};

class SentMessage : public Transfer {
 public:
  bool done() override { return true; }
  void wait() override {}
  Clock::time_point done_at() const override { return at_; }

 private:
  Clock::time_point at_ = Clock::now();
};

class ReceivedMessage : public Transfer {
 public:
  ReceivedMessage(Mailbox& box, Mailbox::Way way, void* to, int64_t bytes)
      : box_(box), way_(std::move(way)), to_(to), bytes_(bytes) {}
  bool done() override {
    const std::lock_guard lock(box_.mutex);
    return take();
  }
  void wait() override {
    std::unique_lock lock(box_.mutex);
    while (!take()) {
      if (box_.failure) throw RankFailed("another rank failed");
      box_.changed.wait(lock);
    }
  }
  Clock::time_point done_at() const override { return *at_; }

 private:
  bool take() {
    if (at_) return true;
    auto& waiting = box_.messages[way_];
    if (waiting.empty()) return false;
    if (static_cast<int64_t>(waiting.front().size()) != bytes_)
      throw std::logic_error("a rank sent another number of bytes than was waited for");
    std::memcpy(to_, waiting.front().data(), bytes_);
    waiting.pop_front();
    at_ = Clock::now();
    return true;
  }

  Mailbox& box_;
  Mailbox::Way way_;
  void* to_;
  int64_t bytes_;
  std::optional<Clock::time_point> at_;
};

class ThreadTransport : public Transport {
 public:
  ThreadTransport(Mailbox& box, int rank, int size) : box_(box), rank_(rank), size_(size) {}
  std::string name() const override { return "threads"; }
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::unique_ptr<Transfer> send(const void* from, int64_t bytes, int to, int tag) override {
    const auto* begin = static_cast<const char*>(from);
    std::vector<char> message(begin, begin + bytes);
    const std::lock_guard lock(box_.mutex);
    box_.messages[{rank_, to, tag}].push_back(std::move(message));
    box_.changed.notify_all();
    return std::make_unique<SentMessage>();
  }
  std::unique_ptr<Transfer> receive(void* to, int64_t bytes, int from, int tag) override {
    return std::make_unique<ReceivedMessage>(box_, Mailbox::Way{from, rank_, tag}, to, bytes);
  }
  void abort(int) override { throw RankFailed("this rank ended the run"); }

 private:
  Mailbox& box_;
  int rank_, size_;
};

}  // namespace

void run_thread_ranks(int size, const std::function<void(Transport&)>& work) {
  Mailbox box;
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      try {
        ThreadTransport transport(box, rank, size);
        work(transport);
      } catch (...) {
        box.fail(std::current_exception());
      }
    });
  for (std::thread& thread : threads) thread.join();
  if (box.failure) std::rethrow_exception(box.failure);
}

}  // namespace vidattn
