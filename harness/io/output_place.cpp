#include "harness/io/output_place.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/io/places/place.h"
#include "harness/io/places/roles.h"
#include "harness/io/text/system_reason.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

bool goes_there(int descriptor, const struct stat& file) {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 && status.st_dev == file.st_dev &&
         status.st_ino == file.st_ino;
}

/// Whether it begins as the files of SQLite do.
bool is_database(const fs::path& path) {
  constexpr std::string_view kBegins("SQLite format 3", 16);  // with the zero at its end
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return false;
  std::array<char, kBegins.size()> bytes{};
  const ssize_t got = ::pread(descriptor, bytes.data(), bytes.size(), 0);
  ::close(descriptor);
  return std::string_view(bytes.data(), static_cast<size_t>(std::max<ssize_t>(got, 0))) == kBegins;
}

/// Whether it is a store of runs, or a file that SQLite may keep beside one: runs of months, which
/// no result is worth, whether or not this command knows of them.
bool belongs_to_store(const fs::path& path) {
  const std::string& name = path.native();
  for (const std::string_view ending : {"", "-journal", "-wal", "-shm"})
    if (name.ends_with(ending) && is_database(name.substr(0, name.size() - ending.size())))
      return true;
  return false;
}

/// The name under which Linux links a file that has none.
std::string descriptor_path(int descriptor) { return fmt::format("/proc/self/fd/{}", descriptor); }

mode_t mode_for(const fs::path& path) {
  const auto replaced = status_of(path);
  return replaced ? (replaced->st_mode & 0777) | S_IWUSR : 0666;
}

constexpr std::string_view kTemporary = ".vidattn-";
constexpr size_t kDigits = 16;

/// ".vidattn-0123456789abcdef.tmp", and any other ending.
bool is_temporary_name(std::string_view name) {
  if (!name.starts_with(kTemporary)) return false;
  name.remove_prefix(kTemporary.size());
  return name.find_first_not_of("0123456789abcdef") == kDigits && name[kDigits] == '.';
}

/// Whoever writes a pending file holds a lock on it, which the system takes back when the process
/// ends, however it ends. Where locks are not to be had, none is held, and none can be got below.
void hold(int descriptor) { ::flock(descriptor, LOCK_EX | LOCK_NB); }

/// Whether the name is still the open file's.
bool names(const fs::path& path, int descriptor) {
  struct stat there {};
  return ::lstat(path.c_str(), &there) == 0 && goes_there(descriptor, there);
}

/// Removes a temporary file that its writer did not live to remove: a regular file of this user's
/// that no process holds.
void remove_if_left(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return;
  struct stat file {};
  const bool own =
      ::fstat(descriptor, &file) == 0 && S_ISREG(file.st_mode) != 0 && file.st_uid == ::geteuid();
  if (own && ::flock(descriptor, LOCK_EX | LOCK_NB) == 0 && names(path, descriptor))
    ::unlink(path.c_str());
  ::close(descriptor);
}

/// A kill in the moment in which a finished file has a temporary name leaves it there.
void remove_left_files(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (is_temporary_name(entry->path().filename().native())) remove_if_left(entry->path());
}

}  // namespace

PendingFile::~PendingFile() {
  ::close(descriptor_);
  if (!name_.empty()) ::unlink(name_.c_str());
}

OutputPlace::OutputPlace(const fs::path& path) : path_(path) {
  if (path == "-") fail("a file's name is needed; text is printed without it");
  if (const auto status = status_of(path)) {
    if (S_ISDIR(status->st_mode)) fail(EISDIR);
    if (!S_ISREG(status->st_mode)) fail("it is a special file");
    if (goes_there(STDOUT_FILENO, *status) || goes_there(STDERR_FILENO, *status))
      fail("stdout or stderr goes there");
  } else if (errno != ENOENT) {
    fail(errno);
  }
  path_ = end_of_links(path);
  if (belongs_to_store(path_)) fail("it belongs to a store of runs");
  note_writing(path_);
  if (!path_.has_filename()) fail(ENOENT);
  folder_ = path_.has_parent_path() ? path_.parent_path() : ".";
}

PendingFile OutputPlace::create() const {
  remove_left_files(folder_);
  const int descriptor = ::open(folder_.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, mode_for(path_));
  if (descriptor < 0) return create_named(".tmp");
  if (::access(descriptor_path(descriptor).c_str(), F_OK) == 0) {
    hold(descriptor);
    return {descriptor, {}};
  }
  ::close(descriptor);
  return create_named(".tmp");
}

PendingFile OutputPlace::create_named(const std::string& ending) const {
  remove_left_files(folder_);
  for (;;) {
    const fs::path name = temporary_name(ending);
    const int descriptor =
        ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode_for(path_));
    if (descriptor < 0) {
      if (errno != EEXIST) fail(errno);
      continue;
    }
    hold(descriptor);
    if (names(name, descriptor)) return {descriptor, name};
    ::close(descriptor);  // another writer took it for one that was left, before it was held
  }
}

void OutputPlace::take(PendingFile& file) const {
  // Some file systems report a full disk only here.
  if (::fsync(file.descriptor_) != 0) fail(errno);
  keep_rights(file.descriptor_);
  if (file.name_.empty()) {
    if (link_new(file.descriptor_, path_)) return sync_folder();
    // Linking does not replace: a name for the moment between two calls.
    fs::path name;
    do name = temporary_name(".tmp");
    while (!link_new(file.descriptor_, name));
    file.name_ = std::move(name);
  }
  if (::rename(file.name_.c_str(), path_.c_str()) != 0) fail(errno);
  file.name_.clear();
  sync_folder();
}

fs::path OutputPlace::temporary_name(const std::string& ending) const {
  uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random) fail(errno);
  // Short: the place's own name may be as long as names can be.
  return folder_ / fmt::format("{}{:0{}x}{}", kTemporary, random, kDigits, ending);
}

void OutputPlace::keep_rights(int descriptor) const {
  const auto replaced = status_of(path_);
  if (!replaced) return;
  // Only root may give a file away.
  if (::fchown(descriptor, replaced->st_uid, replaced->st_gid) != 0) [[maybe_unused]]
    const int group = ::fchown(descriptor, static_cast<uid_t>(-1), replaced->st_gid);
  if (::fchmod(descriptor, replaced->st_mode & 0777) != 0) fail(errno);
}

/// False where something has the name already.
bool OutputPlace::link_new(int descriptor, const fs::path& name) const {
  if (::linkat(AT_FDCWD, descriptor_path(descriptor).c_str(), AT_FDCWD, name.c_str(),
               AT_SYMLINK_FOLLOW) == 0)
    return true;
  if (errno != EEXIST) fail(errno);
  return false;
}

/// So that a power cut does not take the name back. The file is complete, whatever this gives.
void OutputPlace::sync_folder() const {
  const int descriptor = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ::fsync(descriptor);
  ::close(descriptor);
}

void OutputPlace::fail(int error) const { fail(system_reason(error)); }

void OutputPlace::fail(const std::string& reason) const {
  throw InputError(fmt::format("cannot write {}: {}", in_quotes(path_.native()), reason));
}

}  // namespace vidattn
