#include "harness/suites/shards/slurm.h"

#include <fmt/format.h>

#include <cmath>

#include "harness/host/command_line.h"
#include "harness/suites/shards/shard.h"
#include "harness/suites/suite.h"

namespace vidattn {
namespace {

/// A suite's name without what could end a directive.
std::string job_name(const std::string& suite) {
  constexpr const char* kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  std::string name = "vidattn-" + suite;
  for (size_t at = 0; (at = name.find_first_not_of(kPlain, at)) != std::string::npos;)
    name[at] = '_';
  return name;
}

/// Slurm's D-HH:MM:SS, whole minutes and a few more for the machine's description.
std::string time_limit(double seconds) {
  const auto minutes = static_cast<int64_t>(std::ceil(seconds / 60)) + 5;
  return fmt::format("{}-{:02}:{:02}:00", minutes / 1440, minutes / 60 % 24, minutes % 60);
}

/// The store of the task's shard: its number is the shell's to fill in.
std::string store_word(const std::string& store, int64_t shards) {
  constexpr int64_t kPlaceholder = 999999999;
  const std::string path = shard_store(store, {kPlaceholder, shards}).string();
  const std::string number = std::to_string(kPlaceholder);
  const size_t at = path.rfind(number);
  return shell_line({path.substr(0, at)}) + "\"$shard\"" +
         shell_line({path.substr(at + number.size())});
}

std::string all_stores(const std::string& store, int64_t shards) {
  std::vector<std::string> paths;
  for (int64_t shard = 1; shard <= shards; ++shard)
    paths.push_back(shard_store(store, {shard, shards}).string());
  return shell_line(paths);
}

}  // namespace

std::string slurm_script(const Suite& suite, int64_t shards,
                         const std::vector<std::string>& arguments, const std::string& store,
                         const std::string& folder) {
  const double cases =
      std::ceil(static_cast<double>(suite.cases.size()) / static_cast<double>(shards));
  return fmt::format(
      "#!/usr/bin/env bash\n"
      "# {} cases of a suite of vidattn in {} shards. Submit it with sbatch; a job that is queued\n"
      "# again carries on where it was. Once all are through:\n"
      "#   vidattn merge {} --db {}\n"
      "#SBATCH --job-name={}\n"
      "#SBATCH --array=1-{}\n"
      "#SBATCH --nodes=1\n"
      "#SBATCH --ntasks=1\n"
      "#SBATCH --exclusive\n"
      "#SBATCH --requeue\n"
      "#SBATCH --open-mode=append\n"
      "#SBATCH --time={}\n"
      "set -euo pipefail\n"
      "cd {}\n"
      "shard=$SLURM_ARRAY_TASK_ID\n"
      "exec vidattn run {} --shard \"$shard\"/{} --resume --db {}\n",
      suite.cases.size(), shards, all_stores(store, shards), shell_line({store}),
      job_name(suite.name), shards, time_limit(cases * suite.limits.seconds), shell_line({folder}),
      shell_line(arguments), shards, store_word(store, shards));
}

}  // namespace vidattn
