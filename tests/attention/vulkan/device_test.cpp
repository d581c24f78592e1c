#include "attention/device.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "attention/cancel.h"
#include "attention/error.h"
#include "tests/attention/vulkan/vulkan_test.h"

// Mesa and LLVM keep some memory until the program ends.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libvulkan\nleak:libLLVM\nleak:libVkLayer\nleak:libdrm\n";
}

namespace vidattn {
namespace {

/// "Slow": Mesa and LLVM under the sanitizers are.
class VulkanDeviceSlow : public VulkanTest {
 protected:
  void expect_matches_reference(const Plan& plan, const Inputs& in, double tolerance = 2e-6) {
    plan.validate(in);
    Output want, got, again;
    find_device("reference").run(plan, in, want);
    device->run(plan, in, got);
    EXPECT_LE(relative_error(got.o, want.o), tolerance);
    expect_same_lse(got, want, 2e-6F);
    device->run(plan, in, again);
    EXPECT_EQ(again.lse, got.lse) << "not deterministic";
  }
};

TEST_F(VulkanDeviceSlow, ACancelledRunThrowsAndTheNextIsWhole) {
  const int64_t length = 300;
  const Inputs in = random_inputs(length, length, 2, 2, 64, random);
  const Plan plan = one_branch({.tables = {full_table(length, length)}});
  Output out;
  runs_cancelled = true;
  EXPECT_THROW(device->run(plan, in, out), Cancelled);
  runs_cancelled = false;
  expect_matches_reference(plan, in);
}

TEST_F(VulkanDeviceSlow, LengthsAndDims) {
  for (int64_t dim : {1, 8, 33, 128, 256})
    for (int64_t length : {1, 15, 17, 65, 300}) {
      SCOPED_TRACE("length " + std::to_string(length) + " dim " + std::to_string(dim));
      const Inputs in = random_inputs(length, length, 1, 1, dim, random);
      expect_matches_reference(one_branch({.tables = {full_table(length, length)}}), in);
    }
}

TEST_F(VulkanDeviceSlow, LargeScores) {
  const Inputs in = random_inputs(150, 150, 2, 2, 64, random, 25);
  expect_matches_reference(one_branch({.tables = {full_table(150, 150)}}), in, 2e-5);
}

TEST_F(VulkanDeviceSlow, RaggedGathers) {
  for (int64_t dim : {24, 64}) {
    const Inputs in = random_inputs(333, 333, 2, 2, dim, random);
    expect_matches_reference(one_branch({.tables = {ragged_table(333, 333, random)}}), in);
  }
}

TEST_F(VulkanDeviceSlow, TablePerHeadAndSharedKeyHeads) {
  const Inputs in = random_inputs(200, 200, 4, 2, 32, random);
  const Inputs one_key_head = random_inputs(200, 200, 4, 1, 32, random);
  std::vector<HeadTable> tables;
  for (int t = 0; t < 4; ++t) tables.push_back(ragged_table(200, 200, random));
  expect_matches_reference(one_branch({.tables = tables}), in);
  tables.resize(2);
  expect_matches_reference(one_branch({.tables = tables}), one_key_head);
}

TEST_F(VulkanDeviceSlow, Bands) {
  const KeyRange causal{0, 400, KeyRange::kNoLow, 0};
  const KeyRange window{0, 400, -20, 20};
  const KeyRange far{0, 400, 150, 170};  // the last queries see nothing
  const Inputs in = random_inputs(400, 400, 1, 1, 32, random);
  for (const KeyRange& range : {causal, window, far}) {
    HeadTable table;
    table.add(0, 400, {range});
    expect_matches_reference(one_branch({.tables = {table}}), in);
  }
  HeadTable mixed;
  mixed.key_order = make_order(shuffled(400, random));
  mixed.add(3, 4, {{0, 100, -2, 40}, {300, 400}});
  mixed.add(5, 5, {{0, 400}});
  mixed.add(6, 8, {});
  mixed.add(10, 390, {{0, 100, -2, 40}, {150, 160}, {170, 170}, {200, 400, -7, KeyRange::kNoHigh}});
  expect_matches_reference(one_branch({.tables = {mixed}}), in);
}

TEST_F(VulkanDeviceSlow, OneTokenGroups) {
  const Inputs in = random_inputs(90, 90, 2, 2, 64, random);
  HeadTable table;
  for (int32_t i = 0; i < 90; ++i) table.add(i, i + 1, {{i, i + 1}});
  table.query_order = table.key_order = make_order(shuffled(90, random));
  expect_matches_reference(one_branch({.tables = {table}}), in);
}

/// A plan with everything in it.
Plan many_branches(int64_t length, int64_t heads, int64_t dim, Random& random) {
  const auto n = static_cast<int32_t>(length);
  auto gate = std::make_shared<Array>();
  gate->shape = {length, heads, dim};
  gate->values.emplace<std::vector<float>>(length * heads * dim);
  for (float& g : std::get<std::vector<float>>(gate->values)) g = random() % 100 * 0.01F;
  std::vector<float> per_token(length), per_head(length * heads);
  for (float& w : per_token) w = random() % 100 * 0.01F;
  for (float& w : per_head) w = random() % 100 * 0.01F;
  Plan plan;
  plan.branches.push_back({.tables = {ragged_table(n, n, random)},
                           .weight = 0.5F,
                           .token_weight = make_list(per_token)});
  plan.branches.push_back(
      {.tables = {full_table(length, length)}, .token_weight = make_list(per_head)});
  plan.branches.push_back({.tables = {ragged_table(n, n, random)}, .channel_weight = gate});
  plan.branches.push_back(chosen_chunks(n, 9, true, random));
  Branch pooled{.tables = {full_table(40, 33), full_table(30, 20)}};
  pooled.prepared = {random_tensor(40, heads, dim, random), random_tensor(33, 1, dim, random),
                     random_tensor(33, 1, dim, random)};
  for (int t = 0; t < 2; ++t) {
    std::vector<int32_t> map(length);
    for (int32_t& row : map) row = static_cast<int32_t>(random() % 41) - 1;
    pooled.output_map.push_back(map);
  }
  plan.branches.push_back(pooled);
  plan.constant = random_tensor(length, heads, dim, random);
  return plan;
}

TEST_F(VulkanDeviceSlow, BranchesWeightsMapsAndConstant) {
  const Inputs in = random_inputs(130, 130, 2, 1, 24, random);
  expect_matches_reference(many_branches(130, 2, 24, random), in);
}

TEST_F(VulkanDeviceSlow, TransfersThroughStaging) {
  const Inputs in = random_inputs(130, 130, 2, 1, 24, random);
  setenv("VIDATTN_VULKAN_STAGING", "1", 1);
  expect_matches_reference(many_branches(130, 2, 24, random), in);
  unsetenv("VIDATTN_VULKAN_STAGING");
}

TEST_F(VulkanDeviceSlow, RepeatedQueries) {
  for (int32_t length : {50, 400})
    for (bool shuffle : {false, true}) {
      const Inputs in = random_inputs(length, length, 1, 1, 16, random);
      expect_matches_reference(one_branch(chosen_chunks(length, 9, shuffle, random)), in);
    }
  HeadTable table;  // what lies before and what lies behind
  table.add(0, 300, {{0, 300, KeyRange::kNoLow, -5}});
  table.add(0, 300, {{0, 300, 40, KeyRange::kNoHigh}});
  const Inputs in = random_inputs(300, 300, 1, 1, 64, random);
  expect_matches_reference(one_branch({.tables = {table}, .repeats_queries = true}), in);
}

/// More keys than llvmpipe's limit on loop iterations lets one invocation see, and a maximum that
/// stays where it is over more than a thousand tiles.
TEST_F(VulkanDeviceSlow, LongKeyLists) {
  const int64_t keys = 90'000;
  Inputs in = random_inputs(48, keys, 1, 1, 32, random);
  HeadTable pieces, bands;
  for (int32_t k = 0; k < keys; k += 3) pieces.ranges.push_back({k, k + 2});
  pieces.segments.push_back({0, 48, 0, static_cast<int32_t>(pieces.ranges.size())});
  bands.add(0, 48, {{0, 80'000, 10, 70'000}, {85'000, 90'000}});
  // The mean of so many random values is small beside the rounding of their sum.
  for (const HeadTable& table : {full_table(48, keys), pieces, bands})
    expect_matches_reference(one_branch({.tables = {table}}), in, 1e-5);
}

TEST_F(VulkanDeviceSlow, HalfPrecisionStorage) {
  for (int64_t dim : {24, 64}) {
    const Inputs in = random_inputs(200, 200, 2, 1, dim, random);
    const Plan plan = one_branch({.tables = {ragged_table(200, 200, random)}});
    // Half a unit in the last place of the output, and of the weights where the device has
    // matrices.
    expect_matches_reference(plan, as(in, DType::bf16), 4e-3);
    expect_matches_reference(plan, as(in, DType::f16), 4e-4);
  }
  Inputs mixed = random_inputs(90, 90, 1, 1, 24, random);
  mixed.k = std::make_shared<Tensor>(mixed.k->to(DType::bf16));
  expect_matches_reference(one_branch({.tables = {full_table(90, 90)}}), mixed);
}

/// A changed plan at the same address is never mistaken for the old one.
TEST_F(VulkanDeviceSlow, ChangedPlan) {
  const Inputs in = random_inputs(70, 70, 1, 1, 32, random);
  Plan plan = one_branch({.tables = {full_table(70, 70)}});
  expect_matches_reference(plan, in);
  plan.branches[0].tables[0].ranges[0].end = 30;
  expect_matches_reference(plan, in);
}

/// Less memory: heads one by one, then blocks of tokens, then a refusal; the limit holds for what
/// is really allocated.
TEST_F(VulkanDeviceSlow, SmallMemory) {
  const Inputs in = random_inputs(1500, 1500, 4, 2, 24, random);
  const Plan plan = many_branches(1500, 4, 24, random);
  Output want, got;
  device->run(plan, in, want);
  int refused = 0;
  for (const char* mebibytes : {"8", "5", "3", "2", "1.5", "0.5"}) {
    SCOPED_TRACE(mebibytes);
    setenv("VIDATTN_VULKAN_MEMORY_MIB", mebibytes, 1);
    try {
      device->run(plan, in, got);
      EXPECT_LE(relative_error(got.o, want.o), 1e-6);
      expect_same_lse(got, want, 2e-6F);
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find("MiB"), std::string::npos) << error.what();
      ++refused;
    }
  }
  EXPECT_GE(refused, 1);
  EXPECT_LE(refused, 3);
}

/// After a failure inside a run the device opens again.
TEST_F(VulkanDeviceSlow, OpensAgainAfterAFailure) {
  const Inputs in = random_inputs(70, 70, 1, 1, 32, random);
  const Plan plan = one_branch({.tables = {full_table(70, 70)}});
  expect_matches_reference(plan, in);
  Plan wrong = plan;  // not valid: the gate has no float values, which is found half way
  auto gate = std::make_shared<Array>();
  gate->values = std::vector<int32_t>(70 * 32);
  wrong.branches[0].channel_weight = gate;
  Output out;
  EXPECT_ANY_THROW(device->run(wrong, in, out));
  expect_matches_reference(plan, in);
}

TEST_F(VulkanDeviceSlow, TimesAreReported) {
  const Inputs in = random_inputs(256, 256, 1, 1, 32, random);
  Output out;
  device->run(one_branch({.tables = {full_table(256, 256)}}), in, out);
  EXPECT_GT(out.times.device, 0);
  EXPECT_GT(out.times.upload, 0);
  EXPECT_GT(out.times.download, 0);
}

TEST_F(VulkanDeviceSlow, Names) {
  EXPECT_EQ(&find_device("vulkan:0"), device_families()[0]->members()[0]);
  EXPECT_EQ(&find_device("vulkan:" + device->title().substr(0, 4)), device);
  try {
    find_device("vulkan:no such card");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find(device->title()), std::string::npos);
  }
  EXPECT_THROW(find_device("vulkan:99"), InputError);
}

}  // namespace
}  // namespace vidattn
