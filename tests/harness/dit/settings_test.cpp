// What a checkpoint of someone else says of its training.
#include "harness/dit/training/settings.h"

#include <gtest/gtest.h>

#include "harness/dit/method_attention.h"
#include "tests/harness/files.h"

namespace vidattn {
namespace {

using testing::expect_input_error;

TEST(TrainSettings, OfACheckpointComeBack) {
  TrainRequest asked;
  asked.alpha = 1e-5;
  asked.rate = 3;
  asked.seed = ~uint64_t{0};
  asked.steps = 7;
  TrainRequest taken;
  take_settings({.facts = settings_of(asked)}, taken);
  EXPECT_EQ(settings_of(taken), settings_of(asked));
}

TEST(TrainSettings, ThatNoOptionCouldBeAreRefused) {
  const std::pair<std::string, std::string> wrong[] = {
      {"alpha", "nan"}, {"alpha", "-1"}, {"minutes", "1e999"},  {"clips", "1e18"}, {"clips", "x"},
      {"rate", "0"},    {"seed", "-1"},  {"asked_steps", "[]"}, {"balance", "x"}};
  for (const auto& fact : wrong) {
    TrainRequest request;
    const std::string option = fact.first == "asked_steps" ? "steps" : fact.first;
    expect_input_error([&] { take_settings({.facts = {fact}}, request); },
                       "the checkpoint's --" + option + ": ");
  }
}

TEST(TrainSettings, StepsAreANumberOfSteps) {
  EXPECT_EQ(steps_in({.facts = {{"done", "12"}}}, "done", 0), 12);
  EXPECT_EQ(steps_in({}, "done", 5), 5);
  for (const char* text : {"", "x", "-1", "1e30", "12 steps", "null"})
    expect_input_error(
        [&] {
          steps_in({.facts = {{"done", text}}}, "done", 0);
        },
        "the checkpoint's done: ");
}

TEST(TrainSettings, NoFileIsOpenedThatOnlyTheCheckpointNames) {
  EXPECT_EQ(trained_with({}), "full");
  EXPECT_EQ(trained_with({.facts = {{"backend", "moga:num_groups=3"}}}), "moga:num_groups=3");
  expect_input_error(
      [] {
        trained_with({.facts = {{"backend", "map:file=/etc/passwd"}}});
      },
      "reads a file");
}

}  // namespace
}  // namespace vidattn
