// Ranks of MPI as a plug-in of their own (vidattn_mpi.so): the tool starts without libmpi.

#include <mpi.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <vector>

#include "harness/distributed/mpi/watch.h"
#include "harness/distributed/ranks/mpi_transport.h"

namespace vidattn {
namespace {

/// One message of MPI holds at most 2^31-1 elements.
constexpr int64_t kMostBytes = int64_t{1} << 30;
/// How often transfers are moved on beside the work, and how often a rank shows that it lives.
constexpr auto kPace = std::chrono::microseconds(200);
/// The same where nothing but short messages passes, beside what is measured.
constexpr auto kSlowPace = std::chrono::milliseconds(5);
constexpr auto kWaitPace = std::chrono::microseconds(20);
constexpr auto kBeat = std::chrono::milliseconds(500);
constexpr int kBeatTag = 1000;
/// Seconds that beats have, once there are any, to say which rank it is that others wait for.
constexpr double kForBeats = 3;

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

/// Signs of life between this rank and another one.
class Beat {
 public:
  Beat(int other, bool speaks, bool listens) : other_(other), speaks_(speaks), listens_(listens) {}
  int other() const { return other_; }

  /// Under the mutex: says that this rank lives, and hears whether the other does.
  void look(Clock::time_point now) {
    int sent = 1, arrived = 1;
    if (broken_) return;
    if (out_ != MPI_REQUEST_NULL)
      broken_ |= MPI_Test(&out_, &sent, MPI_STATUS_IGNORE) != MPI_SUCCESS;
    if (in_ != MPI_REQUEST_NULL)
      broken_ |= MPI_Test(&in_, &arrived, MPI_STATUS_IGNORE) != MPI_SUCCESS;
    else
      arrived = 0;
    if (broken_) return;  // of a rank that is gone: it stays silent
    if (arrived != 0) heard_ = now;
    if (speaks_ && sent != 0 && now - said_ >= kBeat) {
      MPI_Isend(&sent_byte_, 1, MPI_BYTE, other_, kBeatTag, MPI_COMM_WORLD, &out_);
      said_ = now;
    }
    if (listens_ && in_ == MPI_REQUEST_NULL)
      MPI_Irecv(&received_byte_, 1, MPI_BYTE, other_, kBeatTag, MPI_COMM_WORLD, &in_);
  }
  /// The other is there, whether or not it was heard.
  void expect(Clock::time_point now) {
    if (listens_) heard_ = now;
  }
  /// This rank was stopped itself: what it missed meanwhile has arrived by the next look.
  void forgive(Clock::time_point now) {
    if (heard_) heard_ = now;
  }
  /// Seconds; 0 of one that never was heard, which may wait for yet another.
  double silent(Clock::time_point now) const {
    return heard_ ? std::chrono::duration<double>(now - *heard_).count() : 0;
  }
  void end() {
    for (MPI_Request* request : {&in_, &out_}) {
      if (*request == MPI_REQUEST_NULL) continue;
      MPI_Cancel(request);
      MPI_Wait(request, MPI_STATUS_IGNORE);
    }
  }

 private:
  int other_;
  bool speaks_, listens_, broken_ = false;
  char sent_byte_ = 0, received_byte_ = 0;  ///< without a meaning
  std::optional<Clock::time_point> heard_;
  Clock::time_point said_;
  MPI_Request in_ = MPI_REQUEST_NULL, out_ = MPI_REQUEST_NULL;
};

class MpiTransport : public Transport {
 public:
  explicit MpiTransport(const MpiSettings& settings) : settings_(settings) {
    start_mpi();
    begin_beats();
    const Watch watch(settings_, "all ranks to begin", settings_.patience + kForBeats);
    mover_ = std::jthread([this](const std::stop_token& ended) { move(ended); });
    gather_hosts();
  }

  /// Ends together with the other ranks, and shows that this one lives until they come.
  ~MpiTransport() override {
    begun_ = false;
    if (!alone_) wait_for_all();
    mover_.request_stop();
    mover_.join();
    if (alone_) return;  // what MPI does to end waits for all ranks, too
    const Watch watch(settings_, "MPI to end on all ranks", settings_.patience);
    take_last_beats();
    for (Beat& beat : beats_) beat.end();
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
    end(code);
  }
  bool lost(int rank) const override {
    const std::lock_guard lock(mpi_mutex);
    return lost_[rank];
  }
  void leave() override { alone_ = true; }
  std::string host(int rank) const override { return hosts_[rank]; }

 private:
  /// Those that were under way when all came to the end: some MPIs complain of what nobody
  /// received.
  static void take_last_beats() {
    for (int any = 1; any != 0;) {
      char beat = 0;
      MPI_Iprobe(MPI_ANY_SOURCE, kBeatTag, MPI_COMM_WORLD, &any, MPI_STATUS_IGNORE);
      if (any != 0)
        MPI_Recv(&beat, 1, MPI_BYTE, MPI_ANY_SOURCE, kBeatTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
  }

  static void end(int code) {
    std::fflush(stdout);
    MPI_Abort(MPI_COMM_WORLD, code);
  }

  void start_mpi() {
    const Watch watch(settings_, "MPI to start on all ranks", settings_.patience);
    int provided = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    if (provided < MPI_THREAD_SERIALIZED)
      throw std::runtime_error("this MPI cannot be called from more than one thread");
    if (settings_.survives) MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  }

  void wait_for_all() {
    together([](MPI_Request* request) { MPI_Ibarrier(MPI_COMM_WORLD, request); });
  }

  /// What all ranks begin, and wait for beside their signs of life.
  template <class Begin>
  static void together(const Begin& begin) {
    MPI_Request request = MPI_REQUEST_NULL;
    {
      const std::lock_guard lock(mpi_mutex);
      begin(&request);
    }
    // NOLINTNEXTLINE(clang-analyzer-optin.mpi.MPI-Checker): that is what wait() is for.
    MpiTransfer({request}).wait();
  }

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
    together([&](MPI_Request* request) {
      MPI_Iallgather(own, MPI_MAX_PROCESSOR_NAME, MPI_CHAR, all.data(), MPI_MAX_PROCESSOR_NAME,
                     MPI_CHAR, MPI_COMM_WORLD, request);
    });
    const std::lock_guard lock(mpi_mutex);
    for (int r = 0; r < size_; ++r) hosts_.emplace_back(all.data() + r * MPI_MAX_PROCESSOR_NAME);
    for (Beat& beat : beats_) beat.expect(Clock::now());
    begun_ = true;
  }

  /// Every rank tells the next one that it lives, and listens to the one before; or rank 0 and the
  /// others listen to each other.
  void begin_beats() {
    lost_.resize(size_);
    if (size_ == 1) return;
    const int next = (rank_ + 1) % size_, before = (rank_ + size_ - 1) % size_;
    if (settings_.survives && rank_ == 0)
      for (int r = 1; r < size_; ++r) beats_.emplace_back(r, true, true);
    else if (settings_.survives || next == before)
      beats_.emplace_back(settings_.survives ? 0 : next, true, true);
    else
      for (const int other : {next, before})
        beats_.emplace_back(other, other == next, other == before);
  }

  void move(const std::stop_token& ended) {
    while (!ended.stop_requested()) {
      {
        const std::lock_guard lock(mpi_mutex);
        MpiTransfer::move_on();
        listen();
      }
      if (settings_.survives)
        std::this_thread::sleep_for(kSlowPace);
      else
        std::this_thread::sleep_for(kPace);
    }
  }

  void listen() {
    const auto now = Clock::now();
    const bool stopped = now - looked_ > kBeat;
    looked_ = now;
    for (Beat& beat : beats_) {
      if (lost_[beat.other()]) continue;
      beat.look(now);
      if (stopped) beat.forgive(now);
      // NOLINTNEXTLINE(clang-analyzer-optin.mpi.MPI-Checker): a beat tests its own requests.
      if (beat.silent(now) >= patience()) lose(beat.other(), beat.silent(now));
    }
  }

  /// Where all others listen to the first rank, one of them is the first to say so.
  double patience() const {
    return settings_.patience + (settings_.survives ? turn_of(rank_ - 1) : 0);
  }

  void lose(int other, double silent) {
    const bool goes_on = settings_.survives && rank_ == 0 && begun_;
    lost_[other] = true;
    settings_.say("rank " + std::to_string(other) + (hosts_.empty() ? "" : " on " + hosts_[other]) +
                      " has not answered for " + std::to_string(static_cast<int>(silent)) +
                      " s: the run " + (goes_on ? "goes on without it" : "ends on all ranks"),
                  !goes_on);
    if (!goes_on) end(settings_.lost_code);
  }

  MpiSettings settings_;
  int rank_ = 0, size_ = 1;
  std::vector<std::string> hosts_;
  std::atomic<bool> begun_ = false;  ///< all ranks are there, and none is at its end
  std::atomic<bool> alone_ = false;
  std::vector<bool> lost_;  ///< by rank
  std::deque<Beat> beats_;  ///< which never move: MPI knows where they are
  Clock::time_point looked_ = Clock::now();
  std::jthread mover_;  ///< ends before the others go
};

}  // namespace
}  // namespace vidattn

extern "C" [[gnu::visibility("default")]] vidattn::Transport* vidattn_mpi_transport(
    const vidattn::MpiSettings& settings) {
  return new vidattn::MpiTransport(settings);
}
