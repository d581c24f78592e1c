#include "harness/workloads/capture/calls.h"

#include "tests/harness/archives.h"
#include "tests/harness/numpy.h"
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

std::vector<RawTensor> joined(std::vector<RawTensor> a, const std::vector<RawTensor>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

void expect_loads(const WorkloadRequest& request, const Call& call) {
  expect_call(tensors_workload(request).inputs, call, counting_tokens(0, call.tokens));
}

void expect_not_loaded(const WorkloadRequest& request, const std::string& part) {
  expect_input_error([&] { tensors_workload(request); }, part);
}

TEST(CaptureCalls, OneOfSeveralInAFile) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
  const Call small{.tokens = 6}, large{.tokens = 9};
  write_bytes(path, safetensors_bytes(joined(small.tensors("blocks.0.attn1."),
                                             large.tensors("blocks.1.attn1."))));
  expect_not_loaded(capture_request(path),
                    "has 2 calls: \"blocks.0.attn1.\", \"blocks.1.attn1.\"; choose with --layer");
  expect_loads(capture_request(path + "#blocks.0.attn1."), small);
  expect_loads(capture_request(path + "#blocks.1.attn1"), large);
  WorkloadRequest layer = capture_request(path);
  layer.capture.layer = 1;
  expect_loads(layer, large);
  layer.capture.layer = 2;
  expect_not_loaded(layer, "no call of layer 2: there are layer 0, 1");
  expect_not_loaded(capture_request(path + "#blocks.7."), "no call of the prefix \"blocks.7.\"");
}

TEST(CaptureCalls, TheOnlyPrefixIsFound) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
  const Call call;
  write_bytes(path, safetensors_bytes(call.tensors("blocks.0.attn1.")));
  expect_loads(capture_request(path), call);
  EXPECT_EQ(tensors_workload(capture_request(path)).provenance["prefix"], "blocks.0.attn1.");
}

TEST(CaptureCalls, SayWhichTheyAre) {
  const TemporaryFolder folder;
  const Call call;
  write_bytes(folder / "a.safetensors",
              safetensors_bytes(
                  call.tensors(),
                  {{"block", "12"}, {"step", "7"}, {"heads", "8-11"}, {"prompt", "a dog\nruns"}}));
  WorkloadRequest request = capture_request(folder / "a.safetensors");
  EXPECT_EQ(make_workload(request).call, (CallFacts{12, 7, -1, 8, "a dog runs", "a.safetensors"}));
  request.capture.head_range = "1-2";
  EXPECT_EQ(make_workload(request).call->first_head, 9);
  write_bytes(folder / "b.safetensors",
              safetensors_bytes(call.tensors("x."),
                                {{"vidattn.capture", R"({"schema": "vidattn.capture/1", "layer": 3,
                                                         "prompt": "a cat"})"}}));
  EXPECT_EQ(make_workload(capture_request(folder / "b.safetensors")).call,
            (CallFacts{3, -1, -1, 0, "a cat", "b.safetensors#x."}));
}

TEST(CaptureCalls, SayWhichHeadsOfTheModelTheyHave) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
  const auto write = [&](const std::string& members) {
    write_bytes(path, safetensors_bytes(Call{}.tensors(),
                                        {{"vidattn.capture",
                                          R"({"schema": "vidattn.capture/1", )" + members + "}"}}));
  };
  write(R"("head_indices": [1, 4, 5, 11], "model_heads": 12)");
  WorkloadRequest request = capture_request(path);
  const Workload all = make_workload(request);
  EXPECT_EQ(all.call->heads, (std::vector<int64_t>{1, 4, 5, 11}));
  EXPECT_EQ(all.call->head(3), 11);
  EXPECT_EQ(all.notes,
            (std::vector<std::string>{"the query heads are the model's 1,4,5,11 of 12"}));
  request.capture.head_range = "1-2";
  const Workload some = make_workload(request);
  EXPECT_TRUE(some.call->heads.empty()) << "they follow each other";
  EXPECT_EQ(some.call->head(1), 5);
  EXPECT_EQ(some.inputs.q->heads(), 2);
  write(R"("head_indices": [1, 4])");
  expect_not_loaded(capture_request(path),
                    "has 4 query heads, but its metadata's head_indices says 2");
}

TEST(CaptureCalls, AFolderOfStepsAndLayers) {
  const TemporaryFolder folder;
  const Call call{.tokens = 7}, other{.tokens = 5};
  write_bytes(folder / "step07_block12.safetensors", safetensors_bytes(call.tensors()));
  write_bytes(folder / "step07_block13.safetensors", safetensors_bytes(other.tensors()));
  // Files of other steps are not even opened, and hidden ones never.
  write_bytes(folder / "step08_block12.safetensors", "damaged");
  write_bytes(folder / "._step07_block12.safetensors", "damaged");
  WorkloadRequest request = capture_request(folder.path());
  request.capture.step = 7;
  expect_not_loaded(request, "has 2 calls: \"step07_block12.safetensors\"");
  request.capture.layer = 12;
  expect_loads(request, call);
  EXPECT_EQ(tensors_workload(request).provenance["layer"], 12);
  request.capture.step = 8;
  expect_not_loaded(request, "step08_block12.safetensors\" has 7 bytes");
}

TEST(CaptureCalls, LayersAndStepsThatAreNotThereAreAnsweredWithThoseThatAre) {
  const TemporaryFolder folder;
  const std::string bytes = safetensors_bytes(Call{.tokens = 5}.tensors());
  for (const char* name : {"step3_block0", "step3_block4", "step7_block12"})
    write_bytes(folder / (std::string(name) + ".safetensors"), bytes);
  WorkloadRequest request = capture_request(folder.path());
  request.capture.layer = 5;
  expect_not_loaded(request, "no call of layer 5: there are layer 0, 4, 12");
  request.capture = {.step = 4};
  expect_not_loaded(request, "no call of step 4: there are step 3, 7");
  request.capture = {.layer = 4, .step = 7};
  expect_not_loaded(request, "no call of layer 4 and step 7: there are layer 0, 4, 12, there are");
  request = capture_request(folder / "step7_block12.safetensors");
  request.capture.layer = 5;
  expect_not_loaded(request, "no call of layer 5: there is layer 12");
  write_bytes(folder / "a.safetensors", bytes);
  request.spec = "tensors:" + (folder / "a.safetensors").string();
  expect_not_loaded(request, "no call of layer 5: none says its layer");
}

TEST(CaptureCalls, FoldersInAFolderAreNotRead) {
  const TemporaryFolder folder;
  expect_not_loaded(capture_request(folder.path()), "q, k and v are needed");
  std::filesystem::create_directory(folder / "step1");
  expect_not_loaded(capture_request(folder.path()), "folders in it are not read");
}

TEST(CaptureCalls, AnIndexNamesItsFiles) {
  const TemporaryFolder folder;
  const Call call;
  const auto tensors = call.tensors("a.");
  write_bytes(folder / "one.safetensors", safetensors_bytes({tensors[0], tensors[1]}));
  write_bytes(folder / "two.safetensors", safetensors_bytes({tensors[2]}));
  write_bytes(folder / "m.safetensors.index.json",
              R"({"metadata": {}, "weight_map": {"a.q": "one.safetensors", "a.k": "one.safetensors",
                  "a.v": "two.safetensors", "b.q": "missing.safetensors"}})");
  expect_loads(capture_request(folder / "m.safetensors.index.json"), call);
  expect_loads(capture_request(folder.path()), call);
  for (const char* place : {"../one.safetensors", "/etc/passwd", "one.txt", ""}) {
    write_bytes(folder / "m.safetensors.index.json",
                std::string(R"({"weight_map": {"a.q": ")") + place + "\"}}");
    expect_not_loaded(capture_request(folder / "m.safetensors.index.json"),
                      "the name of a .safetensors file beside it");
  }
}

TEST(CaptureCalls, AnArchiveOfArrays) {
  const TemporaryFolder folder;
  const Call call;
  for (const bool deflated : {false, true}) {
    std::vector<std::pair<std::string, std::string>> members;
    for (int i = 0; i < 3; ++i)
      members.emplace_back(std::string("a/") + "qkv"[i] + ".npy",
                           testing::npy_bytes("<f4", "(12, 4, 8)", call.bytes(i)));
    testing::write_zip(folder / "a.npz", members, deflated);
    expect_loads(capture_request(folder / "a.npz"), call);
  }
}

TEST(CaptureCalls, NamesThatAreThereAreTold) {
  const TemporaryFolder folder;
  write_bytes(folder / "a.safetensors",
              safetensors_bytes({{"query", "F32", {1}, std::string(4, '\0')}}));
  expect_not_loaded(capture_request(folder / "a.safetensors"), "has no q: q, k and v are needed");
  expect_not_loaded(capture_request(folder / "a.safetensors"), "it has \"query\"");
}

TEST(CaptureCalls, PickledFilesAreRefusedWithWhatConvertsThem) {
  const TemporaryFolder folder;
  for (const char* name : {"a.pt", "a.pth", "a.ckpt", "a.bin"}) {
    write_bytes(folder / name, "PK");
    expect_not_loaded(capture_request(folder / name), "save_file(");
    expect_not_loaded(capture_request(folder.path()), "save_file(");
    std::filesystem::remove(folder / name);
  }
}

TEST(CaptureCalls, APathMayHoldAHash) {
  const TemporaryFolder folder;
  const Call call;
  write_bytes(folder / "a#1.safetensors", safetensors_bytes(call.tensors("b.")));
  expect_loads(capture_request(folder / "a#1.safetensors"), call);
  expect_loads(capture_request((folder / "a#1.safetensors").string() + "#b."), call);
}

}  // namespace
}  // namespace vidattn
