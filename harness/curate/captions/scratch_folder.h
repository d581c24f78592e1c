#pragma once

#include <filesystem>

namespace vidattn {

/// A folder "caption-XXXXXX" that goes away with the object. It is locked (flock) while it is in
/// use, also against other machines, so that what a kill left can be told from it.
class ScratchFolder {
 public:
  /// Throws InputError when it cannot be made.
  explicit ScratchFolder(const std::filesystem::path& above);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int lock_ = -1;
};

/// Removes those that nobody holds. Where the file system knows no locks, they stay.
void remove_left_scratch(const std::filesystem::path& above);

}  // namespace vidattn
