#include <gtest/gtest.h>

#include <cmath>

#include "attention/backend.h"
#include "attention/device.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "tests/support/inputs.h"

namespace vidattn::svg_test {
namespace {

const Backend& svg() { return find_backend("svg"); }

Params settings(const std::vector<std::pair<std::string, std::string>>& values) {
  Params params = svg().defaults();
  for (const auto& [name, value] : values) params.set(name, value);
  return params;
}

Inputs video(int64_t frames, int64_t height, int64_t width, int64_t text = 0) {
  Inputs in = random_video(frames, height, width, 2, 8);
  if (text > 0) {
    const VideoGrid grid = in.grid;
    in = random_inputs(grid.tokens() + text, 2, 8);
    in.grid = grid;
    in.grid.text_tokens = text;
  }
  in.device = &find_device("reference");
  in.explain = true;
  return in;
}

/// What the definition says about one pair of tokens.
struct Definition {
  int64_t frames, frame_size, prompt, window, block;
  bool hunyuan, temporal;

  int64_t position(int64_t i) const {
    return temporal ? i % frame_size * frames + i / frame_size : i;
  }
  bool run(int64_t i, int64_t j) const {
    const int64_t n = frames * frame_size, real = n + prompt;
    if (i >= real || j >= real) return i >= real && j >= real;
    if (i >= n || j >= n) return true;
    const int64_t d = std::abs(position(i) - position(j));
    return hunyuan ? d < window : d <= window || position(j) < frame_size;
  }
  bool profile(int64_t i, int64_t j) const {
    const int64_t n = frames * frame_size, real = n + prompt;
    if (i >= real || j >= real) return i >= real && j >= real;
    if (i >= n || j >= n) return true;
    const double frames_seen = hunyuan ? 1.5 : 2;
    const auto band = static_cast<int64_t>(
        std::floor(frames_seen * static_cast<double>(frame_size) / static_cast<double>(block)));
    return std::abs(position(i) / block - position(j) / block) < band ||
           (!hunyuan && position(j) < frame_size);
  }
};

void expect_definition(const Inputs& in, const Params& params, Definition d) {
  const Plan plan = svg().plan(in, params);
  plan.validate(in);
  const auto& best = plan.explained.at("best").as<int32_t>("best");
  const auto& rows = plan.explained.at("sample_rows").as<int32_t>("rows");
  const auto& seen = plan.explained.at("profile_rows").as<uint8_t>("profile");
  const int64_t length = in.length(), n = static_cast<int64_t>(rows.size());
  for (int64_t h = 0; h < in.heads(); ++h) {
    d.temporal = best[h] == 1;
    for (int64_t i = 0; i < length; ++i) {
      std::vector<int64_t> expected;
      for (int64_t j = 0; j < length; ++j)
        if (d.run(i, j)) expected.push_back(j);
      ASSERT_EQ(visible_keys(plan.branches[0], in, i, h), expected) << "token " << i;
    }
  }
  for (int64_t kind = 0; kind < 2; ++kind)
    for (int64_t r = 0; r < n; ++r)
      for (int64_t j = 0; j < length; ++j) {
        d.temporal = kind == 1;
        ASSERT_EQ(seen[(kind * n + r) * length + j] != 0, d.profile(rows[r], j))
            << "kind " << kind << " row " << rows[r] << " key " << j;
      }
}

TEST(Svg, WanMasksFollowTheDefinition) {
  expect_definition(video(5, 4, 6), settings({{"block", "8"}, {"width_multiplier", "0.7"}}),
                    {5, 24, 0, 24, 8, false, false});
  // Nothing divides, and the profile band is 2 * 15 / 16 = 1 block.
  expect_definition(video(7, 3, 5), settings({{"block", "16"}, {"window_tokens", "3"}}),
                    {7, 15, 0, 3, 16, false, false});
  expect_definition(video(1, 1, 1), settings({}), {1, 1, 0, 128, 128, false, false});
  // Rows far beyond the sink and a profile band of zero blocks.
  expect_definition(video(6, 2, 3), settings({{"sparsity", "0"}}), {6, 6, 0, 0, 128, false, false});
}

TEST(Svg, HunyuanMasksFollowTheDefinition) {
  const auto hunyuan = [](const char* prompt, const char* width) {
    return settings({{"model_type", "hunyuan"},
                     {"block", "8"},
                     {"prompt_length", prompt},
                     {"width_multiplier", width}});
  };
  expect_definition(video(5, 4, 6, 9), hunyuan("5", "0.9"), {5, 24, 5, 16, 8, true, false});
  expect_definition(video(5, 4, 6, 9), hunyuan("0", "0.9"), {5, 24, 0, 16, 8, true, false});
  expect_definition(video(5, 4, 6, 9), hunyuan("-1", "0.1"), {5, 24, 9, 0, 8, true, false});
  // Text rows among the sampled ones see what they see in a run.
  Inputs in = video(5, 4, 6, 9);
  in.extra["sample_rows"] =
      std::make_shared<const Array>(Array{{4}, std::vector<int32_t>{3, 121, 127, 127}});
  expect_definition(in, hunyuan("5", "0.9"), {5, 24, 5, 16, 8, true, false});
}

TEST(Svg, ClassifiesHeadsByTheLargerError) {
  Inputs in = video(6, 4, 5);
  const Params params = settings({{"block", "4"}, {"width_multiplier", "0.3"}});
  const Plan plan = svg().plan(in, params);
  const auto& mse = plan.explained.at("sample_mse").as<float>("mse");
  const auto& rows = plan.explained.at("sample_rows").as<int32_t>("rows");
  ASSERT_EQ(rows.size(), 64U);
  const Backend& full = find_backend("full");
  const ReferenceRows exact =
      reference_rows(full.plan(in, full.defaults()), in, {rows.begin(), rows.end()});
  for (int64_t kind = 0; kind < 2; ++kind) {
    const Definition d{6, 20, 0, 0, 4, false, kind == 1};
    for (int64_t h = 0; h < 2; ++h) {
      double sum = 0;
      for (int64_t r = 0; r < 64; ++r) {
        std::vector<double> o(8);
        double total = 0;
        for (int64_t j = 0; j < in.length(); ++j) {
          if (!d.profile(rows[r], j)) continue;
          double dot = 0;
          for (int64_t c = 0; c < 8; ++c)
            dot += double{in.q->at(rows[r], h, c)} * in.k->at(j, h, c);
          const double p = std::exp(dot / std::sqrt(8.0));
          total += p;
          for (int64_t c = 0; c < 8; ++c) o[c] += p * in.v->at(j, h, c);
        }
        for (int64_t c = 0; c < 8; ++c)
          sum += std::pow(o[c] / total - exact.o[(r * 2 + h) * 8 + c], 2) / (64 * 8);
      }
      EXPECT_NEAR(mse[kind * 2 + h], sum, 1e-5 * sum);
      EXPECT_EQ(plan.explained.at("best").as<int32_t>("best")[h], mse[2 + h] < mse[h] ? 1 : 0);
    }
  }
}

TEST(Svg, CpuProfileOfHalfTypesAgreesWithTheReference) {
  Inputs in = video(4, 6, 8);
  for (auto* tensor : {&in.q, &in.k, &in.v})
    *tensor = std::make_shared<const Tensor>((*tensor)->to(DType::bf16));
  const Params params = settings({{"block", "16"}});
  const auto mse = [&](const char* device) {
    in.device = &find_device(device);
    return svg().plan(in, params).explained.at("sample_mse").as<float>("mse");
  };
  const auto fast = mse("cpu"), slow = mse("reference");
  for (size_t i = 0; i < slow.size(); ++i) EXPECT_NEAR(fast[i], slow[i], 1e-4 * slow[i]);
}

TEST(Svg, WidthsArePublishedOnes) {
  const auto values = svg().derived(settings({{"sparsity", "0.25"},
                                              {"context_length", "256"},
                                              {"num_frames", "33"},
                                              {"frame_size", "3600"}}),
                                    {});
  EXPECT_NEAR(std::get<double>(values.at("width_multiplier")), 4.348694090495091, 1e-9);
  EXPECT_EQ(std::get<int64_t>(values.at("window_tokens_wan")), 15744);
  EXPECT_EQ(std::get<int64_t>(values.at("window_tokens_hunyuan")), 15616);
}

TEST(Svg, DensityRisesWithTheKeptFraction) {
  const Inputs in = video(5, 17, 23);
  int64_t before = 0;
  for (const char* kept : {"0", "0.2", "0.5", "0.8", "1"}) {
    const Plan plan = svg().plan(in, settings({{"sparsity", kept}}));
    plan.validate(in);
    const int64_t pairs = plan.branches[0].pairs(0, 2) + plan.branches[0].pairs(1, 2);
    EXPECT_GE(pairs, before);
    before = pairs;
  }
  EXPECT_EQ(before, 2 * in.length() * in.length());
}

TEST(Svg, WarmUpIsDenseAndPaddingStaysApart) {
  Inputs in = video(3, 4, 4, 6);
  in.context = {.layer = 20, .layers = 30, .step = 4, .steps = 50};
  const Params params =
      settings({{"model_type", "hunyuan"}, {"prompt_length", "2"}, {"dense_step_share", "0.1"}});
  const Plan dense = svg().plan(in, params);
  EXPECT_EQ(dense.branches[0].pairs(0, 2), 50 * 50 + 4 * 4);
  in.context.step = 5;
  EXPECT_EQ(svg().plan(in, params).branches[0].name, "svg");
  EXPECT_DOUBLE_EQ(svg().run_density(svg().defaults(), 0.3, 50, 40), 1 - 0.7 * 0.8 * 39 / 40);
}

TEST(Svg, SampledRowsComeFromTheFirstRowsAndTheSeed) {
  const Inputs in = video(5, 4, 6);
  const auto rows = [&](const char* seed) {
    return svg()
        .plan(in, settings({{"seed", seed}, {"sample_mse_max_row", "10"}}))
        .explained.at("sample_rows")
        .as<int32_t>("rows");
  };
  EXPECT_EQ(rows("3"), rows("3"));
  EXPECT_NE(rows("3"), rows("4"));
  for (int32_t row : rows("3")) EXPECT_LT(row, 10);
}

TEST(Svg, RefusesWhatDoesNotFit) {
  const auto refuses = [](const Inputs& in, const Params& params) {
    EXPECT_THROW(svg().plan(in, params), InputError);
  };
  const Inputs in = video(4, 3, 5);
  refuses(random_inputs(8, 1, 8), svg().defaults());  // no grid
  refuses(in, settings({{"num_frames", "5"}}));
  refuses(in, settings({{"context_length", "5"}}));
  refuses(in, settings({{"sparsity", "0.3"}, {"width_multiplier", "3"}}));
  refuses(in, settings({{"width_multiplier", "3"}, {"window_tokens", "100"}}));
  refuses(video(4, 3, 5, 2), settings({{"model_type", "hunyuan"}, {"prompt_length", "3"}}));
  Inputs bad_rows = in;
  bad_rows.extra["sample_rows"] =
      std::make_shared<const Array>(Array{{1}, std::vector<int32_t>{60}});
  refuses(bad_rows, svg().defaults());
  Inputs no_device = in;
  no_device.device = nullptr;
  refuses(no_device, svg().defaults());
}

}  // namespace
}  // namespace vidattn::svg_test
