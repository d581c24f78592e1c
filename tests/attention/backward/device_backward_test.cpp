#include <gtest/gtest.h>
#include <omp.h>

#include <cstring>

#include "tests/support/every_device.h"
#include "tests/support/gradients.h"

namespace vidattn {
namespace {

/// Every device's gradients are those of the reference.
class DeviceBackward : public EveryDevice {
 protected:
  void expect_gradients(const Plan& plan, const Inputs& in, double limit = 5e-6) {
    const auto d_o = random_tensor(in.length(), in.heads(), in.value_dim(), random);
    const Gradients want = gradients_on(find_device("reference"), plan, in, *d_o);
    const Gradients got = gradients_on(*device, plan, in, *d_o);
    expect_near(got, want, limit);
    expect_same_bits(gradients_on(*device, plan, in, *d_o), got);
  }

  static void expect_near(const Gradients& got, const Gradients& want, double limit) {
    EXPECT_LE(gradient_error(values_of(got.q), values_of(want.q)), limit) << "dq";
    EXPECT_LE(gradient_error(values_of(got.k), values_of(want.k)), limit) << "dk";
    EXPECT_LE(gradient_error(values_of(got.v), values_of(want.v)), limit) << "dv";
    ASSERT_EQ(got.branches.size(), want.branches.size());
    for (size_t b = 0; b < want.branches.size(); ++b) {
      const BranchGradients &a = got.branches[b], &w = want.branches[b];
      EXPECT_LE(gradient_error(a.token_weight, w.token_weight), limit) << b;
      EXPECT_LE(gradient_error(a.channel_weight, w.channel_weight), limit) << b;
      EXPECT_LE(gradient_error(a.key_bias, w.key_bias), 10 * limit) << b;  // they sum to nearly 0
      EXPECT_NEAR(a.weight, w.weight, std::max(1e-3, 10 * limit) * (1 + std::abs(w.weight))) << b;
    }
    ASSERT_EQ(got.linear.size(), want.linear.size());
    for (size_t t = 0; t < want.linear.size(); ++t) {
      const LinearGradients &a = got.linear[t], &w = want.linear[t];
      EXPECT_LE(gradient_error(a.projection, w.projection), limit) << t;
      EXPECT_LE(gradient_error(a.bias, w.bias), limit) << t;
    }
  }

  static void expect_same_bits(const Gradients& a, const Gradients& b) {
    for (const auto which : {&Gradients::q, &Gradients::k, &Gradients::v})
      EXPECT_EQ(std::memcmp((a.*which).data<char>(), (b.*which).data<char>(), (b.*which).bytes()),
                0)
          << "not deterministic";
  }
};

TEST_P(DeviceBackward, RaggedGathersOfManyWidths) {
  for (int64_t dim : {8, 24, 128}) {
    const Inputs in = random_inputs(150, 290, 2, 2, dim, random);
    expect_gradients(one_branch({.tables = {ragged_table(150, 290, random)}}), in);
  }
  const Inputs odd = random_cross(50, 70, 2, 1, 17, 5, random);
  expect_gradients(one_branch({.tables = {ragged_table(50, 70, random)}}), odd);
}

TEST_P(DeviceBackward, EveryNumberOfQueries) {
  for (int32_t queries : {1, 2, 4, 5, 15, 16, 17, 33, 48, 49, 65}) {
    const Inputs in = random_inputs(queries, 37, 1, 1, 16, random);
    expect_gradients(one_branch({.tables = {full_table(queries, 37)}}), in);
  }
}

TEST_P(DeviceBackward, TablePerHeadAndSharedKeyHeads) {
  const Inputs in = random_inputs(200, 200, 4, 2, 32, random);
  std::vector<HeadTable> tables;
  for (int t = 0; t < 4; ++t) tables.push_back(ragged_table(200, 200, random));
  expect_gradients(one_branch({.tables = tables}), in);
  expect_gradients(one_branch({.tables = tables}), random_inputs(200, 200, 4, 1, 32, random));
}

TEST_P(DeviceBackward, Bands) {
  const Inputs in = random_inputs(300, 300, 1, 1, 16, random);
  for (const KeyRange& range :
       {KeyRange{0, 300, KeyRange::kNoLow, 0}, KeyRange{0, 300, -20, 20},
        KeyRange{0, 300, 100, 120}}) {  // of the last, the last queries see nothing
    HeadTable table;
    table.add(0, 300, {range});
    expect_gradients(one_branch({.tables = {table}}), in);
  }
}

TEST_P(DeviceBackward, RepeatedQueries) {
  for (bool shuffle : {false, true}) {
    const Inputs in = random_inputs(300, 300, 2, 1, 32, random);
    expect_gradients(one_branch(chosen_chunks(300, 9, shuffle, random)), in);
  }
}

/// One list of keys for each query, in a key order that repeats them; some are empty.
TEST_P(DeviceBackward, KeysOfSingleQueries) {
  std::vector<int32_t> keys;
  HeadTable table;
  for (int32_t q = 0; q < 60; ++q) {
    const auto begin = static_cast<int32_t>(keys.size());
    for (int32_t key = 0; key < 70; ++key)
      if (q % 7 > 0 && random() % 4 == 0) keys.push_back(key);
    table.add(q, q + 1, {{begin, static_cast<int32_t>(keys.size())}});
  }
  table.key_order = make_order(keys);
  expect_gradients(one_branch({.tables = {table}}), random_inputs(60, 70, 2, 1, 16, random));
}

TEST_P(DeviceBackward, NothingIsSeen) {
  HeadTable table;
  table.add(0, 10, {});
  table.add(10, 20, {{3, 3}});
  Branch branch{.tables = {table}};
  branch.token_weight = make_list(random_weights(20, random));
  expect_gradients(one_branch(branch), random_inputs(20, 20, 2, 2, 8, random));
}

TEST_P(DeviceBackward, GroupsOfOneTokenAndLargeScores) {
  HeadTable table;
  for (int32_t i = 0; i < 90; ++i) table.add(i, i + 1, {{i, i + 1}});
  table.query_order = table.key_order = make_order(shuffled(90, random));
  // One key: its weight is 1 whatever the scores are, dq = dk = 0.
  expect_gradients(one_branch({.tables = {table}}), random_inputs(90, 90, 2, 2, 64, random), 2e-4);
  expect_gradients(one_branch({.tables = {full_table(90, 90)}}),
                   random_inputs(90, 90, 1, 1, 64, random, 10), 5e-5);
}

TEST_P(DeviceBackward, EverythingAtOnce) {
  const Inputs in = random_inputs(150, 150, 2, 2, 32, random);
  const Pooling pooling(150, 150, 20, random);
  Plan plan = many_branches(150, 2, 32, random);
  plan.branches.back() = pooling.branch(in);
  plan.branches.back().channel_weight = plan.branches[2].channel_weight;
  expect_gradients(plan, in);
}

TEST_P(DeviceBackward, JoinedBranchesWithAKeyBias) {
  const Inputs in = random_inputs(100, 120, 2, 1, 32, random);
  const PoolingMaps maps = random_pooling(12, 120, false, random);
  HeadTable exact, means;
  exact.add(0, 100, {{0, 60}});
  means.add(0, 100, {{2, 12}});
  std::vector<float> bias(12);
  for (float& b : bias) b = static_cast<float>(random() % 300) * 0.01F;
  expect_gradients(joined_means(in, maps, exact, means, bias), in);
}

TEST_P(DeviceBackward, LinearTerms) {
  for (const FeatureMap map : {FeatureMap::softmax, FeatureMap::elu, FeatureMap::relu}) {
    const Inputs in = random_cross(70, 90, 4, 2, 16, 24, random);
    Plan plan = one_branch({.tables = {ragged_table(70, 90, random)}, .weight = 0.5F});
    plan.linear.push_back(random_linear_term(in, map));
    plan.linear.push_back(
        random_linear_term(in, map, random_weights(24 * 24, random), random_weights(24, random)));
    expect_gradients(plan, in);
  }
}

TEST_P(DeviceBackward, SlopesOfValues) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const Inputs in = as(random_inputs(60, 72, 4, 2, 16, random), dtype);
    const double limit = dtype == DType::f32 ? 5e-6 : 1e-2;
    const Plan plan = sloped_plan(in, random_pooling(4, 72, false, random));
    expect_gradients(plan, in, limit);
    Plan gated = one_branch(plan.branches[1]);  // alone it may have weights
    gated.branches[0].joined = false;
    gated.branches[0].token_weight = make_list(random_weights(60, random));
    gated.branches[0].channel_weight =
        std::make_shared<const Array>(Array{{60, 4, 16}, random_weights(60 * 4 * 16, random)});
    expect_gradients(gated, in, limit);
  }
}

/// The same bits on any number of threads, of a key head that is cut into many strands, too.
// Not under the sanitizers: LLVM's OpenMP leaks when the number of threads changes.
TEST_P(DeviceBackward, AnyNumberOfThreadsSlow) {
  if (GetParam().name != "cpu") GTEST_SKIP() << "the host's threads";
  const int before = omp_get_max_threads();
  const Inputs in = random_inputs(160, 160, 2, 1, 16, random);
  const Inputs longer = random_inputs(4000, 150, 4, 2, 16, random);
  for (const auto& [plan, of] : {std::pair{one_branch(chosen_chunks(160, 9, true, random)), in},
                                 {one_branch({.tables = {full_table(160, 160)}}), in},
                                 {one_branch({.tables = {full_table(4000, 150)}}), longer}}) {
    const auto d_o = random_tensor(of.length(), of.heads(), of.value_dim(), random);
    omp_set_num_threads(1);
    const Gradients alone = gradients_on(*device, plan, of, *d_o);
    for (int threads : {2, 3, 5}) {
      omp_set_num_threads(threads);
      expect_same_bits(gradients_on(*device, plan, of, *d_o), alone);
      expect_gradients(plan, of);
    }
  }
  omp_set_num_threads(before);
}

TEST_P(DeviceBackward, HalfTypes) {
  for (DType dtype : {DType::bf16, DType::f16}) {
    const Inputs in = as(random_inputs(120, 120, 2, 2, 64, random), dtype);
    Plan plan = one_branch({.tables = {ragged_table(120, 120, random)}});
    plan.branches[0].token_weight = make_list(random_weights(120, random));
    expect_gradients(plan, in, limit(dtype));
  }
}

/// Where the CPU multiplies pairs of bfloat16: odd numbers of queries and keys, spans that begin
/// with an odd key, values of another width, groups of single keys.
TEST_P(DeviceBackward, PairsOfBFloat16) {
  const auto expect = [&](const HeadTable& table, const Inputs& in) {
    expect_gradients(one_branch({.tables = {table}}), as(in, DType::bf16), limit(DType::bf16));
  };
  for (int32_t queries : {1, 15, 17, 33, 49, 97})
    expect(full_table(queries, 37), random_inputs(queries, 37, 1, 1, 32, random));
  expect(ragged_table(150, 290, random), random_cross(150, 290, 4, 2, 96, 16, random));
  expect(ragged_table(150, 290, random), random_cross(150, 290, 2, 2, 32, 128, random));
  for (const KeyRange& range : {KeyRange{0, 300, KeyRange::kNoLow, 0}, KeyRange{0, 300, -21, 20},
                                KeyRange{1, 299, 101, 120}}) {
    HeadTable table;
    table.add(0, 300, {range});
    expect(table, random_inputs(300, 300, 1, 1, 64, random));
  }
  expect(full_table(90, 90), random_inputs(90, 90, 1, 1, 64, random, 4));  // sharp
  HeadTable single;  // each query sees one key: dq = dk = 0
  for (int32_t i = 0; i < 90; ++i) single.add(i, i + 1, {{i, i + 1}});
  single.query_order = single.key_order = make_order(shuffled(90, random));
  expect(single, random_inputs(90, 90, 2, 2, 64, random));
  const Inputs chunked = as(random_inputs(300, 300, 2, 1, 32, random), DType::bf16);
  expect_gradients(one_branch(chosen_chunks(300, 9, true, random)), chunked, limit(DType::bf16));
}

TEST_P(DeviceBackward, ARunThatKeptNothingIsRefused) {
  const Inputs in = random_inputs(20, 1, 16);
  const Plan plan = one_branch({.tables = {full_table(20, 20)}});
  Output out;
  device->run(plan, in, out);
  Gradients gradients;
  EXPECT_THROW(device->backward(plan, in, out, *in.q, gradients), std::logic_error);
  Plan gated = plan;
  gated.branches[0].weight = 0.5F;
  out.keep = true;
  find_device("reference").run(gated, in, out);  // it keeps nothing that is not in the output
  EXPECT_THROW(device->backward(gated, in, out, *in.q, gradients), std::logic_error);
}

VIDATTN_ON_EVERY_DEVICE(DeviceBackward);

}  // namespace
}  // namespace vidattn
