#include "harness/study/serve/desk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "tests/harness/files.h"
#include "tests/harness/study/studies.h"

namespace vidattn {
namespace {

using nlohmann::json;
using testing::made_up_study;
using testing::read_bytes;
using testing::TemporaryFolder;

class DeskTest : public ::testing::Test {
 protected:
  std::string path() const { return folder_ / "ratings.jsonl"; }
  static std::string join(Desk& desk) { return desk.join().body.at("rater"); }
  std::string rating(const std::string& rater, int64_t place, const json& answers) const {
    return json{{"rater", rater},
                {"task", made_.study.plan_of(rater_number(rater))[place]},
                {"answers", answers},
                {"seconds", 3.5}}
        .dump();
  }

  const testing::MadeUpStudy made_ = made_up_study(StudyKind::scale, 4, 3);
  const TemporaryFolder folder_;
};

TEST_F(DeskTest, NumbersRatersAndGoesOnAfterARestart) {
  std::string first;
  {
    Desk desk(made_.study, path());
    first = join(desk);
    EXPECT_EQ(rater_number(first), 0);
    EXPECT_EQ(rater_number(join(desk)), 1);
    EXPECT_EQ(desk.rate(rating(first, 0, {1, 2, 3})).status, 200);
  }
  Desk desk(made_.study, path());
  EXPECT_EQ(rater_number(join(desk)), 2);
  const DeskReply done = desk.done(first);
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(done.body.at("done"), json{made_.study.plan_of(0)[0]});
}

TEST_F(DeskTest, TheFirstRatingStands) {
  Desk desk(made_.study, path());
  const std::string rater = join(desk);
  EXPECT_EQ(desk.rate(rating(rater, 0, {1, 2, 3})).status, 200);
  const std::string kept = read_bytes(path());
  EXPECT_NE(kept.find("[1,2,3]"), std::string::npos);
  EXPECT_EQ(desk.rate(rating(rater, 0, {1, 2, 3})).status, 200) << "sent twice";
  EXPECT_EQ(desk.rate(rating(rater, 0, {3, 2, 1})).status, 409);
  EXPECT_EQ(read_bytes(path()), kept);
  EXPECT_EQ(desk.rate(rating(rater, 1, json::array())).status, 200) << "did not play";
}

/// Two browsers with one rater's address, at once: every task is kept once, and each is told which.
TEST_F(DeskTest, TwoWhoAreOneRaterKeepEachTaskOnce) {
  Desk desk(made_.study, path());
  const std::string rater = join(desk);
  const auto tasks = static_cast<int64_t>(made_.study.plan_of(0).size());
  std::vector<int> taken(2);
  std::vector<std::thread> browsers;
  for (int i = 0; i < 2; ++i)
    browsers.emplace_back([&, i] {
      for (int64_t place = 0; place < tasks; ++place) {
        const int status = desk.rate(rating(rater, place, {i + 1, i + 1, i + 1})).status;
        EXPECT_TRUE(status == 200 || status == 409) << status;
        taken[i] += status == 200;
      }
    });
  for (std::thread& browser : browsers) browser.join();
  EXPECT_EQ(taken[0] + taken[1], tasks);
  const std::string kept = read_bytes(path());
  EXPECT_EQ(std::count(kept.begin(), kept.end(), '\n'), tasks + 1);
}

TEST_F(DeskTest, RefusesWhatMakesNoSense) {
  Desk desk(made_.study, path());
  const std::string rater = join(desk), good = rating(rater, 0, {1, 2, 3});
  const std::string before = read_bytes(path());
  const auto altered = [&](const char* key, const json& value) {
    json body = json::parse(good);
    body[key] = value;
    return desk.rate(body.dump()).status;
  };
  EXPECT_EQ(desk.rate("").status, 400);
  EXPECT_EQ(desk.rate("{").status, 400);
  EXPECT_EQ(desk.rate("[]").status, 400);
  EXPECT_EQ(desk.rate("null").status, 400);
  EXPECT_EQ(desk.rate(std::string(100'000, '[')).status, 400);
  EXPECT_EQ(desk.rate("{\"rater\":1,\"rater\":2}").status, 400);
  EXPECT_EQ(desk.rate(std::string("\xff\x00", 2)).status, 400);
  const DeskReply none = desk.rate(
      json{{"rater", rater}, {"task", made_.study.plan_of(0)[0]}, {"answers", nullptr}}.dump());
  EXPECT_EQ(none.status, 400);
  EXPECT_EQ(none.body.at("error"), "rating: answers: expected a list, found null");
  EXPECT_EQ(altered("answers", {1, 2}), 400);
  EXPECT_EQ(altered("answers", {1, 2, 11}), 400);
  EXPECT_EQ(altered("answers", {0, 2, 3}), 400);
  EXPECT_EQ(altered("answers", {1, 2, 2.5}), 400);
  for (const json& wrong : {json(nullptr), json("123"), json(5), json(true), json::object(),
                            json{1, nullptr, 3}, json{1, "2", 3}, json{1, {2}, 3}})
    EXPECT_EQ(altered("answers", wrong), 400) << wrong;
  for (const char* key : {"rater", "task", "seconds", "at"})
    for (const json& wrong : {json(nullptr), json::array(), json::object(), json(false)})
      EXPECT_EQ(altered(key, wrong), 400) << key << " " << wrong;
  json without = json::parse(good);
  without.erase("answers");
  EXPECT_EQ(desk.rate(without.dump()).status, 400);
  EXPECT_EQ(altered("task", 1'000'000), 400);
  EXPECT_EQ(altered("task", -1), 400);
  EXPECT_EQ(altered("seconds", -1), 400);
  EXPECT_EQ(altered("seconds", "1e999"), 400);
  EXPECT_EQ(altered("more", 1), 400);
  EXPECT_EQ(altered("rater", "0-000000000000"), 404);
  for (const char* wrong : {"", "0", "0-", "-000000000000", "0-00000000000G", "0-0000000000000",
                            "1234567-000000000000", "../key.json", "0-00000\n00000"})
    EXPECT_EQ(altered("rater", wrong), 400) << wrong;
  EXPECT_EQ(desk.done("0-000000000000").status, 404);
  EXPECT_EQ(desk.done("").status, 404);
  EXPECT_EQ(read_bytes(path()), before) << "nothing of it was kept";
}

}  // namespace
}  // namespace vidattn
