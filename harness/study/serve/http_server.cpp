#include "harness/study/serve/http_server.h"

#include "attention/error.h"

#ifdef VIDATTN_WITH_HTTPLIB
#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "harness/host/interrupt.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/study/serve/connection_threads.h"
#endif

namespace vidattn {

#ifdef VIDATTN_WITH_HTTPLIB

namespace {

constexpr size_t kMostBody = 16 << 10;  // bytes; a rating has 200
constexpr size_t kPiece = 64 << 10;     // bytes of a video at a time
constexpr time_t kSilence = 2;          // seconds, in the midst of a request and between two

/// The library has a set number of threads, which so many requests that do not end would all hold.
class ConnectionQueue : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> work) override { threads_.add(std::move(work)); }
  void shutdown() override { threads_.end(); }

 private:
  ConnectionThreads threads_;
};

/// The name of no other host leads here: a page whose name was made to point to this machine could
/// else read and post (DNS rebinding).
bool is_own_host(const std::string& host) {
  const std::string name = host.starts_with('[') ? host : host.substr(0, host.rfind(':'));
  return name == "localhost" || name.starts_with('[') ||
         (!name.empty() && name.find_first_not_of("0123456789.") == std::string::npos);
}

void reply(httplib::Response& response, const DeskReply& answer) {
  response.status = answer.status;
  response.set_content(json_line(answer.body), "application/json");
}

void refuse_request(httplib::Response& response, int status, const std::string& why) {
  reply(response, {status, {{"error", why}}});
}

/// One range within the file, or none.
bool has_servable_range(const httplib::Request& request, uint64_t size) {
  if (request.ranges.empty()) return true;
  const auto [first, last] = request.ranges.front();
  const auto end = static_cast<ssize_t>(size);
  return request.ranges.size() == 1 && (first >= 0 || last > 0) && first < end &&
         (last < 0 || first < 0 || (first <= last && last < end)) && (first >= 0 || last <= end);
}

void send_video(const StudySite& site, const httplib::Request& request,
                httplib::Response& response) {
  const std::string name = request.path.substr(request.path.rfind('/') + 1);
  const auto found = site.videos.find(name);
  if (found == site.videos.end()) return refuse_request(response, 404, "no such video");
  std::shared_ptr<InputFile> file;
  try {
    file = std::make_shared<InputFile>(found->second);
  } catch (const InputError&) {  // whose message names a file of this machine
    return refuse_request(response, 404, "the video is gone");
  }
  if (!has_servable_range(request, file->size()))
    return refuse_request(response, 416, "no such range");
  const auto send = [file](size_t offset, size_t length, httplib::DataSink& sink) {
    if (offset >= file->size()) return false;
    std::string piece(std::min({length, kPiece, file->size() - offset}), '\0');
    try {
      file->read(offset, piece.data(), piece.size());
    } catch (const InputError&) {
      return false;
    }
    return sink.write(piece.data(), piece.size());
  };
  const bool webm = name.ends_with(".webm");
  response.set_content_provider(file->size(), webm ? "video/webm" : "video/mp4", send);
}

/// A simple request of a foreign page is no JSON, and what is JSON it may not send unasked (CORS).
bool is_json(const httplib::Request& request) {
  return request.get_header_value("Content-Type").starts_with("application/json");
}

void route(httplib::Server& server, const StudySite& site) {
  server.set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
    if (is_own_host(request.get_header_value("Host")))
      return httplib::Server::HandlerResponse::Unhandled;
    refuse_request(response, 421, "no such host");
    return httplib::Server::HandlerResponse::Handled;
  });
  server.Get("/", [&site](const httplib::Request&, httplib::Response& response) {
    response.set_content(site.page, "text/html; charset=utf-8");
  });
  server.Get("/videos/[0-9a-f]{1,64}\\.(mp4|webm)",
             [&site](const httplib::Request& request, httplib::Response& response) {
               send_video(site, request, response);
             });
  server.Get("/api/done", [&site](const httplib::Request& request, httplib::Response& response) {
    reply(response, site.desk.done(request.get_param_value("rater")));
  });
  server.Post("/api/join", [&site](const httplib::Request& request, httplib::Response& response) {
    if (!is_json(request)) return refuse_request(response, 415, "JSON is expected");
    reply(response, site.desk.join());
  });
  server.Post("/api/ratings",
              [&site](const httplib::Request& request, httplib::Response& response) {
                if (!is_json(request)) return refuse_request(response, 415, "JSON is expected");
                reply(response, site.desk.rate(request.body));
              });
}

void configure(httplib::Server& server) {
  server.new_task_queue = [] { return new ConnectionQueue; };
  server.set_payload_max_length(kMostBody);
  server.set_read_timeout(kSilence);
  server.set_keep_alive_timeout(kSilence);
  server.set_tcp_nodelay(true);
  // The library's own choice, SO_REUSEPORT, would let a second server share the port in silence.
  server.set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  server.set_default_headers(
      {{"Cache-Control", "no-store"},
       {"Content-Security-Policy",
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
        "media-src 'self' blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'none'"},
       {"X-Content-Type-Options", "nosniff"},
       {"Referrer-Policy", "no-referrer"}});
  server.set_exception_handler(
      [](const httplib::Request&, httplib::Response& response, const std::exception_ptr&) {
        refuse_request(response, 500, "the server failed");
      });
}

}  // namespace

void require_http() {}

void serve_http(const StudySite& site, const std::string& address, int port,
                const std::function<void(int)>& ready) {
  httplib::Server server;
  configure(server);
  route(server, site);
  const int bound = port == 0                            ? server.bind_to_any_port(address)
                    : server.bind_to_port(address, port) ? port
                                                         : -1;
  if (bound < 0)
    throw InputError(
        fmt::format("port {} of {} cannot be had: something else has it, or it needs "
                    "rights; --port 0 takes a free one",
                    port, address));
  std::jthread watch([&server](const std::stop_token& ended) {
    while (!ended.stop_requested() && !(interrupted() && server.is_running()))
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (!ended.stop_requested()) server.stop();
  });
  ready(bound);
  server.listen_after_bind();
}

#else

void require_http() {
  throw InputError(
      "study serve: this build has no HTTP library; install libcpp-httplib-dev and "
      "build again, or give raters the study's page/ as it is");
}

void serve_http(const StudySite&, const std::string&, int, const std::function<void(int)>&) {
  require_http();
}

#endif

}  // namespace vidattn
