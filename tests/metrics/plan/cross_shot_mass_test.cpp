#include "metrics/plan/cross_shot_mass.h"

#include <gtest/gtest.h>

#include "attention/backend.h"

namespace vidattn {
namespace {

/// Two shots of two frames with two tokens: equal keys put on the other shot what its share of the
/// keys is; then the first token's queries like only the second shot's.
TEST(CrossShotMass, IsTheShareOfTheOtherShots) {
  auto q = std::make_shared<Tensor>(8, 1, 8), k = std::make_shared<Tensor>(8, 1, 8);
  Inputs in{.q = q, .k = k, .v = k, .grid = {.frames = 4, .height = 1, .width = 2}};
  in.grid.shots = {0, 2};
  const Backend& full = find_backend("full");
  const auto mass = [&] {
    Output out;
    find_device("cpu").run(full.plan(in, full.defaults()), in, out);
    return cross_shot_mass(in, out.lse[0], find_device("cpu"));
  };
  for (const float share : mass()) EXPECT_NEAR(share, 0.5, 1e-6);
  q->row(0, 0)[0] = 100;
  for (int i = 4; i < 8; ++i) k->row(i, 0)[0] = 1;
  EXPECT_NEAR(mass()[0], 1, 1e-6);
  in.grid.shots = {0};
  for (const float share : mass()) EXPECT_NEAR(share, 0, 1e-6);
}

}  // namespace
}  // namespace vidattn
