#include "harness/suites/shards/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <stdexcept>
#include <tuple>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/io/places/place.h"
#include "harness/io/sha256.h"
#include "harness/io/text/console.h"
#include "harness/io/text/counted.h"
#include "harness/store/store.h"
#include "harness/suites/shards/shard.h"

namespace vidattn {
namespace {

/// What the shards of one run have in common.
struct RunKey {
  std::string suite;
  int64_t count;
  std::string definition, machine, revision;
  auto operator<=>(const RunKey&) const = default;
};
/// Shards by their numbers; a number that comes again begins another.
using ShardsOfRun = std::map<int64_t, const StoredRun*>;
using MergedRuns = std::map<RunKey, std::vector<ShardsOfRun>>;

/// Finished ones first, so that a shard that was begun again is joined as it was finished.
std::vector<const StoredRun*> finished_first(const std::vector<StoredRun>& runs) {
  std::vector<const StoredRun*> sorted;
  for (const StoredRun& run : runs) sorted.push_back(&run);
  std::stable_partition(sorted.begin(), sorted.end(),
                        [](const StoredRun* run) { return !run->finished.empty(); });
  return sorted;
}

/// A shard that was broken off before its first case, where the run has it finished.
bool begun_in_vain(const StoredRun& run, int64_t number, const std::vector<ShardsOfRun>& parts) {
  return run.finished.empty() && run.cases.empty() && !parts.empty() &&
         parts.front().contains(number) && !parts.front().at(number)->finished.empty();
}

MergedRuns gather(const std::vector<StoredRun>& runs) {
  MergedRuns merged;
  std::set<std::string> seen;  // a store that is read twice, or merged before
  for (const StoredRun* each : finished_first(runs)) {
    const StoredRun& run = *each;
    const auto of = shard_of_run(run.suite);
    if (!of || !seen.insert(run.uid).second) continue;
    auto& parts =
        merged[{of->suite, of->shard.count, run.definition.dump(), run.machine_key, run.revision}];
    if (begun_in_vain(run, of->shard.number, parts)) continue;
    auto free = std::find_if(parts.begin(), parts.end(), [&](const ShardsOfRun& shards) {
      return !shards.contains(of->shard.number);
    });
    if (free == parts.end()) free = parts.insert(parts.end(), ShardsOfRun{});
    (*free)[of->shard.number] = &run;
  }
  return merged;
}

void require_one_revision(const MergedRuns& merged) {
  std::map<std::tuple<std::string, int64_t, std::string, std::string>, std::string> revisions;
  for (const auto& [key, parts] : merged) {
    const auto [known, added] =
        revisions.try_emplace({key.suite, key.count, key.definition, key.machine}, key.revision);
    if (!added)
      throw InputError(fmt::format(
          "suite {}: its shards are of the revisions {} and {}; with --mixed-revisions they become "
          "a run each",
          in_quotes(key.suite), known->second, key.revision));
  }
}

/// All revisions as one: of each shard a run that is finished, if there is one.
MergedRuns over_revisions(const MergedRuns& merged) {
  MergedRuns joined;
  for (const auto& [of_one, parts] : merged) {
    RunKey key = of_one;
    key.revision.clear();
    auto& whole = joined[key];
    whole.resize(1);
    for (const ShardsOfRun& shards : parts)
      for (const auto& [number, run] : shards)
        if (const auto [known, added] = whole[0].emplace(number, run);
            !added && known->second->finished.empty())
          known->second = run;
  }
  return joined;
}

/// What the shards of a suite do not have in common, which makes each of several runs lack some;
/// empty where that is nothing.
std::string apart(const MergedRuns& merged, const std::string& suite) {
  std::set<std::string> definitions, machines;
  for (const auto& [key, parts] : merged) {
    if (key.suite != suite) continue;
    definitions.insert(key.definition);
    machines.insert(key.machine);
  }
  const auto several = [](size_t count, const char* what) {
    return count > 1 ? fmt::format(" (those given are of {} {})", count, what) : "";
  };
  return several(definitions.size(), "definitions of the suite") +
         several(machines.size(), "machines");
}

void require_whole(const MergedRuns& merged) {
  std::vector<std::string> lacking;
  std::string why;
  for (const auto& [key, parts] : merged)
    for (const ShardsOfRun& shards : parts)
      for (int64_t number = 1; number <= key.count; ++number) {
        const auto found = shards.find(number);
        if (found != shards.end() && !found->second->finished.empty()) continue;
        if (lacking.empty()) why = apart(merged, key.suite);
        lacking.push_back(fmt::format("{}/{} of suite {} on machine {} is {}", number, key.count,
                                      in_quotes(key.suite), key.machine,
                                      found == shards.end() ? "missing" : "unfinished"));
      }
  if (lacking.empty()) return;
  throw InputError(fmt::format(
      "shard {}{}{}; --partial merges what there is", lacking.front(),
      lacking.size() == 1 ? "" : fmt::format(", and {} more", lacking.size() - 1), why));
}

StoredRun one_run(const RunKey& key, const ShardsOfRun& shards) {
  StoredRun run = *shards.begin()->second;
  run.id = 0;
  run.suite = key.suite;
  run.preflight.clear();
  run.cases.clear();
  bool finished = std::ssize(shards) == key.count;
  std::string last, uids;
  for (const auto& [number, shard] : shards) {
    run.started = std::min(run.started, shard->started);
    last = std::max(last, shard->finished);
    finished = finished && !shard->finished.empty();
    run.preflight.insert(run.preflight.end(), shard->preflight.begin(), shard->preflight.end());
    run.cases.insert(run.cases.end(), shard->cases.begin(), shard->cases.end());
    // A shard that went on since it was merged is more than it was.
    uids += fmt::format("{} {}\n", shard->uid, shard->cases.size());
  }
  run.finished = finished ? last : "";
  run.case_count = std::ssize(run.cases);
  constexpr size_t kUidDigits = 16;
  run.uid = sha256(uids).substr(0, kUidDigits);
  return run;
}

/// All runs of a store, with their cases.
void load_all(const std::string& path, std::vector<StoredRun>& runs) {
  const Store store(path);
  for (const StoredRun& run : store.list_runs())
    runs.push_back(store.load_run(std::to_string(run.id)));
}

size_t count_cases(const std::vector<StoredRun>& runs, const std::set<std::string>& without = {}) {
  std::map<std::string, size_t> by_uid;  // a run that two stores have counts once
  for (const StoredRun& run : runs)
    if (!without.contains(run.uid)) by_uid[run.uid] = run.cases.size();
  size_t count = 0;
  for (const auto& [uid, cases] : by_uid) count += cases;
  return count;
}

}  // namespace

std::vector<StoredRun> merge_runs(const std::vector<StoredRun>& runs, const MergeOptions& options) {
  const MergedRuns merged = gather(runs);
  if (!options.mixed_revisions) require_one_revision(merged);
  if (!options.partial) require_whole(options.mixed_revisions ? over_revisions(merged) : merged);
  std::vector<StoredRun> joined;
  std::set<std::string> made;
  for (const auto& [key, parts] : merged)
    for (const ShardsOfRun& shards : parts)
      made.insert(joined.emplace_back(one_run(key, shards)).uid);
  // A store that was merged before has a run of the same shards already: it is the one made here.
  std::vector<StoredRun> result;
  std::set<std::string> seen = made;
  for (const StoredRun& run : runs)
    if (!shard_of_run(run.suite) && seen.insert(run.uid).second) result.push_back(run);
  result.insert(result.end(), joined.begin(), joined.end());
  if (count_cases(result) != count_cases(runs, made)) throw std::logic_error("merging lost a case");
  return result;
}

ExitCode merge(const MergeOptions& options) {
  std::vector<StoredRun> runs;
  for (const std::string& path : options.stores) {
    if (same_file(path, options.db))
      throw InputError("store " + in_quotes(path) + " is both read and written");
    load_all(path, runs);
  }
  const std::vector<StoredRun> merged = merge_runs(runs, options);
  Store store(options.db, Store::Mode::write);
  for (const StoredRun& run : merged)
    print_out("run {} of suite {} on machine {}, {}: {}\n", run.uid, run.suite, run.machine_key,
              counted(std::ssize(run.cases), "case"),
              store.add_run(run) ? "added" : "is there already");
  print_out("stored in {}: {} of {}\n", in_quotes(options.db), counted(count_cases(merged), "case"),
            counted(std::ssize(options.stores), "store"));
  return ExitCode::fine;
}

}  // namespace vidattn
