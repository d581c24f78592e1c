#include "harness/host/progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>

#include "harness/io/text/console.h"
#include "harness/io/text/escape.h"

namespace vidattn {
namespace {

using namespace std::chrono_literals;

constexpr const char* kClearLine = "\r\x1b[K";
constexpr const char* kClearRest = "\x1b[K";
constexpr int kBarWidth = 20;

std::atomic<ProgressStyle>& current_style() {
  static std::atomic<ProgressStyle> style =
      isatty(STDERR_FILENO) != 0 ? ProgressStyle::bar : ProgressStyle::lines;
  return style;
}

// "0:07", "12:30", "3:05:00"
std::string clock_text(double seconds) {
  const auto s = std::llround(seconds);
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

double seconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

void set_progress_style(ProgressStyle style) { current_style() = style; }

Progress::Progress(const std::string& label, int64_t total)
    : label_(printable(label)), total_(std::max<int64_t>(total, 0)), style_(current_style()) {
  if (style_ == ProgressStyle::bar) fmt::print(stderr, "{}", status(start_));
}

Progress::~Progress() {
  // Work that failed before it began has its own message.
  if (style_ == ProgressStyle::quiet || (done_ == 0 && total_ > 0)) return;
  const std::string end = done_ >= total_ ? "" : fmt::format(", stopped at {}/{}", done_, total_);
  fmt::print(stderr, "{}{}: {}{}\n", style_ == ProgressStyle::bar ? kClearLine : "", label_,
             clock_text(seconds(Clock::now() - start_)), end);
}

void Progress::update(int64_t done) {
  const std::lock_guard lock(mutex_);
  done_ = std::clamp<int64_t>(done, 0, total_);
  const auto now = Clock::now();
  if (!due(now)) return;
  shown_ = done_;
  last_shown_ = now;
  const bool bar = style_ == ProgressStyle::bar;
  fmt::print(stderr, "{}{}{}", bar ? "\r" : "", status(now), bar ? kClearRest : "\n");
}

void Progress::message(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (style_ == ProgressStyle::bar)
    fmt::print(stderr, "{}{}\n{}", kClearLine, printable_lines(text), status(Clock::now()));
  else if (style_ == ProgressStyle::lines)
    print_err("{}\n", text);
}

bool Progress::due(Clock::time_point now) const {
  if (style_ == ProgressStyle::quiet || done_ == shown_ || done_ == total_) return false;
  if (style_ == ProgressStyle::bar) return now - last_shown_ >= 100ms;
  return now - last_shown_ >= 10s || done_ - shown_ >= (total_ + 9) / 10;
}

std::string Progress::status(Clock::time_point now) const {
  const double share = total_ == 0 ? 1 : static_cast<double>(done_) / static_cast<double>(total_);
  const double passed = seconds(now - start_);
  std::string text = label_;
  if (style_ == ProgressStyle::bar) {
    const std::string filled(static_cast<size_t>(share * kBarWidth), '#');
    text += fmt::format(" [{:<{}}]", filled, kBarWidth);
  }
  text += fmt::format(" {:3.0f}%  {}/{}", 100 * share, done_, total_);
  if (done_ > 0)
    text += fmt::format("  {} passed, {} left", clock_text(passed),
                        clock_text(passed / share - passed));
  return text;
}

}  // namespace vidattn
