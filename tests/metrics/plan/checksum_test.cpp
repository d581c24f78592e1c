#include "metrics/plan/checksum.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace vidattn {
namespace {

Plan small_plan() {
  HeadTable table;
  table.query_order = table.key_order = make_order({1, 0, 3, 2});
  table.add(0, 2, {{0, 2}});
  table.add(2, 4, {{2, 4}});
  Plan plan;
  plan.branches.push_back({.name = "blocks", .tables = {std::move(table)}});
  plan.branches[0].token_weight = make_list(std::vector<float>{1, 1, 0.5, 1});
  return plan;
}

TEST(PlanChecksum, IsTheSameForTheSameContent) {
  Plan other = small_plan();
  other.stages.push_back({"sorting", 3, 4, 5});
  other.figures["loss"] = 1;
  EXPECT_EQ(plan_checksum(small_plan()), plan_checksum(other));
  EXPECT_EQ(plan_checksum(small_plan()).size(), 16U);
}

TEST(PlanChecksum, EveryPartCounts) {
  const std::vector<std::function<void(Plan&)>> changes = {
      [](Plan& p) {
        p.branches[0].tables[0].query_order = make_order({0, 1, 3, 2});
      },
      [](Plan& p) { p.branches[0].tables[0].key_order = nullptr; },
      [](Plan& p) { p.branches[0].tables[0].segments[0].query_end = 1; },
      [](Plan& p) { p.branches[0].tables[0].ranges[1].end = 3; },
      [](Plan& p) { p.branches[0].tables[0].ranges[1].band_high = 0; },
      [](Plan& p) { p.branches[0].tables.push_back(p.branches[0].tables[0]); },
      [](Plan& p) {
        p.branches[0].token_weight = make_list(std::vector<float>{1, 1, 0.25, 1});
      },
      [](Plan& p) { p.branches[0].weight = 0.5F; },
      [](Plan& p) { p.branches[0].repeats_queries = true; },
      [](Plan& p) {
        p.branches[0].output_map = {{0, 1, 2, 3}};
      },
      [](Plan& p) { p.branches[0].prepared.k = std::make_shared<Tensor>(4, 1, 8); },
      [](Plan& p) {
        p.branches[0].channel_weight = std::make_shared<Array>(Array{{1}, std::vector<float>{1}});
      },
      [](Plan& p) { p.branches.push_back(p.branches[0]); },
      [](Plan& p) { p.constant = std::make_shared<Tensor>(4, 1, 8); }};
  std::set<std::string> seen{plan_checksum(small_plan())};
  for (const auto& change : changes) {
    Plan plan = small_plan();
    change(plan);
    EXPECT_TRUE(seen.insert(plan_checksum(plan)).second) << "change " << seen.size();
  }
}

TEST(PlanChecksum, OfSeveralPlansIsOfAllInTheirOrder) {
  std::set<std::string> seen;
  for (const std::vector<std::string>& plans : {std::vector<std::string>{"a", "b"},
                                                {"b", "a"},
                                                {"ab"},
                                                {"a"},
                                                {"a", "b", "b"},
                                                {"", "ab"}}) {
    EXPECT_EQ(joint_checksum(plans).size(), 16U);
    EXPECT_TRUE(seen.insert(joint_checksum(plans)).second);
  }
}

}  // namespace
}  // namespace vidattn
