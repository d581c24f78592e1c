#include "harness/curate/record/source_videos.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

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

/// What something is that is no regular file.
std::string kind_of(const fs::file_status& status, const std::error_code& error) {
  switch (status.type()) {
    case fs::file_type::not_found:
      return "a link to nothing";
    case fs::file_type::directory:
      return "a folder";
    case fs::file_type::fifo:
      return "a FIFO";
    case fs::file_type::socket:
      return "a socket";
    case fs::file_type::block:
    case fs::file_type::character:
      return "a device";
    default:
      return error ? error.message() : "no file";
  }
}

/// Looks through a folder and those below.
class FolderWalk {
 public:
  FolderWalk(fs::path folder, const std::string& out) : folder_(std::move(folder)), out_(out) {
    try {
      for (auto at = fs::recursive_directory_iterator(folder_); at != end(at); ++at)
        if (!take(*at)) at.disable_recursion_pending();
    } catch (const fs::filesystem_error& error) {
      throw InputError(fmt::format("folder {} cannot be read: {}", in_quotes(folder_.string()),
                                   error.code().message()));
    }
    std::sort(found_.begin(), found_.end());
  }

  void give(ListedVideos& all) const {
    if (found_.empty())
      throw InputError(fmt::format("folder {} holds no videos (mp4, webm, mkv …){}",
                                   in_quotes(folder_.string()), instead()));
    for (const fs::path& path : found_)
      all.videos.push_back(video_of(path, path.lexically_relative(folder_).string()));
    for (const auto& [path, reason] : skipped_) all.skipped.push_back({path.string(), reason});
  }

 private:
  /// Whether what is below it is looked at, too.
  bool take(const fs::directory_entry& entry) {
    const fs::path& path = entry.path();
    std::error_code error, ignored;
    const fs::file_status status = entry.status(error);
    if (is_hidden(path)) return false;
    if (fs::is_directory(status) && lies_in(path, out_)) return false;
    if (fs::is_directory(status) && entry.is_symlink(ignored))
      skipped_[path] = "a link to a folder, which is not followed";
    else if (has_video_ending(path) && fs::is_regular_file(status))
      found_.push_back(path);
    else if (has_video_ending(path))
      skipped_[path] = kind_of(status, error);
    return true;
  }

  /// What is there in place of videos.
  std::string instead() const {
    if (skipped_.empty()) return {};
    const auto& [path, reason] = *skipped_.begin();
    return fmt::format("; {} is {}", in_quotes(path.string()), reason);
  }

  fs::path folder_;
  const std::string& out_;
  std::vector<fs::path> found_;
  std::map<fs::path, std::string> skipped_;
};

/// What lies in another one would be taken twice.
void require_apart(const std::vector<std::string>& folders) {
  for (size_t i = 0; i < folders.size(); ++i)
    for (size_t j = 0; j < folders.size(); ++j)
      if (i != j && lies_in(folders[i], folders[j]))
        throw InputError(
            fmt::format("{} {}", in_quotes(folders[i]),
                        lies_in(folders[j], folders[i])
                            ? "is given twice"
                            : "lies in " + in_quotes(folders[j]) + ", which is given, too"));
}

}  // namespace

ListedVideos list_videos(const std::vector<std::string>& folders, const std::string& out) {
  require_apart(folders);
  ListedVideos all;
  for (const std::string& given : folders) {
    std::error_code error;
    if (!fs::exists(given, error))
      throw InputError(fmt::format("there is no file or folder {}", in_quotes(given)));
    if (lies_in(given, out))
      throw InputError(fmt::format("{} lies in --out, which holds what is made", in_quotes(given)));
    if (fs::is_directory(given, error)) {
      FolderWalk(given, out).give(all);
    } else {
      const InputFile readable(given);
      all.videos.push_back(video_of(given, fs::path(given).filename().string()));
    }
  }
  std::set<std::string> ids;
  for (const SourceVideo& video : all.videos)
    if (!ids.insert(video.id).second)
      throw InputError(
          fmt::format("two videos have one name: {} is in more than one folder; give "
                      "the folder above both",
                      in_quotes(video.path)));
  return all;
}

}  // namespace vidattn
