#include "harness/workloads/mask_file.h"

#include <gtest/gtest.h>

#include "harness/io/npy.h"
#include "harness/io/safetensors.h"
#include "harness/measure/backend_spec.h"
#include "tests/harness/files.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::TemporaryFolder;

/// Inputs of 12 tokens and 2 heads with what a file of masks adds.
Inputs with_file(const std::string& backend) {
  Inputs in = random_inputs(12, 2, 8);
  const BackendSpec spec = parse_backend(backend);
  add_file_inputs(*spec.backend, spec.params, in);
  return in;
}

std::vector<std::string> names_of(const Inputs& in) {
  std::vector<std::string> names;
  for (const auto& [name, array] : in.extra) names.push_back(name);
  return names;
}

using Names = std::vector<std::string>;

TEST(MaskFile, OfOneArrayIsToldByTypeAndShape) {
  const TemporaryFolder folder;
  const auto path = [&](const char* name) { return (folder / name).string(); };
  write_npy(path("map.npy"), Array{{1, 3, 2}, std::vector<uint8_t>(6, 1)});
  EXPECT_EQ(names_of(with_file("map:" + path("map.npy") + ",block_k=6")), Names{"block_map"});
  write_npy(path("mask.npy"), Array{{12, 12}, std::vector<uint8_t>(144, 1)});
  EXPECT_EQ(names_of(with_file("map:file=" + path("mask.npy"))), Names{"pair_mask"});
  write_npy(path("lists.npy"), Array{{2, 3, 1}, std::vector<int32_t>(6, 0)});
  EXPECT_EQ(names_of(with_file("map:" + path("lists.npy") + ",block_k=12")), Names{"block_index"});
  const Array any{{3, 3}, std::vector<uint8_t>(9, 1)};
  write_safetensors(path("one.safetensors"), {{"layer3", &any}});
  EXPECT_EQ(names_of(with_file("map:" + path("one.safetensors"))), Names{"block_map"});
}

TEST(MaskFile, OfSeveralArraysIsToldByNames) {
  const TemporaryFolder folder;
  const std::string path = (folder / "csr.safetensors").string();
  const Array indptr{{4}, std::vector<int32_t>{0, 1, 2, 3}}, indices{{3}, std::vector<int32_t>(3)},
      order{{12}, std::vector<int32_t>{11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}};
  write_safetensors(path, {{"indptr", &indptr}, {"indices", &indices}, {"order", &order}});
  const Inputs in = with_file("map:" + path + ",block_k=4");
  EXPECT_EQ(names_of(in), (Names{"block_indices", "block_indptr", "token_order"}));
  const Array strange{{1}, std::vector<int32_t>(1)};
  write_safetensors(path, {{"indptr", &indptr}, {"strange", &strange}});
  expect_input_error([&] { with_file("map:" + path); }, "\"strange\" is none of block_map, ");
  write_safetensors(path, {{"order", &order}, {"token_order", &order}});
  expect_input_error([&] { with_file("map:" + path); },
                     "\"order\" and \"token_order\" are the same");
}

TEST(MaskFile, IsRefusedBeforeAnyWork) {
  const TemporaryFolder folder;
  const std::string path = (folder / "map.npy").string();
  expect_input_error([&] { with_file("map:" + path); }, "map.npy");
  write_npy(path, Array{{12, 12}, std::vector<float>(144)});
  expect_input_error([&] { with_file("map:" + path); }, "is no mask");
  write_npy(path, Array{{1, 3, 2}, std::vector<uint8_t>(6)});
  expect_input_error([&] { with_file("map:" + path + ",block_q=6"); },
                     "the mask has 3 query blocks, block_q=6 of 12 tokens makes 2");
}

TEST(MaskFile, IsNamedFirstAndLeftOutOfAll) {
  EXPECT_EQ(parse_backend("map:a.npy,block_q=4").text(), "map:file=a.npy,block_q=4");
  EXPECT_EQ(parse_backend("map:a,b.npy").text(), "map:file=a,b.npy");
  for (const std::string path : {"k=1/a.npy", "./k=1,a.npy", "a,b/c=2,d.npy"})
    for (const std::string before : {"map:", "map:file="})
      EXPECT_EQ(parse_backend(before + path + ",block_q=4").text(),
                "map:file=" + path + ",block_q=4");
  expect_input_error([] { parse_backend("map:a.npy,blok_q=4"); }, "unknown parameter 'blok_q'");
  expect_input_error([] { parse_backend("map:a.npy,block_q=4,block_q=8"); },
                     "map: block_q is given twice");
  expect_input_error([] { parse_backend("map:a.npy,file=b.npy"); }, "map: file is given twice");
  expect_input_error([] { parse_backend("sta:a.npy"); }, "'a.npy' is not of the form key=value");
  for (const std::string& name : expand_all({"all"})) EXPECT_NE(name, "map");
}

}  // namespace
}  // namespace vidattn
