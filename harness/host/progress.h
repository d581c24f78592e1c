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

/// Style of every Progress made from now on. The default is a bar where stderr is a terminal, else
/// lines.
void set_progress_style(ProgressStyle style);

/// Shows on stderr how far some work is, with the time passed and the time left:
/// `label [#####     ]  50%  10/20  0:12 passed, 0:12 left`. Safe to use from several threads.
class Progress {
 public:
  Progress(const std::string& label, int64_t total);
  /// Ends the line with the time that the work took.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` of the total is finished.
  void update(int64_t done);
  /// A line of its own that stays. Not shown in quiet style.
  void message(const std::string& text);

 private:
  using Clock = std::chrono::steady_clock;

  bool due(Clock::time_point now) const;
  std::string status(Clock::time_point now) const;

  const std::string label_;
  const int64_t total_;
  const ProgressStyle style_;
  const Clock::time_point start_ = Clock::now();
  std::mutex mutex_;
  int64_t done_ = 0, shown_ = 0;
  Clock::time_point last_shown_ = start_;
};

}  // namespace vidattn
