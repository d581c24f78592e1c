#include <gtest/gtest.h>

#include <algorithm>

#include "harness/workloads/capture/load.h"
#include "tests/harness/workloads/capture/captures.h"

/// 8-bit floats, times one number or many.
namespace vidattn {
namespace {

using testing::bytes_of;
using testing::capture_request;
using testing::expect_input_error;
using testing::raw;
using testing::RawTensor;
using testing::safetensors_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

using Shape = std::vector<int64_t>;

constexpr int64_t kTokens = 12, kHeads = 4, kDim = 8;

/// 1, 2, 3 … of a scale.
std::vector<float> counted(int64_t size) {
  std::vector<float> values;
  for (int64_t i = 1; i <= size; ++i) values.push_back(static_cast<float>(i));
  return values;
}

/// Which element of the scale goes to an element of q.
using Place = int64_t (*)(int64_t token, int64_t head, int64_t channel);

class CaptureScales : public ::testing::Test {
 protected:
  /// q, k and v of ones as F8_E4M3, and one scale.
  Workload load(const std::string& name, const Shape& shape, const Shape& of_q = {12, 4, 8}) {
    int64_t size = 1;
    for (int64_t extent : shape) size *= extent;
    return load({{name, "F32", shape, bytes_of(counted(size))}}, of_q);
  }
  Workload load(const std::vector<RawTensor>& scales, const Shape& of_q = {12, 4, 8}) {
    const std::string ones(static_cast<size_t>(of_q[0] * of_q[1] * of_q[2]), '\x38');
    std::vector<RawTensor> tensors = scales;
    for (const char* name : {"q", "k", "v"})
      tensors.push_back({prefix + name, "F8_E4M3", of_q, ones});
    write_bytes(folder_ / "a.safetensors", safetensors_bytes(tensors));
    request.spec = capture_request(folder_ / "a.safetensors").spec;
    return make_workload(request);
  }
  void expect_scaled(const Workload& workload, Place place, int64_t first_head = 0) {
    const Tensor& q = *workload.inputs.q;
    for (int64_t i = 0; i < q.length(); ++i)
      for (int64_t h = 0; h < q.heads(); ++h)
        for (int64_t c = 0; c < q.dim(); ++c)
          ASSERT_EQ(q.at(i, h, c), static_cast<float>(place(i, h + first_head, c) + 1))
              << i << " " << h << " " << c;
    EXPECT_EQ(workload.inputs.k->at(3, 0, 2), 1);
  }
  void expect_refused(const std::string& name, const Shape& shape, const std::string& part,
                      const Shape& of_q = {12, 4, 8}) {
    expect_input_error([&] { load(name, shape, of_q); }, part);
  }

  WorkloadRequest request;
  std::string prefix;

 private:
  TemporaryFolder folder_;
};

constexpr Place kByHead = [](int64_t, int64_t head, int64_t) { return head; };
constexpr Place kByToken = [](int64_t token, int64_t, int64_t) { return token; };
constexpr Place kByChannel = [](int64_t, int64_t, int64_t channel) { return channel; };
constexpr Place kByTokenAndHead = [](int64_t token, int64_t head, int64_t) {
  return token * kHeads + head;
};

TEST_F(CaptureScales, AlongAnyAxis) {
  for (const Shape& shape : {Shape{kHeads}, {kHeads, 1}, {1, kHeads, 1}, {1, 1, kHeads, 1}}) {
    SCOPED_TRACE(shape_text(shape));
    expect_scaled(load("q_scale", shape), kByHead);
  }
  for (const Shape& shape : {Shape{kTokens}, {kTokens, 1}, {kTokens, 1, 1}})
    expect_scaled(load("q_scale", shape), kByToken);
  for (const Shape& shape : {Shape{kDim}, {1, kDim}, {1, 1, kDim}})
    expect_scaled(load("q_scale", shape), kByChannel);
  for (const Shape& shape : {Shape{kTokens, kHeads}, {kTokens, kHeads, 1}})
    expect_scaled(load("q_scale", shape), kByTokenAndHead);
  for (const Shape& shape : {Shape{}, {1}, {1, 1}})
    expect_scaled(load("q_scale", shape), [](int64_t, int64_t, int64_t) { return int64_t{0}; });
}

TEST_F(CaptureScales, UnderAllTheirNames) {
  prefix = "blocks.3.";
  for (const char* name : {"blocks.3.q_scale", "blocks.3.q_scale_inv", "blocks.3.scale_q"}) {
    const Workload workload = load(name, {kHeads});
    expect_scaled(workload, kByHead);
    EXPECT_EQ(workload.notes[0].find("q, k and v are converted to float32: \"blocks.3.q\" of "
                                     "F8_E4M3 times the 4 numbers along axis 1 of \"" +
                                     std::string(name) + "\""),
              0U)
        << workload.notes[0];
    EXPECT_EQ(workload.provenance["tensors"]["q"]["scale"]["numbers"], 4);
  }
  const RawTensor one{"blocks.3.q_scale", "F32", {}, raw<float>({1})};
  const RawTensor two{"blocks.3.scale_q", "F32", {}, raw<float>({1})};
  expect_input_error([&] { load({one, two}); }, "has two scales");
}

TEST_F(CaptureScales, FollowTheTensorsAxes) {
  request.capture.layout = "hld";
  expect_scaled(load("q_scale", {kTokens, 1}, {4, 12, 8}), kByToken);
  expect_scaled(load("q_scale", {kHeads, 1, 1}, {4, 12, 8}), kByHead);
  request.capture.layout = "";
  request.capture.head_range = "2-3";
  expect_scaled(load("q_scale", {kHeads, 1}), kByHead, 2);
}

TEST_F(CaptureScales, FollowTheTokens) {
  request.frames = 2, request.height = 2, request.width = 2;
  request.capture.prefix = 2;
  request.capture.valid = 11;
  const Tensor& q = *load("q_scale", {kTokens, 1, 1}).inputs.q;
  const std::vector<int64_t> tokens = {2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 10};
  ASSERT_EQ(q.length(), 11);
  for (int64_t i = 0; i < 11; ++i) EXPECT_EQ(q.at(i, 3, 7), static_cast<float>(tokens[i] + 1));
}

TEST_F(CaptureScales, WhatDoesNotFitIsRefused) {
  expect_refused("q_scale", {5}, "with shape [5] fits no axes of");
  expect_refused("q_scale", {kHeads, kTokens}, "fits no axes of");
  expect_refused("q_scale", {2, 12, 4, 8}, "fits no axes of");
  expect_refused("q_scale", {8}, "with shape [8] fits several axes of", {12, 8, 8});
  expect_refused("q_scale", {12}, "fits several axes of", {12, 12, 8});
  const RawTensor bad{"q_scale", "F32", {kHeads}, raw<float>({1, 2, 0, 4})};
  expect_input_error([&] { load({bad}); }, "holds 0, expected scales above 0");
  const RawTensor whole{"q_scale", "I32", {kHeads}, raw<int32_t>({1, 2, 3, 4})};
  expect_input_error([&] { load({whole}); }, "q_scale");
}

}  // namespace
}  // namespace vidattn
