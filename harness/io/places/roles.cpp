#include "harness/io/places/roles.h"

#include <fmt/format.h>

#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/io/places/place.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

struct NamedFile {
  fs::path path;
  std::string named_by;
};

struct Roles {
  std::vector<NamedFile> written, read;
  std::set<Place> opened;   ///< for reading
  std::set<Place> updated;  ///< on purpose
};

std::mutex roles_mutex;
std::optional<Roles> roles;  ///< of the command that runs

void refuse_if_among(const std::vector<NamedFile>& files, const NamedFile& file) {
  for (const NamedFile& other : files)
    if (same_file(other.path, file.path))
      throw InputError(fmt::format("{} and {} name the same file, {}", other.named_by,
                                   file.named_by, in_quotes(file.path.native())));
}

}  // namespace

FileRoles::FileRoles() {
  const std::lock_guard lock(roles_mutex);
  roles.emplace();
}

FileRoles::~FileRoles() {
  const std::lock_guard lock(roles_mutex);
  roles.reset();
}

void claim_written(const fs::path& path, const std::string& named_by) {
  const std::lock_guard lock(roles_mutex);
  if (!roles) return;
  const NamedFile file{path, named_by};
  refuse_if_among(roles->written, file);
  refuse_if_among(roles->read, file);
  roles->written.push_back(file);
}

void claim_read(const fs::path& path, const std::string& named_by) {
  const std::lock_guard lock(roles_mutex);
  if (!roles) return;
  const NamedFile file{path, named_by};
  refuse_if_among(roles->written, file);
  roles->read.push_back(file);
}

void note_reading(const fs::path& path) {
  const std::lock_guard lock(roles_mutex);
  std::error_code error;
  if (!roles || !fs::exists(path, error)) return;
  for (const NamedFile& written : roles->written)
    if (same_file(written.path, path))
      throw InputError(fmt::format("{} is read, and {} would overwrite it",
                                   in_quotes(path.native()), written.named_by));
  if (auto place = place_of(path)) roles->opened.insert(std::move(*place));
}

void note_writing(const fs::path& path) {
  const std::lock_guard lock(roles_mutex);
  if (!roles) return;
  const auto place = place_of(path);
  if (place && roles->opened.contains(*place) && !roles->updated.contains(*place))
    throw InputError(
        fmt::format("cannot write {}: the command reads it", in_quotes(path.native())));
}

void allow_update(const fs::path& path) {
  const std::lock_guard lock(roles_mutex);
  if (!roles) return;
  if (auto place = place_of(path)) roles->updated.insert(std::move(*place));
}

}  // namespace vidattn
