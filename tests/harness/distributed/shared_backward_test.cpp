#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "harness/conform/named_gradients.h"
#include "harness/distributed/parts/volume.h"
#include "harness/workloads/in_dtype.h"
#include "metrics/plan/check/gradients.h"
#include "tests/harness/distributed/ranks.h"
#include "tests/harness/files.h"
#include "tests/support/gradients.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

using testing::expect_input_error;

/// Partial sums of float32, as DISTRIBUTED.md states: four times what a ring's output may differ.
constexpr double kRingGradients = 8e-6;
/// What all ranks' parts are added up to, or is computed of other numbers of tokens at once.
constexpr double kSummed = 2e-6;

const std::set<std::string> kSums{"router_weight", "router_bias", "hidden", "proj_weight",
                                  "proj_bias"};

const std::vector<float>& floats(const Array& array) {
  return std::get<std::vector<float>>(array.values);
}

NamedGradients gradients_alone(const Inputs& whole, const Tensor& d_o, const BackendSpec& spec,
                               const Device& device) {
  Inputs in = whole;
  in.device = &device;
  const Plan plan = spec.backend->plan(in, spec.params);
  check_backward(plan, in, d_o);
  Output out;
  out.keep = true;
  device.run(plan, in, out);
  return named_gradients(spec, device, plan, in, out, d_o);
}

/// Calls take(spec, inputs, gradients of one process) for every method with gradients; returns how
/// many.
int for_every_gradient(
    const Inputs& in, const Device& device,
    const std::function<void(const BackendSpec&, const Inputs&, const NamedGradients&)>& take) {
  const Tensor d_o = sample_output_gradient(in);
  const auto alone = [&](const BackendSpec& spec, const Inputs& own) {
    return gradients_alone(own, d_o, spec, device);
  };
  return for_every_method(in, alone, take);
}

void expect_gradients(const NamedGradients& got, const NamedGradients& want, double limit,
                      bool bits) {
  ASSERT_EQ(got.size(), want.size());
  for (const auto& [name, array] : want) {
    ASSERT_TRUE(got.contains(name)) << name;
    ASSERT_EQ(got.at(name).shape, array.shape) << name;
    const std::vector<float>&a = floats(got.at(name)), &b = floats(array);
    if (bits && !kSums.contains(name))
      EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0)
          << name << " differs by " << gradient_error(a, b);
    else
      EXPECT_LE(gradient_error(a, b), limit) << name;
  }
}

int expect_same_gradients(const Inputs& in, int most, const Device& device) {
  const Tensor d_o = sample_output_gradient(in);
  return for_every_gradient(in, device, [&](const auto& spec, const Inputs& own, const auto& want) {
    for (const int ranks : std::set<int>{2, most})
      expect_gradients(shared_gradients(own, d_o, spec, "ulysses", ranks, device), want, kSummed,
                       true);
  });
}

/// Methods whose plans a ring's backward pass refuses are left out.
int expect_near_gradients(const Inputs& in, const std::string& layout, int ranks, double limit) {
  const Device& cpu = find_device("cpu");
  const Tensor d_o = sample_output_gradient(in);
  int refused = 0;
  const int all =
      for_every_gradient(in, cpu, [&](const auto& spec, const Inputs& own, const auto& want) {
        SCOPED_TRACE(layout + " of " + std::to_string(ranks));
        try {
          expect_gradients(shared_gradients(own, d_o, spec, layout, ranks, cpu), want, limit,
                           false);
        } catch (const InputError& error) {
          EXPECT_NE(std::string(error.what()).find("slope of values"), std::string::npos);
          ++refused;
        }
      });
  return all - refused;
}

TEST(SharedBackward, UlyssesHasTheBitsOfOneProcess) {
  EXPECT_GE(expect_same_gradients(random_video(3, 7, 15, 5, 32), 4, find_device("cpu")), 20);
}

/// Key heads of so many queries that each is cut into strands.
TEST(SharedBackward, UlyssesHasTheBitsOfOneProcessOfLongCalls) {
  Generator random(7);
  const Inputs in = random_inputs(4000, 150, 4, 2, 16, random);
  const Tensor d_o = sample_output_gradient(in);
  const BackendSpec full = parse_backend("full");
  const Device& cpu = find_device("cpu");
  expect_gradients(shared_gradients(in, d_o, full, "ulysses", 2, cpu),
                   gradients_alone(in, d_o, full, cpu), 0, true);
}

TEST(SharedBackward, UlyssesHasTheBitsOfOneProcessWithText) {
  EXPECT_GE(
      expect_same_gradients(with_text(random_video(4, 6, 10, 3, 32), 17), 3, find_device("cpu")),
      15);
}

TEST(SharedBackward, UlyssesHasTheBitsOfOneProcessWhereHeadsShareKeys) {
  EXPECT_GE(expect_same_gradients(grouped(6, 2), 2, find_device("cpu")), 15);
}

TEST(SharedBackward, UlyssesHasTheBitsOfOneProcessInHalfTypes) {
  for (const DType dtype : {DType::bf16, DType::f16}) {
    SCOPED_TRACE(to_string(dtype));
    Inputs in = random_video(4, 6, 10, 3, 64);
    set_dtype(in, dtype, "in");
    EXPECT_GE(expect_same_gradients(in, 3, find_device("cpu")), 15);
  }
}

TEST(SharedBackward, ARingIsWithinRounding) {
  const Inputs ragged = random_video(3, 7, 15, 4, 32);
  EXPECT_GE(expect_near_gradients(ragged, "ring", 3, kRingGradients), 20);
  EXPECT_GE(expect_near_gradients(ragged, "2x2", 4, kRingGradients), 20);
  EXPECT_GE(expect_near_gradients(with_text(random_video(4, 6, 10, 2, 32), 17), "ring", 3,
                                  kRingGradients),
            15);
  EXPECT_GE(expect_near_gradients(grouped(6, 2), "2x2", 4, kRingGradients), 15);
}

TEST(SharedBackward, ShortCalls) {
  const BackendSpec full = parse_backend("full");
  const Device& cpu = find_device("cpu");
  for (const int64_t length : {4, 15, 17}) {
    const Inputs in = random_inputs(length, 4, 16);
    const Tensor d_o = sample_output_gradient(in);
    const NamedGradients alone = gradients_alone(in, d_o, full, cpu);
    expect_gradients(shared_gradients(in, d_o, full, "ulysses", 4, cpu), alone, 0, true);
    expect_gradients(shared_gradients(in, d_o, full, "ring", 4, cpu), alone, kRingGradients, false);
  }
}

TEST(SharedBackward, CrossAttention) {
  Generator random(3);
  const Inputs in = random_cross(130, 77, 4, 4, 32, 48, random);
  EXPECT_GE(expect_same_gradients(in, 4, find_device("cpu")), 3);
  EXPECT_GE(expect_near_gradients(in, "ring", 3, kRingGradients), 3);
}

/// Gates and what a method learns, given as inputs: every gradient that a method passes on.
TEST(SharedBackward, GatesAndLearnedInputs) {
  const Device& cpu = find_device("cpu");
  Inputs in = random_video(4, 6, 10, 4, 32);
  const Tensor d_o = sample_output_gradient(in);
  in.extra["router_logits"] = random_array({240, 5}, 9);
  in.extra["gate"] = random_array({240, 4, 32}, 10);
  for (const char* gate : {"g_cmp", "g_slc", "g_swa"}) in.extra[gate] = random_array({240, 4}, 11);
  in.extra["proj_weight"] = random_array({32, 32}, 12);
  in.extra["proj_bias"] = random_array({32}, 13);
  for (const auto& [backend, input] : {std::pair{"moga:num_groups=5", "router_logits"},
                                       {"moga_stga:num_groups=5", "router_logits"},
                                       {"vsa", "gate"},
                                       {"nsa", "g_slc"},
                                       {"sla", "proj_weight"}}) {
    SCOPED_TRACE(backend);
    const BackendSpec spec = parse_backend(backend);
    const NamedGradients alone = gradients_alone(in, d_o, spec, cpu);
    ASSERT_TRUE(alone.contains(input));
    for (const int ranks : {2, 3, 4})
      expect_gradients(shared_gradients(in, d_o, spec, "ulysses", ranks, cpu), alone, kSummed,
                       true);
    for (const auto& [layout, ranks] : {std::pair{"ring", 3}, {"2x2", 4}})
      expect_gradients(shared_gradients(in, d_o, spec, layout, ranks, cpu), alone, kRingGradients,
                       false);
  }
}

/// The reference device's, but for a gate that heads share, whose sum it rounds once.
TEST(SharedBackward, UlyssesHasTheBitsOfTheReference) {
  const Device& reference = find_device("reference");
  const Inputs in = random_video(2, 5, 7, 3, 16);
  const Tensor d_o = sample_output_gradient(in);
  for (const char* backend : {"full", "stga", "vsa", "svg"}) {
    SCOPED_TRACE(backend);
    const BackendSpec spec = parse_backend(backend);
    expect_gradients(shared_gradients(in, d_o, spec, "ulysses", 3, reference),
                     gradients_alone(in, d_o, spec, reference), 0, true);
  }
}

TEST(SharedBackward, BytesAreThoseOfTheClosedForm) {
  const Inputs in = grouped(6, 6);
  const Tensor d_o = sample_output_gradient(in);
  for (const auto& [layout, ranks] :
       {std::pair{"ulysses", 1}, {"ulysses", 3}, {"ring", 2}, {"ring", 4}, {"3x2", 6}})
    for (const char* backend : {"full", "moga_stga"}) {
      SCOPED_TRACE(std::string(backend) + " " + layout);
      const BackendSpec spec = parse_backend(backend);
      Inputs own = in;
      spec.backend->prepare(own, spec.params);
      std::vector<RankTimes> times;
      shared_gradients(own, d_o, spec, layout, ranks, find_device("cpu"), &times);
      const RankLayout how = parse_rank_layout(layout, ranks);
      for (int rank = 0; rank < ranks; ++rank)
        EXPECT_EQ(times[rank].communication.sent, backward_bytes_sent(how, shape_of(in), rank));
    }
}

TEST(SharedBackward, WhatHasNoGradientsIsRefusedInOneLine) {
  const Device& cpu = find_device("cpu");
  Inputs in = random_inputs(64, 2, 16);
  const Tensor d_o = sample_output_gradient(in);
  const BackendSpec full = parse_backend("full");
  expect_input_error([&] { shared_gradients(in, d_o, full, "ring", 2, find_device("reference")); },
                     "device reference has a backward pass of whole calls alone");
  set_dtype(in, DType::int8, "in");
  expect_input_error([&] { shared_gradients(in, d_o, full, "ulysses", 2, cpu); },
                     "no backward pass in int8");
}

}  // namespace
}  // namespace vidattn
