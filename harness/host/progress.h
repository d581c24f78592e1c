#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace vidattn {

enum class ProgressStyle {
  quiet,  ///< nothing at all
  lines,  ///< for logs: a line per 10% or per 10 s
  bar,    ///< one line that is redrawn, for terminals
};

/// Style of every progress made from now on. The default is a bar where stderr is a terminal, else
/// lines.
void set_progress_style(ProgressStyle style);

/// Shows on stderr how far some work is, with the time passed and the time left:
/// `label [#####     ]  50%  0:12 passed, 0:12 left`. Safe to use from several threads. What the
/// work is measured in is for Progress and ShareProgress to say.
class ProgressLine {
 public:
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// A line of its own that stays. Not shown in quiet style.
  void message(const std::string& text);

 protected:
  /// How far work is: a share of it, and what that says in parts; empty = nothing.
  struct State {
    double share = 0;
    std::string parts = {};
  };

  ProgressLine(const std::string& label, State begin);
  /// Ends the line with the time that the work took.
  ~ProgressLine();

  void reach(State state);

 private:
  using Clock = std::chrono::steady_clock;

  bool due(Clock::time_point now) const;
  std::string status(Clock::time_point now) const;
  std::string figures_at(Clock::time_point now) const;

  const std::string label_;
  const ProgressStyle style_;
  const Clock::time_point start_ = Clock::now();
  std::mutex mutex_;
  State state_;
  double shown_ = 0;  ///< share
  Clock::time_point last_shown_ = start_;
};

/// Of work in parts, which it counts: `50%  10/20`.
class Progress : public ProgressLine {
 public:
  Progress(const std::string& label, int64_t total)
      : ProgressLine(label, of_parts(0, total)), total_(total) {}

  /// `done` of the total is finished.
  void update(int64_t done) { reach(of_parts(done, total_)); }

 private:
  static State of_parts(int64_t done, int64_t total);

  const int64_t total_;
};

/// Of work that knows its share alone: `50%`.
class ShareProgress : public ProgressLine {
 public:
  explicit ShareProgress(const std::string& label) : ProgressLine(label, {}) {}

  /// The share that is finished, from 0 to 1.
  void update(double share);
};

}  // namespace vidattn
