#include <gtest/gtest.h>

#include <functional>

#include "attention/error.h"
#include "attention/reference.h"
#include "tests/support/gradients.h"

namespace vidattn {
namespace {

constexpr float kStep = 1.0F / 256;
constexpr double kLimit = 2e-4;  ///< steps are not infinitesimal, and pooled rows are rounded

using MakePlan = std::function<Plan(const Inputs&)>;

/// The reference device's gradients are central differences of its output, in float64.
class Central : public ::testing::Test {
 protected:
  /// A plan whose prepared operands follow the inputs.
  void expect_gradients(const MakePlan& make, const Inputs& in) {
    d_o = random_tensor(in.length(), in.heads(), in.value_dim(), random);
    const Plan plan = make(in);
    const Gradients got = gradients_on(find_device("reference"), plan, in, *d_o);
    expect_operand(make, in, &Inputs::q, got.q, "dq");
    expect_operand(make, in, &Inputs::k, got.k, "dk");
    expect_operand(make, in, &Inputs::v, got.v, "dv");
    for (size_t b = 0; b < plan.branches.size(); ++b) expect_branch(plan, b, in, got.branches[b]);
    for (size_t t = 0; t < plan.linear.size(); ++t) expect_linear(plan, t, in, got.linear[t]);
  }
  void expect_gradients(const Plan& plan, const Inputs& in) {
    expect_gradients([&](const Inputs&) { return plan; }, in);
  }

  OneThread one_thread;
  Generator random{11};

 private:
  double loss(const Plan& plan, const Inputs& in) const {
    const ReferenceRows rows = reference_rows(plan, in, {});
    double sum = 0;
    for (size_t i = 0; i < rows.o.size(); ++i) sum += rows.o[i] * double{d_o->data<float>()[i]};
    return sum;
  }

  /// Differences of the loss over `count` values that `change` moves by a step.
  std::vector<double> differences(int64_t count,
                                  const std::function<double(int64_t, float)>& change) const {
    std::vector<double> all;
    for (int64_t i = 0; i < count; ++i)
      all.push_back((change(i, kStep) - change(i, -kStep)) / (2 * double{kStep}));
    return all;
  }

  void expect_operand(const MakePlan& make, const Inputs& in,
                      std::shared_ptr<const Tensor> Inputs::*which, const Tensor& got,
                      const char* name) {
    const auto all = differences(got.size(), [&](int64_t i, float step) {
      Inputs moved = in;
      auto tensor = std::make_shared<Tensor>((in.*which)->clone());
      tensor->data<float>()[i] += step;
      moved.*which = tensor;
      return loss(make(moved), moved);
    });
    EXPECT_LE(gradient_error(values_of(got), all), kLimit) << name;
  }

  void expect_branch(const Plan& plan, size_t b, const Inputs& in, const BranchGradients& got) {
    const auto moved = [&](const std::function<void(Branch&)>& move) {
      Plan other = plan;
      move(other.branches[b]);
      return loss(other, in);
    };
    const auto list = [&](std::shared_ptr<const List<float>> Branch::*which, int64_t i, float by) {
      return moved([&](Branch& branch) {
        std::vector<float> values = (branch.*which)->host();
        values[i] += by;
        branch.*which = make_list(values);
      });
    };
    const Branch& branch = plan.branches[b];
    const auto expect_near = [&](const std::vector<float>& gradients,
                                 const std::function<double(int64_t, float)>& change) {
      EXPECT_LE(gradient_error(gradients, differences(std::ssize(gradients), change)), kLimit)
          << branch.name;
    };
    ASSERT_EQ(got.token_weight.empty(), branch.token_weight == nullptr);
    ASSERT_EQ(got.key_bias.empty(), branch.key_bias == nullptr);
    ASSERT_EQ(got.channel_weight.empty(), branch.channel_weight == nullptr);
    expect_near(got.token_weight,
                [&](int64_t i, float by) { return list(&Branch::token_weight, i, by); });
    expect_near(got.key_bias, [&](int64_t i, float by) { return list(&Branch::key_bias, i, by); });
    expect_near(got.channel_weight, [&](int64_t i, float by) {
      return moved([&](Branch& other) {
        Array gate = *other.channel_weight;
        std::get<std::vector<float>>(gate.values)[i] += by;
        other.channel_weight = std::make_shared<const Array>(std::move(gate));
      });
    });
    const bool shares =
        branch.joined || (b + 1 < plan.branches.size() && plan.branches[b + 1].joined);
    if (shares) return;
    const auto weight = differences(
        1, [&](int64_t, float by) { return moved([&](Branch& other) { other.weight += by; }); });
    EXPECT_NEAR(got.weight, weight[0], kLimit * (1 + std::abs(weight[0])));
  }

  void expect_linear(const Plan& plan, size_t t, const Inputs& in, const LinearGradients& got) {
    const auto expect_near = [&](const std::vector<float>& gradients,
                                 std::vector<float> LinearTerm::*which) {
      ASSERT_EQ(gradients.size(), (plan.linear[t].*which).size());
      const auto all = differences(std::ssize(gradients), [&](int64_t i, float step) {
        Plan moved = plan;
        (moved.linear[t].*which)[i] += step;
        return loss(moved, in);
      });
      EXPECT_LE(gradient_error(gradients, all), kLimit);
    };
    expect_near(got.projection, &LinearTerm::projection);
    expect_near(got.bias, &LinearTerm::bias);
  }

  std::shared_ptr<const Tensor> d_o;
};

TEST_F(Central, RaggedGathersAndSharedKeyHeads) {
  const Inputs in = random_inputs(23, 19, 4, 2, 4, random);
  expect_gradients(
      one_branch({.tables = {ragged_table(23, 19, random), ragged_table(23, 19, random)}}), in);
}

TEST_F(Central, ValuesOfAnotherWidth) {
  const Inputs in = random_cross(9, 14, 2, 1, 4, 6, random);
  expect_gradients(one_branch({.tables = {full_table(9, 14)}}), in);
}

TEST_F(Central, Bands) {
  HeadTable table;
  table.key_order = make_order(shuffled(20, random));
  table.add(0, 12, {{0, 9, KeyRange::kNoLow, 0}, {9, 20, -3, 6}});
  table.add(12, 20, {{2, 20, -2, 2}});
  expect_gradients(one_branch({.tables = {table}}), random_inputs(20, 1, 4));
}

TEST_F(Central, RepeatedQueries) {
  const Inputs in = random_inputs(20, 2, 4);
  expect_gradients(one_branch(chosen_chunks(20, 4, true, random)), in);
}

TEST_F(Central, GatesAndWeights) {
  const Inputs in = random_inputs(12, 2, 4);
  const Array channels{{12, 2, 4}, random_weights(96, random)};
  Plan plan;
  plan.branches = {{.name = "token",
                    .tables = {ragged_table(12, 12, random)},
                    .weight = 0.5F,
                    .token_weight = make_list(random_weights(12, random))},
                   {.name = "head",
                    .tables = {full_table(12, 12)},
                    .token_weight = make_list(random_weights(24, random)),
                    .channel_weight = std::make_shared<const Array>(channels)}};
  plan.constant = random_tensor(12, 2, 4, random);
  expect_gradients(plan, in);
}

TEST_F(Central, PooledOperandsAndAnOutputMap) {
  const Inputs in = random_inputs(17, 21, 2, 1, 4, random);
  const Pooling pooling(17, 21, 5, random);
  const Array gate{{17, 2, 4}, random_weights(17 * 8, random)};
  expect_gradients(
      [&](const Inputs& moved) {
        Plan plan = one_branch({.name = "fine", .tables = {full_table(17, 21)}});
        plan.branches.push_back(pooling.branch(moved));
        plan.branches[1].channel_weight = std::make_shared<const Array>(gate);
        return plan;
      },
      in);
}

TEST_F(Central, PoolingOfEachHead) {
  const Inputs in = random_inputs(10, 12, 2, 2, 4, random);
  const PoolingMaps maps = std::make_shared<const std::vector<PoolingMap>>(std::vector{
      random_pooling(4, 12, false, random)->front(), random_pooling(4, 12, true, random)->front()});
  expect_gradients(
      [&](const Inputs& moved) {
        return one_branch(
            {.name = "means",
             .prepared = {nullptr, pool(*moved.k, maps), pool(*moved.v, maps), nullptr, maps, maps},
             .tables = {full_table(10, 4)}});
      },
      in);
}

TEST_F(Central, JoinedBranchesWithAKeyBias) {
  const Inputs in = random_inputs(10, 12, 2, 1, 4, random);
  const PoolingMaps maps = random_pooling(4, 12, false, random);
  HeadTable exact, means;
  exact.add(0, 10, {{0, 5}});
  means.add(0, 6, {{0, 2}});
  means.add(6, 10, {{1, 4}});
  expect_gradients(
      [&](const Inputs& moved) {
        return joined_means(moved, maps, exact, means, {0.5F, 1.5F, 0.25F, 1});
      },
      in);
}

/// SLA's, of every map, with what it learns or without.
TEST_F(Central, LinearTerms) {
  Inputs in = random_inputs(7, 9, 4, 2, 4, random);
  for (auto* operand : {&in.q, &in.k}) {  // off relu's edge by more than a step
    Tensor moved = (*operand)->clone();
    for (int64_t i = 0; i < moved.size(); ++i)
      moved.data<float>()[i] += moved.data<float>()[i] < 0 ? -0.1F : 0.1F;
    *operand = std::make_shared<const Tensor>(std::move(moved));
  }
  for (const FeatureMap map : {FeatureMap::softmax, FeatureMap::elu, FeatureMap::relu})
    for (const bool learned : {false, true}) {
      const std::vector<float> projection = random_weights(learned ? 16 : 0, random),
                               bias = random_weights(learned ? 4 : 0, random);
      expect_gradients(
          [&](const Inputs& moved) {
            Plan plan = one_branch({.name = "sparse", .tables = {full_table(7, 9)}});
            plan.linear.push_back(random_linear_term(moved, map, projection, bias));
            return plan;
          },
          in);
    }
}

/// PISA's, one slope for the key heads that share it.
TEST_F(Central, SlopesOfValues) {
  const Inputs in = random_inputs(10, 12, 4, 2, 4, random);
  const PoolingMaps maps = random_pooling(4, 12, false, random);
  expect_gradients([&](const Inputs& moved) { return sloped_plan(moved, maps); }, in);
}

/// What has no gradients is refused by the name of what is in the way.
class NoGradients : public ::testing::Test {
 protected:
  void expect_refused(const Plan& plan, const std::string& said) {
    for (const char* name : {"cpu", "reference"}) {
      Gradients gradients;
      try {
        find_device(name).backward(plan, in, {}, *d_o, gradients);
        ADD_FAILURE() << name << " has gradients of what it must refuse: " << said;
      } catch (const InputError& error) {
        EXPECT_NE(std::string(error.what()).find(said), std::string::npos) << error.what();
      }
    }
  }
  Inputs in = random_inputs(8, 2, 4);
  std::shared_ptr<const Tensor> d_o = random_tensor(8, 2, 4, 5);
};

TEST_F(NoGradients, LinearTerms) {
  Plan plan = one_branch({.name = "full", .tables = {full_table(8, 8)}});
  plan.linear.push_back({.name = "linear", .q = in.q, .k = in.k});
  expect_refused(plan, "the linear term 'linear'");
}

TEST_F(NoGradients, SlopesOfValues) {
  Plan plan = one_branch({.name = "centroid", .tables = {full_table(8, 8)}});
  plan.branches[0].value_slope = random_tensor(4, 2, 4, 6);
  expect_refused(plan, "the values' slope of branch 'centroid'");
}

TEST_F(NoGradients, PreparedTensorsOfUnknownOrigin) {
  Plan plan = one_branch({.name = "means", .tables = {full_table(8, 8)}});
  plan.branches[0].prepared.k = in.k;
  expect_refused(plan, "branch 'means': it attends with prepared tensors");
}

TEST_F(NoGradients, ConstantsOfTheSameCall) {
  Plan plan = one_branch({.name = "full", .tables = {full_table(8, 8)}});
  plan.constant = in.v;
  plan.constant_of_call = true;
  expect_refused(plan, "the constant");
}

TEST_F(NoGradients, AnUpstreamGradientOfAnotherShape) {
  d_o = random_tensor(8, 1, 4, 5);
  expect_refused(one_branch({.name = "full", .tables = {full_table(8, 8)}}), "[8,2,4]");
}

TEST(PoolingMaps, WrongOnesAreRefused) {
  Generator random(3);
  const Inputs in = random_inputs(9, 1, 4);
  const PoolingMaps good = random_pooling(4, 9, true, random);
  const auto refused = [&](const std::function<void(PoolingMap&)>& spoil) {
    PoolingMap map = good->front();
    spoil(map);
    Plan plan = one_branch({.name = "means", .tables = {full_table(9, 4)}});
    const auto maps = std::make_shared<const std::vector<PoolingMap>>(std::vector{map});
    plan.branches[0].prepared = {nullptr, pool(*in.k, good), pool(*in.v, good), nullptr, maps,
                                 good};
    try {
      plan.validate(in);
      return false;
    } catch (const std::logic_error& error) {
      return std::string(error.what()).find("a pooling map") != std::string::npos;
    }
  };
  EXPECT_FALSE(refused([](PoolingMap&) {}));
  EXPECT_TRUE(refused([](PoolingMap& m) { m.start.pop_back(); }));
  EXPECT_TRUE(refused([](PoolingMap& m) { m.start.back() = 4; }));
  EXPECT_TRUE(refused([](PoolingMap& m) { m.weight = make_list(std::vector<float>(9, 1.0F)); }));
  EXPECT_TRUE(refused([](PoolingMap& m) { m.tokens = make_order({0, 1, 2, 3, 4, 5, 6, 7, 9}); }));
}

}  // namespace
}  // namespace vidattn
