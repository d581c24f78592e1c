#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>

#include "harness/io/json_file.h"

namespace vidattn::testing {

/// Headless Chromium, driven over the pipe of its DevTools protocol: JSON texts that end with a
/// zero, which it reads from descriptor 3 and writes to 4.
class Browser {
 public:
  explicit Browser(const std::filesystem::path& profile) {
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) return;
    process_ = fork();
    if (process_ == 0) {
      // Away from 3 and 4 first, which these may be.
      const int in = fcntl(to[0], F_DUPFD, 10), out = fcntl(from[1], F_DUPFD, 10);
      dup2(in, 3);
      dup2(out, 4);
      const int nothing = open("/dev/null", O_RDWR);
      dup2(nothing, STDOUT_FILENO);
      dup2(nothing, STDERR_FILENO);
      const std::string data = "--user-data-dir=" + profile.string();
      execlp("chromium", "chromium", "--headless", "--no-sandbox", "--disable-gpu",
             "--disable-background-networking", "--remote-debugging-pipe", data.c_str(), nullptr);
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    in_ = to[1];
    out_ = from[0];
  }
  ~Browser() {
    call("Browser.close");
    close(in_);
    close(out_);
    if (process_ > 0) kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  /// The result of a method, after its reply.
  nlohmann::json call(const std::string& method, const nlohmann::json& parameters = {},
                      const std::string& session = "") {
    nlohmann::json message{{"id", ++last_}, {"method", method}};
    if (!parameters.is_null()) message["params"] = parameters;
    if (!session.empty()) message["sessionId"] = session;
    const std::string text = message.dump() + '\0';
    if (write(in_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) return {};
    for (;;) {
      const std::string reply = next();
      if (reply.empty()) {
        ADD_FAILURE() << "no reply to " << method;
        return {};
      }
      const nlohmann::json value = parse_json(reply);
      if (value.value("id", 0) != last_) continue;  // an event
      EXPECT_FALSE(value.contains("error")) << method << ": " << value;
      return value.value("result", nlohmann::json());
    }
  }

 private:
  /// The next message; empty where none comes in a minute.
  std::string next() {
    for (;;) {
      if (const size_t end = read_.find('\0'); end != std::string::npos) {
        std::string message = read_.substr(0, end);
        read_.erase(0, end + 1);
        return message;
      }
      pollfd waiting{out_, POLLIN, 0};
      if (poll(&waiting, 1, 60'000) <= 0) return "";
      char buffer[65536];
      const ssize_t got = read(out_, buffer, sizeof buffer);
      if (got <= 0) return "";
      read_.append(buffer, static_cast<size_t>(got));
    }
  }

  pid_t process_ = 0;
  int in_ = -1, out_ = -1, last_ = 0;
  std::string read_;
};

/// A tab whose storage is its own: another person's browser.
class Tab {
 public:
  Tab(Browser& browser, const std::string& address) : browser_(browser) {
    context_ = browser_.call("Target.createBrowserContext").value("browserContextId", "");
    const auto target = browser_.call("Target.createTarget",
                                      {{"url", "about:blank"}, {"browserContextId", context_}});
    session_ = browser_
                   .call("Target.attachToTarget",
                         {{"targetId", target.value("targetId", "")}, {"flatten", true}})
                   .value("sessionId", "");
    go(address);
  }
  ~Tab() { browser_.call("Target.disposeBrowserContext", {{"browserContextId", context_}}); }
  Tab(const Tab&) = delete;
  Tab& operator=(const Tab&) = delete;

  void go(const std::string& address) {
    call("Page.navigate", {{"url", address}});
    wait("document.readyState === 'complete' && location.href !== 'about:blank'");
  }
  nlohmann::json call(const std::string& method, const nlohmann::json& parameters = {}) {
    return browser_.call(method, parameters, session_);
  }
  /// The value of an expression in the page, or what its promise comes to.
  nlohmann::json value(const std::string& expression) {
    const nlohmann::json reply =
        call("Runtime.evaluate",
             {{"expression", expression}, {"awaitPromise", true}, {"returnByValue", true}});
    EXPECT_FALSE(reply.contains("exceptionDetails")) << expression << ": " << reply;
    return reply.is_null() ? nlohmann::json() : reply.at("result").value("value", nlohmann::json());
  }
  /// Whether the expression becomes true, within 20 seconds.
  bool wait(const std::string& expression) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < end) {
      if (value("Boolean(" + expression + ")") == true) return true;
      usleep(20'000);
    }
    ADD_FAILURE() << "never: " << expression;
    return false;
  }
  /// A click of the mouse on the middle of an element, or a tap of a finger.
  void click(const std::string& selector) {
    const nlohmann::json at = value("(() => { const e = document.querySelector('" + selector +
                                    "'); e.scrollIntoView({block: 'center'}); "
                                    "const b = e.getBoundingClientRect(); "
                                    "return {x: b.x + b.width / 2, y: b.y + b.height / 2}; })()");
    for (const char* type : {"mousePressed", "mouseReleased"})
      call("Input.dispatchMouseEvent", {{"type", type},
                                        {"x", at.at("x")},
                                        {"y", at.at("y")},
                                        {"button", "left"},
                                        {"clickCount", 1}});
  }
  void press(const std::string& key) {
    for (const char* type : {"keyDown", "keyUp"})
      call("Input.dispatchKeyEvent", {{"type", type}, {"key", key}});
  }

 private:
  Browser& browser_;
  std::string context_, session_;
};

}  // namespace vidattn::testing
