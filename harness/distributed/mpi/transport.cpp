// Ranks of MPI as a plug-in of their own (vidattn_mpi.so): the tool starts without libmpi.

#include <mpi.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <list>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "harness/distributed/ranks/mpi_transport.h"

namespace vidattn {
namespace {

/// One message of MPI holds at most 2^31-1 elements.
constexpr int64_t kMostBytes = int64_t{1} << 30;
/// How often transfers are moved on beside the work, and how often a rank shows that it lives.
constexpr auto kPace = std::chrono::microseconds(200);
constexpr auto kWaitPace = std::chrono::microseconds(20);
constexpr auto kBeat = std::chrono::milliseconds(500);
constexpr int kBeatTag = 1000;

/// All of MPI is called under this, by the rank's own thread and the one that moves transfers on.
std::mutex mpi_mutex;

class MpiTransfer : public Transfer {
 public:
  explicit MpiTransfer(std::vector<MPI_Request> requests) : requests_(std::move(requests)) {
    const std::lock_guard lock(mpi_mutex);
    open().push_back(this);
    test();
  }
  ~MpiTransfer() override {
    const std::lock_guard lock(mpi_mutex);
    open().remove(this);
  }
  bool done() override {
    const std::lock_guard lock(mpi_mutex);
    return test();
  }
  /// Looks often at first; a long wait leaves the core to others.
  void wait() override {
    for (auto pace = kWaitPace; !done(); pace = std::min(2 * pace, kPace))
      std::this_thread::sleep_for(pace);
  }
  Clock::time_point done_at() const override { return *at_; }

  /// Under the mutex: moves on what is not done.
  static void move_on() {
    for (MpiTransfer* transfer : open()) transfer->test();
  }

 private:
  static std::list<MpiTransfer*>& open() {
    static std::list<MpiTransfer*> transfers;
    return transfers;
  }
  bool test() {
    if (at_) return true;
    int all = 0;
    MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &all, MPI_STATUSES_IGNORE);
    if (all != 0) at_ = Clock::now();
    return all != 0;
  }

  std::vector<MPI_Request> requests_;
  std::optional<Clock::time_point> at_;
};

class MpiTransport : public Transport {
 public:
  explicit MpiTransport(const MpiSettings& settings) : settings_(settings) {
    int provided = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    if (provided < MPI_THREAD_SERIALIZED)
      throw std::runtime_error("this MPI cannot be called from more than one thread");
    gather_hosts();
    mover_ = std::thread([this] { move(); });
  }

  /// Ends together with the other ranks, and shows that this one lives until they come.
  ~MpiTransport() override {
    MPI_Request together = MPI_REQUEST_NULL;
    int all = 0;
    {
      const std::lock_guard lock(mpi_mutex);
      MPI_Ibarrier(MPI_COMM_WORLD, &together);
    }
    while (all == 0) {
      {
        const std::lock_guard lock(mpi_mutex);
        MPI_Test(&together, &all, MPI_STATUS_IGNORE);
      }
      std::this_thread::sleep_for(kPace);
    }
    ending_ = true;
    mover_.join();
    if (beat_in_ != MPI_REQUEST_NULL) {
      MPI_Cancel(&beat_in_);
      MPI_Wait(&beat_in_, MPI_STATUS_IGNORE);
    }
    if (beat_out_ != MPI_REQUEST_NULL) {
      MPI_Cancel(&beat_out_);
      MPI_Wait(&beat_out_, MPI_STATUS_IGNORE);
    }
    MPI_Finalize();
  }
  MpiTransport(const MpiTransport&) = delete;
  MpiTransport& operator=(const MpiTransport&) = delete;

  std::string name() const override {
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
    int length = 0;
    MPI_Get_library_version(text, &length);
    const std::string all(text, length);
    return all.substr(0, all.find_first_of(",\n"));
  }
  int rank() const override { return rank_; }
  int size() const override { return size_; }

  std::unique_ptr<Transfer> send(const void* from, int64_t bytes, int to, int tag) override {
    const auto* at = static_cast<const char*>(from);
    return chunks(bytes, [&](int64_t begin, int count, MPI_Request* request) {
      MPI_Isend(at + begin, count, MPI_BYTE, to, tag, MPI_COMM_WORLD, request);
    });
  }
  std::unique_ptr<Transfer> receive(void* to, int64_t bytes, int from, int tag) override {
    auto* at = static_cast<char*>(to);
    return chunks(bytes, [&](int64_t begin, int count, MPI_Request* request) {
      MPI_Irecv(at + begin, count, MPI_BYTE, from, tag, MPI_COMM_WORLD, request);
    });
  }
  void abort(int code) override {
    const std::lock_guard lock(mpi_mutex);
    MPI_Abort(MPI_COMM_WORLD, code);
  }

 private:
  template <class Begin>
  std::unique_ptr<Transfer> chunks(int64_t bytes, const Begin& begin) {
    std::vector<MPI_Request> requests;
    {
      const std::lock_guard lock(mpi_mutex);
      for (int64_t at = 0; at < bytes; at += kMostBytes) {
        requests.push_back(MPI_REQUEST_NULL);
        begin(at, static_cast<int>(std::min(kMostBytes, bytes - at)), &requests.back());
      }
    }
    return std::make_unique<MpiTransfer>(std::move(requests));
  }

  void gather_hosts() {
    char own[MPI_MAX_PROCESSOR_NAME] = {};
    int length = 0;
    MPI_Get_processor_name(own, &length);
    std::vector<char> all(static_cast<size_t>(size_) * MPI_MAX_PROCESSOR_NAME);
    MPI_Allgather(own, MPI_MAX_PROCESSOR_NAME, MPI_CHAR, all.data(), MPI_MAX_PROCESSOR_NAME,
                  MPI_CHAR, MPI_COMM_WORLD);
    for (int r = 0; r < size_; ++r) hosts_.emplace_back(all.data() + r * MPI_MAX_PROCESSOR_NAME);
  }

  void move() {
    heard_ = Clock::now();
    while (!ending_) {
      {
        const std::lock_guard lock(mpi_mutex);
        MpiTransfer::move_on();
        if (size_ > 1) beat();
      }
      std::this_thread::sleep_for(kPace);
    }
  }

  /// Every rank tells the next one that it lives, and listens to the one before.
  void beat() {
    const auto now = Clock::now();
    const int next = (rank_ + 1) % size_, before = (rank_ + size_ - 1) % size_;
    int arrived = 1, sent = 1;
    if (beat_out_ != MPI_REQUEST_NULL) MPI_Test(&beat_out_, &sent, MPI_STATUS_IGNORE);
    if (sent != 0 && now - said_ >= kBeat) {
      MPI_Isend(&out_, 1, MPI_BYTE, next, kBeatTag, MPI_COMM_WORLD, &beat_out_);
      said_ = now;
    }
    if (beat_in_ != MPI_REQUEST_NULL) {
      MPI_Test(&beat_in_, &arrived, MPI_STATUS_IGNORE);
      if (arrived != 0) heard_ = now;
    }
    if (arrived != 0) MPI_Irecv(&in_, 1, MPI_BYTE, before, kBeatTag, MPI_COMM_WORLD, &beat_in_);
    // This rank may have been stopped itself: what it missed meanwhile has arrived by the next
    // look.
    if (now - looked_ > kBeat) heard_ = now;
    looked_ = now;
    const double silent = seconds_since(heard_);
    if (silent < settings_.patience) return;
    settings_.say("rank " + std::to_string(before) + " on " + hosts_[before] +
                  " has not answered for " + std::to_string(static_cast<int>(silent)) +
                  " s: the run ends on all ranks");
    MPI_Abort(MPI_COMM_WORLD, settings_.lost_code);
  }

  MpiSettings settings_;
  int rank_ = 0, size_ = 1;
  std::vector<std::string> hosts_;
  std::atomic<bool> ending_ = false;
  Clock::time_point heard_, said_, looked_ = Clock::now();
  char in_ = 0, out_ = 0;
  MPI_Request beat_in_ = MPI_REQUEST_NULL, beat_out_ = MPI_REQUEST_NULL;
  std::thread mover_;
};

}  // namespace
}  // namespace vidattn

extern "C" [[gnu::visibility("default")]] vidattn::Transport* vidattn_mpi_transport(
    const vidattn::MpiSettings& settings) {
  return new vidattn::MpiTransport(settings);
}
