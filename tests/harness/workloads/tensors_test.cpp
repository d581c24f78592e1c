#include "harness/workloads/tensors.h"

#include <limits>

#include "harness/io/npy.h"
#include "harness/io/safetensors.h"
#include "harness/io/sha256.h"
#include "tests/harness/files.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::TemporaryFolder;
using testing::write_bytes;

Array counting(std::vector<int64_t> shape) {
  Array out{std::move(shape), std::vector<float>{}};
  std::vector<float> values(static_cast<size_t>(out.size()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 16;
  out.values = std::move(values);
  return out;
}

void write_qkv(const TemporaryFolder& folder, std::vector<int64_t> q, std::vector<int64_t> k) {
  write_npy(folder / "q.npy", counting(std::move(q)));
  write_npy(folder / "k.npy", counting(k));
  write_npy(folder / "v.npy", counting(std::move(k)));
}

WorkloadRequest request_of(const std::filesystem::path& path) {
  WorkloadRequest request;
  request.spec = "tensors:" + path.string();
  return request;
}

TEST(TensorsWorkload, FolderOfNpy) {
  const TemporaryFolder folder;
  write_qkv(folder, {14, 4, 8}, {14, 2, 8});
  write_npy(folder / "router_logits.npy", counting({14, 3}));
  write_npy(folder / "hidden.npy", counting({14, 6}));
  write_npy(folder / "router_weight.npy", counting({3, 6}));
  write_npy(folder / "router_bias.npy", counting({3}));
  write_npy(folder / "sample_rows.npy", Array{{2}, std::vector<int32_t>{4, 5}});
  write_npy(folder / "labels.npy", Array{{2}, std::vector<int32_t>{4, -5}});
  write_bytes(folder / "notes.txt", "not a tensor");
  WorkloadRequest request = request_of(folder.path());
  request.frames = 3, request.height = 2, request.width = 2;
  request.shots = {0, 2};
  const Workload workload = tensors_workload(request);
  const Inputs& in = workload.inputs;
  EXPECT_EQ(workload.name, request.spec);
  EXPECT_EQ(in.heads(), 4);
  EXPECT_EQ(in.kv_heads(), 2);
  EXPECT_EQ(in.q->at(1, 2, 3), (1 * 32 + 2 * 8 + 3) / 16.0F);
  EXPECT_EQ(in.grid.text_tokens, 2);
  EXPECT_EQ(in.grid.shots, (std::vector<int64_t>{0, 2}));
  EXPECT_EQ(in.extra.size(), 5U);
  EXPECT_EQ(in.need("router_logits", "test").shape, (std::vector<int64_t>{14, 3}));
  EXPECT_EQ(in.need("sample_rows", "test").as<int32_t>("sample_rows").at(1), 5);
  EXPECT_EQ(in.find("labels"), nullptr) << "no method reads it";
  const auto& record = workload.provenance;
  EXPECT_EQ(record["files"].size(), 8U);
  for (const auto& file : record["files"])
    EXPECT_EQ(file["sha256"], sha256_file(folder / file["file"].get<std::string>()));
  EXPECT_EQ(record["tensors"]["q"]["dtype"], "<f4");
  EXPECT_EQ(record["tensors"]["k"]["shape"], (std::vector<int64_t>{14, 2, 8}));
  EXPECT_EQ(record["grid"]["text_tokens"], 2);
}

TEST(TensorsWorkload, SafetensorsKeepStorageTypes) {
  const TemporaryFolder folder;
  Tensor tensor(4, 2, 8);
  tensor.row(3, 1)[7] = 1.5F;
  const Array logits = counting({4, 2});
  for (DType dtype : {DType::f32, DType::bf16, DType::f16}) {
    const Tensor stored = tensor.to(dtype);
    const auto path = folder / "qkv.safetensors";
    write_safetensors(path,
                      {{"q", &stored}, {"k", &stored}, {"v", &stored}, {"router_logits", &logits}});
    const Workload workload = tensors_workload(request_of(path));
    EXPECT_EQ(workload.inputs.q->dtype(), dtype);
    EXPECT_EQ(workload.inputs.v->at(3, 1, 7), 1.5F);
    EXPECT_FALSE(workload.inputs.grid.known());
    EXPECT_TRUE(workload.provenance["grid"].is_null());
    EXPECT_NE(workload.inputs.find("router_logits"), nullptr);
    EXPECT_EQ(workload.provenance["files"][0]["sha256"], sha256_file(path));
  }
}

TEST(TensorsWorkload, BatchOfOneIsDroppedAndRecorded) {
  const TemporaryFolder folder;
  write_qkv(folder, {1, 6, 2, 8}, {1, 6, 2, 8});
  write_npy(folder / "router_logits.npy", counting({1, 6, 3}));
  const Workload workload = tensors_workload(request_of(folder.path()));
  EXPECT_EQ(workload.inputs.length(), 6);
  EXPECT_EQ(workload.inputs.need("router_logits", "test").shape, (std::vector<int64_t>{6, 3}));
  const auto& record = workload.provenance["tensors"];
  EXPECT_EQ(record["q"]["note"], "leading size of 1 dropped");
  EXPECT_EQ(record["q"]["shape"], (std::vector<int64_t>{1, 6, 2, 8}));
  EXPECT_TRUE(record["router_logits"].contains("note"));
}

TEST(TensorsWorkload, TwoSizesAreOneHead) {
  const TemporaryFolder folder;
  write_qkv(folder, {6, 8}, {6, 8});
  const Workload workload = tensors_workload(request_of(folder.path()));
  EXPECT_EQ(workload.inputs.heads(), 1);
  EXPECT_EQ(workload.inputs.dim(), 8);
}

TEST(TensorsWorkload, SpecsAndPathsThatCannotBeUsed) {
  const TemporaryFolder folder;
  write_bytes(folder / "q.npy", "garbage");
  write_bytes(folder / "file.txt", "garbage");
  std::filesystem::create_directory(folder / "empty");
  const auto refuse = [](const std::string& spec, const std::string& part) {
    WorkloadRequest request;
    request.spec = spec;
    expect_input_error([&] { tensors_workload(request); }, part);
  };
  refuse("tensors:", "is not tensors:PATH");
  refuse("film", "is not tensors:PATH");
  refuse("tensors:" + (folder / "none").string(), "does not exist");
  refuse("tensors:" + (folder / "none.safetensors").string(), "No such file");
  refuse("tensors:" + (folder / "file.txt").string(), "neither a folder");
  refuse("tensors:" + (folder / "empty").string(), "q, k and v are needed");
  refuse("tensors:" + folder.path().string(), "has no q: q, k and v are needed");
  write_bytes(folder / "k.npy", "garbage");
  write_bytes(folder / "v.npy", "garbage");
  refuse("tensors:" + folder.path().string(), "is not an .npy file");
}

struct Misfit {
  const char* name;
  std::map<std::string, Array> files;
  const char* part;  ///< of the message
};

TEST(TensorsWorkload, TensorsThatDoNotFit) {
  Array with_nan = counting({6, 2, 8});
  std::get<0>(with_nan.values)[9] = std::numeric_limits<float>::quiet_NaN();
  Array with_inf = counting({6, 3});
  std::get<0>(with_inf.values)[4] = std::numeric_limits<float>::infinity();
  const Array integers{{6, 2}, std::vector<int32_t>(12)};
  const Misfit cases[] = {
      {"rank", {{"q", counting({6})}}, "has shape [6], expected [tokens,heads,channels]"},
      {"batch of two", {{"q", counting({2, 6, 2, 8})}}, "batches of different sizes"},
      {"empty", {{"q", counting({0, 2, 8})}}, "must not be empty"},
      {"integers", {{"q", Array{{6, 2, 1}, std::vector<int32_t>(12)}}}, "floating-point"},
      {"lengths", {{"k", counting({5, 2, 8})}}, "differ in length or heads"},
      {"widths", {{"q", counting({6, 2, 4})}}, "differ in head dimension"},
      {"heads", {{"q", counting({6, 3, 8})}}, "do not divide"},
      {"nan", {{"k", with_nan}}, "k[0,1,1] is nan"},
      {"logits length", {{"router_logits", counting({5, 3})}}, "has shape [5,3], expected [6,0]"},
      {"logits rank", {{"router_logits", counting({6})}}, "expected [6,0]"},
      {"logits empty", {{"router_logits", counting({6, 0})}}, "expected [6,0]"},
      {"logits integers", {{"router_logits", integers}}, "holds int32, expected float32"},
      {"logits inf", {{"router_logits", with_inf}}, "router_logits[1,1] is inf"},
      {"hidden length", {{"hidden", counting({7, 4})}}, "expected [6,0]"},
      {"weight unlike hidden",
       {{"hidden", counting({6, 4})}, {"router_weight", counting({2, 3})}},
       "expected [0,4]"},
      {"weight unlike logits",
       {{"router_logits", counting({6, 3})}, {"router_weight", counting({2, 3})}},
       "expected [3,0]"},
      {"bias unlike weight",
       {{"router_weight", counting({2, 3})}, {"router_bias", counting({3})}},
       "expected [2]"}};
  for (const Misfit& one : cases) {
    SCOPED_TRACE(one.name);
    const TemporaryFolder folder;
    write_qkv(folder, {6, 2, 8}, {6, 2, 8});
    for (const auto& [name, array] : one.files) write_npy(folder / (name + ".npy"), array);
    expect_input_error([&] { tensors_workload(request_of(folder.path())); }, one.part);
  }
}

TEST(TensorsWorkload, MixedStorageTypes) {
  const TemporaryFolder folder;
  const Tensor tensor(4, 1, 8), half = tensor.to(DType::f16);
  write_safetensors(folder / "t.safetensors", {{"q", &tensor}, {"k", &half}, {"v", &tensor}});
  expect_input_error([&] { tensors_workload(request_of(folder / "t.safetensors")); },
                     "f32, f16 and f32: save all three in one type");
}

TEST(TensorsWorkload, GridsThatDoNotFit) {
  const TemporaryFolder folder;
  write_qkv(folder, {6, 2, 8}, {6, 2, 8});
  const auto refuse = [&](int64_t t, int64_t h, int64_t w, std::vector<int64_t> shots,
                          const std::string& part) {
    WorkloadRequest request = request_of(folder.path());
    request.frames = t, request.height = h, request.width = w;
    request.shots = std::move(shots);
    expect_input_error([&] { tensors_workload(request); }, part);
  };
  refuse(7, 1, 1, {}, "the grid has 7 tokens, q has only 6");
  refuse(3, 2, 0, {}, "all three must be positive");
  refuse(0, 2, 1, {}, "all three must be positive");
  refuse(-3, 2, 1, {}, "all three must be positive");
  refuse(int64_t{1} << 40, int64_t{1} << 40, 2, {}, "too large");
  refuse(3, 2, 1, {1}, "start with frame 0");
  refuse(3, 2, 1, {0, 3}, "outside the 3 frames");
  refuse(0, 0, 0, {0, 1}, "shots need the video grid");
}

}  // namespace
}  // namespace vidattn
