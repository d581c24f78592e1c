#include "harness/workloads/capture/layout.h"

#include "tests/harness/files.h"

namespace vidattn {
namespace {

using testing::expect_input_error;

std::string axes(const std::string& text) {
  const auto layout = find_layout(text);
  return layout ? layout->axes : "";
}

TEST(CaptureLayout, NamesThatAreUsed) {
  EXPECT_EQ(axes("lhd"), "lhd");
  EXPECT_EQ(axes("NHD"), "lhd");
  EXPECT_EQ(axes("HND"), "hld");
  EXPECT_EQ(axes("b h n d"), "bhld");
  EXPECT_EQ(axes("BSHD"), "blhd");
  EXPECT_EQ(axes("sbhd"), "lbhd");
  EXPECT_EQ(axes("BNSD"), "bhld");
  EXPECT_EQ(axes("BSND"), "blhd");
  EXPECT_EQ(axes("[B,L,H,D]"), "blhd");
  EXPECT_EQ(axes("l(hd)"), "lc");
  EXPECT_EQ(axes("b n (h d)"), "blc");
  EXPECT_EQ(axes("LC"), "lc");
  EXPECT_EQ(axes("ld"), "lc");
  for (const char* text : {"", "torch.strided", "lh", "lhdd", "hd", "lhdx"})
    EXPECT_EQ(axes(text), "");
  expect_input_error([] { parse_layout("xyz", "the layout"); }, "expected lhd, hld, blhd");
}

TEST(CaptureLayout, TextIsReadBack) {
  for (const char* text : {"lhd", "bhld", "l(hd)", "bl(hd)"})
    EXPECT_EQ(parse_layout(text, "it").text(), text);
}

TEST(CaptureLayout, ByRank) {
  EXPECT_EQ(default_layout({6, 8}, -1).axes, "ld");
  EXPECT_EQ(default_layout({6, 8}, 2).axes, "lc");
  EXPECT_EQ(default_layout({6, 2, 8}, -1).axes, "lhd");
  EXPECT_EQ(default_layout({6, 2, 8}, 2).axes, "lhd");
  EXPECT_EQ(default_layout({1, 6, 8}, 2).axes, "blc");
  EXPECT_EQ(default_layout({1, 6, 2, 8}, -1).axes, "blhd");
}

StoredArray shaped(std::vector<int64_t> shape) {
  StoredArray stored;
  stored.name = "q";
  stored.element = Element::f32;
  stored.shape = std::move(shape);
  return stored;
}

TEST(CaptureLayout, ViewsAsTokensHeadsChannels) {
  Layout batched{"bhld"};
  const StoredArray entry = batch_entry(shaped({2, 4, 6, 8}), batched, 1);
  EXPECT_EQ(batched.axes, "hld");
  EXPECT_EQ(entry.offset, 4U * 6 * 8 * 4);
  const StoredArray view = as_lhd(entry, batched, -1);
  EXPECT_EQ(view.shape, (std::vector<int64_t>{6, 4, 8}));
  EXPECT_EQ(view.strides, (std::vector<int64_t>{8, 48, 1}));
  const StoredArray flat = as_lhd(shaped({6, 8}), {"lc"}, 2);
  EXPECT_EQ(flat.shape, (std::vector<int64_t>{6, 2, 4}));
  EXPECT_EQ(flat.strides, (std::vector<int64_t>{8, 4, 1}));
  EXPECT_EQ(as_lhd(shaped({8, 6}), {"cl"}, 2).strides, (std::vector<int64_t>{1, 24, 6}));
}

TEST(CaptureLayout, WhatDoesNotFit) {
  Layout plain{"lhd"}, batched{"blhd"};
  expect_input_error([&] { batch_entry(shaped({6, 2, 8}), plain, 1); }, "is no batch");
  expect_input_error([&] { batch_entry(shaped({2, 6, 2, 8}), batched, 2); }, "no entry 2");
  expect_input_error([] { as_lhd(shaped({6, 8}), {"lc"}, 3); }, "which 3 heads do not divide");
  expect_input_error([] { as_lhd(shaped({6, 8}), {"lc"}, -1); }, "--heads says");
  expect_input_error([] { fitted({"lhd"}, shaped({6})); }, "expected [tokens,heads,channels]");
  expect_input_error([] { fitted({"lhd"}, shaped({6, 8})); }, "not of layout lhd");
  EXPECT_EQ(fitted({"lhd"}, shaped({1, 6, 2, 8})).axes, "blhd");
  EXPECT_EQ(fitted({"bhld"}, shaped({2, 6, 8})).axes, "hld");
}

}  // namespace
}  // namespace vidattn
