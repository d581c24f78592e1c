#include "harness/cli/parser.h"

#include <gtest/gtest.h>

#include "attention/error.h"
#include "tests/harness/files.h"

namespace vidattn {
namespace {

using testing::expect_input_error;

/// Every kind of target, with a default.
struct Values {
  bool flag = false, called = false, given = false;
  int blocks = 3;
  int64_t frames = 81;
  uint64_t seed = 1;
  double seconds = 10, rate = 1;
  std::optional<double> density;
  std::string kind = "f32", text;
  std::vector<std::string> videos, backends = {"full"};
  std::vector<int64_t> grid, tokens;
};

std::vector<Option> options(Values& v) {
  return {Option("VIDEO", &v.videos, "videos"),
          Option("--flag", &v.flag, "a flag"),
          Option(
              "--call", [&v] { v.called = true; }, "another")
              .excludes("--flag"),
          Option("--blocks", &v.blocks, "blocks").in(1, 100).tells(v.given),
          Option("--frames", &v.frames, "frames"),
          Option("--seed", &v.seed, "seed").in(0, 1e18),
          Option("--seconds", &v.seconds, "time").in(0.1, 3600),
          Option("--rate", &v.rate, "any number"),
          Option("--density", &v.density, "density").positive(),
          Option("--kind", &v.kind, "type").one_of({"f32", "bf16"}),
          Option(
              "--text", [&v](const std::string& text) { v.text = text; }, "text")
              .needs("--flag"),
          Option("--backend", &v.backends, "method; may be repeated"),
          Option("--grid", &v.grid, "T,H,W").of(3),
          Option("--tokens", &v.tokens, "lengths")};
}

/// What `vidattn work WORDS…` leaves in the values.
Values parsed(std::vector<std::string> words) {
  Values values;
  std::string simd;
  const ToolOptions tool{"a tool", "vidattn 1.2.3", {Option("--simd", &simd, "instructions")}};
  const std::vector<Command> commands = {{"work", "works", options(values), {}},
                                         {"rest", "rests", {}, {}}};
  words.insert(words.begin(), {"vidattn", "work"});
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  const Command* command = parse(tool, commands, static_cast<int>(argv.size()), argv.data());
  EXPECT_TRUE(command != nullptr && command->name == "work");
  return values;
}

TEST(Parser, FillsTargetsOfEveryKind) {
  const Values v =
      parsed({"a.mp4", "--blocks",  "5",    "--frames=9", "--seed",    "7",      "--seconds",
              "0.5",   "--density", "0.25", "--kind",     "bf16",      "--flag", "--text",
              "x",     "--backend", "moga", "b.mp4",      "--backend", "stga",   "--grid",
              "1,2,3", "--tokens",  "4,5",  "--simd",     "AVX2"});
  EXPECT_EQ(v.videos, (std::vector<std::string>{"a.mp4", "b.mp4"}));
  EXPECT_EQ(v.blocks, 5);
  EXPECT_EQ(v.frames, 9);
  EXPECT_EQ(v.seed, 7U);
  EXPECT_EQ(v.seconds, 0.5);
  EXPECT_EQ(v.density, 0.25);
  EXPECT_EQ(v.kind, "bf16");
  EXPECT_EQ(v.text, "x");
  EXPECT_EQ(v.backends, (std::vector<std::string>{"moga", "stga"}));
  EXPECT_EQ(v.grid, (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(v.tokens, (std::vector<int64_t>{4, 5}));
  EXPECT_TRUE(v.flag);
  EXPECT_TRUE(v.given);
}

TEST(Parser, WhatIsNotOnTheLineKeepsItsDefault) {
  const Values v = parsed({"--call"});
  EXPECT_TRUE(v.called);
  EXPECT_FALSE(v.flag);
  EXPECT_FALSE(v.given);
  EXPECT_EQ(v.blocks, 3);
  EXPECT_EQ(v.density, std::nullopt);
  EXPECT_EQ(v.backends, std::vector<std::string>{"full"});
  EXPECT_TRUE(v.grid.empty());
}

TEST(Parser, RefusesWhatCannotBe) {
  for (const auto& [words, part] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"--blocks", "0"}, "not in range 1 to 100"},
           {{"--blocks", "x"}, "not in range"},
           {{"--blocks", "1e1"}, "not in range"},
           {{"--frames", "x"}, "--frames"},
           {{"--seed", "-1"}, "not in range"},
           {{"--tokens", "99999999999999999999"}, "99999999999999999999 does not fit 64 bits"},
           {{"--tokens", "1,-99999999999999999999"}, "-99999999999999999999 does not fit"},
           {{"--seconds", "nan"}, "Value nan not in range"},
           {{"--density", "nan"}, "nan not a positive number"},
           {{"--density", "0"}, "0 not a positive number"},
           {{"--kind", "fp32"}, "unknown choice 'fp32': known are f32, bf16; did you mean f32?"},
           {{"--rate", "nan"}, "Value nan not a finite number"},
           {{"--rate", "inf"}, "Value inf not a finite number"},
           {{"--seconds", "inf"}, "Value inf not in range"},
           {{"--density", "inf"}, "inf not a positive number"},
           {{"--grid", "1,2"}, "--grid"},
           {{"--grid", "6x12x20"}, "--grid: numbers have commas between them: 6,12,20 for 6x12x20"},
           {{"--grid=6x12x20"}, "6,12,20 for 6x12x20"},
           {{"--text", "x"}, "--flag"},
           {{"--call", "--flag"}, "excludes"},
           {{"--blocks", "1", "--blocks", "2"}, "--blocks is given more than once"},
           {{"--kind", ""}, "--kind: an empty value"},
           {{"--backend="}, "--backend: an empty value"},
           {{"--tokens", ""}, "--tokens: an empty value"},
           {{"--text", "", "--flag"}, "--text: an empty value"},
           {{"a.mp4", ""}, "an empty value"},
           {{"--grid", "1,2,3", "--grid=1,2,3"}, "--grid is given more than once"}})
    expect_input_error([&] { parsed(words); }, part);
}

TEST(Parser, AnswersAMisspeltWordWithTheNearestRightOne) {
  for (const auto& [words, part] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"--bakend", "moga"}, "no option '--bakend' of vidattn work; did you mean --backend?"},
           {{"--blokcs=3"}, "no option '--blokcs' of vidattn work; did you mean --blocks?"},
           {{"--text", "--flga", "--smid", "x"}, "did you mean --simd?"},
           {{"--something-else"}, "`vidattn work --help` names them"}})
    expect_input_error([&] { parsed(words); }, part);
}

TEST(Parser, ALineWithoutACommandIsExplained) {
  std::string program = "vidattn";
  char* argv[] = {program.data()};
  expect_input_error(
      [&] {
        parse({"a tool", "1", {}}, {{"work", "works", {}, {}}}, 1, argv);
      },
      "a command is needed; `vidattn --help` names them");
}

/// The name of the command that a line means.
std::string command_of(std::vector<std::string> words, std::vector<std::string>& several) {
  std::string one;
  const std::vector<Command> commands = {
      {"work", "works", {}, {}},
      {"study make", "makes", {Option("--videos", &several, "folders").several()}, {}},
      {"study report", "reports", {Option("STUDY", &one, "folder").required()}, {}}};
  words.insert(words.begin(), "vidattn");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  const ToolOptions tool{"a tool", "vidattn 1.2.3", {}};
  return parse(tool, commands, static_cast<int>(argv.size()), argv.data())->name;
}

TEST(Parser, ACommandMayHaveTwoWords) {
  std::vector<std::string> several;
  EXPECT_EQ(command_of({"study", "make", "--videos", "a", "b", "--videos", "c"}, several),
            "study make");
  EXPECT_EQ(several, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(command_of({"study", "report", "x"}, several), "study report");
  EXPECT_EQ(command_of({"work"}, several), "work");
  const auto refused = [&](const std::vector<std::string>& words, const std::string& part) {
    expect_input_error([&] { command_of(words, several); }, part);
  };
  refused({"study"}, "after 'study' a command is needed: known are make, report");
  refused({"study", "mak"}, "no command 'study mak': known are make, report; did you mean make?");
  refused({"stdy", "make"}, "no command 'stdy'; did you mean study?");
  refused({"study", "make", "--video", "a"}, "no option '--video' of vidattn study make");
  refused({"study", "report"}, "STUDY is required");
}

/// What is printed for a line that asks for help.
std::string help_for(std::vector<std::string> words) {
  const std::vector<Command> commands = {
      {"work", "works", {}, {}, false, "1 it broke; 2 it is late"},
      {"study make", "makes", {}, {}},
      {"study report", "reports", {}, {}}};
  words.insert(words.begin(), "vidattn");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  ::testing::internal::CaptureStdout();
  const auto taken = [&] { return ::testing::internal::GetCapturedStdout(); };
  try {
    EXPECT_EQ(parse({"a tool", "1", {}}, commands, static_cast<int>(argv.size()), argv.data()),
              nullptr);
  } catch (const InputError& error) {
    return taken() + "refused: " + error.what();
  }
  return taken();
}

TEST(Parser, HelpIsAlsoACommand) {
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{}, {"work"}, {"study"}, {"study", "make"}}) {
    std::vector<std::string> asked = command, flagged = command;
    asked.insert(asked.begin(), "help");
    flagged.emplace_back("--help");
    EXPECT_EQ(help_for(asked), help_for(flagged));
  }
  EXPECT_NE(help_for({"help"}).find("a tool"), std::string::npos);
  EXPECT_NE(help_for({"help", "study", "make"}).find("makes"), std::string::npos);
  EXPECT_EQ(help_for({"help", "wrk"}), "refused: no command 'wrk'; did you mean work?");
}

TEST(Parser, HelpNamesTheExitCodes) {
  EXPECT_NE(help_for({"work", "--help"}).find("0 fine; 1 it broke; 2 it is late; 3 the line"),
            std::string::npos)
      << help_for({"work", "--help"});
  EXPECT_NE(help_for({"study", "make", "--help"}).find("0 fine; 3 the line"), std::string::npos);
  EXPECT_NE(help_for({"--help"}).find("Exit code: 0 fine; 1 "), std::string::npos);
}

TEST(Parser, HelpShowsDefaultsRangesAndGroups) {
  Values values;
  Command command{"work", "works", options(values), {}};
  command.options.push_back(Option("--peak", &values.seconds, "peak").under("Workload"));
  std::string program = "vidattn", name = "work", help = "--help";
  char* argv[] = {program.data(), name.data(), help.data()};
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(parse({"a tool", "1", {}}, {command}, 3, argv), nullptr);
  const std::string text = ::testing::internal::GetCapturedStdout();
  for (const char* part :
       {"VIDEO TEXT ...", "--blocks INT:INT in [1 - 100]=3", "--kind TEXT:{f32,bf16}=f32",
        "--backend TEXT=[full] ...", "POSITIVE", "Workload:"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

}  // namespace
}  // namespace vidattn
