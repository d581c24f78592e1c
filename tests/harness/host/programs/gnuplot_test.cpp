#include "harness/host/programs/gnuplot.h"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>

#include "harness/host/programs/program.h"
#include "harness/io/text/escape.h"
#include "tests/harness/files.h"
#include "tests/harness/hostile.h"

namespace vidattn {
namespace {

using testing::has_controls;
using testing::hostile_texts;
using testing::in_svg;
using testing::TemporaryFolder;

/// A text as name, label and tic.
Drawing drawing_of(const std::string& text) {
  Drawing drawing(4000, 400);
  drawing.script("set key\n");
  drawing.plot("$data{} with lines title columnheader(1)",
               drawing.data({{text}, {1.0, 2.0}, {3.0, 4.0}}));
  const size_t labels = drawing.data({{2.0, 3.0, text}});
  drawing.plot("$data{} using 1:2:3 with labels notitle", labels);
  drawing.plot("$data{} using 1:2:ytic(3) with points notitle", labels);
  return drawing;
}

size_t times(const std::string& part, const std::string& text) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

class Gnuplot : public ::testing::Test {
 protected:
  void SetUp() override {
    if (find_program("gnuplot").empty()) GTEST_SKIP() << "gnuplot is not installed";
  }
};

TEST_F(Gnuplot, TextsAreShownAndNothingElseWhateverTheyHold) {
  const TemporaryFolder folder;
  const std::string made = folder / "pwned";
  for (const std::string& text : hostile_texts(made)) {
    const std::string svg = drawing_of(text).draw(text, "x.svg");
    EXPECT_FALSE(std::filesystem::exists(made)) << text;
    EXPECT_FALSE(has_controls(svg)) << text;
    EXPECT_NE(svg.find("<title>" + xml(text) + "</title>"), std::string::npos) << text;
    const bool empty = printable(text).find_first_not_of(' ') == std::string::npos;
    EXPECT_GE(times(">" + in_svg(text) + "<", svg), empty ? 0U : 3U) << text << svg;
  }
}

TEST_F(Gnuplot, TheSuffixChoosesTheKindOfFile) {
  for (const std::string& text : {std::string("a_b"), hostile_texts("x").front()}) {
    const Drawing drawing = drawing_of(text);
    EXPECT_TRUE(drawing.draw(text, "a.svg").starts_with("<?xml"));
    EXPECT_TRUE(drawing.draw(text, "a.png").starts_with("\x89PNG"));
    EXPECT_TRUE(drawing.draw(text, "a.pdf").starts_with("%PDF"));
  }
  testing::expect_input_error([] { drawing_of("x").draw("x", "a.gif"); }, "a.gif");
}

TEST_F(Gnuplot, TheUsersOwnSettingsAreLeftAlone) {
  const TemporaryFolder folder;
  const std::string made = folder / "pwned";
  testing::write_bytes(folder / ".gnuplot", "system 'touch " + made + "'\n");
  const char* const known = std::getenv("HOME");
  const std::string home = known != nullptr ? known : "";
  ::setenv("HOME", folder.path().c_str(), 1);
  drawing_of("x").draw("x", "x.svg");
  ::setenv("HOME", home.c_str(), 1);
  EXPECT_FALSE(std::filesystem::exists(made));
}

TEST_F(Gnuplot, WhatItCannotDrawIsAnErrorInItsWords) {
  Drawing drawing;
  drawing.plot("no_such_function(x)");
  testing::expect_input_error([&] { drawing.draw("x", "x.svg"); }, "gnuplot failed: ");
  Drawing nothing;
  testing::expect_input_error([&] { nothing.draw("x", "x.svg"); }, "cut off");
}

TEST_F(Gnuplot, APictureThatIsCutOffIsNone) {
  const auto draw_in_little_room = [] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit room{2000, 2000};
    setrlimit(RLIMIT_FSIZE, &room);
    testing::expect_input_error([] { drawing_of("x").draw("x", "x.svg"); }, "cut off");
    std::_Exit(::testing::Test::HasFailure() ? 1 : 0);
  };
  EXPECT_EXIT(draw_in_little_room(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace vidattn
