#pragma once

#include <filesystem>
#include <string>
#include <utility>

namespace vidattn {

/// A file that is being written. It vanishes with the object unless it took its place before.
class PendingFile {
 public:
  PendingFile(int descriptor, std::filesystem::path name)
      : descriptor_(descriptor), name_(std::move(name)) {}
  ~PendingFile();
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  int descriptor() const { return descriptor_; }
  const std::filesystem::path& name() const { return name_; }  ///< empty = it has none

 private:
  friend class OutputPlace;
  int descriptor_;
  std::filesystem::path name_;
};

/// Where a file appears once it is complete: a pending one is written in the same folder and then
/// takes the place. Where a kill left one behind, the next that is created in the folder removes
/// it: pending files are locked while they are written (flock), so that only what nobody holds
/// goes. Links are followed, so that they stay. A file that is replaced leaves its mode and, where
/// the system allows it, its owner to the new one.
class OutputPlace {
 public:
  /// Throws InputError when no regular file can stand at `path`: it is empty or "-", a folder, a
  /// special file, a store of runs, what stdout or stderr are written to, or what the command
  /// reads (places/roles.h).
  explicit OutputPlace(const std::filesystem::path& path);

  /// An empty file without a name, which a kill does not leave behind, but for the moment in which
  /// it replaces another file; with a name as below where the file system knows no such files.
  /// Throws InputError.
  PendingFile create() const;
  /// An empty file under a name that ends with `ending` and cannot be foreseen, so that nobody has
  /// put a link there. Throws InputError.
  PendingFile create_named(const std::string& ending) const;
  /// Makes a file durable and gives it the place. Throws InputError, and the place is as it was.
  void take(PendingFile& file) const;

  /// Throws InputError with the place and the system's reason.
  [[noreturn]] void fail(int error) const;
  [[noreturn]] void fail(const std::string& reason) const;

 private:
  std::filesystem::path temporary_name(const std::string& ending) const;
  void keep_rights(int descriptor) const;
  void sync_folder() const;
  bool link_new(int descriptor, const std::filesystem::path& name) const;

  std::filesystem::path path_, folder_;
};

}  // namespace vidattn
