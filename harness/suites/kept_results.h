#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "harness/host/output/outputs.h"
#include "harness/store/run_file.h"
#include "harness/store/store.h"

namespace vidattn {

/// The places of a run's results, `--out` and `--db`, while it goes on: what is finished is there
/// at once, so that nothing but a disk can lose it.
class KeptResults {
 public:
  /// Either may be empty. Opens the store; throws InputError for one that cannot be written.
  KeptResults(std::string file, const std::string& db);

  /// Whether there is any place.
  bool any() const { return !file_.empty() || store_.has_value(); }

  /// Puts what there is of an unfinished run in both places: the file is written anew, and says
  /// that it was interrupted; the store gets the cases that it has not. The first `finished` cases
  /// are final, later ones stand until the next call. Of a run in which nothing but skips is known
  /// there is no trace. What cannot be written now is tried again at the next call.
  void keep(const MainJob& job, size_t finished);

  /// The same at the end, each whatever becomes of the other; what fails is said. A run that the
  /// store does not take and that has no file is printed as JSON.
  void finish(const MainJob& job, Outputs& outputs);

 private:
  void store(const MainJob& job, size_t finished);
  void store_or_print(const MainJob& job);
  void store_end(const MainJob& job);

  std::string file_;
  std::optional<Store> store_;
  int64_t run_ = 0;   ///< in the store; 0 = not there yet
  size_t final_ = 0;  ///< cases in the store that stay as they are
};

}  // namespace vidattn
