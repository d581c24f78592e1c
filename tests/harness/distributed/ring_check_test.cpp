#include "harness/distributed/calls/ring_check.h"

#include <gtest/gtest.h>

#include "tests/harness/distributed/ranks.h"

namespace vidattn {
namespace {

/// What each rank of a ring finds of its own queries.
std::vector<EqualityCheck> checks_of(const Inputs& in, const BackendSpec& spec,
                                     const std::string& layout, int ranks, const Device& device) {
  std::vector<EqualityCheck> found(ranks);
  on_thread_ranks(in, spec, layout, ranks, device, [&](auto& world, Share, SharedCall& call) {
    Output out;
    call.run(out, &found[world.rank()]);
  });
  return found;
}

void expect_all_pass(const Inputs& in, const std::string& layout, int ranks) {
  const Device& cpu = find_device("cpu");
  const auto check = [&](const BackendSpec& spec, const Inputs& own) {
    return checks_of(own, spec, layout, ranks, cpu);
  };
  const int taken = for_every_method(
      in, check, [&](const BackendSpec&, const Inputs&, const std::vector<EqualityCheck>& found) {
        for (const EqualityCheck& rank : found) {
          EXPECT_TRUE(rank.passed()) << rank.reason;
          EXPECT_GT(rank.rows, 0);
        }
      });
  EXPECT_GE(taken, 20);
}

TEST(RingCheck, EveryMethodPasses) { expect_all_pass(random_video(3, 5, 7, 2, 16), "ring", 3); }

TEST(RingCheck, HeadsThatShareKeysPass) { expect_all_pass(grouped(4, 2), "2x2", 4); }

/// The "cpu", which moves one number of the last query's last head.
class OneWrongNumber : public Device {
 public:
  std::string name() const override { return "wrong"; }
  std::string title() const override { return "wrong"; }
  void run(const Plan& plan, const Inputs& in, Output& out) const override {
    find_device("cpu").run(plan, in, out);
    out.o.data<float>()[out.o.size() - 1] += 1;
  }
};

TEST(RingCheck, AWrongHeadIsFoundByTheRankThatHasIt) {
  const Inputs in = random_inputs(17, 3, 16);
  for (const auto& [layout, ranks] : {std::pair{"ring", 4}, {"1x3", 3}})
    for (const EqualityCheck& rank :
         checks_of(in, parse_backend("full"), layout, ranks, OneWrongNumber())) {
      EXPECT_FALSE(rank.passed()) << layout;
      EXPECT_NE(rank.reason.find("against the reference"), std::string::npos);
    }
}

}  // namespace
}  // namespace vidattn
