// The page in headless Chromium, from the first click to the report.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/harness/browser.h"
#include "tests/harness/study/devtools.h"
#include "tests/harness/study/served.h"
#include "tests/harness/study/studies.h"

namespace vidattn {
namespace {

using nlohmann::json;
using testing::Browser;
using testing::Raters;
using testing::read_bytes;
using testing::StudyFolder;
using testing::StudyServer;
using testing::Tab;
using testing::write_bytes;

/// By question and method A, B, C.
const std::vector<std::vector<double>> kQuality{{7.5, 6, 5}, {6.5, 6.5, 4}, {7, 5.5, 5}};

/// Rates all that is left by clicks on the page's buttons; the videos' ends are made up. `answers`
/// by task.
std::string rate_all(const json& answers) {
  return "(async () => { const answers = " + answers.dump() + R"(;
    while (!document.getElementById('task').hidden) {
      for (const video of document.querySelectorAll('video')) video.dispatchEvent(new Event('ended'));
      const fields = document.querySelectorAll('fieldset');
      answers[shown.task].forEach((answer, q) =>
        fields[q].querySelector(`button[value="${answer}"]`).click());
      document.getElementById('next').click();
      await new Promise(wake => setTimeout(wake));
    }
    return true; })())";
}

class StudyPage : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::has_browser()) GTEST_SKIP() << "chromium is not installed";
  }
  void open(const StudyFolder& folder) {
    study_ = read_study(folder.path());
    key_ = read_study_key(folder.path(), study_);
  }
  json answers_of(const Raters& raters, int64_t number) const {
    json all = json::object();
    for (const int64_t task : study_.plan_of(number))
      all[std::to_string(task)] = raters.answers(number, task);
    return all;
  }
  /// The one who chooses the middle throughout.
  json careless(int64_t number) const {
    json all = json::object();
    for (const int64_t task : study_.plan_of(number)) all[std::to_string(task)] = {5, 5, 5};
    return all;
  }

  Study study_;
  StudyKey key_;
  const testing::TemporaryFolder profile_;
};

/// Of the means in a report, how many have the truth in their interval.
int covered(const json& report) {
  int count = 0;
  for (const json& mean : report.at("means")) {
    const auto& questions = study_questions(StudyKind::scale);
    for (size_t q = 0; q < questions.size(); ++q) {
      const double truth = kQuality[q][mean.at("method").get<std::string>()[0] - 'A'];
      if (mean.at("question") == questions[q].name)
        count += mean.at("low") <= truth && truth <= mean.at("high");
    }
  }
  return count;
}

TEST_F(StudyPage, ThirtyRatersFromFirstClickToReportSlow) {
  const StudyFolder folder("", 6);
  open(folder);
  const StudyServer server(folder.path());
  const Raters raters(study_, key_, kQuality, 1);
  {
    Browser browser(profile_.path());
    for (int64_t number = 0; number < 32; ++number) {
      Tab tab(browser, server.address());
      tab.click("#begin");
      ASSERT_TRUE(tab.wait("!document.getElementById('task').hidden"));
      const int64_t joined = rater_number(tab.value("session.state.rater"));
      EXPECT_EQ(joined, number);
      tab.value(rate_all(number < 30 ? answers_of(raters, number) : careless(number)));
      ASSERT_TRUE(tab.wait("session.state.unsent.length === 0"));
      EXPECT_EQ(tab.value("document.getElementById('fate').textContent"),
                "All your ratings have been received.");
    }
  }
  const std::string out = folder / "report.json";
  const ToolResult told = run_tool("study report " + folder.path() + " --out " + out + " --out " +
                                   (folder / "report.md").string());
  ASSERT_EQ(told.exit_code, 0) << told.err;
  const json report = parse_json(read_bytes(out));
  EXPECT_EQ(report.at("raters").at("kept"), 30);
  EXPECT_EQ(report.at("raters").at("inattentive"), 2);
  EXPECT_EQ(report.at("ratings"), 30 * 18);
  EXPECT_GE(covered(report), 8) << "of 9 intervals of 95%\n" << told.out;
  for (const json& difference : report.at("differences")) {
    const std::string question = difference.at("question"), a = difference.at("a"),
                      b = difference.at("b");
    const bool equal = question == "video quality" && a == "A" && b == "B";
    if (equal) {
      EXPECT_GT(difference.at("holm_p"), 0.05);
    } else if (b == "C") {
      EXPECT_LT(difference.at("holm_p"), 0.05) << question << a << b;
    }
  }
  EXPECT_NE(told.out.find("8.47"), std::string::npos) << "Table 13 beside it";
}

/// A rater who watches to the end, answers by keys, and loses the server in the midst.
TEST_F(StudyPage, KeysOfflineAndAPhoneSlow) {
  const StudyFolder folder;
  open(folder);
  auto server = std::make_unique<StudyServer>(folder.path());
  const int port = server->port();
  Browser browser(profile_.path());
  Tab tab(browser, "about:blank#");
  tab.call("Emulation.setDeviceMetricsOverride",
           {{"width", 360}, {"height", 740}, {"deviceScaleFactor", 2}, {"mobile", true}});
  tab.go(server->address());
  tab.click("#begin");
  ASSERT_TRUE(tab.wait("!document.getElementById('task').hidden"));
  EXPECT_EQ(tab.value("document.documentElement.scrollWidth"), 360) << "nothing sticks out";
  EXPECT_GE(tab.value("Math.min(...[...document.querySelectorAll('.answers button')]"
                      ".map(b => b.getBoundingClientRect().height))"),
            44)
      << "as large as a finger";
  const auto rate_by_keys = [&](int place) {
    ASSERT_TRUE(tab.wait("shown.task === " + std::to_string(study_.plan_of(0)[place])));
    tab.press("7");
    tab.press("0");
    tab.press("3");
    ASSERT_TRUE(tab.wait("!document.getElementById('next').disabled")) << "seen to its end";
    tab.press("Enter");
  };
  EXPECT_EQ(tab.value("document.getElementById('next').disabled"), true);
  rate_by_keys(0);
  const int screens = static_cast<int>(study_.plan_of(0).size());
  // All videos are there: now the server dies.
  ASSERT_TRUE(
      tab.wait("document.getElementById('loaded').textContent === '' && "
               "session.state.unsent.length === 0"));
  ASSERT_TRUE(
      tab.wait("[...new Set(plan().flatMap(t => study.tasks[t].videos))]"
               ".every(v => videos.url(v).startsWith('blob:'))"));
  server->end(SIGKILL);
  for (int place = 1; place < screens; ++place) rate_by_keys(place);
  ASSERT_TRUE(tab.wait("!document.getElementById('end').hidden"));
  EXPECT_EQ(tab.value("session.state.unsent.length"), screens - 1);
  EXPECT_NE(
      tab.value("document.getElementById('fate').textContent").get<std::string>().find("wait"),
      std::string::npos);
  server = std::make_unique<StudyServer>(folder.path(), port);
  ASSERT_TRUE(tab.wait("session.state.unsent.length === 0"));
  const std::string kept = folder.ratings();
  EXPECT_EQ(std::count(kept.begin(), kept.end(), '\n'), screens + 1);
  size_t found = 0;
  for (size_t at = 0; (at = kept.find("\"answers\":[7,10,3]", at)) != std::string::npos; ++at)
    ++found;
  EXPECT_EQ(found, static_cast<size_t>(screens));
}

TEST_F(StudyPage, GoesOnWhereItWasLeftSlow) {
  const StudyFolder folder;
  open(folder);
  const StudyServer server(folder.path());
  const Raters raters(study_, key_, kQuality, 2);
  Browser browser(profile_.path());
  Tab tab(browser, server.address());
  tab.click("#begin");
  ASSERT_TRUE(tab.wait("!document.getElementById('task').hidden"));
  tab.value("document.querySelector('video').dispatchEvent(new Event('ended'))");
  for (int q = 1; q <= 3; ++q)
    tab.click("fieldset:nth-child(" + std::to_string(q) + ") button[value=\"4\"]");
  tab.click("#next");
  ASSERT_TRUE(tab.wait("session.state.unsent.length === 0"));
  const std::string rater = tab.value("session.state.rater");
  tab.go(server.address() + "?again");
  EXPECT_EQ(tab.value("document.getElementById('begin').textContent"), "Go on");
  tab.click("#begin");
  ASSERT_TRUE(tab.wait("!document.getElementById('task').hidden"));
  EXPECT_EQ(tab.value("shown.task"), study_.plan_of(0)[1]);
  {
    Tab phone(browser, server.address() + "#" + rater);  // another device
    phone.click("#begin");
    ASSERT_TRUE(phone.wait("!document.getElementById('task').hidden"));
    EXPECT_EQ(phone.value("shown.task"), study_.plan_of(0)[1]);
    phone.value(rate_all(answers_of(raters, 0)));
    ASSERT_TRUE(phone.wait("session.state.unsent.length === 0"));
  }
  tab.value(rate_all(careless(0)));  // what the phone sent stands
  ASSERT_TRUE(tab.wait("session.state.unsent.length === 0"));
  const std::string kept = folder.ratings();
  EXPECT_EQ(std::count(kept.begin(), kept.end(), '\n'),
            1 + static_cast<std::ptrdiff_t>(study_.plan_of(0).size()));
  EXPECT_EQ(kept.find("[5,5,5]"), std::string::npos);
}

TEST_F(StudyPage, WorksFromDiskAndSavesAFileSlow) {
  const StudyFolder folder("--ask pairs", 2);
  open(folder);
  Browser browser(profile_.path());
  std::string files;
  for (const int64_t number : {3, 4}) {
    Tab tab(browser, "file://" + folder.path() + "/page/index.html#" + std::to_string(number));
    tab.click("#begin");
    ASSERT_TRUE(tab.wait("!document.getElementById('task').hidden"));
    EXPECT_EQ(tab.value("document.querySelectorAll('video').length"), 2);
    ASSERT_TRUE(tab.wait("shown.unseen.size === 0")) << "one video after the other plays";
    json answers = json::object();
    for (const int64_t task : study_.plan_of(number)) {
      const auto check = key_.checks.find(task);
      const int64_t answer = check == key_.checks.end() ? (task + number) % 3 - 1 : check->second;
      answers[std::to_string(task)] = {answer, answer, answer};
    }
    tab.value(rate_all(answers));
    ASSERT_TRUE(tab.wait("!document.getElementById('end').hidden"));
    tab.click("#save");
    const std::string file = folder / ("rater" + std::to_string(number) + ".json");
    write_bytes(file, tab.value("document.getElementById('copy').value"));
    files += " " + file;
  }
  const ToolResult told = run_tool("study report " + folder.path() + " --ratings" + files);
  ASSERT_EQ(told.exit_code, 0) << told.err;
  EXPECT_NE(told.out.find("12 ratings by 2 raters of 2 prompts and 3 methods."), std::string::npos)
      << told.out;
  EXPECT_NE(told.out.find("Bradley-Terry"), std::string::npos);
}

}  // namespace
}  // namespace vidattn
