#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "harness/distributed/mpi/guardian.h"
#include "harness/distributed/ranks/mpi_transport.h"

namespace vidattn {

/// Seconds by which the `place`-th rank says later what others say, too: by then the launcher of
/// the first has ended it.
double turn_of(int place);

/// For steps that ranks take together inside of MPI (its start, its end), where no sign of life can
/// be heard: one that takes too long ends this process with MpiSettings::lost_code, after a line
/// that says which rank waits for what. Its launcher then ends the others. Where none does, a rank
/// that is stopped is killed in the end (Guardian).
class Watch {
 public:
  /// `what` ("MPI to start on all ranks") may take `patience` seconds, until the object goes.
  Watch(const MpiSettings& settings, std::string what, double patience);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  /// "rank 1 (process 4711 on host)".
  std::string own_name() const;
  void watch();
  [[noreturn]] void end() const;

  const MpiSettings& settings_;
  std::string what_;
  double patience_;  ///< seconds
  Guardian guardian_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread watcher_;
};

}  // namespace vidattn
