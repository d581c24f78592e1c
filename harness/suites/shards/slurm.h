#pragma once

#include <string>
#include <vector>

namespace vidattn {

struct Suite;

/// A batch script of Slurm: an array job of `shards` shards of a suite, each alone on its node,
/// that carries on where it was cut off when it is queued again, and below it how to merge the
/// stores. `arguments` are those of `run` beside --shard, --db and --resume, the suite's name
/// first; `store` is where the merged runs go, `folder` where the job runs. The time limit is that
/// of all of a shard's cases at theirs.
std::string slurm_script(const Suite& suite, int64_t shards,
                         const std::vector<std::string>& arguments, const std::string& store,
                         const std::string& folder);

}  // namespace vidattn
