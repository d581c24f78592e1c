#include "harness/workloads/selection/choose_calls.h"

#include <set>

#include "tests/harness/workloads/capture/captures.h"

namespace vidattn {
namespace {

using testing::Call;
using testing::capture_request;
using testing::counting_tokens;
using testing::expect_call;
using testing::expect_input_error;
using testing::RawTensor;
using testing::safetensors_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

TEST(NumberList, NumbersAndRanges) {
  const NumberList list("0,14,20-22", "--layer");
  for (const int64_t number : {0, 14, 20, 21, 22}) EXPECT_TRUE(list.contains(number)) << number;
  for (const int64_t number : {-1, 1, 13, 19, 23}) EXPECT_FALSE(list.contains(number)) << number;
  EXPECT_FALSE(list.only());
  EXPECT_EQ(NumberList("7", "--layer").only(), 7);
  EXPECT_EQ(NumberList("7-7", "--layer").only(), 7);
  EXPECT_TRUE(NumberList().takes(-1));
  EXPECT_FALSE(list.takes(-1)) << "whose layer is not known is none of them";
  for (const char* text : {"", "a", "1,", ",1", "3-1", "-1", "1-", "1 2", "99999999999999999999"})
    expect_input_error([&] { NumberList(text, "--layer"); }, "--layer");
}

/// A folder of calls of 2 steps and 3 layers.
class ChooseCalls : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int64_t step = 0; step < 2; ++step)
      for (int64_t layer = 0; layer < 3; ++layer)
        write(step, layer, safetensors_bytes(call.tensors()));
  }
  std::filesystem::path file(int64_t step, int64_t layer) const {
    return folder /
           ("step" + std::to_string(step) + "_block" + std::to_string(layer) + ".safetensors");
  }
  void write(int64_t step, int64_t layer, const std::string& bytes) const {
    write_bytes(file(step, layer), bytes);
  }
  WorkloadRequest request() const { return capture_request(folder.path()); }
  static std::set<std::string> names(const ChosenCalls& chosen) {
    std::set<std::string> names;
    for (const WorkloadRequest& one : chosen.requests) names.insert(one.call.value().text());
    return names;
  }

  const Call call{.tokens = 6};
  TemporaryFolder folder;
};

TEST_F(ChooseCalls, AllOrThoseOfTheLists) {
  EXPECT_EQ(names(choose_calls(request(), {})).size(), 6U);
  CallSelection some;
  some.layers = NumberList("0,2", "--layer");
  some.steps = NumberList("1", "--step");
  EXPECT_EQ(names(choose_calls(request(), some)),
            (std::set<std::string>{"step1_block0.safetensors", "step1_block2.safetensors"}));
  some.layers = NumberList("1-9", "--layer");
  EXPECT_EQ(names(choose_calls(request(), some)),
            (std::set<std::string>{"step1_block1.safetensors", "step1_block2.safetensors"}));
}

TEST_F(ChooseCalls, EachIsNamedByWhatChoosesIt) {
  const ChosenCalls chosen = choose_calls(request(), {});
  for (const WorkloadRequest& one : chosen.requests) {
    EXPECT_EQ(one.spec, request().spec);
    WorkloadRequest typed = request();  // as on a command line
    typed.capture = one.capture;
    EXPECT_EQ(make_workload(typed).call, make_workload(one).call);
  }
  // Two calls of one step and layer are told apart by their files.
  write_bytes(folder / "again_step0_block1.safetensors", safetensors_bytes(call.tensors()));
  std::set<std::string> specs;
  for (const WorkloadRequest& one : choose_calls(request(), {}).requests)
    if (one.call->layer == 1 && one.call->step == 0) {
      specs.insert(one.spec);
      EXPECT_EQ(one.capture.layer, -1);
    }
  EXPECT_EQ(specs, (std::set<std::string>{
                       "tensors:" + file(0, 1).native(),
                       "tensors:" + (folder / "again_step0_block1.safetensors").native()}));
}

TEST_F(ChooseCalls, OneCallIsTheRequestItself) {
  WorkloadRequest one = capture_request(file(1, 2));
  const ChosenCalls chosen = choose_calls(one, {});
  ASSERT_EQ(chosen.requests.size(), 1U);
  EXPECT_EQ(chosen.requests[0].spec, one.spec);
  EXPECT_EQ(chosen.requests[0].capture, one.capture);
}

TEST_F(ChooseCalls, EntriesOfABatchAreCalls) {
  std::vector<RawTensor> two;
  for (RawTensor tensor : call.tensors()) {
    tensor.shape.insert(tensor.shape.begin(), 2);
    tensor.bytes += std::string(tensor.bytes.size(), '\0');
    two.push_back(tensor);
  }
  write(0, 0, safetensors_bytes(two));
  EXPECT_EQ(choose_calls(request(), {}).requests.size(), 7U);
  const WorkloadRequest batch = capture_request(file(0, 0));
  const ChosenCalls chosen = choose_calls(batch, {});
  ASSERT_EQ(chosen.requests.size(), 2U);
  expect_call(make_workload(chosen.requests[0]).inputs, call, counting_tokens(0, 6));
  EXPECT_EQ(make_workload(chosen.requests[1]).call->batch_entry, 1);
  CallSelection second;
  second.batch_entries = NumberList("1-3", "--batch-entry");
  EXPECT_EQ(choose_calls(batch, second).requests.at(0).capture.batch_entry, 1);
  second.batch_entries = NumberList("1,2", "--batch-entry");
  expect_input_error([&] { choose_calls(batch, second); }, "no call of batch entry 2");
}

TEST_F(ChooseCalls, WhatCannotBeReadIsToldWithTheOthers) {
  write(1, 1, "no safetensors");
  const ChosenCalls chosen = choose_calls(request(), {});
  EXPECT_EQ(chosen.requests.size(), 5U);
  ASSERT_EQ(chosen.unreadable.size(), 1U);
  EXPECT_EQ(chosen.unreadable[0].source, "step1_block1.safetensors");
  CallSelection others;
  others.layers = NumberList("0,2", "--layer");
  EXPECT_TRUE(choose_calls(request(), others).unreadable.empty());
  expect_input_error([&] { choose_calls(capture_request(file(1, 1)), {}); }, "step1_block1");
}

TEST_F(ChooseCalls, NumbersThatNoCallHasAreRefused) {
  CallSelection wrong;
  wrong.layers = NumberList("0,7", "--layer");
  expect_input_error([&] { choose_calls(request(), wrong); },
                     "has no call of layer 7: there are layer 0, 1, 2");
  WorkloadRequest film;
  expect_input_error([&] { choose_calls(film, wrong); }, "\"film\" is none");
  EXPECT_EQ(choose_calls(film, {}).requests.size(), 1U);
}

}  // namespace
}  // namespace vidattn
