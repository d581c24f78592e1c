#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/distributed/ranks/transport.h"

namespace vidattn {

/// What went from this rank to others, and for how long it waited for them.
struct Traffic {
  int64_t sent = 0, received = 0;  ///< bytes; what a rank keeps does not count
  double seconds = 0;              ///< of exchanges, from their start to their end
  double waited = 0;               ///< seconds of those in which this rank did nothing else
  Traffic& operator+=(const Traffic& more);
};

/// A row of bytes for each rank of a communicator, one behind the other.
struct ByteBlocks {
  std::vector<int64_t> bytes;
  int64_t offset(int rank) const;
  int64_t total() const { return offset(static_cast<int>(bytes.size())); }
};

/// Some of a transport's ranks, numbered anew, and what they do together. Every member must call
/// the same operations in the same order.
class Communicator {
 public:
  explicit Communicator(Transport& transport);  ///< of all ranks
  /// Of these ranks of `of`, in this order; this rank is among them.
  Communicator(const Communicator& of, const std::vector<int>& members);

  int rank() const { return rank_; }
  int size() const { return static_cast<int>(members_.size()); }

  /// own: blocks.bytes[rank()] bytes; all: blocks.total(), filled in the order of ranks.
  void all_gather(const void* own, void* all, const ByteBlocks& blocks);
  /// Block i of `from` goes to rank i; block i of `to` comes from rank i.
  void all_to_all(const void* from, const ByteBlocks& sent, void* to, const ByteBlocks& received);
  /// The values of all ranks, by rank.
  std::vector<double> all_gather(double own);
  std::vector<std::string> all_gather(const std::string& own);
  std::vector<int64_t> all_gather(int64_t own);
  void barrier() { all_gather(0.0); }

  /// An exchange that goes on while this rank works.
  class Exchange {
   public:
    /// Waits for both; `hidden` is the share of its time that was over before.
    double finish();

   private:
    friend class Communicator;
    std::unique_ptr<Transfer> sent_, received_;
    Traffic* traffic_ = nullptr;
    Clock::time_point start_;
  };
  /// Sends `sent` bytes to one rank and receives `received` from another.
  Exchange start(const void* from, int64_t sent, int to_rank, void* to, int64_t received,
                 int from_rank);

  /// Counted since the last call of take_traffic().
  Traffic take_traffic() { return std::exchange(traffic_, {}); }
  Transport& transport() const { return *transport_; }

 private:
  Transport* transport_;
  std::vector<int> members_;
  int rank_ = 0;
  Traffic traffic_;
};

/// All elements of the vectors, in the order of ranks; vectors may differ in length.
template <class T>
std::vector<T> all_gather_values(Communicator& ranks, const std::vector<T>& own) {
  ByteBlocks blocks{ranks.all_gather(static_cast<int64_t>(own.size() * sizeof(T)))};
  std::vector<T> all(blocks.total() / sizeof(T));
  ranks.all_gather(own.data(), all.data(), blocks);
  return all;
}

}  // namespace vidattn
