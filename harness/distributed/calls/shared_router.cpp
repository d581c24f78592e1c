#include "harness/distributed/calls/shared_router.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "metrics/ranks/shares.h"

namespace vidattn {
namespace {

/// Consecutive tokens of each rank, from how many each has.
std::vector<Share> held_by(const std::vector<int64_t>& tokens) {
  std::vector<Share> held;
  int64_t begin = 0;
  for (const int64_t count : tokens) {
    held.push_back({begin, begin + count});
    begin += count;
  }
  return held;
}

/// Whole blocks of tokens, as one process would route them: each by the rank that has its first.
std::vector<Share> in_blocks(std::vector<Share> held) {
  const int64_t all = held.back().end;
  const auto next_block = [&](int64_t token) {
    return std::min(all, (token + kTokenBlock - 1) / kTokenBlock * kTokenBlock);
  };
  for (Share& span : held) span = {next_block(span.begin), next_block(span.end)};
  return held;
}

int64_t common(Share a, Share b) {
  return std::max<int64_t>(0, std::min(a.end, b.end) - std::max(a.begin, b.begin));
}

/// The hidden states [routed,C] that this rank routes, from those that the ranks hold.
std::vector<float> hidden_to_route(Communicator& ranks, const PointSet& own,
                                   const std::vector<Share>& held,
                                   const std::vector<Share>& routed) {
  const int rank = ranks.rank();
  const int64_t row = own.dim * static_cast<int64_t>(sizeof(float));
  std::vector<float> from(own.count * own.dim), to(routed[rank].size() * own.dim);
  for (int64_t i = 0; i < own.count; ++i)
    std::memcpy(&from[i * own.dim], own.data + i * own.stride, row);
  ByteBlocks sent, received;
  for (int r = 0; r < ranks.size(); ++r) {
    sent.bytes.push_back(common(held[rank], routed[r]) * row);
    received.bytes.push_back(common(held[r], routed[rank]) * row);
  }
  ranks.all_to_all(from.data(), sent, to.data(), received);
  return to;
}

/// Means over the tokens of each rank as the mean over all (the balance loss's all-reduce).
std::vector<double> mean_of_all(Communicator& ranks, const std::vector<double>& own,
                                const std::vector<Share>& routed) {
  const std::vector<double> all = all_gather_values(ranks, own);
  std::vector<double> mean(own.size());
  for (size_t r = 0; r < routed.size(); ++r) {
    const double share =
        static_cast<double>(routed[r].size()) / static_cast<double>(routed.back().end);
    for (size_t m = 0; m < mean.size(); ++m) mean[m] += all[r * mean.size() + m] * share;
  }
  return mean;
}

}  // namespace

Routing SharedRouter::route(const LinearRouter& router) const {
  std::vector<Share> routed = held_by(ranks_.all_gather(router.tokens));
  LinearRouter own = router;
  std::vector<float> hidden;
  if (router.scores == nullptr) {
    const std::vector<Share> held = std::exchange(routed, in_blocks(routed));
    hidden = hidden_to_route(ranks_, router.hidden, held, routed);
    own.tokens = routed[ranks_.rank()].size();
    own.hidden = {hidden.data(), own.tokens, router.hidden.dim, router.hidden.dim};
  }
  const std::vector<double> none(router.groups);
  Routing part = own.tokens > 0 ? route_tokens(own, &inside_) : routing_of({}, {}, router.groups);
  Routing all = routing_of(all_gather_values(ranks_, part.group->host()),
                           all_gather_values(ranks_, part.gate->host()), router.groups);
  all.p_assigned = mean_of_all(ranks_, own.tokens > 0 ? part.p_assigned : none, routed);
  all.p_mean = mean_of_all(ranks_, own.tokens > 0 ? part.p_mean : none, routed);
  all.stages = std::move(part.stages);
  return all;
}

}  // namespace vidattn
