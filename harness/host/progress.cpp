#include "harness/host/progress.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <utility>

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

/// Columns of the terminal; a great many where that is not known.
size_t terminal_width() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col : std::string::npos;
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

ProgressLine::ProgressLine(const std::string& label, State begin)
    : label_(printable(label)), style_(current_style()), state_(std::move(begin)) {
  if (style_ == ProgressStyle::bar) fmt::print(stderr, "{}", status(start_));
}

ProgressLine::~ProgressLine() {
  // Work that failed before it began has its own message.
  if (style_ == ProgressStyle::quiet || state_.share == 0) return;
  const std::string reached =
      state_.parts.empty() ? fmt::format("{:.0f}%", std::floor(100 * state_.share)) : state_.parts;
  fmt::print(stderr, "{}{}: {}{}\n", style_ == ProgressStyle::bar ? kClearLine : "", label_,
             clock_text(seconds(Clock::now() - start_)),
             state_.share < 1 ? ", stopped at " + reached : "");
}

void ProgressLine::reach(State state) {
  const std::lock_guard lock(mutex_);
  state_ = std::move(state);
  const auto now = Clock::now();
  if (!due(now)) return;
  shown_ = state_.share;
  last_shown_ = now;
  const bool bar = style_ == ProgressStyle::bar;
  fmt::print(stderr, "{}{}{}", bar ? "\r" : "", status(now), bar ? kClearRest : "\n");
}

void ProgressLine::message(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (style_ == ProgressStyle::bar)
    fmt::print(stderr, "{}{}\n{}", kClearLine, printable_lines(text), status(Clock::now()));
  else if (style_ == ProgressStyle::lines)
    print_err("{}\n", text);
}

bool ProgressLine::due(Clock::time_point now) const {
  constexpr double kTenth = 0.1 - 1e-9;  // shares are rounded
  if (style_ == ProgressStyle::quiet || state_.share == shown_ || state_.share >= 1) return false;
  if (style_ == ProgressStyle::bar) return now - last_shown_ >= 100ms;
  return now - last_shown_ >= 10s || state_.share - shown_ >= kTenth;
}

std::string ProgressLine::status(Clock::time_point now) const {
  const std::string figures = figures_at(now);
  if (style_ != ProgressStyle::bar) return label_ + figures;
  const std::string filled(static_cast<size_t>(state_.share * kBarWidth), '#');
  const std::string bar = fmt::format(" [{:<{}}]", filled, kBarWidth);
  // What reaches the last column goes on in the next line, and stays there.
  const size_t room = terminal_width() - 1;
  if (label_.size() + bar.size() + figures.size() <= room) return label_ + bar + figures;
  return label_.substr(0, room - std::min(room, figures.size())) + figures;
}

std::string ProgressLine::figures_at(Clock::time_point now) const {
  const double passed = seconds(now - start_);
  std::string text = fmt::format(" {:3.0f}%", 100 * state_.share);
  if (!state_.parts.empty()) text += "  " + state_.parts;
  if (state_.share > 0)
    text += fmt::format("  {} passed, {} left", clock_text(passed),
                        clock_text(passed / state_.share - passed));
  return text;
}

ProgressLine::State Progress::of_parts(int64_t done, int64_t total) {
  total = std::max<int64_t>(total, 0);
  done = std::clamp<int64_t>(done, 0, total);
  const double share = total == 0 ? 1 : static_cast<double>(done) / static_cast<double>(total);
  return {share, fmt::format("{}/{}", done, total)};
}

void ShareProgress::update(double share) { reach({share > 0 ? std::min(share, 1.0) : 0.0}); }

}  // namespace vidattn
