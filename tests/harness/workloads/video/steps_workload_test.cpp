#include "harness/workloads/video/steps_workload.h"

#include <gtest/gtest.h>

#include "attention/error.h"
#include "harness/workloads/selection/choose_calls.h"
#include "harness/workloads/video/video_workload.h"

namespace vidattn {
namespace {

WorkloadRequest small_run(const std::string& spec, int64_t step) {
  WorkloadRequest request;
  request.spec = spec;
  request.frames = 3;
  request.height = request.width = 4;
  request.heads = 1;
  request.dim = 16;
  request.capture.step = step;
  return request;
}

double relative_distance(const Array& a, const Array& b) {
  const auto &x = a.as<float>("a"), &y = b.as<float>("b");
  double difference = 0, norm = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    difference += (x[i] - y[i]) * (x[i] - y[i]);
    norm += y[i] * y[i];
  }
  return std::sqrt(difference / norm);
}

TEST(StepsWorkload, SigmasAreThoseThatWanSamples) {
  const std::vector<double> even = denoising_sigmas({4, 1});
  EXPECT_EQ(even, (std::vector<double>{1, 0.75, 0.5, 0.25}));
  const std::vector<double> shifted = denoising_sigmas({4, 5});
  EXPECT_DOUBLE_EQ(shifted[0], 1);
  EXPECT_DOUBLE_EQ(shifted[2], 2.5 / 3) << "5 * 0.5 / (1 + 4 * 0.5)";
}

TEST(StepsWorkload, BeginsWithNoiseAndEndsNearTheFilm) {
  const Array film = film_workload(small_run("film", -1)).inputs.need("hidden", "test");
  double last = 1e9;
  for (int64_t step = 0; step < 8; ++step) {
    const Workload made = steps_workload(small_run("steps:8,shift=1", step));
    const double distance = relative_distance(made.inputs.need("hidden", "test"), film);
    EXPECT_LT(distance, last) << step;
    last = distance;
    EXPECT_EQ(made.call->step, step);
    EXPECT_DOUBLE_EQ(made.provenance["denoising"]["sigma"].get<double>(),
                     1 - static_cast<double>(step) / 8);
  }
  EXPECT_LT(last, 0.3);
  const Workload clean = film_workload(small_run("film", -1));
  EXPECT_EQ(steps_workload(small_run("steps:8", 0)).provenance["qkv"]["sharpness"],
            clean.provenance["qkv"]["sharpness"])
      << "projected as the clean film is";
}

TEST(StepsWorkload, IsAllItsStepsOrOne) {
  EXPECT_EQ(choose_calls(small_run("steps:5", -1), {}).requests.size(), 5U);
  EXPECT_EQ(choose_calls(small_run("steps:5", 2), {}).requests.size(), 1U);
  CallSelection list;
  list.steps = NumberList("0-2", "--step");
  EXPECT_THROW(choose_calls(small_run("steps:5", -1), list), InputError);
}

TEST(StepsWorkload, RefusesWhatIsNoRun) {
  for (const char* spec :
       {"steps:", "steps:1", "steps:1001", "steps:x", "steps:4,shift=", "steps:4,shift=0",
        "steps:4,shift=nan", "steps:4,shift=1e9", "steps:4,5", "steps:-4", "steps:4 "})
    EXPECT_THROW(parse_steps_spec(spec), InputError) << spec;
  EXPECT_EQ(parse_steps_spec("steps:50,shift=7").shift, 7);
  EXPECT_THROW(steps_workload(small_run("steps:4", -1)), InputError);
  EXPECT_THROW(steps_workload(small_run("steps:4", 4)), InputError);
}

}  // namespace
}  // namespace vidattn
