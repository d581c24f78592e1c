#include "harness/curate/record/dataset.h"

#include <fmt/format.h>

#include <regex>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

// Nobody has a file of this name and content by chance. It is the first that is written, so that a
// kill leaves an empty folder or a dataset.
constexpr const char* kMark = "dataset.json";
constexpr const char* kMarkKey = "made_by";
constexpr const char* kMarkText = "vidattn curate";

}  // namespace

bool DatasetPlace::is_made() const {
  std::error_code error;
  if (!fs::is_regular_file(fs::symlink_status(file(kMark), error))) return false;
  try {
    const nlohmann::json mark = read_json(file(kMark).string());
    return JsonReader(mark).at(kMarkKey).text() == kMarkText;
  } catch (const InputError&) {
    return false;
  }
}

void DatasetPlace::require_made() const {
  if (!is_made())
    throw InputError(
        fmt::format("--out {} holds other files: a new folder, an empty one or a "
                    "dataset of `curate` is needed",
                    in_quotes(root_.string())));
}

void DatasetPlace::refuse_links() const {
  try {
    for (auto at = fs::recursive_directory_iterator(root_); at != end(at); ++at) {
      if (at->is_symlink())
        throw InputError(fmt::format("{} is a link: in a dataset of `curate` there may be none",
                                     in_quotes(at->path().string())));
      // In folders below this one captioners do as they like.
      if (at->path().parent_path() == captions()) at.disable_recursion_pending();
    }
  } catch (const fs::filesystem_error& error) {
    throw InputError(fmt::format("folder {} cannot be read: {}", in_quotes(root_.string()),
                                 error.code().message()));
  }
}

void DatasetPlace::make() const {
  make_writable_folder(root_.string());
  std::error_code error;
  if (fs::is_empty(root_, error))
    write_json(file(kMark).string(), {{kMarkKey, kMarkText}});
  else
    require_made();
  refuse_links();
  for (const char* folder : {"work", "work/captions", "samples", "sheets", "pictures"})
    make_writable_folder((root_ / folder).string());
}

std::string DatasetPlace::picture(const std::string& video, int64_t clip) {
  return fmt::format("pictures/{}-{:05}.jpg", video, clip);
}

std::string DatasetPlace::sample_id(const std::string& video, int64_t number) {
  return fmt::format("{}-s{:04}", video, number);
}

std::string DatasetPlace::video_of(const std::string& file) {
  const std::string video = "([A-Za-z0-9_-]{1,40}-[0-9a-f]{8})";
  for (const std::string& name :
       {"samples/" + video + "-s[0-9]{4,}\\.mp4", "sheets/" + video + "-s[0-9]{4,}\\.jpg",
        "pictures/" + video + "-[0-9]{5,}\\.jpg"}) {
    std::smatch found;
    if (std::regex_match(file, found, std::regex(name))) return found.str(1);
  }
  return {};
}

}  // namespace vidattn
