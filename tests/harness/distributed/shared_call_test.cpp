#include "harness/distributed/calls/shared_call.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "harness/distributed/parts/volume.h"
#include "harness/workloads/in_dtype.h"
#include "tests/harness/distributed/ranks.h"
#include "tests/harness/files.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

using testing::expect_input_error;

constexpr double kRingLimit = 2e-6;

/// Calls take(spec, prepared inputs) for every method that can plan the call with its defaults;
/// returns how many.
int for_every_planned(const Inputs& in,
                      const std::function<void(const BackendSpec&, const Inputs&)>& take) {
  const auto plan = [](const BackendSpec& spec, const Inputs& own) {
    return spec.backend->plan(own, spec.params);
  };
  return for_every_method(
      in, plan, [&](const auto& spec, const Inputs& own, const Plan&) { take(spec, own); });
}

/// Every method with the bits of one process on 2 and on `most` ranks.
int expect_same_bits(const Inputs& in, int most, const Device& device) {
  return for_every_planned(in, [&](const BackendSpec& spec, const Inputs& own) {
    const Output alone = run_alone(own, spec, device);
    for (const int ranks : std::set<int>{2, most})
      EXPECT_TRUE(same_bits(run_shared(own, spec, "ulysses", ranks, device).out, alone))
          << ranks << " ranks";
  });
}

void expect_near(const Inputs& in, const std::string& layout, int ranks, double limit) {
  const Device& cpu = find_device("cpu");
  for_every_planned(in, [&](const BackendSpec& spec, const Inputs& own) {
    SCOPED_TRACE(layout + " of " + std::to_string(ranks));
    const Output alone = run_alone(own, spec, cpu);
    const SharedRun run = run_shared(own, spec, layout, ranks, cpu);
    EXPECT_LE(relative_l2(run.out.o, alone.o), limit);
    expect_same_lse(run.out, alone, 1e-5F);
  });
}

/// 315 tokens, ragged in every block size, and six heads, which four ranks share unevenly.
TEST(SharedCall, UlyssesHasTheBitsOfOneProcess) {
  EXPECT_GE(expect_same_bits(random_video(3, 7, 15, 6, 32), 4, find_device("cpu")), 25);
  EXPECT_GE(expect_same_bits(random_video(2, 16, 16, 4, 64), 4, find_device("cpu")), 25);
}

TEST(SharedCall, UlyssesHasTheBitsOfOneProcessWithText) {
  EXPECT_GE(expect_same_bits(with_text(random_video(4, 6, 10, 3, 32), 17), 3, find_device("cpu")),
            20);
}

TEST(SharedCall, UlyssesHasTheBitsOfOneProcessWhereHeadsShareKeys) {
  EXPECT_GE(expect_same_bits(grouped(6, 2), 2, find_device("cpu")), 20);
}

TEST(SharedCall, UlyssesHasTheBitsOfOneProcessInEveryType) {
  for (const DType dtype : {DType::bf16, DType::f16, DType::int8, DType::fp8}) {
    SCOPED_TRACE(to_string(dtype));
    Inputs in = random_video(4, 6, 10, 3, 64);
    set_dtype(in, dtype, "in");
    EXPECT_GE(expect_same_bits(in, 3, find_device("cpu")), 20);
  }
}

TEST(SharedCall, UlyssesHasTheBitsOfTheReference) {
  EXPECT_GE(expect_same_bits(random_video(2, 5, 7, 3, 16), 3, find_device("reference")), 15);
}

TEST(SharedCall, ARingIsWithinRounding) {
  const Inputs ragged = random_video(3, 7, 15, 4, 32);
  expect_near(ragged, "ring", 3, kRingLimit);
  expect_near(ragged, "2x2", 4, kRingLimit);
  expect_near(random_video(2, 16, 16, 2, 64), "ring", 2, kRingLimit);
  expect_near(with_text(random_video(4, 6, 10, 2, 32), 17), "ring", 3, kRingLimit);
  expect_near(grouped(6, 2), "2x2", 4, kRingLimit);
}

/// Results of a ring are merged in float32 and rounded once.
TEST(SharedCall, ARingOfBfloat16RoundsOnce) {
  Inputs in = random_video(4, 6, 10, 2, 64);
  set_dtype(in, DType::bf16, "in");
  expect_near(in, "ring", 3, 4e-3);
}

TEST(SharedCall, ShortCalls) {
  const BackendSpec full = parse_backend("full");
  const Device& cpu = find_device("cpu");
  for (const int64_t length : {4, 15, 17}) {
    const Inputs in = random_inputs(length, 4, 16);
    const Output alone = run_alone(in, full, cpu);
    EXPECT_TRUE(same_bits(run_shared(in, full, "ulysses", 4, cpu).out, alone));
    EXPECT_LE(relative_l2(run_shared(in, full, "ring", 4, cpu).out.o, alone.o), kRingLimit);
  }
}

TEST(SharedCall, CrossAttention) {
  Generator random(3);
  const Inputs in = random_cross(130, 77, 4, 4, 32, 48, random);
  EXPECT_GE(expect_same_bits(in, 4, find_device("cpu")), 3);
  expect_near(in, "ring", 3, kRingLimit);
}

/// What a rank sends is the closed form, whoever plans.
TEST(SharedCall, BytesAreThoseOfTheClosedForm) {
  const Inputs in = grouped(6, 6);
  for (const auto& [layout, ranks] : {std::pair{"ulysses", 1},
                                      {"ulysses", 2},
                                      {"ulysses", 3},
                                      {"ring", 2},
                                      {"ring", 4},
                                      {"3x2", 6}})
    for (const char* backend : {"full", "stga", "svg", "moga_stga"}) {
      SCOPED_TRACE(std::string(backend) + " " + layout);
      const BackendSpec spec = parse_backend(backend);
      Inputs own = in;
      spec.backend->prepare(own, spec.params);
      const SharedRun run = run_shared(own, spec, layout, ranks, find_device("cpu"));
      const RankLayout how = parse_rank_layout(layout, ranks);
      int64_t sent = 0, received = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        EXPECT_EQ(run.times[rank].communication.sent,
                  bytes_sent(how, shape_of(in), rank, std::ssize(run.out.lse)));
        EXPECT_EQ(bytes_sent(how, shape_of(in), rank, 0),
                  sent_bytes(CallSize::of(in, 4), {how.heads, how.tokens}, rank).total());
        sent += run.times[rank].communication.sent;
        received += run.times[rank].communication.received;
      }
      EXPECT_EQ(sent, received);
      EXPECT_EQ(sent == 0, ranks == 1);
    }
}

/// 8 bytes a token and 16 a group and rank, whatever the heads: what MoGA gathers to plan.
TEST(SharedCall, ARouterGathersGroupsAndGatesAlone) {
  const BackendSpec moga = parse_backend("moga:num_groups=5");
  Inputs in = random_video(4, 6, 10, 4, 32);
  in.extra["router_logits"] = random_array({240, 5}, 9);
  const SharedRun run = run_shared(in, moga, "ulysses", 4, find_device("cpu"));
  for (const RankTimes& rank : run.times) EXPECT_EQ(rank.for_planning.sent, 3 * (60 * 8 + 5 * 16));
}

TEST(SharedCall, WhatCannotBeSharedIsRefusedInOneLine) {
  const BackendSpec full = parse_backend("full");
  const Device& cpu = find_device("cpu");
  Inputs in = random_inputs(8, 2, 16);
  expect_input_error([&] { run_shared(in, full, "ulysses", 3, cpu); },
                     "3 ranks cannot share 2 heads");
  set_dtype(in, DType::int8, "in");
  expect_input_error([&] { run_shared(in, full, "ring", 2, cpu); }, "a ring takes no int8");
  expect_input_error(
      [&] { run_shared(random_inputs(8, 2, 16), parse_backend("stga"), "ring", 2, cpu); },
      "stga needs the video grid");
}

}  // namespace
}  // namespace vidattn
