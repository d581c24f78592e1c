#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>
#include <set>

#include "harness/study/study.h"
#include "tests/harness/study/served.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;
using testing::ffmpeg;
using testing::read_bytes;
using testing::StudyFolder;
using testing::TemporaryFolder;
using testing::write_bytes;

/// Everything that raters are given, as one text.
std::string page_bytes(const StudyFolder& folder) {
  std::string all;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path() + "/page")) {
    all += entry.path().filename().string() + "\n";
    if (entry.is_regular_file()) all += read_bytes(entry.path());
  }
  return all;
}

TEST(StudyMake, GivesRatersNothingThatNamesAMethod) {
  const StudyFolder folder;
  const Study study = read_study(folder.path());
  const StudyKey key = read_study_key(folder.path(), study);
  EXPECT_EQ(key.methods, (std::vector<std::string>{"A", "B", "C"}));
  const std::string all = page_bytes(folder) + read_bytes(folder.path() + "/study.json");
  EXPECT_EQ(all.find("secret-"), std::string::npos) << "the videos' metadata";
  EXPECT_NE(read_bytes(folder / "A/p0.webm").find("secret-A"), std::string::npos);
  for (const auto& [name, origin] : key.videos) {
    EXPECT_EQ(all.find(origin.sha256), std::string::npos);
    EXPECT_EQ(all.find(origin.file), std::string::npos);
    EXPECT_EQ(name.size(), 32 + std::string(".webm").size());
  }
  struct stat status {};
  ASSERT_EQ(stat((folder.path() + "/key.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST(StudyMake, WhatIsShownInAnotherShapeTellsMethodsApart) {
  const StudyFolder folder;
  EXPECT_EQ(folder.said.find("tell methods apart"), std::string::npos) << folder.said;
  EXPECT_EQ(folder.said.find("do not play"), std::string::npos) << folder.said;
  ffmpeg("-y -i " + (folder / "A/p0.webm").string() + " -vf setsar=2 -c:v libvpx " +
         (folder / "A/wide.webm").string());
  fs::rename(folder / "A/wide.webm", folder / "A/p0.webm");
  const std::string make = "study make --quiet --videos " + (folder / "A").string() + " " +
                           (folder / "B").string() + " --prompts ";
  const ToolResult made = run_tool(make + (folder / "prompts.jsonl").string() + " --out " +
                                   (folder / "again").string());
  EXPECT_NE(made.out.find("tell methods apart by size, length, rate or sound in 1 prompt"),
            std::string::npos)
      << made.out << made.err;
  write_bytes(folder / "blank.jsonl", "{\"id\":\"p0\",\"prompt\":\"  \"}\n");
  expect_refused(make + (folder / "blank.jsonl").string() + " --out " + (folder / "c").string(),
                 "is empty");
}

TEST(StudyMake, WhatIsTurnedWhenItIsShownHasTheSizeThatIsSeen) {
  const TemporaryFolder folder;
  write_bytes(folder / "p.jsonl", "{\"id\":\"x\",\"prompt\":\"x\"}\n");
  for (const std::string method : {"up", "flat", "turned"}) fs::create_directory(folder / method);
  const auto file = [&](const std::string& method) { return (folder / method / "x.mp4").string(); };
  const std::string scene = "-f lavfi -i testsrc=rate=12:duration=0.5:size=";
  ffmpeg(scene + "48x64 -c:v mpeg4 " + file("up"));
  ffmpeg(scene + "64x48 -c:v mpeg4 " + file("flat"));
  ffmpeg("-i " + file("flat") + " -c copy -metadata:s:v rotate=90 " + file("turned"));
  const auto told_apart = [&](const std::string& one, const std::string& other) {
    const ToolResult made =
        run_tool("study make --quiet --videos " + (folder / one).string() + " " +
                 (folder / other).string() + " --prompts " + (folder / "p.jsonl").string() +
                 " --out " + (folder / (one + "-" + other)).string());
    EXPECT_EQ(made.exit_code, 0) << made.err;
    return made.out.find("tell methods apart") != std::string::npos;
  };
  EXPECT_FALSE(told_apart("up", "turned"));
  EXPECT_TRUE(told_apart("flat", "turned"));
}

TEST(StudyMake, AsksInItsTitleForWhatIsRated) {
  const auto title = [](const std::string& arguments) {
    const StudyFolder folder(arguments, 2);
    return read_study(folder.path()).title;
  };
  EXPECT_EQ(title("--ask scale"), "How good are these videos?");
  EXPECT_EQ(title("--ask pairs"), "Which video is better?");
  EXPECT_EQ(title("--ask pairs --title Foxes"), "Foxes");
}

TEST(StudyMake, CopiesPicturesUnchangedAndWithOneDate) {
  const StudyFolder folder;
  const Study study = read_study(folder.path());
  std::set<fs::file_time_type> dates;
  const auto frames = [](const std::string& file) {
    return run_shell("ffmpeg -nostdin -v error -i " + file + " -f framemd5 - | grep -v '^#'").out;
  };
  for (const auto& [name, origin] : read_study_key(folder.path(), study).videos) {
    const std::string copy = folder.path() + "/page/videos/" + name;
    dates.insert(fs::last_write_time(copy));
    EXPECT_EQ(frames(copy), frames(origin.file));
    EXPECT_GT(frames(copy).size(), 100U);
  }
  EXPECT_EQ(dates.size(), 1U);
}

TEST(StudyMake, CopiesMp4WithSoundAndWithoutWhatElseIsInIt) {
  const TemporaryFolder folder;
  write_bytes(folder / "p.jsonl", "{\"id\":\"x\",\"prompt\":\"x\"}\n");
  for (const std::string method : {"one", "two"}) {
    fs::create_directory(folder / method);
    ffmpeg("-f lavfi -i testsrc=size=64x48:rate=12:duration=0.5 -f lavfi -i sine=duration=0.5 " +
           std::string(method == "one" ? "" : "-an ") +
           "-c:v mpeg4 -metadata comment=secret -metadata:s:v handler_name=secret " +
           (folder / method / "x.mp4").string());
  }
  const ToolResult made =
      run_tool("study make --quiet --videos first=" + (folder / "one").string() +
               " second=" + (folder / "two").string() + " --prompts " +
               (folder / "p.jsonl").string() + " --out " + (folder / "s").string());
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_NE(made.out.find("tell methods apart by size, length, rate or sound in 1 prompt\n"),
            std::string::npos)
      << made.out;
  EXPECT_NE(made.out.find("browsers do not play mpeg4, the codec of 2 videos (\""),
            std::string::npos)
      << made.out;
  const Study study = read_study(folder / "s");
  const StudyKey key = read_study_key(folder / "s", study);
  EXPECT_EQ(key.methods, (std::vector<std::string>{"first", "second"}));
  for (const auto& [name, origin] : key.videos) {
    const std::string copy = folder / "s/page/videos/" / name;
    EXPECT_EQ(read_bytes(copy).find("secret"), std::string::npos);
    const std::string streams =
        run_shell("ffprobe -v error -show_entries stream=codec_name -of csv=p=0 " + copy).out;
    EXPECT_EQ(streams, origin.method == 0 ? "mpeg4\naac\n" : "mpeg4\n");
  }
}

TEST(StudyMake, OneMethodCanBeRatedOnAScaleAndIsSaidToBeAlone) {
  const StudyFolder folder;
  const ToolResult made =
      run_tool("study make --quiet --checks 1 --per-rater 1 --videos " + (folder / "A").string() +
               " --prompts " + (folder / "prompts.jsonl").string() + " --out " +
               (folder / "alone").string());
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_NE(made.out.find("4 prompts, 1 method, 2 screens for a rater (1 attention check), "),
            std::string::npos)
      << made.out;
  EXPECT_NE(made.out.find("one method: "), std::string::npos) << made.out;
  EXPECT_EQ(folder.said.find("one method"), std::string::npos);
}

TEST(StudyMake, RefusesInOneLineAndLeavesNothing) {
  const StudyFolder good;
  const std::string a = good / "A", b = good / "B", prompts = good / "prompts.jsonl",
                    out = good / "new";
  const auto refused = [&](const std::string& arguments, const std::string& part) {
    expect_refused("study make --quiet --out " + out + " " + arguments, part);
    EXPECT_FALSE(fs::exists(out)) << arguments;
  };
  const std::string both = "--videos " + a + " " + b + " --prompts ";
  refused("--videos " + (good / "none").string() + " --prompts " + prompts, "no folder");
  refused("--videos " + a + " " + a + " --prompts " + prompts, "names of their own");
  refused("--ask pairs --videos " + a + " --prompts " + prompts, "two methods");
  refused("--per-rater 5 " + both + prompts, "the study has 4 prompts");
  write_bytes(good / "bad.jsonl", "{\"id\":\"p9\",\"prompt\":\"x\"}\n");
  refused(both + (good / "bad.jsonl").string(), "no video \"p9.mp4\"");
  write_bytes(good / "bad.jsonl", "{\"id\":\"../A/p0\",\"prompt\":\"x\"}\n");
  refused(both + (good / "bad.jsonl").string(), "line 1");
  write_bytes(good / "bad.jsonl",
              "{\"id\":\"p0\",\"prompt\":\"x\"}\n{\"id\":\"p0\",\"prompt\":\"y\"}\n");
  refused(both + (good / "bad.jsonl").string(), "twice");
  write_bytes(good / "bad.jsonl", "");
  refused(both + (good / "bad.jsonl").string(), "no prompt");
  fs::rename(good / "B/p3.webm", good / "B/p3.mp4");
  refused(both + prompts, "tell them apart");
  fs::rename(good / "B/p3.mp4", good / "B/p3.webm");
  write_bytes(good / "B/p3.webm", std::string(5000, 'x'));
  refused(both + prompts, "video");
  expect_refused("study make --quiet --out " + good.path() + " " + both + prompts, "not empty");
}

}  // namespace
}  // namespace vidattn
