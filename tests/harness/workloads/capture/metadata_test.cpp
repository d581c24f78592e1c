#include "harness/workloads/capture/metadata.h"

#include "tests/harness/files.h"

namespace vidattn {
namespace {

using testing::expect_input_error;

CaptureMetadata own(const std::string& members) {
  const std::string text = "{\"schema\": \"vidattn.capture/1\"" + members + "}";
  return read_capture_metadata({{"vidattn.capture", text}}, "file");
}

TEST(CaptureMetadata, AllThatTheSchemaHas) {
  const CaptureMetadata m = own(
      R"(, "grid": [2, 3, 4], "shots": [0, 1], "prefix": 5, "valid": 30, "layout": "hld",
         "heads": 8, "layer": 12, "step": 7, "timestep": 921.5, "sigma": 0.9,
         "softmax_scale": 0.125, "model": "m", "prompt": "a dog\nruns")");
  EXPECT_EQ(m.grid, (std::array<int64_t, 3>{2, 3, 4}));
  EXPECT_EQ(m.shots, (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(m.prefix, 5);
  EXPECT_EQ(m.valid, 30);
  EXPECT_EQ(m.layout, "hld");
  EXPECT_EQ(m.heads, 8);
  EXPECT_EQ(m.layer, 12);
  EXPECT_EQ(m.step, 7);
  EXPECT_EQ(m.softmax_scale, 0.125);
  EXPECT_EQ(m.record["prompt"], "a dog\nruns");
}

TEST(CaptureMetadata, WhatBreaksTheSchema) {
  const auto refuse = [](const std::string& members, const std::string& part) {
    expect_input_error([&] { own(members); }, part);
  };
  refuse(R"(, "grid": [2, 3])", "grid");
  refuse(R"(, "grid": [2, 3, 0])", "grid");
  refuse(R"(, "colour": 1)", "colour");
  refuse(R"(, "layout": "xyz")", "layout");
  refuse(R"(, "shots": [0, 1])", "no grid");
  refuse(R"(, "grid": [2, 3, 4], "shots": [0, 2])", "outside the 2 frames");
  refuse(R"(, "softmax_scale": 0)", "softmax_scale");
  refuse(R"(, "step": -1)", "step");
  refuse(R"(, "heads": 3, "head_indices": [0, 1])",
         "head_indices: has 2 numbers, but heads says 3");
  refuse(R"(, "head_indices": [4, 4])", "head_indices: names a head twice");
  refuse(R"(, "head_indices": [0, 12], "model_heads": 12)", "has head 12, but model_heads says 12");
  expect_input_error(
      [] {
        read_capture_metadata({{"vidattn.capture", "{\"schema\": \"other/2\"}"}}, "file");
      },
      "vidattn.capture in file");
  expect_input_error(
      [] {
        read_capture_metadata({{"vidattn.capture", "{"}}, "file");
      },
      "vidattn.capture in file");
}

TEST(CaptureMetadata, TextsOfOthers) {
  const CaptureMetadata m = read_capture_metadata({{"step", "7"},
                                                   {"block", "12"},
                                                   {"heads", "0-7"},
                                                   {"cfg_pass", "cond"},
                                                   {"grid", "21x30x52"},
                                                   {"layout", "HND"}},
                                                  "file");
  EXPECT_EQ(m.step, 7);
  EXPECT_EQ(m.layer, 12);
  EXPECT_EQ(m.layout, "HND");
  EXPECT_EQ(m.first_head, 0);
  EXPECT_EQ(m.grid, (std::array<int64_t, 3>{21, 30, 52}));
  EXPECT_EQ(m.record["cfg_pass"], "cond");
}

TEST(CaptureMetadata, ALoneNumberOfHeadsIsNoRange) {
  const CaptureMetadata m = read_capture_metadata({{"heads", "12"}}, "file");
  EXPECT_EQ(m.lone_heads, 12);
  EXPECT_EQ(m.first_head, 0);
  EXPECT_EQ(read_capture_metadata({{"heads", "8-11"}}, "file").lone_heads, -1);
}

TEST(CaptureMetadata, TextsThatMeanSomethingElse) {
  const CaptureMetadata m = read_capture_metadata({{"step", "the last"},
                                                   {"grid", "none"},
                                                   {"layout", "torch.strided"},
                                                   {"softmax_scale", "-1"},
                                                   {"heads", "4-all"},
                                                   {"format", "pt"}},
                                                  "file");
  EXPECT_EQ(m.step, -1);
  EXPECT_FALSE(m.has_grid());
  EXPECT_EQ(m.layout, "");
  EXPECT_EQ(m.softmax_scale, 0);
  EXPECT_EQ(m.first_head, 0);
  EXPECT_TRUE(read_capture_metadata({}, "file").record.is_null());
}

}  // namespace
}  // namespace vidattn
