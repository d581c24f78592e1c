#include <gtest/gtest.h>
#include <sys/stat.h>

#include "harness/curate/captions/caption_desk.h"
#include "harness/curate/captions/http_post.h"
#include "harness/curate/captions/scratch_folder.h"
#include "tests/harness/files.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

const std::vector<JpegBytes> kFrames = {{1, 2, 3}, {4, 5}};
const ClipLook kLook{.motion = 0.05, .pan = -0.2, .brightness = 0.1, .colours = {"blue"}};

std::string script(const TemporaryFolder& folder, const std::string& body) {
  std::string path = (folder / "captioner.sh").string();
  write_bytes(path, "#!/bin/sh\n" + body + "\n");
  ::chmod(path.c_str(), 0755);
  return path;
}

TEST(CaptionDesk, AsksTheCommandOnceForTheSameFrames) {
  const TemporaryFolder folder;
  const std::string count = (folder / "count").string();
  const std::string program =
      script(folder, "echo x >>" + count +
                         "; n=$(ls $1 | wc -l); printf '{\"caption\": \"%s frames; $HOME\", "
                         "\"tags\": [\"a b\"]}' $n >$2");
  for (int round = 0; round < 2; ++round) {
    CaptionDesk desk(command_captioner(program + " {frames} '{out}'", folder.path()),
                     folder.path());
    const ShotCaption caption = desk.caption(kFrames, kLook, 2);
    EXPECT_EQ(caption.text, "2 frames; $HOME");
    EXPECT_EQ(caption.from, round == 0 ? "captioner" : "cache");
    EXPECT_EQ(caption.tags, std::vector<std::string>{"a b"});
    EXPECT_EQ(caption.error, "");
  }
  EXPECT_EQ(read_bytes(count), "x\n");
}

TEST(CaptionDesk, TriesAgainAndThenSaysWhatWasMeasured) {
  const TemporaryFolder folder;
  const std::string count = (folder / "count").string();
  const std::string program = script(folder, "echo x >>" + count + "; printf '{\"text\": 1}' >$2");
  CaptionDesk desk(command_captioner(program + " {frames} {out}", folder.path()), folder.path());
  const ShotCaption caption = desk.caption(kFrames, kLook, 4.2);
  EXPECT_EQ(read_bytes(count), "x\nx\nx\n");
  EXPECT_EQ(caption.from, "measured");
  EXPECT_NE(caption.error.find("caption"), std::string::npos) << caption.error;
  EXPECT_EQ(caption.text,
            "A slow shot of 4.2 s. The camera pans left. Colours: blue. Light: dark.");
}

TEST(CaptionDesk, RefusesCommandsThatCannotWork) {
  const auto open = [](const std::string& command) { command_captioner(command, "/tmp"); };
  expect_input_error([&] { open("true {frames}"); }, "{out}");
  expect_input_error([&] { open("/no/such/program {frames} {out}"); }, "/no/such/program");
  expect_input_error([&] { open("true '{frames} {out}"); }, "quote");
  expect_input_error([&] { open("  "); }, "empty");
  EXPECT_EQ(command_words("a 'b c' \"d'e\" f''g ''"),
            (std::vector<std::string>{"a", "b c", "d'e", "fg", ""}));
}

TEST(ScratchFolders, AreRemovedWhereNobodyHoldsThem) {
  const TemporaryFolder folder;
  const ScratchFolder held(folder.path());
  std::filesystem::create_directories(folder / "caption-left12/frames");
  std::filesystem::create_directories(folder / "mine");
  std::filesystem::create_directory_symlink(folder / "mine", folder / "caption-link12");
  std::filesystem::create_directory_symlink(folder / "mine", folder / "caption-left12/link");
  write_bytes(folder / "mine/file", "x");
  write_bytes(folder / "caption-file12", "x");
  remove_left_scratch(folder.path());
  EXPECT_TRUE(std::filesystem::exists(held.path()));
  EXPECT_FALSE(std::filesystem::exists(folder / "caption-left12"));
  EXPECT_TRUE(std::filesystem::exists(folder / "mine/file"));
  EXPECT_TRUE(std::filesystem::exists(folder / "caption-file12"));
}

TEST(CaptionDesk, RefusesAnAnswerWithoutEnd) {
  const TemporaryFolder folder;
  const std::string program = script(folder, "exec truncate -s 2G $2");
  const auto captioner = command_captioner(program + " {frames} {out}", folder.path());
  expect_input_error([&] { captioner->ask(kFrames); }, "too large");
}

TEST(LoopbackUrl, IsOfThisMachineOnly) {
  const LoopbackUrl url = parse_loopback_url("http://localhost:8000/v1/");
  EXPECT_EQ(url.host, "127.0.0.1");
  EXPECT_EQ(url.port, 8000);
  EXPECT_EQ(url.path, "/v1");
  EXPECT_EQ(parse_loopback_url("http://[::1]").host, "::1");
  for (const char* other :
       {"https://127.0.0.1/v1", "http://example.org/v1", "http://127.0.0.1.example.org/",
        "http://127.0.0.1:0/", "http://127.0.0.1:x/", "http://user@127.0.0.1/",
        "http://127.0.0.1@example.org/", "http://127.0.0.1/v1?x", "127.0.0.1"})
    expect_input_error([&] { parse_loopback_url(other); }, "--caption-endpoint");
}

}  // namespace
}  // namespace vidattn
