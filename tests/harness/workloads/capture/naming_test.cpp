#include "harness/workloads/capture/naming.h"

#include <gtest/gtest.h>

namespace vidattn {
namespace {

std::vector<std::string> prefixes(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const CallNames& call : find_calls(names)) out.push_back(call.prefix);
  return out;
}

TEST(CaptureNaming, KnownWordsUnderAnyPrefix) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(prefixes({"k", "q", "v"}), Names{""});
  EXPECT_EQ(prefixes({"key", "query", "value"}), Names{""});
  EXPECT_EQ(prefixes({"blocks.3.attn1.to_k", "blocks.3.attn1.to_q", "blocks.3.attn1.to_v"}),
            Names{"blocks.3.attn1."});
  EXPECT_EQ(prefixes({"a/k", "a/q", "a/v", "b/k", "b/q", "b/v"}), (Names{"a/", "b/"}));
  EXPECT_EQ(prefixes({"K", "Q", "V"}), Names{""});
  EXPECT_EQ(prefixes({"layer_3_k_proj", "layer_3_q_proj", "layer_3_v_proj"}), Names{"layer_3_"});
}

TEST(CaptureNaming, WhatOnlyEndsLikeOne) {
  EXPECT_TRUE(prefixes({"freq", "mask", "tv"}).empty());
  EXPECT_TRUE(prefixes({"a.q", "a.k", "b.v"}).empty());
  EXPECT_TRUE(prefixes({}).empty());
}

TEST(CaptureNaming, TheOperandsWinOverTheProjections) {
  const auto calls = find_calls({"a.k", "a.q", "a.to_k", "a.to_q", "a.to_v", "a.v"});
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].qkv[0], "a.q");
}

TEST(CaptureNaming, PartsOfCalls) {
  using Names = std::vector<std::string>;
  const auto parts = [](const Names& names) {
    Names prefixes;
    for (const CallNames& part : find_incomplete(names)) prefixes.push_back(part.prefix);
    return prefixes;
  };
  EXPECT_EQ(parts({"k", "q"}), Names{""});
  EXPECT_EQ(parts({"a.k", "a.q", "a.v", "b.q", "c.to_k", "c.to_v", "d.x"}), (Names{"b.", "c."}));
  EXPECT_TRUE(parts({"x", "v", "freq", "to_q.weight"}).empty());
  EXPECT_TRUE(parts({"a.k", "a.q", "a.v", "a.scale_q", "a.to_q", "a.query"}).empty());
  EXPECT_EQ(parts({"a.k", "a.scale_k"}), Names{"a."});
  EXPECT_EQ(find_incomplete({"a.k"}).at(0).qkv, (std::array<std::string, 3>{"", "a.k", ""}));
}

TEST(CaptureNaming, AChosenPrefix) {
  const CallNames call = find_calls({"a.attn.k", "a.attn.q", "a.attn.v"}).at(0);
  EXPECT_TRUE(is_chosen(call, "a.attn."));
  EXPECT_TRUE(is_chosen(call, "a.attn"));
  EXPECT_FALSE(is_chosen(call, "a.att"));
  EXPECT_FALSE(is_chosen(call, "a"));
}

TEST(CaptureNaming, LayersAndStepsInNames) {
  EXPECT_EQ(layer_in("step07_block12.safetensors"), 12);
  EXPECT_EQ(step_in("step07_block12.safetensors"), 7);
  EXPECT_EQ(layer_in("transformer_blocks.3.attn1."), 3);
  EXPECT_EQ(layer_in("Layer-5"), 5);
  EXPECT_EQ(step_in("timestep_999"), std::nullopt);
  EXPECT_EQ(layer_in("blocks.attn"), std::nullopt);
  EXPECT_EQ(layer_in("block_99999999999999999999"), std::nullopt);
}

}  // namespace
}  // namespace vidattn
