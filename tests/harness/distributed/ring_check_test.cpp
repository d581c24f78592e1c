#include "harness/distributed/calls/ring_check.h"

#include <gtest/gtest.h>

#include "attention/error.h"
#include "metrics/plan/check/gradients.h"
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

/// What each rank finds of the gradients.
std::vector<EqualityCheck> gradient_checks_of(const Inputs& in, const BackendSpec& spec,
                                              const std::string& layout, int ranks,
                                              const Device& device) {
  std::vector<EqualityCheck> found(ranks);
  const Tensor d_o = sample_output_gradient(in);
  on_thread_ranks(in, spec, layout, ranks, device, [&](auto& world, Share rows, SharedCall& call) {
    Output out;
    out.keep = true;
    call.run(out);
    SharedGradients gradients;
    call.backward(d_o.tokens(rows.begin, rows.end), gradients, &found[world.rank()]);
  });
  return found;
}

void expect_gradients_pass(const Inputs& in, const std::string& layout, int ranks) {
  const Device& cpu = find_device("cpu");
  const auto check = [&](const BackendSpec& spec, const Inputs& own) {
    return gradient_checks_of(own, spec, layout, ranks, cpu);
  };
  const int taken = for_every_method(
      in, check, [&](const BackendSpec&, const Inputs&, const std::vector<EqualityCheck>& found) {
        for (const EqualityCheck& rank : found) {
          EXPECT_TRUE(rank.passed()) << rank.reason;
          EXPECT_GT(rank.rows, 0);
        }
      });
  EXPECT_GE(taken, 15);
}

TEST(RingCheck, GradientsOfEveryMethodPass) {
  expect_gradients_pass(random_video(3, 5, 7, 2, 16), "ring", 3);
  expect_gradients_pass(with_text(random_video(4, 6, 10, 2, 32), 17), "ring", 2);
}

TEST(RingCheck, GradientsOfHeadsThatShareKeysPass) {
  expect_gradients_pass(grouped(6, 3), "1x2", 2);
  expect_gradients_pass(grouped(4, 2), "2x2", 4);
}

TEST(RingCheck, GradientsOfShortCallsPass) {
  for (const int64_t length : {4, 15, 17})
    for (const EqualityCheck& rank : gradient_checks_of(
             random_inputs(length, 1, 16), parse_backend("full"), "ring", 4, find_device("cpu"))) {
      EXPECT_TRUE(rank.passed()) << rank.reason;
      EXPECT_EQ(rank.rows, length);
    }
}

/// The "cpu", whose gradients of one operand are too large in one number: what is wrong shows on
/// all ranks, whichever computed it and whichever has the row.
class OneWrongGradient : public Device {
 public:
  explicit OneWrongGradient(Tensor Gradients::*operand) : operand_(operand) {}
  std::string name() const override { return "wrong"; }
  std::string title() const override { return "wrong"; }
  void run(const Plan& plan, const Inputs& in, Output& out) const override {
    find_device("cpu").run(plan, in, out);
  }
  bool has_backward() const override { return true; }
  void backward(const Plan& plan, const Inputs& in, const Output& kept, const Tensor& d_o,
                Gradients& out) const override {
    find_device("cpu").backward(plan, in, kept, d_o, out);
    Tensor& wrong = out.*operand_;
    wrong.data<float>()[wrong.size() - 1] += 1;
  }

 private:
  Tensor Gradients::*operand_;
};

TEST(RingCheck, AWrongGradientIsFoundByAllRanks) {
  const Inputs in = random_inputs(17, 3, 16);
  for (Tensor Gradients::*const operand : {&Gradients::q, &Gradients::k, &Gradients::v})
    for (const EqualityCheck& rank :
         gradient_checks_of(in, parse_backend("full"), "ring", 4, OneWrongGradient(operand))) {
      EXPECT_FALSE(rank.passed());
      EXPECT_NE(rank.reason.find("gradients' relative L2 error"), std::string::npos);
    }
}

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
