// Heads and channels in one axis, where nobody says so.
#include "tests/harness/workloads/capture/captures.h"

namespace vidattn {
namespace {

using testing::Call;
using testing::capture_request;
using testing::counting_tokens;
using testing::expect_call;
using testing::expect_input_error;
using testing::RawTensor;
using testing::TemporaryFolder;
using testing::write_bytes;
using Texts = std::map<std::string, std::string>;

class CaptureFlat : public ::testing::Test {
 protected:
  /// The call's q, k and v, each of one shape.
  Workload load(const Call& call, const std::vector<int64_t>& shape, const Texts& texts = {}) {
    std::vector<RawTensor> tensors = call.tensors();
    for (RawTensor& tensor : tensors) tensor.shape = shape;
    write_bytes(folder_ / "a.safetensors", testing::safetensors_bytes(tensors, texts));
    request_.spec = capture_request(folder_ / "a.safetensors").spec;
    return make_workload(request_);
  }

  TemporaryFolder folder_;
  WorkloadRequest request_;
};

const Call kWide{.tokens = 6, .heads = 12, .kv_heads = 12, .dim = 32};

TEST_F(CaptureFlat, NoHeadIsThatWide) {
  expect_input_error([&] { load(kWide, {6, 384}); }, "--layout l(hd) --heads N");
  expect_input_error([&] { load(kWide, {6, 1, 384}); }, "--layout lb(hd) --heads N");
  request_.capture.heads = 12;
  expect_call(load(kWide, {6, 384}).inputs, kWide, counting_tokens(0, 6));
  request_.capture.heads = 1;
  EXPECT_EQ(load(kWide, {6, 384}).inputs.heads(), 1) << "but for one who says so";
  request_.capture = {.layout = "lhd"};
  EXPECT_EQ(load(kWide, {6, 1, 384}).inputs.heads(), 1);
  request_.capture = {};
  const Call narrow{.tokens = 6, .heads = 1, .kv_heads = 1, .dim = 256};
  expect_call(load(narrow, {6, 256}).inputs, narrow, counting_tokens(0, 6));
}

TEST_F(CaptureFlat, ABatchIsAlsoTold) {
  const Call call{.tokens = 40, .heads = 12, .kv_heads = 12, .dim = 8};
  expect_input_error([&] { load(call, {2, 20, 96}); }, "likely hld, or bl(hd) with --heads N");
  request_.capture = {.layout = "bl(hd)", .heads = 12};
  EXPECT_EQ(load(call, {2, 20, 96}).inputs.heads(), 12);
}

TEST_F(CaptureFlat, ALoneNumberInTheMetadataCountsTheHeads) {
  for (const Texts& texts : {Texts{{"heads", "12"}}, {{"heads", "12"}, {"layout", "l(hd)"}}}) {
    const Workload flat = load(kWide, {6, 384}, texts);
    expect_call(flat.inputs, kWide, counting_tokens(0, 6));
    EXPECT_EQ(flat.call->first_head, 0);
  }
  expect_call(load(kWide, {1, 6, 384}, {{"heads", "12"}}).inputs, kWide, counting_tokens(0, 6));
  const Call narrow{.tokens = 6, .heads = 1, .kv_heads = 1, .dim = 32};
  const Workload one = load(narrow, {6, 1, 32}, {{"heads", "12"}});
  EXPECT_EQ(one.call->first_head, 12) << "one head says which it is";
}

}  // namespace
}  // namespace vidattn
