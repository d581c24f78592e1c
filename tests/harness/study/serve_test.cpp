#include <gtest/gtest.h>

#include <thread>

#include "harness/study/rating.h"
#include "tests/harness/study/served.h"
#include "tests/harness/study/studies.h"

namespace vidattn {
namespace {

using nlohmann::json;
using testing::body_of;
using testing::read_bytes;
using testing::status_of;
using testing::StudyFolder;
using testing::StudyServer;

std::string joined(const StudyServer& server) {
  return parse_json(body_of(server.post("/api/join", "{}"))).at("rater");
}

std::string rating(const Study& study, const std::string& rater, int64_t place) {
  const int64_t task = study.plan_of(rater_number(rater))[place];
  return json{{"rater", rater}, {"task", task}, {"answers", {place % 10 + 1, 5, 5}}, {"seconds", 1}}
      .dump();
}

class StudyServe : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new StudyFolder;
    study_ = new Study(read_study(folder_->path()));
    if (run_tool("study serve /nowhere").err.find("no HTTP library") == std::string::npos)
      has_library_ = true;
  }
  static void TearDownTestSuite() {
    delete study_;
    delete folder_;
  }
  void SetUp() override {
    if (!has_library_) GTEST_SKIP() << "libcpp-httplib-dev is not installed";
    std::filesystem::remove(folder_->path() + "/ratings.jsonl");
  }

  static inline StudyFolder* folder_;
  static inline Study* study_;
  static inline bool has_library_ = false;
};

TEST_F(StudyServe, ServesThePageTheVideosAndNothingElse) {
  StudyServer server(folder_->path());
  const std::string page = server.get("/");
  EXPECT_EQ(status_of(page), 200);
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
  EXPECT_NE(page.find("\"served\":true"), std::string::npos);
  const std::string name = study_->tasks[0].videos[0];
  const std::string file = read_bytes(folder_->path() + "/page/videos/" + name);
  const std::string video = server.get("/videos/" + name);
  EXPECT_EQ(status_of(video), 200);
  EXPECT_EQ(body_of(video), file);
  EXPECT_EQ(video.find("Last-Modified"), std::string::npos);
  for (const char* path :
       {"/key.json", "/study.json", "/ratings.jsonl", "/../key.json", "/videos/../key.json",
        "/videos/..%2f..%2fkey.json", "/videos/%2e%2e/%2e%2e/key.json", "/videos//etc/passwd",
        "/videos/", "/videos/abc.webm", "/page/index.html", "/videos/..\\..\\key.json", "/%00",
        "/videos/00.webm%00.mp4", "/api/", "/api/join"}) {
    const std::string reply = server.get(path);
    EXPECT_GE(status_of(reply), 400) << path;
    EXPECT_EQ(reply.find("methods"), std::string::npos) << path;
    EXPECT_EQ(reply.find(folder_->path()), std::string::npos) << path;
  }
  EXPECT_EQ(server.end(SIGINT), 130);
}

TEST_F(StudyServe, SendsRangesAsBrowsersAskForThem) {
  const StudyServer server(folder_->path());
  const std::string name = study_->tasks[0].videos[0];
  const std::string file = read_bytes(folder_->path() + "/page/videos/" + name);
  const auto range = [&](const std::string& text) {
    return server.get("/videos/" + name, "Range: bytes=" + text + "\r\n");
  };
  EXPECT_EQ(status_of(range("0-")), 206);
  EXPECT_EQ(body_of(range("0-")), file);
  EXPECT_EQ(body_of(range("10-19")), file.substr(10, 10));
  EXPECT_EQ(body_of(range("-7")), file.substr(file.size() - 7));
  for (const std::string wrong :
       {"999999999-", "20-10", "0-1,2-3", "0-99999999999999999999", "x", "-", "-0",
        "9223372036854775807-9223372036854775807", "0-9223372036854775807"}) {
    const std::string reply = range(wrong);
    EXPECT_TRUE(status_of(reply) >= 400 || body_of(reply) == file)
        << wrong << " " << reply.substr(0, 80);
  }
  EXPECT_EQ(status_of(server.get("/")), 200) << "it is still there";
}

TEST_F(StudyServe, KeepsARatingBeforeItSaysSo) {
  StudyServer server(folder_->path());
  const std::string rater = joined(server);
  const std::string reply = server.post("/api/ratings", rating(*study_, rater, 0));
  EXPECT_EQ(status_of(reply), 200) << reply;
  EXPECT_NE(folder_->ratings().find("\"answers\":[1,5,5]"), std::string::npos);
}

TEST_F(StudyServe, SurvivesHostileRequests) {
  StudyServer server(folder_->path());
  const std::string rater = joined(server), good = rating(*study_, rater, 0);
  EXPECT_EQ(status_of(server.post("/api/ratings", good, "text/plain")), 415);
  EXPECT_EQ(status_of(server.post("/api/join", "{}", "text/plain")), 415);
  EXPECT_EQ(status_of(server.post("/api/ratings", "{\"rater\":")), 400);
  EXPECT_EQ(status_of(server.post("/api/ratings", std::string(10'000, '['))), 400);
  EXPECT_EQ(status_of(server.post("/api/ratings", std::string(5'000'000, ' '))), 413);
  EXPECT_EQ(status_of(server.raw("POST /api/ratings HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
                                 "application/json\r\nContent-Length: 99999999999999\r\n"
                                 "Connection: close\r\n\r\n{}")),
            413);
  EXPECT_EQ(
      status_of(server.raw("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")),
      421);
  EXPECT_GE(status_of(server.get("/" + std::string(20'000, 'a'))), 400);
  server.raw("\r\n\r\n");
  server.raw("GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n");
  server.raw(std::string(1000, '\0'));
  EXPECT_EQ(status_of(server.post("/api/ratings", good)), 200) << "it is still there";
  const std::string kept = folder_->ratings();
  EXPECT_EQ(std::count(kept.begin(), kept.end(), '\n'), 2);
}

/// More of them than a library's threads, each with a byte more every tenth of a second, so that
/// none is ended for its silence.
TEST_F(StudyServe, RequestsThatDoNotEndHoldUpNoOther) {
  const StudyServer server(folder_->path());
  std::vector<int> slow(200);
  for (int& connection : slow) {
    connection = server.connected();
    ASSERT_GE(connection, 0);
    send(connection, "GET /", 5, MSG_NOSIGNAL);
  }
  {
    const std::jthread drip([&slow](const std::stop_token& ended) {
      while (!ended.stop_requested()) {
        for (const int connection : slow) send(connection, "a", 1, MSG_NOSIGNAL);
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    });
    EXPECT_EQ(status_of(server.get("/")), 200);
    EXPECT_EQ(status_of(server.post("/api/join", "{}")), 200);
  }
  for (const int connection : slow) close(connection);
}

TEST_F(StudyServe, EndsARequestThatIsHalfSent) {
  const StudyServer server(folder_->path());
  const int half = server.connected();
  ASSERT_GE(half, 0);
  const std::string request =
      "POST /api/ratings HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
      "application/json\r\nContent-Length: 100\r\n\r\n{";
  send(half, request.data(), request.size(), MSG_NOSIGNAL);
  const std::string reply = StudyServer::received(half);
  EXPECT_TRUE(reply.empty() || status_of(reply) >= 400) << reply;
  char end = 0;
  EXPECT_EQ(recv(half, &end, 1, 0), 0) << "ended by the server, not by the minute's patience";
  close(half);
}

/// Raters write as fast as they can and the server is killed in the midst: all that they were told
/// is kept is there, and the next server goes on.
TEST_F(StudyServe, AKillLosesNothingThatWasAcknowledged) {
  for (int round = 0; round < 3; ++round) {
    StudyServer server(folder_->path());
    std::vector<std::vector<std::string>> told(4);
    std::vector<std::thread> raters;
    for (std::vector<std::string>& mine : told)
      raters.emplace_back([&] {
        const std::string reply = server.post("/api/join", "{}");
        // The kill may cut an answer off.
        if (status_of(reply) != 200 || !nlohmann::json::accept(body_of(reply))) return;
        const std::string rater = parse_json(body_of(reply)).at("rater");
        mine.push_back(rater);
        const auto tasks = static_cast<int64_t>(study_->plans[0].size());
        for (int64_t place = 0; place < tasks; ++place)
          if (status_of(server.post("/api/ratings", rating(*study_, rater, place))) == 200)
            mine.push_back("\"rater\":\"" + rater + "\",\"seconds\":1.0,\"task\":" +
                           std::to_string(study_->plan_of(rater_number(rater))[place]) + "}");
      });
    std::this_thread::sleep_for(std::chrono::milliseconds(10 + 15 * round));
    EXPECT_EQ(server.end(SIGKILL), -SIGKILL);
    for (std::thread& rater : raters) rater.join();
    StudyServer next(folder_->path());
    const std::string kept = folder_->ratings();
    for (const std::vector<std::string>& mine : told)
      for (const std::string& text : mine) EXPECT_NE(kept.find(text), std::string::npos) << text;
    EXPECT_EQ(status_of(next.post("/api/join", "{}")), 200);
  }
}

TEST_F(StudyServe, RefusesWhatItCannotServe) {
  expect_refused("study serve " + (*folder_ / "none").string(), "study.json");
  StudyServer server(folder_->path());
  expect_refused("study serve " + folder_->path() + " --port 0", "another `vidattn study serve`");
  const StudyFolder other("--ask pairs", 1);
  expect_refused("study serve " + other.path() + " --port " + std::to_string(server.port()),
                 "cannot be had");
  const std::filesystem::path videos = other.path() + "/page/videos";
  const std::filesystem::path video = std::filesystem::directory_iterator(videos)->path();
  std::filesystem::remove(video);
  std::filesystem::create_symlink("/etc/hostname", video);
  expect_refused("study serve " + other.path() + " --port 0", "is a link");
  std::filesystem::remove_all(videos);
  expect_refused("study serve " + other.path() + " --port 0", "cannot read");
}

}  // namespace
}  // namespace vidattn
