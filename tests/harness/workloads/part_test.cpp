#include "harness/workloads/part.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "harness/io/npy.h"
#include "tests/harness/files.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

using testing::TemporaryFolder;

bool same_rows(const Tensor& part, const Tensor& whole, int64_t begin) {
  const int64_t row = whole.heads() * whole.dim() * size_of(whole.dtype());
  return std::memcmp(part.data<char>(), whole.data<char>() + begin * row, part.bytes()) == 0;
}

/// The rows of a third of the tokens, bit for bit those of the whole.
void expect_rows(const WorkloadRequest& request, bool with_hidden) {
  const Workload whole = make_workload(request);
  const int64_t length = whole.inputs.length(), begin = length / 3, end = 2 * length / 3;
  const WorkloadPart part = make_workload_part(request, [&](int64_t tokens) {
    EXPECT_EQ(tokens, length);
    return std::pair{begin, end};
  });
  EXPECT_EQ(part.length, length);
  EXPECT_EQ(part.keys, whole.inputs.keys());
  EXPECT_EQ(part.workload.name, whole.name);
  EXPECT_EQ(part.workload.inputs.grid.frames, whole.inputs.grid.frames);
  EXPECT_EQ(part.workload.inputs.grid.shots, whole.inputs.grid.shots);
  EXPECT_EQ(part.workload.inputs.scale, whole.inputs.scale);
  for (const auto which : {&Inputs::q, &Inputs::k, &Inputs::v}) {
    const Tensor &got = *(part.workload.inputs.*which), &all = *(whole.inputs.*which);
    ASSERT_EQ(got.length(), end - begin);
    EXPECT_TRUE(same_rows(got, all, begin));
  }
  if (!with_hidden) return;
  const auto& got = part.workload.inputs.need("hidden", "test").as<float>("hidden");
  const auto& all = whole.inputs.need("hidden", "test").as<float>("hidden");
  const int64_t row = std::ssize(all) / length;
  EXPECT_EQ(got, std::vector<float>(all.begin() + begin * row, all.begin() + end * row));
}

TEST(WorkloadPart, HasTheRowsOfAFilm) {
  expect_rows({.frames = 3, .height = 5, .width = 7, .heads = 3, .dim = 32}, true);
}

TEST(WorkloadPart, IsCutFromAWhole) {
  const Workload whole = make_workload({.frames = 2, .height = 3, .width = 4, .dim = 16});
  const WorkloadPart part = rows_of_workload(whole, [](int64_t tokens) {
    return std::pair{tokens - 5, tokens};
  });
  EXPECT_EQ(part.length, 24);
  EXPECT_EQ(part.workload.inputs.length(), 5);
  EXPECT_TRUE(same_rows(*part.workload.inputs.k, *whole.inputs.k, 19));
  EXPECT_EQ(part.workload.inputs.need("hidden", "test").shape, (std::vector<int64_t>{5, 128}));
}

/// A prefix goes behind the video, padding goes.
TEST(WorkloadPart, HasTheRowsOfACapture) {
  const TemporaryFolder folder;
  const Inputs in = random_inputs(20, 2, 16);
  write_npy(folder.path() / "q.npy", *in.q);
  write_npy(folder.path() / "k.npy", *in.k);
  write_npy(folder.path() / "v.npy", *in.v);
  write_npy(folder.path() / "hidden.npy", *random_array({20, 6}, 3));
  WorkloadRequest request{
      .spec = "tensors:" + folder.path().string(), .frames = 2, .height = 2, .width = 3};
  request.capture.prefix = 4;
  request.capture.valid = 18;
  request.scale = 0.5;
  expect_rows(request, true);
}

}  // namespace
}  // namespace vidattn
