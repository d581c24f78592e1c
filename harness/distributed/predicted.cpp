#include "harness/distributed/predicted.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

constexpr int kMessages = 9;
constexpr int64_t kLongMessage = int64_t{4} << 20;

/// Median seconds of a message to the next rank and one from the rank before.
double message_seconds(Communicator& world, int64_t bytes) {
  const int next = (world.rank() + 1) % world.size();
  const int before = (world.rank() + world.size() - 1) % world.size();
  const std::vector<char> from(bytes);
  std::vector<char> to(bytes);
  std::vector<double> seconds;
  for (int i = 0; i < kMessages; ++i) {
    world.barrier();
    const auto start = Clock::now();
    world.start(from.data(), bytes, next, to.data(), bytes, before).finish();
    seconds.push_back(seconds_since(start));
  }
  return median(std::move(seconds));
}

}  // namespace

Link measure_link(Communicator& world) {
  if (world.size() == 1) return {};
  const double brief = message_seconds(world, 1), all = message_seconds(world, kLongMessage);
  world.take_traffic();
  return {static_cast<double>(kLongMessage) / std::max(all - brief, 1e-9), brief};
}

double predicted_seconds(const Plan& plan, const Inputs& in, RankGrid grid, double on_one,
                         const Link& link) {
  const CallSize call = CallSize::of(in, size_of(in.q->dtype()));
  const ClusterLinks links{.per_node = grid.ranks(), .node = link, .network = link};
  return cluster_time({call, on_one, rank_work(plan, in, grid), 0}, links).seconds();
}

}  // namespace vidattn
