#include "harness/curate/captions/scratch_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/io/text/system_reason.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

constexpr const char* kScratchStart = "caption-";

/// A descriptor of a folder; -1 where it is none, or a link.
int open_folder(const fs::path& path) {
  return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool can_lock(int folder) { return folder >= 0 && ::flock(folder, LOCK_EX | LOCK_NB) == 0; }

}  // namespace

ScratchFolder::ScratchFolder(const fs::path& above) {
  std::string name = (above / (std::string(kScratchStart) + "XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr)
    throw InputError("cannot make a folder in " + in_quotes(above.string()) + ": " +
                     system_reason(errno));
  path_ = name;
  lock_ = open_folder(path_);
  can_lock(lock_);
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  if (lock_ >= 0) ::close(lock_);
}

void remove_left_scratch(const fs::path& above) {
  std::error_code error;
  for (fs::directory_iterator at(above, error), end; !error && at != end; at.increment(error)) {
    if (!at->path().filename().string().starts_with(kScratchStart)) continue;
    const int folder = open_folder(at->path());
    std::error_code ignored;
    if (can_lock(folder)) fs::remove_all(at->path(), ignored);
    if (folder >= 0) ::close(folder);
  }
}

}  // namespace vidattn
