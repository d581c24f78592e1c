#pragma once

#include <string>
#include <vector>

#include "harness/workloads/part.h"

namespace vidattn {

/// A kind of workload, which says itself what it is.
struct WorkloadKind {
  std::string name;      ///< "film", or "video" of video:PATH
  std::string argument;  ///< for people: what follows "NAME:", as PATH; empty = nothing follows
  std::string help;      ///< one line for `vidattn list`
  bool synthesized;      ///< reads heads, dim, seed and peak of the request
  /// Throws InputError with one line for a spec, file or shape that cannot be used.
  Workload (*make)(const WorkloadRequest& request);
  /// How many steps of a denoising run the kind is, each a call of its own; null = it is one call.
  int64_t (*steps)(const WorkloadRequest& request) = nullptr;
  bool bare = false;  ///< the argument may be left out; settings follow an @: "dit@step=12"
  /// make() of some tokens, without the others in memory; null = it cannot.
  WorkloadPart (*make_part)(const WorkloadRequest& request, const RowsOf& rows) = nullptr;
  bool seeded = false;  ///< reads the seed of the request and no other option of synthesis
  /// What `--masks` can be: "persons", of a video, or "characters"; null = nothing.
  const char* masks = nullptr;
  /// Whether the program has all that a spec needs; null = the argument names a file.
  bool (*carried)(const std::string& spec) = nullptr;

  /// As typed: "film", "video:PATH", "dit[:CHECKPOINT]".
  std::string usage() const;
  bool takes(const std::string& spec) const;
  /// Whether make() would open a file that the spec names.
  bool opens_file(const std::string& spec) const;
};

/// Makes a kind of workload part of the tool: one file under harness/workloads/, as
///   const RegisterWorkload registered({"capture", "PATH", "…", false, capture_workload});
class RegisterWorkload {
 public:
  explicit RegisterWorkload(WorkloadKind kind);
};

/// All kinds, sorted by name.
const std::vector<WorkloadKind>& workload_kinds();
/// How they are typed: "film | tensors:PATH | video:PATH".
std::string workload_usages(const std::string& separator);
/// Throws InputError naming the known kinds for a spec of none.
const WorkloadKind& find_workload_kind(const std::string& spec);

}  // namespace vidattn
