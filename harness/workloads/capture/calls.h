#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "harness/workloads/capture/naming.h"
#include "harness/workloads/capture/options.h"

namespace vidattn {

/// A path, and what a call's names begin with, as in "dump.safetensors#blocks.3.attn1."; the prefix
/// is empty where none is chosen.
struct CapturePath {
  std::filesystem::path path;
  std::string prefix;
};
CapturePath parse_capture_path(const std::string& text);

/// Where one attention call lies.
struct CaptureCall {
  std::filesystem::path source;  ///< for open_source()
  CallNames names;
  int64_t layer = -1, step = -1;  ///< -1 = not said

  std::string text() const;  ///< for messages: file and prefix
};

/// A source or a call that could not be read.
struct Unreadable {
  std::string source, reason;
};

/// For messages about a number that no call has: "there are layer 0, 7", or "none says its layer"
/// where no number is known (-1 = not known).
std::string numbers_there(const char* name, std::set<int64_t> numbers);

/// The calls of a capture, sorted, that fit the prefix, and the layer and step of the options where
/// they are given. No tensor is read, and no file whose name says another layer or step. Throws
/// InputError for files that cannot be opened, and when there is no call at all; with `unreadable`,
/// the files that cannot be opened, and what has a query or a key but is no whole call, are added
/// to it as long as others have calls.
std::vector<CaptureCall> list_calls(const CapturePath& path, const CaptureOptions& options,
                                    std::vector<Unreadable>* unreadable = nullptr);

/// The only one of them. Throws InputError listing them, and how to choose, when there are more.
CaptureCall choose_call(const CapturePath& path, const CaptureOptions& options);

}  // namespace vidattn
