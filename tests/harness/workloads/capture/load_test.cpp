#include "harness/workloads/capture/load.h"

#include <limits>

#include "attention/device.h"
#include "harness/io/npy.h"
#include "metrics/plan/fidelity.h"
#include "tests/harness/numpy.h"
#include "tests/harness/workloads/capture/captures.h"

namespace vidattn {
namespace {

using testing::Call;
using testing::capture_request;
using testing::counting_tokens;
using testing::expect_call;
using testing::expect_input_error;
using testing::npy_bytes;
using testing::raw;
using testing::RawTensor;
using testing::safetensors_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

/// A capture of one file that a test writes, and the request of it.
class Capture {
 public:
  explicit Capture(const std::vector<RawTensor>& tensors,
                   const std::map<std::string, std::string>& metadata = {}) {
    write_bytes(folder_ / "a.safetensors", safetensors_bytes(tensors, metadata));
    request = capture_request(folder_ / "a.safetensors");
  }
  Workload load() const { return make_workload(request); }
  void expect_refused(const std::string& part) const {
    expect_input_error([&] { load(); }, part);
  }

  WorkloadRequest request;

 private:
  TemporaryFolder folder_;
};

bool says(const Workload& workload, const std::string& part) {
  return std::any_of(workload.notes.begin(), workload.notes.end(),
                     [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

std::vector<int64_t> sizes(const Call& call, int tensor, const std::string& axes) {
  std::map<char, int64_t> size{{'l', call.tokens}, {'h', call.heads_of(tensor)}, {'d', call.dim}};
  return {size[axes[0]], size[axes[1]], size[axes[2]]};
}

TEST(CaptureLoad, EveryLayoutIsTheSameCall) {
  const Call call{.tokens = 12, .heads = 4, .kv_heads = 2};
  for (const std::string axes : {"lhd", "hld", "dlh", "hdl"}) {
    SCOPED_TRACE(axes);
    std::vector<RawTensor> tensors, batched;
    for (int i = 0; i < 3; ++i) {
      const std::string name(1, "qkv"[i]);
      tensors.push_back({name, "F32", sizes(call, i, axes), call.bytes(i, axes)});
      batched.push_back(tensors.back());
      batched.back().shape.insert(batched.back().shape.begin(), 1);
    }
    for (const auto& [given, layout] :
         {std::pair(tensors, axes), {batched, "b" + axes}, {batched, axes}}) {
      Capture capture(given);
      capture.request.capture.layout = layout;
      expect_call(capture.load().inputs, call, counting_tokens(0, 12));
    }
    Capture capture(tensors, {{"layout", axes}});
    expect_call(capture.load().inputs, call, counting_tokens(0, 12));
  }
}

TEST(CaptureLoad, FlatChannels) {
  const Call call{.tokens = 12, .heads = 4, .kv_heads = 2};
  std::vector<RawTensor> tensors = call.tensors();
  for (RawTensor& tensor : tensors) tensor.shape = {12, tensor.shape[1] * tensor.shape[2]};
  Capture capture(tensors);
  capture.request.capture.layout = "l(hd)";
  capture.expect_refused("--heads says how many");
  capture.request.capture.heads = 4;
  expect_call(capture.load().inputs, call, counting_tokens(0, 12));
  capture.request.capture.layout = "";
  expect_call(capture.load().inputs, call, counting_tokens(0, 12));
  for (RawTensor& tensor : tensors) tensor.shape.insert(tensor.shape.begin(), 1);
  Capture batched(tensors);
  batched.request.capture.heads = 4;
  expect_call(batched.load().inputs, call, counting_tokens(0, 12));
  batched.request.capture.heads = 5;
  batched.expect_refused("32 channels, which 5 heads do not divide");
}

TEST(CaptureLoad, SwappedAxesAreNoticed) {
  const Call call{.tokens = 12, .heads = 4};
  std::vector<RawTensor> tensors;
  for (int i = 0; i < 3; ++i)
    tensors.push_back({std::string(1, "qkv"[i]), "F32", {4, 12, 8}, call.bytes(i, "hld")});
  Capture capture(tensors);
  capture.expect_refused(
      "4 tokens of 12 heads: its layout is likely hld, or bl(hd) with --heads N; --layout says");
  capture.request.frames = 1, capture.request.height = 3, capture.request.width = 4;
  capture.expect_refused("the grid has 12 tokens: its layout is likely hld");
  capture.request.capture.layout = "hld";
  expect_call(capture.load().inputs, call, counting_tokens(0, 12));
  // Few tokens are right where somebody says so.
  capture.request = capture_request(capture.request.spec.substr(8));
  capture.request.capture.layout = "lhd";
  EXPECT_EQ(capture.load().inputs.length(), 4);
  // A grid that only the axis of the heads has.
  Capture wide({{"q", "F32", {14, 12, 1}, std::string(4 * 168, '\0')},
                {"k", "F32", {14, 12, 1}, std::string(4 * 168, '\0')},
                {"v", "F32", {14, 12, 1}, std::string(4 * 168, '\0')}});
  wide.request.frames = 1, wide.request.height = 3, wide.request.width = 4;
  wide.expect_refused("likely hld");
}

TEST(CaptureLoad, EntriesOfABatchAreCalls) {
  Call call{.tokens = 12};
  std::vector<RawTensor> tensors = call.tensors();
  for (RawTensor& tensor : tensors) tensor.shape = {2, 6, 4, 8};
  tensors.push_back(
      {"router_logits", "F32", {2, 6, 1}, raw<float>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})});
  call.tokens = 6;
  Capture capture(tensors);
  const Workload first = capture.load();
  expect_call(first.inputs, call, counting_tokens(0, 6));
  EXPECT_TRUE(says(first, "a batch of 2: entry 0 is taken, --batch-entry takes another"));
  capture.request.capture.batch_entry = 1;
  const Workload second = capture.load();
  expect_call(second.inputs, call, counting_tokens(6, 12));
  EXPECT_EQ(second.inputs.need("router_logits", "test").as<float>("r")[0], 6.0F);
  EXPECT_EQ(second.provenance["batch_entry"], 1);
  capture.request.capture.batch_entry = 2;
  capture.expect_refused("a batch of 2: there is no entry 2");
}

TEST(CaptureLoad, PackedSequences) {
  const Call call{.tokens = 12};
  std::vector<RawTensor> tensors = call.tensors();
  tensors.push_back(
      {"router_logits", "F32", {12, 1}, raw<float>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})});
  Capture capture(tensors);
  capture.request.frames = 2, capture.request.height = 2, capture.request.width = 2;
  capture.request.capture.prefix = 3;
  const Workload workload = capture.load();
  expect_call(workload.inputs, call, {3, 4, 5, 6, 7, 8, 9, 10, 0, 1, 2, 11});
  EXPECT_EQ(workload.inputs.grid.text_tokens, 4);
  EXPECT_EQ(workload.inputs.need("router_logits", "test").as<float>("r")[8], 0.0F);
  EXPECT_TRUE(says(workload, "the 3 tokens before the video are put after it"));
  EXPECT_EQ(workload.provenance["tokens"]["before_video"], 3);
  capture.request.capture.prefix = 5;
  capture.expect_refused("8 tokens after 5 others, q has only 12");
}

TEST(CaptureLoad, PaddingIsLeftOut) {
  const Call call{.tokens = 12};
  Capture capture(call.tensors());
  capture.request.frames = 2, capture.request.height = 2, capture.request.width = 2;
  capture.request.capture.valid = 10;
  const Workload workload = capture.load();
  expect_call(workload.inputs, call, counting_tokens(0, 10));
  EXPECT_EQ(workload.inputs.grid.text_tokens, 2);
  EXPECT_TRUE(says(workload, "2 of 12 tokens are padding and left out: 10 are valid"));
  EXPECT_EQ(workload.provenance["notes"].size(), 1U);
  capture.request.capture.valid = 13;
  capture.expect_refused("13 valid tokens are more than the 12");
  capture.request.capture.valid = 7;
  capture.expect_refused("1 of the video's 8 tokens would be padding");
}

TEST(CaptureLoad, ZerosAtTheEndAreLikelyPadding) {
  std::vector<RawTensor> tensors = Call{.tokens = 12}.tensors();
  for (RawTensor& tensor : tensors) tensor.bytes.replace(9 * 128, 3 * 128, std::string(384, '\0'));
  Capture capture(tensors);
  EXPECT_TRUE(says(capture.load(), "warning: the last 3 tokens have keys of zeros alone"));
  EXPECT_TRUE(says(capture.load(), "--valid 9 leaves it out"));
  capture.request.capture.valid = 12;
  EXPECT_TRUE(capture.load().notes.empty());
}

TEST(CaptureLoad, KeyMasks) {
  const Call call{.tokens = 12};
  const std::string bits = raw<uint8_t>({1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1});
  const RawTensor masks[] = {
      {"attention_mask", "BOOL", {12}, bits},
      {"mask", "U8", {1, 1, 12}, bits},
      {"attention_mask", "I64", {1, 12}, raw<int64_t>({1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1})}};
  for (const RawTensor& mask : masks) {
    std::vector<RawTensor> tensors = call.tensors("a.");
    tensors.push_back(mask);
    Capture capture(tensors);
    const Workload workload = capture.load();
    expect_call(workload.inputs, call, {0, 1, 2, 3, 4, 5, 6, 7, 9, 11});
    EXPECT_TRUE(says(workload, "2 of 12 tokens are padding"));
    capture.request.capture.valid = 12;
    EXPECT_EQ(capture.load().inputs.length(), 12);
  }
  std::vector<RawTensor> tensors = call.tensors();
  tensors.push_back({"mask", "F32", {2}, raw<float>({0, 1})});
  Capture(tensors).expect_refused("expected a key mask of [12]; --valid 12 does without it");
  tensors.back() = {"mask", "U8", {12}, std::string(12, '\2')};
  Capture(tensors).expect_refused("other values than 0 and 1");
  tensors.back() = {"mask", "U8", {12}, std::string(12, '\0')};
  Capture(tensors).expect_refused("no token is valid");
}

TEST(CaptureLoad, HeadsAreChosenAtReading) {
  const Call call{.tokens = 12, .heads = 4, .kv_heads = 2};
  Capture capture(call.tensors());
  capture.request.capture.head_range = "2-3";
  const Inputs in = capture.load().inputs;
  EXPECT_EQ(in.heads(), 2);
  EXPECT_EQ(in.kv_heads(), 1);
  EXPECT_EQ(in.q->at(5, 1, 3), Call::value(0, 5, 3, 3));
  EXPECT_EQ(in.k->at(5, 0, 3), Call::value(1, 5, 1, 3));
  capture.request.capture.head_range = "1-2";
  capture.expect_refused("no whole groups");
  capture.request.capture.head_range = "3-4";
  capture.expect_refused("has 4 heads");
  for (const char* bad : {"3-2", "x", "-1", "1-", "1-2-3", "1,2"}) {
    capture.request.capture.head_range = bad;
    capture.expect_refused("is no range of heads");
  }
}

TEST(CaptureLoad, NothingElseIsRead) {
  const Call call;
  std::vector<RawTensor> tensors = call.tensors();
  tensors.push_back({"kv_scale", "F8_E4M3", {4}, "abcd"});
  tensors.push_back({"new", "F3_FUTURE", {4}, "abc"});
  tensors.push_back({"labels", "F32", {1}, raw<float>({std::numeric_limits<float>::quiet_NaN()})});
  const Workload workload = Capture(tensors).load();
  expect_call(workload.inputs, call, counting_tokens(0, 12));
  EXPECT_TRUE(workload.inputs.extra.empty());
  EXPECT_TRUE(workload.notes.empty());
}

TEST(CaptureLoad, ObjectsBesideTheArrays) {
  const TemporaryFolder folder;
  const Call call;
  for (int i = 0; i < 3; ++i)
    write_bytes(folder / (std::string(1, "qkv"[i]) + ".npy"),
                npy_bytes("<f4", "(12, 4, 8)", call.bytes(i)));
  write_bytes(folder / "meta.npy", npy_bytes("|O", "()", "pickle"));
  write_bytes(folder / "notes.npy", "garbage");
  write_bytes(folder / "._q.npy", "garbage");
  const Workload workload = make_workload(capture_request(folder.path()));
  expect_call(workload.inputs, call, counting_tokens(0, 12));
  EXPECT_EQ(workload.provenance["files"].size(), 3U);
}

TEST(CaptureLoad, EightBitFloatsWithTheirScale) {
  const std::string ones(12 * 4 * 8, '\x38');  // 1 as F8_E4M3
  const RawTensor brain{"v", "BF16", {12, 4, 8}, std::string(2 * ones.size(), '\0')};
  const Workload workload = Capture({{"q", "F8_E4M3", {12, 4, 8}, ones},
                                     {"k", "F8_E5M2", {12, 4, 8}, ones},
                                     brain,
                                     {"q_scale", "F32", {}, raw<float>({0.25F})}})
                                .load();
  EXPECT_EQ(workload.inputs.q->dtype(), DType::f32);
  EXPECT_EQ(workload.inputs.v->dtype(), DType::f32);
  EXPECT_EQ(workload.inputs.q->at(11, 3, 7), 0.25F);
  EXPECT_EQ(workload.inputs.k->at(11, 3, 7), 0.5F);
  EXPECT_EQ(workload.notes,
            std::vector<std::string>{"q, k and v are converted to float32: \"q\" of F8_E4M3 times "
                                     "0.25 of \"q_scale\", \"k\" of F8_E5M2 without a scale"});
  EXPECT_EQ(workload.provenance["tensors"]["q"]["scale"], 0.25);
  Capture({{"q", "F8_E4M3", {12, 4, 8}, ones},
           {"k", "F8_E4M3", {12, 4, 8}, ones},
           brain,
           {"q_scale", "F32", {1}, raw<float>({-1})}})
      .expect_refused("expected a scale above 0");
}

TEST(CaptureLoad, BFloat16AsBits) {
  const TemporaryFolder folder;
  for (const char* descr : {"<u2", "|V2", "<V2", "<i2", ">u2"}) {
    const bool turned = descr[0] == '>';
    std::string data;
    for (int i = 0; i < 12 * 4 * 8; ++i) data += turned ? "\x3f\xc0" : "\xc0\x3f";  // 1.5
    for (const char* name : {"q.npy", "k.npy", "v.npy"})
      write_bytes(folder / name, npy_bytes(descr, "(12, 4, 8)", data));
    const Workload workload = make_workload(capture_request(folder.path()));
    EXPECT_EQ(workload.inputs.q->dtype(), DType::bf16);
    EXPECT_EQ(workload.inputs.v->at(3, 1, 4), 1.5F) << descr;
    ASSERT_EQ(workload.notes.size(), 1U);
    EXPECT_TRUE(says(workload, "read as bfloat16: \"q\" of"));
  }
}

TEST(CaptureLoad, TheSoftmaxScale) {
  const Call call;
  Capture capture(call.tensors());
  EXPECT_EQ(capture.load().inputs.scale, 0);
  EXPECT_FALSE(capture.load().provenance.contains("softmax_scale"));
  capture.request.scale = 0.5;
  EXPECT_EQ(capture.load().inputs.scale, 0.5);
  EXPECT_EQ(capture.load().provenance["softmax_scale"], 0.5);
}

TEST(CaptureLoad, OptionsWinOverMetadata) {
  const Call call{.tokens = 12};
  Capture capture(call.tensors(),
                  {{"vidattn.capture",
                    R"({"schema": "vidattn.capture/1", "grid": [2, 2, 2], "shots": [0, 1],
                        "prefix": 2, "valid": 11, "softmax_scale": 0.25, "layer": 3})"}});
  const Workload said = capture.load();
  expect_call(said.inputs, call, {2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 10});
  EXPECT_EQ(said.inputs.grid.shots, (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(said.inputs.scale, 0.25);
  EXPECT_EQ(said.provenance["metadata"]["prefix"], 2);
  EXPECT_EQ(said.provenance["layer"], 3);
  capture.request.frames = 3, capture.request.height = 1, capture.request.width = 3;
  capture.request.capture.prefix = 0;
  capture.request.capture.valid = 10;
  capture.request.scale = 1;
  const Workload asked = capture.load();
  expect_call(asked.inputs, call, counting_tokens(0, 10));
  EXPECT_EQ(asked.inputs.grid.shots, std::vector<int64_t>{0});
  EXPECT_EQ(asked.inputs.scale, 1);
  EXPECT_TRUE(says(asked, "--grid 3,1,3 is taken, though the capture's metadata says 2,2,2"));
  EXPECT_TRUE(says(asked, "--prefix 0 is taken, though the capture's metadata says 2"));
  EXPECT_TRUE(says(asked, "--valid 10 is taken"));
  EXPECT_TRUE(says(asked, "--scale 1 is taken, though the capture's metadata says 0.25"));
}

/// q, k, v and flash_out in bf16 as [heads, tokens, D], with the texts that go with them.
class FlashCapture {
 public:
  FlashCapture() {
    Inputs in;
    std::shared_ptr<const Tensor>* const operands[] = {&in.q, &in.k, &in.v};
    for (int i = 0; i < 3; ++i) {
      Tensor tensor(12, 4, 32);
      for (int64_t n = 0; n < tensor.size(); ++n)
        tensor.data<float>()[n] = Call::value(i, n / 128, n / 32 % 4, n % 32);
      *operands[i] = std::make_shared<const Tensor>(tensor.to(DType::bf16));
    }
    Output out;
    find_device("cpu").run(full_attention_rows(counting_tokens(0, 12), 12), in, out);
    tensors = {stored("q", *in.q), stored("k", *in.k), stored("v", *in.v),
               stored("flash_out", out.o)};
  }

  std::vector<RawTensor> tensors;
  std::map<std::string, std::string> metadata = {
      {"step", "7"}, {"block", "12"}, {"heads", "0-3"}, {"cfg_pass", "cond"}, {"layout", "HND"}};

 private:
  static RawTensor stored(const char* name, const Tensor& tensor) {
    std::string bytes;
    for (int64_t head = 0; head < 4; ++head)
      for (int64_t token = 0; token < 12; ++token)
        bytes.append(
            reinterpret_cast<const char*>(tensor.data<BFloat16>() + tensor.offset(token, head)),
            32 * sizeof(BFloat16));
    return {name, "BF16", {4, 12, 32}, bytes};
  }
};

TEST(CaptureLoad, TheModelsOwnOutputChecksTheCapture) {
  FlashCapture flash;
  Capture capture(flash.tensors, flash.metadata);
  const Workload workload = capture.load();
  EXPECT_EQ(workload.inputs.length(), 12);
  EXPECT_EQ(workload.inputs.q->dtype(), DType::bf16);
  EXPECT_LT(workload.provenance["capture_check"]["relative_l2"], 1e-2);
  EXPECT_EQ(workload.provenance["step"], 7);
  ASSERT_EQ(workload.notes.size(), 1U);
  EXPECT_TRUE(says(workload, "differs from the capture's \"flash_out\" by"));
  EXPECT_FALSE(says(workload, "warning"));
  // In another order and with some of the heads it is still the same output.
  capture.request.frames = 2, capture.request.height = 2, capture.request.width = 2;
  capture.request.capture.prefix = 2;
  capture.request.capture.head_range = "1-2";
  EXPECT_LT(capture.load().provenance["capture_check"]["relative_l2"], 1e-2);
  // With another scale it is not.
  capture.request.scale = 3;
  EXPECT_TRUE(says(capture.load(), "warning: full attention differs"));
}

}  // namespace
}  // namespace vidattn
