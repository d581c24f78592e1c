#include "harness/suites/shards/shard.h"

#include <fmt/format.h>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/suites/suite.h"

namespace vidattn {
namespace {

constexpr const char* kBefore = " shard ";

}  // namespace

std::string shard_run_name(const std::string& suite, const Shard& shard) {
  return suite + kBefore + shard.text();
}

std::optional<ShardOfSuite> shard_of_run(const std::string& name) {
  const size_t at = name.rfind(kBefore);
  if (at == std::string::npos) return std::nullopt;
  const auto shard = read_shard(name.substr(at + std::string(kBefore).size()));
  if (!shard) return std::nullopt;
  return ShardOfSuite{name.substr(0, at), *shard};
}

Suite shard_of_suite(const Suite& suite, const Shard& shard) {
  if (shard.count > std::ssize(suite.cases))
    throw InputError(fmt::format("suite {}: {} shards of {} cases: some would have none",
                                 in_quotes(suite.name), shard.count, suite.cases.size()));
  Suite part{shard_run_name(suite.name, shard), suite.definition, {}, suite.limits};
  for (size_t i = 0; i < suite.cases.size(); ++i)
    if (shard.has(i)) part.cases.push_back(suite.cases[i]);
  return part;
}

std::filesystem::path shard_store(const std::filesystem::path& store, const Shard& shard) {
  std::filesystem::path path = store;
  path.replace_filename(fmt::format("{}.shard-{}-of-{}{}", store.stem().string(), shard.number,
                                    shard.count, store.extension().string()));
  return path;
}

}  // namespace vidattn
