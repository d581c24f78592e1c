#include "harness/study/serve/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "attention/error.h"
#include "harness/io/json_file.h"
#include "harness/io/text/system_reason.h"

namespace vidattn {
namespace {

/// So that a power cut does not take a new file's name back.
void sync_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const int descriptor =
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

Journal::Journal(const std::string& path, const std::function<void(const JsonReader&)>& take)
    : path_(path) {
  constexpr mode_t kOwnersOnly = 0600;
  // Not through a link, which may lead to anything of this user's.
  descriptor_ =
      ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, kOwnersOnly);
  if (descriptor_ < 0) fail(errno == ELOOP ? "it is a link" : system_reason(errno));
  try {
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0)
      fail("another `vidattn study serve` has it open");
    sync_folder_of(path);
    size_ = read_whole_json_lines(path, take);
    cut_torn_line();
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

Journal::~Journal() { ::close(descriptor_); }

void Journal::cut_torn_line() {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) fail(system_reason(errno));
  if (size_ < status.st_size && ::ftruncate(descriptor_, size_) != 0) fail(system_reason(errno));
}

void Journal::append(const nlohmann::json& line) {
  if (broken_) fail("an earlier line could not be written; start anew when there is room");
  const std::string text = json_line(line) + "\n";
  try {
    write_line(text);
  } catch (...) {
    broken_ = ::ftruncate(descriptor_, size_) != 0;
    throw;
  }
  size_ += static_cast<int64_t>(text.size());
}

void Journal::write_line(const std::string& text) const {
  for (size_t done = 0; done < text.size();) {
    const ssize_t put = ::write(descriptor_, text.data() + done, text.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail(system_reason(errno));
    done += static_cast<size_t>(put);
  }
  if (::fdatasync(descriptor_) != 0) fail(system_reason(errno));
}

void Journal::fail(const std::string& reason) const {
  throw InputError(fmt::format("cannot write {}: {}", in_quotes(path_), reason));
}

}  // namespace vidattn
