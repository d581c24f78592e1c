#include "harness/tables/operators/operator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "attention/device.h"
#include "harness/tables/models.h"
#include "harness/tables/operators/random_inputs.h"

namespace vidattn {
namespace {

TEST(Operator, AScaledSampleHasTheWholesWorkAndAgreesWithTheReference) {
  const DitModel model = find_model("wan2.1-1.3b");
  const Inputs in = random_operator_inputs(model, 12480, 1, 2, DType::f32);
  OperatorOptions options;
  options.heads = 1;
  options.measured_heads = 1;
  options.device = &find_device("cpu");
  options.sample_flops = 2e10;  // long enough to be told from a quarter of it on a busy machine
  const std::vector<OperatorCase> cases = {{"full", parse_backend("full")},
                                           {"M=5", parse_backend("moga_stga:router=random")},
                                           {"refused", parse_backend("nsa")}};
  const auto inputs = [&](int64_t) { return in; };
  const auto times = measure_operators(cases, inputs, options);
  ASSERT_TRUE(times[0].measured()) << times[0].failure;
  EXPECT_DOUBLE_EQ(times[0].flops, 4.0 * 12480 * 12480 * 128);
  EXPECT_NEAR(times[0].scale, times[0].flops / 2e10, 0.35 * times[0].scale);
  EXPECT_LT(times[1].check_error, 2e-5);
  EXPECT_GT(times[1].run_seconds, 0);
  EXPECT_EQ(times[1].run_samples.size(), 3U);
  options.heads = 12;  // scaled to more heads: the work grows with them
  EXPECT_DOUBLE_EQ(measure_operators(cases, inputs, options)[0].flops, 12 * times[0].flops);
}

TEST(Operator, ATimeAboveThePeakIsMistrusted) {
  OperatorTime time{.label = "full", .tokens = 31200};
  time.flops = 5e11;
  time.plan_seconds = 0;
  time.run_seconds = 2;
  time.peak_gflops = 100;  // 2.5 of peak
  EXPECT_FALSE(time.mistrusted()) << "another device or storage type may be faster";
  time.bounded_by_peak = true;
  EXPECT_TRUE(time.mistrusted());
  EXPECT_EQ(to_json(time)["mistrusted"], true);
  EXPECT_NE(mistrusted_note({time}).find("full run whole at 31200 tokens ran at 2.50 of peak"),
            std::string::npos);
  time.peak_gflops = 300;
  EXPECT_EQ(to_json(time)["mistrusted"], false);
  EXPECT_EQ(mistrusted_note({time}), "");
}

TEST(Operator, AWholeCaseHasAllHeadsInTheSameRounds) {
  const DitModel model = find_model("wan2.1-1.3b");
  OperatorOptions options;
  options.heads = 3;
  options.measured_heads = 1;
  options.device = &find_device("cpu");
  options.sample_flops = 2e8;
  options.repeat = 2;
  const auto inputs = [&](int64_t heads) {
    return random_operator_inputs(model, 1560, heads, 1, DType::f32);
  };
  const auto times = measure_operators(
      {{"sampled", parse_backend("full")}, {"whole", parse_backend("full"), true}}, inputs,
      options);
  ASSERT_TRUE(times[1].measured()) << times[1].failure;
  EXPECT_EQ(times[1].measured_heads, 3);
  EXPECT_EQ(times[1].scale, 1);
  EXPECT_GT(times[0].scale, 3);
  EXPECT_DOUBLE_EQ(times[0].flops, times[1].flops);
  EXPECT_EQ(times[0].rounds.size(), 2U);
  EXPECT_EQ(times[1].rounds.size(), 2U);
}

/// Computes nothing, or refuses.
class WrongDevice : public Device {
 public:
  explicit WrongDevice(bool refuses) : refuses_(refuses) {}
  std::string name() const override { return "wrong"; }
  std::string title() const override { return "for tests"; }
  void run(const Plan& plan, const Inputs& in, Output& out) const override {
    if (refuses_ && !plan.branches.empty()) throw DeviceError("lost");
    shape_output(plan, in, out);
  }

 private:
  bool refuses_;
};

TEST(Operator, WhatIsWrongOrFailsHasNoTimeButAReason) {
  const DitModel model = find_model("wan2.1-1.3b");
  OperatorOptions options;
  options.heads = options.measured_heads = 1;
  options.sample_flops = 1e8;
  options.memory = false;
  const auto inputs = [&](int64_t heads) {
    return random_operator_inputs(model, 1560, heads, 1, DType::f32);
  };
  for (const bool refuses : {false, true}) {
    const WrongDevice device(refuses);
    options.device = &device;
    const auto times = measure_operators({{"full", parse_backend("full")}}, inputs, options);
    EXPECT_FALSE(times.at(0).measured());
    EXPECT_EQ(times[0].failure == "lost", refuses) << times[0].failure;
    EXPECT_NE(times[0].failure, "");
    EXPECT_NE(times[0].failure, kInterrupted);
  }
}

/// Takes a time that does not grow with the work, beside one that does.
class DeviceWithOverhead : public Device {
 public:
  explicit DeviceWithOverhead(double seconds_per_pair) : seconds_per_pair_(seconds_per_pair) {}
  std::string name() const override { return "overhead"; }
  std::string title() const override { return "for tests"; }
  void run(const Plan& plan, const Inputs& in, Output& out) const override {
    find_device("cpu").run(plan, in, out);
    if (plan.branches.empty()) return;
    const auto pairs = static_cast<double>(plan.branches[0].tables[0].pairs());
    std::this_thread::sleep_for(std::chrono::duration<double>(0.2 + pairs * seconds_per_pair_));
  }

 private:
  double seconds_per_pair_;
};

TEST(Operator, WhatDoesNotGrowWithTheWorkIsNotScaledUp) {
  constexpr double kPairs = 3120.0 * 3120.0, kSeconds = 4;
  const DeviceWithOverhead device(kSeconds / kPairs);
  OperatorOptions options;
  options.heads = options.measured_heads = 1;
  options.sample_flops = 4 * kPairs * 128 / 5;
  options.memory = false;
  options.repeat = 1;
  options.device = &device;
  const auto times = measure_operators(
      {{"full", parse_backend("full")}},
      [](int64_t heads) {
        return random_operator_inputs(find_model("wan2.1-1.3b"), 3120, heads, 1, DType::f32);
      },
      options);
  ASSERT_TRUE(times[0].measured()) << times[0].failure;
  EXPECT_GT(times[0].scale, 3);
  // A fifth takes 1 s and would be 5 s if all of it were scaled; the CPU itself takes some 0.1 s.
  EXPECT_NEAR(times[0].run_seconds, kSeconds + 0.2, 0.4);
  EXPECT_EQ(times[0].small_samples.size(), 1U);
}

TEST(Operator, ASampleHasTheBlocksThatItNeeds) {
  OperatorOptions options;
  options.heads = options.measured_heads = 2;
  options.sample_flops = 1;
  options.least_blocks = 1;
  options.memory = false;
  options.repeat = 1;
  options.device = &find_device("cpu");
  const auto inputs = [](int64_t heads) {
    return random_operator_inputs(find_model("wan2.1-1.3b"), 4680, heads, 1, DType::f32);
  };
  const auto scale = [&] {
    return measure_operators({{"full", parse_backend("full")}}, inputs, options).at(0).scale;
  };
  EXPECT_NEAR(scale(), 26.0 / 4, 2);  // 13 blocks a head, 4 of them all in the sample
  options.least_blocks = 7;
  EXPECT_EQ(scale(), 1);  // a quarter of the whole has no more
}

TEST(Operator, EveryTimedRunTellsTheShareOfTheWorkThatIsDone) {
  const DitModel model = find_model("wan2.1-1.3b");
  OperatorOptions options;
  options.heads = options.measured_heads = 1;
  options.sample_flops = 1e9;
  options.device = &find_device("cpu");
  options.pass = Pass::both;
  std::vector<double> shares{0};
  options.tick = [&](double share) { shares.push_back(share); };
  measure_operators(
      {{"full", parse_backend("full")}, {"M=5", parse_backend("moga_stga:router=random")}},
      [&](int64_t heads) { return random_operator_inputs(model, 3120, heads, 2, DType::f32); },
      options);
  EXPECT_GT(std::ssize(shares), 2 * options.repeat);
  EXPECT_TRUE(std::is_sorted(shares.begin(), shares.end()));
  EXPECT_NEAR(shares.back(), 1, 1e-9);
}

}  // namespace
}  // namespace vidattn
