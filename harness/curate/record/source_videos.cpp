#include "harness/curate/record/source_videos.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/io/sha256.h"
#include "harness/workloads/video/video_input.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

/// A name that is one wherever it goes: letters, digits, '-' and '_'.
std::string plain_name(const std::string& text) {
  constexpr size_t kMost = 40;
  std::string name;
  for (const unsigned char c : text.substr(0, kMost))
    name += c < 0x80 && (std::isalnum(c) != 0 || c == '-' || c == '_') ? static_cast<char>(c) : '_';
  return name.empty() ? "video" : name;
}

/// `name` is the path below the folder given, so that a dataset does not hang on where that lies.
SourceVideo video_of(const fs::path& path, const std::string& name) {
  constexpr size_t kDigits = 8;
  std::error_code error;
  const fs::path whole = fs::absolute(path, error).lexically_normal();
  return {plain_name(path.stem().string()) + "-" + sha256(name).substr(0, kDigits), path.string(),
          whole.parent_path().filename().string()};
}

/// Whether it is the folder or below it, links followed.
bool lies_in(const fs::path& path, const fs::path& folder) {
  std::error_code error;
  const fs::path inner = fs::weakly_canonical(path, error);
  const fs::path outer = fs::weakly_canonical(folder, error);
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

void list_folder(const fs::path& folder, const std::string& out, std::vector<SourceVideo>& videos) {
  std::vector<fs::path> found;
  try {
    using Walk = fs::recursive_directory_iterator;
    for (auto at = Walk(folder); at != Walk(); ++at) {
      if (at->is_directory() && (is_hidden(at->path()) || lies_in(at->path(), out)))
        at.disable_recursion_pending();
      if (at->is_regular_file() && !is_hidden(at->path()) && has_video_ending(at->path()))
        found.push_back(at->path());
    }
  } catch (const fs::filesystem_error& error) {
    throw InputError(fmt::format("folder {} cannot be read: {}", in_quotes(folder.string()),
                                 error.code().message()));
  }
  std::sort(found.begin(), found.end());
  if (found.empty())
    throw InputError(
        fmt::format("folder {} holds no videos (mp4, webm, mkv …)", in_quotes(folder.string())));
  for (const fs::path& path : found)
    videos.push_back(video_of(path, path.lexically_relative(folder).string()));
}

}  // namespace

std::vector<SourceVideo> list_videos(const std::vector<std::string>& folders,
                                     const std::string& out) {
  std::vector<SourceVideo> videos;
  for (const std::string& given : folders) {
    std::error_code error;
    if (!fs::exists(given, error))
      throw InputError(fmt::format("there is no file or folder {}", in_quotes(given)));
    if (lies_in(given, out))
      throw InputError(fmt::format("{} lies in --out, which holds what is made", in_quotes(given)));
    if (fs::is_directory(given, error)) {
      list_folder(given, out, videos);
    } else {
      const InputFile readable(given);
      videos.push_back(video_of(given, fs::path(given).filename().string()));
    }
  }
  std::set<std::string> ids;
  for (const SourceVideo& video : videos)
    if (!ids.insert(video.id).second)
      throw InputError(
          fmt::format("two videos have one name: {} is in more than one folder; give "
                      "the folder above both",
                      in_quotes(video.path)));
  return videos;
}

}  // namespace vidattn
