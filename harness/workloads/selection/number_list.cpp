#include "harness/workloads/selection/number_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/workloads/capture/options.h"

namespace vidattn {

std::string NumberList::Range::text() const {
  return first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last);
}

NumberList::NumberList(const std::string& text, const std::string& what) {
  std::istringstream items(text + ",");
  for (std::string item; std::getline(items, item, ',');) {
    const auto range = find_head_range(item);
    if (!range)
      throw InputError(fmt::format("{} {}: expected numbers and ranges of them, as 0,14,29 or 0-3",
                                   what, in_quotes(text)));
    ranges_.push_back({range->first, range->last});
  }
}

bool NumberList::contains(int64_t number) const {
  return std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& range) {
    return number >= range.first && number <= range.last;
  });
}

std::optional<int64_t> NumberList::only() const {
  const bool single = ranges_.size() == 1 && ranges_[0].first == ranges_[0].last;
  return single ? std::optional(ranges_[0].first) : std::nullopt;
}

}  // namespace vidattn
