#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "harness/host/shard.h"

namespace vidattn {

struct Suite;

/// What a shard's run is called in its store, and what of the suite's: "paper shard 2/8".
std::string shard_run_name(const std::string& suite, const Shard& shard);
struct ShardOfSuite {
  std::string suite;
  Shard shard;
};
/// Nothing for the name of another run.
std::optional<ShardOfSuite> shard_of_run(const std::string& name);

/// The suite with the shard's cases alone, under the name of its run. Throws InputError for more
/// shards than cases.
Suite shard_of_suite(const Suite& suite, const Shard& shard);

/// The store of a shard beside the one that all would share: "a.db" -> "a.shard-2-of-8.db".
std::filesystem::path shard_store(const std::filesystem::path& store, const Shard& shard);

}  // namespace vidattn
