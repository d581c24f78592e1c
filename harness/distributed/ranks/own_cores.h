#pragma once

#include <string>
#include <vector>

#include "harness/distributed/ranks/communicator.h"

namespace vidattn {

/// Numbers of the cores that this thread may use, ascending.
std::vector<int> usable_cores();

/// For each rank of a host cores that no other has, of those that each may use: its own where ranks
/// are pinned apart, else an even share of those of all. Throws InputError, which names the host,
/// where there are more ranks than cores.
std::vector<std::vector<int>> cores_apart(const std::vector<std::vector<int>>& usable,
                                          const std::string& host);

/// Keeps this thread, and what it starts, on these cores.
void stay_on(const std::vector<int>& cores);

/// "core 7", "cores 2-3,7".
std::string cores_text(const std::vector<int>& cores);

/// The cores of the ranks on one machine. For the lifetime of an object a rank computes on its own:
/// as many threads as it has cores, or its share of them where ranks are not pinned apart.
class OwnCores {
 public:
  explicit OwnCores(Communicator& world);
  ~OwnCores();
  OwnCores(const OwnCores&) = delete;
  OwnCores& operator=(const OwnCores&) = delete;

  int threads() const { return threads_; }  ///< of this rank
  int all() const { return all_; }          ///< cores of all ranks together
  bool pinned() const { return pinned_; }   ///< whether no two ranks have a core in common

  /// Calls `work` on the cores of all ranks, with as many threads; the others should rest.
  template <class Work>
  void with_all(const Work& work) {
    widen();
    work();
    narrow();
  }

 private:
  void widen();
  void narrow();
  std::vector<int> own_, union_;  ///< numbers of cores
  int threads_ = 1, all_ = 1, before_ = 1;
  bool pinned_ = false;
};

}  // namespace vidattn
