#include "harness/curate/record/dataset.h"

#include <fmt/format.h>

#include "attention/error.h"
#include "harness/io/file.h"

namespace vidattn {

void DatasetPlace::make() const {
  std::error_code error;
  const bool holds_something =
      std::filesystem::is_directory(root_, error) && !std::filesystem::is_empty(root_, error);
  if (holds_something && !std::filesystem::is_directory(root_ / "work", error))
    throw InputError(
        fmt::format("--out {} holds other files: a new folder, an empty one or a "
                    "dataset of `curate` is needed",
                    in_quotes(root_.string())));
  for (const char* folder : {"", "work", "work/captions", "samples", "sheets", "pictures"})
    make_writable_folder((root_ / folder).string());
}

std::string DatasetPlace::picture(const std::string& video, int64_t clip) {
  return fmt::format("pictures/{}-{:05}.jpg", video, clip);
}

std::string DatasetPlace::sample_id(const std::string& video, int64_t number) {
  return fmt::format("{}-s{:04}", video, number);
}

}  // namespace vidattn
