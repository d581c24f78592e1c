#include "harness/dit/shared_attention.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>

#include "harness/distributed/ranks/thread_transport.h"
#include "harness/dit/rollout.h"
#include "harness/workloads/dit/captions.h"
#include "harness/workloads/dit/latents.h"
#include "tests/harness/workloads/dit/random_checkpoint.h"

namespace vidattn {
namespace {

/// Two blocks of four heads, with a router for five groups.
const DitNetwork& network() {
  static const DitNetwork network([] {
    DitConfig config = testing::tiny_config(2, 5);
    config.channels = 64;
    config.heads = 4;
    return testing::random_checkpoint(config);
  }());
  return network;
}

RolloutTask task() {
  return {.grid = {.frames = 5, .height = 4, .width = 6, .shots = {0, 2}},
          .captions = std::vector<int32_t>(2 * kCaptionTokens, 1),
          .given = 1,
          .clean = std::vector<float>(120 * kPatchChannels, 0.5F),
          .steps = 3,
          .seed = 3};
}

MethodSettings settings_of(const std::string& backend) {
  return {method_for(network().config(), backend), &find_device("cpu")};
}

struct Painted {
  Rollout rollout;
  AttentionCosts costs;
  EqualityCheck check;
};

Painted alone(const std::string& backend) {
  MethodAttention attention(settings_of(backend), network().config().blocks, task().steps);
  const Rollout rollout = roll_out(network(), task(), attention);
  return {rollout, attention.costs(), attention.check()};
}

/// What every rank painted.
std::vector<Painted> shared(const std::string& backend, const std::string& layout, int ranks) {
  std::vector<Painted> painted(ranks);
  run_thread_ranks(ranks, [&](Transport& transport) {
    omp_set_num_threads(1);
    Communicator world(transport);
    SharedAttention attention(settings_of(backend), network().config().blocks, task().steps, world,
                              parse_rank_layout(layout, ranks));
    const Rollout rollout = roll_out(network(), task(), attention);
    painted[world.rank()] = {rollout, attention.costs(), attention.check()};
  });
  return painted;
}

/// Methods that plan from all there is, from their heads, routers, shapes; that keep something from
/// step to step.
const char* const kMethods[] = {"full", "moga", "sta", "svg2", "lite", "ditfastattn"};

TEST(SharedAttention, UlyssesPaintsTheBitsOfOneProcess) {
  for (const std::string backend : kMethods) {
    const Painted one = alone(backend);
    for (const int ranks : {1, 4})
      for (const Painted& rank : shared(backend, "ulysses", ranks)) {
        SCOPED_TRACE(backend + " on " + std::to_string(ranks));
        EXPECT_EQ(rank.rollout.latents, one.rollout.latents);
        EXPECT_EQ(rank.rollout.failure, "");
        EXPECT_EQ(rank.costs.calls, one.costs.calls);
        EXPECT_NEAR(rank.costs.density, one.costs.density, 1e-12);
        EXPECT_EQ(rank.check.rows > 0, one.check.rows > 0);
      }
  }
}

TEST(SharedAttention, ARingPaintsWithinRounding) {
  for (const auto& [layout, ranks] : {std::pair{"ring", 3}, {"2x2", 4}})
    for (const std::string backend : {"full", "moga", "sta"}) {
      const Painted one = alone(backend);
      for (const Painted& rank : shared(backend, layout, ranks)) {
        SCOPED_TRACE(backend + " " + layout);
        double error = 0, norm = 0;
        for (size_t i = 0; i < one.rollout.latents.size(); ++i) {
          const double wanted = one.rollout.latents[i];
          error += std::pow(rank.rollout.latents[i] - wanted, 2);
          norm += wanted * wanted;
        }
        EXPECT_LE(std::sqrt(error / norm), 1e-5);
        EXPECT_GT(error, 0);  // else the test would not have parted the keys
        EXPECT_NEAR(rank.costs.density, one.costs.density, 1e-12);
        EXPECT_GT(rank.check.rows, 0);
      }
    }
}

}  // namespace
}  // namespace vidattn
