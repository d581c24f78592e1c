#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace vidattn {

/// The part of a list that one of several processes works on: every count-th thing, so that each
/// shard has its part of whatever lies together.
struct Shard {
  int64_t number = 1, count = 1;  ///< 1 to count

  bool has(size_t place) const { return static_cast<int64_t>(place) % count == number - 1; }
  std::string text() const;  ///< "2/8"
  bool operator==(const Shard&) const = default;
};

/// "2/8". Throws InputError for anything but 1 <= number <= count <= 100000.
Shard parse_shard(const std::string& text);
/// Nothing for such a text.
std::optional<Shard> read_shard(const std::string& text);

}  // namespace vidattn
