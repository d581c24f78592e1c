#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "harness/io/json_reader.h"

namespace vidattn {

/// A file of JSON Lines that only grows. A line that append() came back from is on the disk,
/// whatever becomes of the process or the machine. Used by one process at a time (flock), and by
/// one thread.
class Journal {
 public:
  /// Opens or makes the file, and gives each of its lines to `take`, as read_whole_json_lines()
  /// does. A last line without an end is from a kill in the midst of append(): nobody was told that
  /// it is kept, and it is cut off, after the others were taken. Throws InputError when another
  /// process has the file open here, for a link, and when it cannot be read or written.
  Journal(const std::string& path, const std::function<void(const JsonReader&)>& take);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Adds a line and waits for the disk. Throws InputError when it could not be kept; what was
  /// written of it is taken back, or where that fails, too, nothing more is taken.
  void append(const nlohmann::json& line);

 private:
  void cut_torn_line();
  void write_line(const std::string& text) const;
  [[noreturn]] void fail(const std::string& reason) const;

  std::string path_;
  int descriptor_ = -1;
  int64_t size_ = 0;  ///< bytes of whole lines
  bool broken_ = false;
};

}  // namespace vidattn
