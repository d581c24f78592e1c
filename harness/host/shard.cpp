#include "harness/host/shard.h"

#include <fmt/format.h>

#include <charconv>

#include "attention/error.h"
#include "harness/io/file.h"

namespace vidattn {

std::optional<Shard> read_shard(const std::string& text) {
  constexpr int64_t kMostShards = 100000;
  Shard shard;
  const char *begin = text.data(), *end = begin + text.size();
  const auto number = std::from_chars(begin, end, shard.number);
  if (number.ec != std::errc() || number.ptr == end || *number.ptr != '/') return std::nullopt;
  const auto count = std::from_chars(number.ptr + 1, end, shard.count);
  const bool whole = count.ec == std::errc() && count.ptr == end;
  if (!whole || shard.number < 1 || shard.number > shard.count || shard.count > kMostShards)
    return std::nullopt;
  return shard;
}

std::string Shard::text() const { return fmt::format("{}/{}", number, count); }

Shard parse_shard(const std::string& text) {
  if (const auto shard = read_shard(text)) return *shard;
  throw InputError(
      fmt::format("--shard {}: a shard and how many there are, as 2/8", in_quotes(text)));
}

}  // namespace vidattn
