#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vidattn {

class JsonReader;

/// Whether the keys of a call are the queries' tokens or others, as options and metadata say it.
inline constexpr const char *kSelf = "self", *kCross = "cross";

/// Which call of a capture is meant, and how it lies there. What is not given (-1, or empty) is as
/// the capture's metadata says, or the default.
struct CaptureOptions {
  std::string attention;  ///< kSelf or kCross; default self where there are as many keys as queries
  std::string layout;     ///< order of the axes (layout.h); default [L,H,D], with a batch before
  int64_t heads = -1;     ///< query heads, where heads and channels are one axis
  int64_t prefix = -1;    ///< tokens before the video; default 0
  int64_t valid = -1;     ///< tokens before the padding; default all
  int64_t batch_entry = -1;  ///< default 0
  int64_t layer = -1, step = -1;
  std::string head_range;  ///< query heads to read, "0-3" with both; default all

  bool operator==(const CaptureOptions&) const = default;
};

/// The options on a command line: "--layout", "hld", …
std::vector<std::string> capture_arguments(const CaptureOptions& options);

/// As an object, in a record or a suite: {"layout": "hld", "batch_entry": 1}.
nlohmann::json capture_json(const CaptureOptions& options);
/// The inverse; null has none. Throws InputError for a value that is no such option's.
CaptureOptions read_capture_options(const JsonReader& object);

/// Inclusive.
struct HeadRange {
  int64_t first, last;
};
/// "0-3", or "2" alone; empty = anything else.
std::optional<HeadRange> find_head_range(std::string_view text);
/// The same. Throws InputError naming `what` for anything else.
HeadRange parse_head_range(const std::string& text, const std::string& what);

}  // namespace vidattn
