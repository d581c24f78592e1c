#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "harness/host/clock.h"

namespace vidattn {

/// A message on its way, sent or received. The memory that it is read from or written to must live
/// until it is done.
class Transfer {
 public:
  virtual ~Transfer() = default;
  virtual bool done() = 0;  ///< without waiting
  virtual void wait() = 0;
  virtual Clock::time_point done_at() const = 0;  ///< only of one that is done
};

/// Ranks that send each other bytes: MPI's, or threads of one process. All that ranks do together
/// is written on top of it, once (communicator.h). Messages of a pair and tag arrive in the order
/// in which they were sent, and go on while the ranks compute.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual std::string name() const = 0;  ///< "Open MPI v4.1.4", for records
  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual std::unique_ptr<Transfer> send(const void* from, int64_t bytes, int to, int tag) = 0;
  /// The sender's `bytes` must be as many.
  virtual std::unique_ptr<Transfer> receive(void* to, int64_t bytes, int from, int tag) = 0;
  /// Ends the run on all ranks with this exit code.
  virtual void abort(int code) = 0;
  /// Whether a rank gave no sign of life for too long, where the run goes on without it.
  virtual bool lost(int) const { return false; }
  /// Ends without waiting for the others, of which some are lost.
  virtual void leave() {}
  virtual std::string host(int) const { return "this machine"; }  ///< that a rank is on
};

}  // namespace vidattn
