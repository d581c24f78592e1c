#include "attention/methods/cross.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "attention/device.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/record/workload_facts.h"
#include "harness/workloads/capture/load.h"
#include "metrics/plan/fidelity.h"
#include "tests/harness/workloads/capture/captures.h"

namespace vidattn {
namespace {

using testing::bytes_of;
using testing::Call;
using testing::capture_request;
using testing::counting_tokens;
using testing::expect_input_error;
using testing::RawTensor;
using testing::safetensors_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

const Call kQueries{.tokens = 12, .heads = 4};
const Call kKeys{.tokens = 5, .heads = 4, .kv_heads = 2};
const Call kValues{.tokens = 5, .heads = 4, .kv_heads = 2, .dim = 16};

/// q of 12 tokens and 4 heads of 8; k and v of 5 tokens and 2 heads, of 8 and 16 channels.
std::vector<RawTensor> cross_tensors() {
  return {kQueries.tensors()[0], kKeys.tensors()[1], kValues.tensors()[2]};
}

class CaptureCross : public ::testing::Test {
 protected:
  Workload load(const std::vector<RawTensor>& tensors) {
    write_bytes(folder_ / "a.safetensors", safetensors_bytes(tensors));
    request.spec = capture_request(folder_ / "a.safetensors").spec;
    return make_workload(request);
  }
  void expect_refused(const std::vector<RawTensor>& tensors, const std::string& part) {
    expect_input_error([&] { load(tensors); }, part);
  }

  WorkloadRequest request;

 private:
  TemporaryFolder folder_;
};

/// Token i of the tensor is token tokens[i] of the file.
void expect_rows(const Tensor& tensor, int role, const std::vector<int64_t>& tokens, int64_t heads,
                 int64_t dim, int64_t first_head = 0) {
  ASSERT_EQ(tensor.length(), static_cast<int64_t>(tokens.size()));
  ASSERT_EQ(tensor.heads(), heads);
  ASSERT_EQ(tensor.dim(), dim);
  for (int64_t i = 0; i < tensor.length(); ++i)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t c = 0; c < dim; ++c)
        ASSERT_EQ(tensor.at(i, h, c),
                  Call::value(role, tokens[static_cast<size_t>(i)], h + first_head, c))
            << role << " " << i << " " << h << " " << c;
}

TEST_F(CaptureCross, FewerKeysAndWiderValues) {
  const Workload workload = load(cross_tensors());
  const Inputs& in = workload.inputs;
  expect_rows(*in.q, 0, counting_tokens(0, 12), 4, 8);
  expect_rows(*in.k, 1, counting_tokens(0, 5), 2, 8);
  expect_rows(*in.v, 2, counting_tokens(0, 5), 2, 16);
  EXPECT_EQ(workload.notes, std::vector<std::string>{"cross-attention: 12 queries and 5 keys"});
  EXPECT_EQ(workload.provenance["tokens"]["stored"], 12);
  EXPECT_EQ(workload.provenance["keys"]["stored"], 5);
}

TEST_F(CaptureCross, ChannelsOfAllHeadsInOneAxis) {
  std::vector<RawTensor> tensors = cross_tensors();
  for (RawTensor& tensor : tensors)
    tensor.shape = {tensor.shape[0], tensor.shape[1] * tensor.shape[2]};
  request.capture.heads = 4;
  const Workload workload = load(tensors);
  expect_rows(*workload.inputs.k, 1, counting_tokens(0, 5), 2, 8);
  expect_rows(*workload.inputs.v, 2, counting_tokens(0, 5), 2, 16);
}

TEST_F(CaptureCross, PrefixIsOfTheQueriesAndPaddingOfTheKeys) {
  request.frames = 2, request.height = 2, request.width = 2;
  request.capture.prefix = 3;
  request.capture.valid = 4;
  const Workload workload = load(cross_tensors());
  const Inputs& in = workload.inputs;
  expect_rows(*in.q, 0, {3, 4, 5, 6, 7, 8, 9, 10, 0, 1, 2, 11}, 4, 8);
  expect_rows(*in.k, 1, counting_tokens(0, 4), 2, 8);
  expect_rows(*in.v, 2, counting_tokens(0, 4), 2, 16);
  EXPECT_EQ(in.grid.text_tokens, 4);
  EXPECT_EQ(workload.notes,
            (std::vector<std::string>{"1 of 5 keys are padding and left out: 4 are valid",
                                      "cross-attention: 12 queries and 4 keys",
                                      "the 3 tokens before the video are put after it"}));
  request.capture.valid = 6;
  expect_refused(cross_tensors(), "6 valid tokens are more than the 5 that k has");
}

TEST_F(CaptureCross, AMaskIsOfTheKeys) {
  std::vector<RawTensor> tensors = cross_tensors();
  tensors.push_back({"mask", "U8", {5}, std::string("\1\0\1\1\0", 5)});
  const Workload workload = load(tensors);
  expect_rows(*workload.inputs.q, 0, counting_tokens(0, 12), 4, 8);
  expect_rows(*workload.inputs.k, 1, {0, 2, 3}, 2, 8);
  tensors.back() = {"mask", "U8", {12}, std::string(12, '\1')};
  expect_refused(tensors, "expected a key mask of [5]");
}

TEST_F(CaptureCross, HeadRangesOfSharedKeyHeads) {
  request.capture.head_range = "2-3";
  request.capture.valid = 3;
  const Workload workload = load(cross_tensors());
  expect_rows(*workload.inputs.q, 0, counting_tokens(0, 12), 2, 8, 2);
  expect_rows(*workload.inputs.k, 1, counting_tokens(0, 3), 1, 8, 1);
  expect_rows(*workload.inputs.v, 2, counting_tokens(0, 3), 1, 16, 1);
  request.capture.head_range = "1-2";
  expect_refused(cross_tensors(), "the heads 1-2 are no whole groups");
}

TEST_F(CaptureCross, TheModelsOutputIsAsWideAsTheValues) {
  std::vector<RawTensor> tensors = cross_tensors();
  const Inputs in = load(tensors).inputs;
  Output out;
  find_device("cpu").run(full_attention_rows(counting_tokens(0, 12), 5), in, out);
  const std::vector<float> o(out.o.data<float>(), out.o.data<float>() + out.o.size());
  tensors.push_back({"flash_out", "F32", {12, 4, 16}, bytes_of(o)});
  EXPECT_LT(load(tensors).provenance["capture_check"]["relative_l2"], 1e-6);
  tensors.back() = {"flash_out", "F32", {12, 4, 8}, std::string(size_t{12} * 4 * 8 * 4, '\0')};
  expect_refused(tensors, "has shape [12,4,8], expected [12,4,16]");
}

TEST_F(CaptureCross, ShapesThatMakeNoCall) {
  std::vector<RawTensor> tensors = cross_tensors();
  tensors[2] = Call{.tokens = 6, .heads = 4, .kv_heads = 2}.tensors()[2];
  expect_refused(tensors, "k [5,2,8] and v [6,2,8] differ in length or heads");
  tensors = cross_tensors();
  tensors[0] = kValues.tensors()[0];
  expect_refused(tensors, "q [5,4,16] and k [5,2,8] differ in head dimension");
  tensors = cross_tensors();
  for (int i : {1, 2}) tensors[i] = Call{.tokens = 5, .kv_heads = 3}.tensors()[i];
  expect_refused(tensors, "the 3 key heads do not divide the 4 query heads");
}

/// As many keys as queries: their number does not tell.
TEST_F(CaptureCross, IsSaidWhereTheNumbersAreEqual) {
  const std::vector<RawTensor> tensors = kQueries.tensors();
  request.frames = 3, request.height = 2, request.width = 2;
  EXPECT_FALSE(is_cross(load(tensors).inputs));
  request.capture.attention = "cross";
  const Workload workload = load(tensors);
  EXPECT_TRUE(is_cross(workload.inputs));
  EXPECT_EQ(workload.notes, std::vector<std::string>{"cross-attention: 12 queries and 12 keys"});
  EXPECT_EQ(workload.provenance["attention"], "cross");
  EXPECT_EQ(workload_facts(workload).keys, 12);
  const BackendSpec sta = parse_backend("sta");
  expect_input_error([&] { sta.backend->plan(workload.inputs, sta.params); },
                     "sta does not take cross-attention");
  request.capture.valid = 7;  // of the keys alone
  const Workload padded = load(tensors);
  EXPECT_EQ(padded.inputs.length(), 12);
  EXPECT_EQ(padded.inputs.keys(), 7);
}

TEST_F(CaptureCross, StaysSoWherePaddingMakesTheNumbersEqual) {
  const Call queries{.tokens = 4, .heads = 4};
  request.capture.valid = 4;
  const Workload workload = load({queries.tensors()[0], kKeys.tensors()[1], kKeys.tensors()[2]});
  EXPECT_EQ(workload.inputs.keys(), workload.inputs.length());
  EXPECT_TRUE(is_cross(workload.inputs));
}

TEST_F(CaptureCross, IsSaidByTheMetadata) {
  const auto said = [&](const std::string& attention) {
    return safetensors_bytes(kQueries.tensors(), {{"vidattn.capture",
                                                   "{\"schema\": \"vidattn.capture/1\", "
                                                   "\"attention\": \"" +
                                                       attention + "\"}"}});
  };
  const TemporaryFolder folder;
  write_bytes(folder / "a.safetensors", said("cross"));
  write_bytes(folder / "b.safetensors", said("both"));
  WorkloadRequest asked = capture_request(folder / "a.safetensors");
  EXPECT_TRUE(is_cross(make_workload(asked).inputs));
  asked.capture.attention = "self";
  const Workload workload = make_workload(asked);
  EXPECT_FALSE(is_cross(workload.inputs));
  EXPECT_EQ(workload.notes.at(0),
            "--attention self is taken, though the capture's metadata says cross");
  expect_input_error([&] { make_workload(capture_request(folder / "b.safetensors")); },
                     "attention");
}

TEST_F(CaptureCross, SelfAttentionHasAKeyForEveryQuery) {
  request.capture.attention = "self";
  expect_refused(cross_tensors(), "self-attention has as many keys as queries");
}

}  // namespace
}  // namespace vidattn
