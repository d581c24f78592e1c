#include "harness/curate/captions/http_post.h"

#include "attention/error.h"

#ifdef VIDATTN_WITH_HTTPLIB
#include <fmt/format.h>
#include <httplib.h>
#endif

namespace vidattn {

#ifdef VIDATTN_WITH_HTTPLIB

void require_http_client() {}

std::string post_json(const LoopbackUrl& url, const std::string& path, const std::string& body) {
  constexpr size_t kMostBytes = 1 << 20;
  constexpr time_t kConnectSeconds = 5, kAnswerSeconds = 300;
  httplib::Client client(url.host, url.port);
  client.set_connection_timeout(kConnectSeconds);
  client.set_read_timeout(kAnswerSeconds);
  httplib::Request request;
  request.method = "POST";
  request.path = url.path + path;
  request.body = body;
  request.set_header("Content-Type", "application/json");
  std::string answer;
  request.content_receiver = [&answer](const char* data, size_t size, uint64_t, uint64_t) {
    answer.append(data, size);
    return answer.size() <= kMostBytes;
  };
  const std::string name = fmt::format("the caption server at port {}", url.port);
  const httplib::Result result = client.send(request);
  if (!result)
    throw InputError(answer.size() > kMostBytes ? name + " answers more than a megabyte"
                                                : name + " does not answer");
  if (result->status != 200)
    throw InputError(fmt::format("{} answers with status {}", name, result->status));
  return answer;
}

#else

void require_http_client() {
  throw InputError(
      "--caption-endpoint: this build has no HTTP library; install libcpp-httplib-dev and build "
      "again");
}

std::string post_json(const LoopbackUrl&, const std::string&, const std::string&) {
  require_http_client();
  return {};
}

#endif

}  // namespace vidattn
