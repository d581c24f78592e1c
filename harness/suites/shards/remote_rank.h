#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "harness/distributed/ranks/transport.h"

namespace vidattn {

/// In place of a case's place in the suite: no more cases; the same, and some ranks are lost.
inline constexpr int64_t kNoMoreCases = -1, kNoMoreAndAlone = -2;

/// Another rank of a suite, as the first one sees it. They speak in turn: it says a text and waits,
/// it is told one or given a case. Nothing here waits for a rank that is lost.
class RemoteRank {
 public:
  RemoteRank(Transport& transport, int rank);

  bool lost() const { return transport_.lost(rank_); }
  std::string host() const { return transport_.host(rank_); }
  std::string name() const;  ///< "rank 1 on HOST"

  /// What it said, while it waits for what it is told next; else null.
  const std::string* said();
  void tell(const std::string& text);
  void give(int64_t place);  ///< a case
  void end(int64_t order);   ///< kNoMoreCases or kNoMoreAndAlone

  bool busy() const { return place_.has_value(); }
  /// The case that it was given last, once.
  std::optional<size_t> take_place() { return std::exchange(place_, std::nullopt); }

 private:
  void listen();

  Transport& transport_;
  int rank_;
  int64_t size_ = 0;
  std::string text_;
  std::unique_ptr<Transfer> header_, body_;
  std::optional<size_t> place_;
};

/// The first rank of a suite, as the others see it.
class FirstRank {
 public:
  explicit FirstRank(Transport& transport) : transport_(transport) {}
  void say(const std::string& text);
  std::string hear();
  int64_t order();  ///< the place of a case, kNoMoreCases or kNoMoreAndAlone

 private:
  Transport& transport_;
};

}  // namespace vidattn
