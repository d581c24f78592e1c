#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace vidattn {

struct Suite;

/// The cases of a suite that one of several processes measures: every count-th one, so that each
/// shard has its part of every workload.
struct Shard {
  int64_t number = 1, count = 1;  ///< 1 to count

  bool has(size_t place) const { return static_cast<int64_t>(place) % count == number - 1; }
  std::string text() const;  ///< "2/8"
  bool operator==(const Shard&) const = default;
};

/// "2/8". Throws InputError for anything but 1 <= number <= count <= 100000.
Shard parse_shard(const std::string& text);

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
