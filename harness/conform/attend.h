#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "attention/dtype.h"
#include "attention/grid.h"
#include "attention/methods/balance.h"
#include "harness/host/exit_code.h"

namespace vidattn {

struct Plan;

struct AttendOptions {
  std::string backend;
  std::vector<std::string> settings;          ///< key=value
  std::string q, k, v;                        ///< .npy, [L,H,D]
  std::map<std::string, std::string> inputs;  ///< further inputs by name: router_logits, hidden …
  VideoGrid grid;                             ///< frames = 0 when not given
  std::string device = "cpu";
  DType dtype = DType::f32;
  std::string attention;  ///< self, cross, or empty: cross where the numbers differ
  double scale = 0;       ///< softmax scale; 0 = 1/sqrt(D)
  std::string out, lse, mask, block_map, stats;  ///< files to write; empty = not wanted
  std::string grad;  ///< gradient of the output, [L,H,DV] .npy; empty = no backward pass
  /// Files for its gradients by q, k, v or the name of an input; none without `grad`.
  std::map<std::string, std::string> gradients;
  /// The balance loss whose gradient is added to those of the router's inputs; empty = none.
  std::optional<BalanceForm> balance;
  bool force_mask = false;  ///< write a mask above kMaxMaskTokens, too
};

/// A mask has L² bytes per head; longer ones must be forced.
inline constexpr int64_t kMaxMaskTokens = 4096;

/// Throws InputError for a file that cannot be written, or has an ending that it must not have.
void check_outputs(const AttendOptions& options);
/// Throws InputError for a mask of so many queries and keys that nobody asked for by force.
void check_mask(const AttendOptions& options, int64_t length, int64_t keys);
/// A combined plan has one softmax, and so one LSE, per branch: FILE.npy becomes FILE_<branch>.npy.
std::string lse_file(const AttendOptions& options, const Plan& plan, size_t branch);
/// Throws InputError where one of those files cannot be written, or is another one of the call.
void check_lse_files(const AttendOptions& options, const Plan& plan);

/// One operator on the user's files: `usage` when one of the results could not be written. Throws
/// InputError before any work for anything unusable.
ExitCode attend(const AttendOptions& options);

}  // namespace vidattn
