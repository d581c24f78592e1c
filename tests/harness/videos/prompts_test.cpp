#include "harness/videos/prompts.h"

#include <gtest/gtest.h>

#include "metrics/video/consistency.h"
#include "tests/harness/files.h"
#include "tests/support/fake_network.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::FakeNetwork;
using testing::TemporaryFolder;
using testing::write_bytes;
using Tokens = std::vector<int64_t>;

TEST(PaddedTokens, AreCutWithTheEndLastOrPaddedByZeros) {
  EXPECT_EQ(padded_tokens({kTextStart, 7, 8, kTextEnd}, 6),
            (Tokens{kTextStart, 7, 8, kTextEnd, 0, 0}));
  EXPECT_EQ(padded_tokens({kTextStart, 7, kTextEnd, 0, 0, 0, 0}, 4),  // as clip.tokenize has them
            (Tokens{kTextStart, 7, kTextEnd, 0}));
  EXPECT_EQ(padded_tokens({kTextStart, 1, 2, 3, 4, kTextEnd}, 6),
            (Tokens{kTextStart, 1, 2, 3, 4, kTextEnd}));
  EXPECT_EQ(padded_tokens({kTextStart, 1, 2, 3, 4, kTextEnd}, 5),
            (Tokens{kTextStart, 1, 2, 3, kTextEnd}));
  EXPECT_EQ(padded_tokens({kTextStart, kTextEnd}, 3), (Tokens{kTextStart, kTextEnd, 0}));
}

TEST(PaddedTokens, RefuseWhatIsNotClips) {
  for (const Tokens& tokens : {Tokens{}, Tokens{1, 2}, Tokens{kTextStart, 5}, Tokens{5, kTextEnd}})
    expect_input_error([&] { padded_tokens(tokens, 32); }, "begin with 49406 and end with 49407");
  for (const Tokens& tokens :
       {Tokens{kTextStart, -1, kTextEnd}, Tokens{kTextStart, kTextStart, kTextEnd},
        Tokens{kTextStart, 5, kTextEnd, 5}})
    expect_input_error([&] { padded_tokens(tokens, 32); }, "lie from 0 to 49405");
}

class Prompts : public ::testing::Test {
 protected:
  Prompts() {
    networks_.viclip_video = std::make_shared<FakeNetwork>(
        [](const FakeNetwork::Inputs&) { return std::vector<float>(768, 1); });
  }
  /// A text network whose feature begins with the third and the last token, scaled.
  void give_text_network() {
    text_ = std::make_shared<FakeNetwork>([](const FakeNetwork::Inputs& inputs) {
      std::vector<float> feature(768, 0);
      feature[0] = inputs[0][2];
      feature[1] = inputs[0].back();
      return feature;
    });
    networks_.viclip_text = text_;
  }
  VideoPrompts load(const std::string& lines, const std::vector<std::string>& videos) {
    write_bytes(folder_ / "p.jsonl", lines);
    return load_prompts((folder_ / "p.jsonl").string(), videos, {}, networks_);
  }

  TemporaryFolder folder_;
  VideoNetworks networks_;
  std::shared_ptr<FakeNetwork> text_;
};

std::string with_tokens(const std::string& video, const std::string& tokens) {
  return "{\"video\": \"" + video + "\", \"prompt\": \"a fox\", \"tokens\": " + tokens + "}\n";
}

TEST_F(Prompts, AreEncodedOnlyForTheVideosGiven) {
  give_text_network();
  const VideoPrompts prompts = load(with_tokens("a.mp4", "[49406, 5, 30, 49407]") +
                                        with_tokens("other.mp4", "\"of another video, not read\"") +
                                        with_tokens("c", "[49406, 5, 49407]"),
                                    {"/x/a.mp4", "/x/b.mp4", "/x/c.mkv", "/x/a.mp4"});
  EXPECT_EQ(prompts.size(), 2U);
  EXPECT_EQ(text_->shapes[0], (std::vector<int64_t>{1, 32}));
  EXPECT_EQ(text_->asked, (std::vector<int64_t>{1, 768}));
  EXPECT_EQ(text_->calls, 2);
  Feature expected(768, 0);
  expected[0] = 1;  // 30 and 0, of unit length
  EXPECT_EQ(prompts.at("/x/a.mp4").viclip, expected);
  EXPECT_TRUE(prompts.at("/x/a.mp4").clip.empty());  // CLIP is not given
  EXPECT_TRUE(prompts.contains("/x/c.mkv"));
}

TEST_F(Prompts, MayComeAsFeatures) {
  std::vector<double> feature(768, 0);
  feature[3] = 3;
  feature[4] = -4;
  const nlohmann::json line{{"video", "v/"}, {"prompt", "x\ny"}, {"viclip_text", feature}};
  const Feature read = load(line.dump(), {"v/"}).at("v/").viclip;
  EXPECT_FLOAT_EQ(read[3], 0.6F);
  EXPECT_FLOAT_EQ(read[4], -0.8F);
}

TEST_F(Prompts, BelongToAPathBeforeAName) {
  give_text_network();
  const auto lines = with_tokens("/x/a.mp4", "[49406, 5, 1, 49407]");
  EXPECT_EQ(load(lines, {"/x/a.mp4", "/y/a.mp4"}).size(), 1U);
  const VideoPrompts both =
      load(with_tokens("a", "[49406, 5, 1, 49407]"), {"/x/a.mp4", "/y/a.mp4"});
  EXPECT_EQ(both.size(), 2U);
  expect_input_error(
      [&] { load(lines + with_tokens("a.mp4", "[49406, 5, 1, 49407]"), {"/x/a.mp4"}); },
      "line 2: video: \"/x/a.mp4\" has two prompts");
}

TEST_F(Prompts, SayWhatIsMissing) {
  const std::vector<std::string> videos = {"a.mp4"};
  const auto refused = [&](const std::string& lines, const std::string& part) {
    expect_input_error([&] { load(lines, videos); }, part);
  };
  refused(with_tokens("a.mp4", "[49406, 49407]"),
          "needs \"viclip_text\", 768 features of the prompt, or \"tokens\" and --model "
          "viclip_text=FILE");
  refused(R"({"video": "a", "prompt": "x", "viclip_text": [1, 2]})", "2 numbers, expected 768");
  refused(R"({"video": "a", "prompt": "x", "viclip_text": ["1"]})", "viclip_text");
  refused(R"({"video": "a"})", "prompt");
  refused(R"({"prompt": "x"})", "video");
  refused("[1]", "line 1");
  refused(with_tokens("b", "[49406, 49407]"), "has a prompt of none of the videos");
  refused("", "has a prompt of none of the videos");
  give_text_network();
  refused(with_tokens("a", "[1, 2]"), "tokens: CLIP's tokens begin with");
  refused(with_tokens("a", "[49406, 1.5, 49407]"), "tokens");
  const auto without = [&](const VideoNetworks& networks, const std::string& file,
                           const std::string& part) {
    expect_input_error([&] { load_prompts(file, videos, {}, networks); }, part);
  };
  const std::string file = (folder_ / "p.jsonl").string();
  without(networks_, "", "scores of texts need --prompts");
  without({}, file, "--prompts: needs --model viclip_video=FILE.pt");
  without({.viclip_text = text_}, file, "viclip_text needs viclip_video");
  without({.viclip_video = text_, .clip_text = text_}, file, "clip_text needs clip=");
  EXPECT_TRUE(load_prompts("", videos, {}, {}).empty());
}

}  // namespace
}  // namespace vidattn
