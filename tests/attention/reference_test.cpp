#include "attention/reference.h"

#include <gtest/gtest.h>

#include "attention/backend.h"

namespace vidattn {
namespace {

TEST(Reference, OneKeyReturnsItsValue) {
  Inputs in;
  Tensor q(1, 1, 8), k(1, 1, 8), v(1, 1, 8);
  for (int c = 0; c < 8; ++c) v.row(0, 0)[c] = static_cast<float>(c);
  in.q = std::make_shared<Tensor>(std::move(q));
  in.k = std::make_shared<Tensor>(std::move(k));
  in.v = std::make_shared<Tensor>(std::move(v));
  const Backend& full = find_backend("full");
  const Plan plan = full.plan(in, full.defaults());
  Output out;
  find_device("reference").run(plan, in, out);
  for (int c = 0; c < 8; ++c) EXPECT_FLOAT_EQ(out.o.at(0, 0, c), static_cast<float>(c));
  EXPECT_FLOAT_EQ(out.lse[0][0], 0.0F);
}

}  // namespace
}  // namespace vidattn
