#include "harness/workloads/capture/tokens.h"

#include <fmt/format.h>

#include <algorithm>

#include "attention/error.h"

namespace vidattn {
namespace {

void check(const TokenRegions& r) {
  if (r.video == 0 && r.prefix > 0)
    throw InputError("tokens before the video need the video grid: give frames, height and width");
  if (r.prefix + r.video > r.stored)
    throw InputError(fmt::format("the grid has {} tokens{}, q has only {}", r.video,
                                 r.prefix > 0 ? fmt::format(" after {} others", r.prefix) : "",
                                 r.stored));
  if (r.attended.empty()) return;
  const auto video = r.attended.begin() + r.prefix;
  const auto padding = std::count(video, video + r.video, false);
  if (padding > 0)
    throw InputError(
        fmt::format("{} of the video's {} tokens would be padding: is the grid, the "
                    "prefix or the valid length another?",
                    padding, r.video));
  if (std::find(r.attended.begin(), r.attended.end(), true) == r.attended.end())
    throw InputError("no token is valid: all would be padding");
}

}  // namespace

TokenOrder order_tokens(const TokenRegions& regions) {
  check(regions);
  TokenOrder order;
  std::vector<int64_t>& places = order.places.places;
  places.assign(static_cast<size_t>(regions.stored), -1);
  int64_t next = 0;
  const auto add = [&](int64_t begin, int64_t end) {
    for (int64_t token = begin; token < end; ++token) {
      const bool exists = regions.attended.empty() || regions.attended[static_cast<size_t>(token)];
      if (exists) places[static_cast<size_t>(token)] = next++;
    }
  };
  const int64_t after = regions.prefix + regions.video;
  add(regions.prefix, after);
  add(0, regions.prefix);
  add(after, regions.stored);
  order.places.kept = next;
  order.changes = next != regions.stored || regions.prefix > 0;
  order.record = {{"stored", regions.stored},
                  {"before_video", regions.prefix},
                  {"padding", regions.stored - next},
                  {"order", "video, before it, after it"}};
  return order;
}

}  // namespace vidattn
