#include "harness/study/make/design.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <tuple>

#include "harness/study/latin_square.h"

namespace vidattn {
namespace {

using Rows = std::vector<std::vector<int64_t>>;

TEST(LatinSquare, HasEveryThingInEveryPlaceAndAfterEveryOtherEquallyOften) {
  for (const int64_t n : {1, 2, 3, 4, 5, 8, 9}) {
    const Rows rows = balanced_latin_square(n);
    std::map<std::pair<int64_t, int64_t>, int64_t> at, after;
    for (const std::vector<int64_t>& row : rows)
      for (size_t i = 0; i < row.size(); ++i) {
        ++at[{static_cast<int64_t>(i), row[i]}];
        if (i > 0) ++after[{row[i - 1], row[i]}];
      }
    const int64_t times = static_cast<int64_t>(rows.size()) / n;
    EXPECT_EQ(at.size(), static_cast<size_t>(n * n));
    EXPECT_EQ(after.size(), static_cast<size_t>(n * (n - 1))) << n;
    for (const auto& [key, count] : at) EXPECT_EQ(count, times) << n;
    for (const auto& [key, count] : after) EXPECT_EQ(count, times) << n;
  }
  EXPECT_TRUE(balanced_latin_square(0).empty());
}

/// A plan's screens without checks, in their order.
std::vector<DesignTask> shown(const Design& design, const std::vector<int64_t>& plan) {
  std::vector<DesignTask> tasks;
  for (const int64_t task : plan)
    if (!design.tasks[task].check) tasks.push_back(design.tasks[task]);
  return tasks;
}

TEST(StudyDesign, ShowsEveryVideoOfAPromptOnceAndInEveryPlaceEquallyOften) {
  for (const int64_t methods : {1, 2, 3, 4, 5}) {
    Random random(methods);
    const Design design = design_study({StudyKind::scale, 6, methods, 0, 2}, random);
    std::map<std::tuple<int64_t, int64_t, int64_t>, int64_t> places;
    std::map<std::pair<int64_t, int64_t>, int64_t> prompt_places;
    for (const std::vector<int64_t>& plan : design.plans) {
      const std::vector<DesignTask> tasks = shown(design, plan);
      ASSERT_EQ(tasks.size(), static_cast<size_t>(6 * methods));
      ASSERT_EQ(plan.size(), tasks.size() + 2);
      EXPECT_FALSE(design.tasks[plan[0]].check);
      std::set<std::pair<int64_t, int64_t>> seen;
      for (size_t i = 0; i < tasks.size(); ++i) {
        seen.insert({tasks[i].prompt, tasks[i].methods[0]});
        EXPECT_EQ(tasks[i].prompt, tasks[i / methods * methods].prompt) << "prompts are together";
        ++places[{tasks[i].prompt, tasks[i].methods[0], static_cast<int64_t>(i) % methods}];
        ++prompt_places[{tasks[i].prompt, static_cast<int64_t>(i) / methods}];
      }
      EXPECT_EQ(seen.size(), tasks.size());
    }
    EXPECT_EQ(places.size(), static_cast<size_t>(6 * methods * methods));
    for (const auto& [place, count] : places)
      EXPECT_EQ(count * methods, static_cast<int64_t>(design.plans.size())) << methods;
    for (const auto& [place, count] : prompt_places)
      EXPECT_EQ(count * 6, methods * static_cast<int64_t>(design.plans.size())) << methods;
  }
}

TEST(StudyDesign, HasEitherVideoOfAPairOnTheLeftEquallyOften) {
  for (const int64_t methods : {2, 3, 4}) {
    Random random(methods);
    const Design design = design_study({StudyKind::pairs, 5, methods, 0, 2}, random);
    std::map<std::tuple<int64_t, int64_t, int64_t>, int64_t> left;
    for (const std::vector<int64_t>& plan : design.plans) {
      const std::vector<DesignTask> tasks = shown(design, plan);
      ASSERT_EQ(tasks.size(), static_cast<size_t>(5 * methods * (methods - 1) / 2));
      for (const DesignTask& task : tasks) ++left[{task.prompt, task.methods[0], task.methods[1]}];
    }
    EXPECT_EQ(left.size(), static_cast<size_t>(5 * methods * (methods - 1)));
    for (const auto& [pair, count] : left)
      EXPECT_EQ(2 * count, static_cast<int64_t>(design.plans.size())) << methods;
    // Two raters in a row see every pair from different sides.
    std::set<std::tuple<int64_t, int64_t, int64_t>> first;
    for (const DesignTask& task : shown(design, design.plans[0]))
      first.insert({task.prompt, task.methods[0], task.methods[1]});
    for (const DesignTask& task : shown(design, design.plans[1]))
      EXPECT_FALSE(first.contains({task.prompt, task.methods[0], task.methods[1]}));
  }
}

TEST(StudyDesign, PartsOfAStudyShowEveryPromptEquallyOften) {
  Random random(1);
  const Design design = design_study({StudyKind::scale, 9, 3, 4, 3}, random);
  std::map<int64_t, int64_t> prompts;
  for (const std::vector<int64_t>& plan : design.plans) {
    EXPECT_EQ(plan.size(), 4U * 3 + 3);
    for (const DesignTask& task : shown(design, plan)) ++prompts[task.prompt];
  }
  EXPECT_EQ(prompts.size(), 9U);
  for (const auto& [prompt, count] : prompts) EXPECT_EQ(count, prompts.begin()->second);
}

TEST(StudyDesign, ChecksAskForLowAndHighAnswersByTurns) {
  Random random(2);
  const Design design = design_study({StudyKind::pairs, 2, 2, 0, 4}, random);
  std::multiset<int64_t> asked;
  for (const DesignTask& task : design.tasks)
    if (task.check) asked.insert(*task.check);
  EXPECT_EQ(asked, (std::multiset<int64_t>{-1, -1, 1, 1}));
}

TEST(StudyDesign, ManyPromptsDoNotMakeEndlessPlans) {
  Random random(3);
  const Design design = design_study({StudyKind::scale, 101, 3, 10, 2}, random);
  EXPECT_LE(design.plans.size(), 240U);
  EXPECT_EQ(design.plans[0].size(), 32U);
}

/// Numbers of tasks would tell methods apart if they followed them.
TEST(StudyDesign, NumbersOfTasksSayNothing) {
  double sum = 0;
  constexpr int kStudies = 200;
  for (int seed = 0; seed < kStudies; ++seed) {
    Random random(seed);
    const Design design = design_study({StudyKind::scale, 10, 2, 0, 0}, random);
    for (size_t i = 0; i < design.tasks.size(); ++i)
      sum += (design.tasks[i].methods[0] == 0 ? 1.0 : -1.0) * static_cast<double>(i);
  }
  // Of 20 numbers with random signs: the deviation of a study's sum is about 26.
  EXPECT_LT(std::abs(sum / kStudies), 4 * 26 / std::sqrt(kStudies));
}

}  // namespace
}  // namespace vidattn
