#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "harness/io/json_file.h"
#include "tests/harness/ffmpeg.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"
#include "tests/paths.h"

namespace vidattn::testing {

/// A folder with a study of `vidattn study make`: methods A, B, C, prompts p0, p1, …, each video a
/// third of a second long, with its method's name in its metadata.
class StudyFolder {
 public:
  explicit StudyFolder(const std::string& arguments = "", int prompts = 4) {
    std::string lines;
    for (int p = 0; p < prompts; ++p)
      lines += "{\"id\":\"p" + std::to_string(p) + "\",\"prompt\":\"A fox, take " +
               std::to_string(p) + "\"}\n";
    write_bytes(folder_ / "prompts.jsonl", lines);
    std::string folders;
    for (const std::string method : {"A", "B", "C"}) {
      std::filesystem::create_directory(folder_ / method);
      folders += " " + (folder_ / method).string();
      const std::filesystem::path first = folder_ / method / "p0.webm";
      ffmpeg("-f lavfi -i testsrc2=size=64x48:rate=12:duration=0.34 -metadata title=secret-" +
             method + " -c:v libvpx -b:v 60k " + first.string());
      for (int p = 1; p < prompts; ++p)
        std::filesystem::copy_file(first, folder_ / method / ("p" + std::to_string(p) + ".webm"));
    }
    const ToolResult made =
        run_tool("study make --quiet --videos" + folders + " --prompts " +
                 (folder_ / "prompts.jsonl").string() + " --out " + path() + " " + arguments);
    EXPECT_EQ(made.exit_code, 0) << made.err;
    said = made.out;
  }

  std::string path() const { return folder_ / "study"; }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }
  std::string ratings() const { return read_bytes(path() + "/ratings.jsonl"); }

  std::string said;  ///< by `study make`

 private:
  TemporaryFolder folder_;
};

/// `vidattn study serve` as a process of its own, on a free port.
class StudyServer {
 public:
  explicit StudyServer(const std::string& study, int port = 0) {
    int ends[2];
    if (pipe(ends) != 0) return;
    process_ = fork();
    if (process_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      const std::string number = std::to_string(port);
      execl(VIDATTN_TOOL, "vidattn", "study", "serve", study.c_str(), "--port", number.c_str(),
            nullptr);
      _exit(127);
    }
    close(ends[1]);
    FILE* out = fdopen(ends[0], "r");
    char line[200] = {};
    if (fgets(line, sizeof line, out) != nullptr) sscanf(line, "http://127.0.0.1:%d/", &port_);
    fclose(out);
    EXPECT_GT(port_, 0) << line;
  }
  ~StudyServer() { end(SIGKILL); }
  StudyServer(const StudyServer&) = delete;
  StudyServer& operator=(const StudyServer&) = delete;

  int port() const { return port_; }
  std::string address() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

  /// The exit code, or the negative number of the signal.
  int end(int signal) {
    if (process_ <= 0) return 0;
    kill(process_, signal);
    int status = 0;
    waitpid(process_, &status, 0);
    process_ = 0;
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }

  /// A connection to it, for the caller to close; -1 = there is none.
  int connected() const {
    const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
      return connection;
    close(connection);
    return -1;
  }
  /// All that comes back until the server ends the connection, or is silent for a minute.
  static std::string received(int connection) {
    const timeval patience{.tv_sec = 60, .tv_usec = 0};
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::string reply;
    char buffer[4096];
    for (ssize_t got; (got = recv(connection, buffer, sizeof buffer, 0)) > 0;)
      reply.append(buffer, static_cast<size_t>(got));
    return reply;
  }
  /// Sends bytes and returns all that comes back.
  std::string raw(const std::string& request) const {
    const int connection = connected();
    if (connection < 0) return {};
    for (size_t sent = 0; sent < request.size();) {
      const ssize_t put =
          send(connection, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
      if (put <= 0) break;
      sent += static_cast<size_t>(put);
    }
    std::string reply = received(connection);
    close(connection);
    return reply;
  }
  std::string get(const std::string& path, const std::string& headers = "") const {
    return raw("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" + headers +
               "\r\n");
  }
  std::string post(const std::string& path, const std::string& body,
                   const std::string& type = "application/json") const {
    return raw("POST " + path +
               " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: " + type +
               "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }

 private:
  pid_t process_ = 0;
  int port_ = 0;
};

/// The number in the first line; 0 of no reply.
inline int status_of(const std::string& reply) {
  return reply.size() < 12 ? 0 : std::atoi(reply.c_str() + 9);
}

inline std::string body_of(const std::string& reply) {
  const size_t at = reply.find("\r\n\r\n");
  return at == std::string::npos ? "" : reply.substr(at + 4);
}

}  // namespace vidattn::testing
