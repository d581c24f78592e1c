#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "harness/curate/captions/caption_desk.h"
#include "harness/curate/captions/http_post.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

/// A server that keeps what it is asked, fails once, answers no JSON once, and then as a model
/// does.
constexpr const char* kServer = R"(
import http.server, json, sys
asked = 0
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global asked
        asked += 1
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        json.dump({"path": self.path, "body": body}, open(sys.argv[1] + "/asked.json", "w"))
        content = "A dog runs." if asked == 2 else '```json\n{"caption": "A dog\\nruns."}\n```'
        answer = json.dumps({"choices": [{"message": {"content": content}}]}).encode()
        self.send_response(500 if asked == 1 else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
open(sys.argv[1] + "/port.new", "w").write(str(server.server_port))
import os; os.rename(sys.argv[1] + "/port.new", sys.argv[1] + "/port")
server.timeout = 10
for _ in range(3): server.handle_request()
)";

TEST(EndpointCaptioner, AsksAgainUntilTheAnswerIsACaption) {
  try {
    require_http_client();
  } catch (const InputError&) {
    GTEST_SKIP() << "no HTTP library";
  }
  const TemporaryFolder folder;
  write_bytes(folder / "server.py", kServer);
  std::jthread server([&] {
    run_shell("python3 " + (folder / "server.py").string() + " " + folder.path().string());
  });
  for (int i = 0; i < 200 && !std::filesystem::exists(folder / "port"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const std::string url = "http://localhost:" + read_bytes(folder / "port") + "/v1";
  CaptionDesk desk(endpoint_captioner(url, "some-model", "Describe."), folder.path());
  const ShotCaption caption = desk.caption({{'J', 'P', 'G', '!'}}, {}, 1);
  EXPECT_EQ(caption.text, "A dog runs.");
  EXPECT_EQ(caption.from, "captioner") << caption.error;
  const auto asked = nlohmann::json::parse(read_bytes(folder / "asked.json"));
  EXPECT_EQ(asked["path"], "/v1/chat/completions");
  EXPECT_EQ(asked["body"]["model"], "some-model");
  const auto& content = asked["body"]["messages"][0]["content"];
  EXPECT_EQ(content[0]["text"], "Describe.");
  EXPECT_EQ(content[1]["image_url"]["url"], "data:image/jpeg;base64,SlBHIQ==");
}

}  // namespace
}  // namespace vidattn
