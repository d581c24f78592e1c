#include "harness/io/places/place.h"

#include <system_error>

namespace vidattn {
namespace {

namespace fs = std::filesystem;

}  // namespace

std::optional<struct stat> status_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return status;
}

fs::path end_of_links(fs::path path) {
  constexpr int kMost = 40;  // Linux's own limit
  std::error_code error;
  for (int i = 0; i < kMost; ++i) {
    const fs::path next = fs::read_symlink(path, error);
    if (error) break;
    path = path.parent_path() / next;
  }
  return path;
}

std::optional<Place> place_of(const fs::path& path) {
  const fs::path end = end_of_links(path);
  const auto folder = status_of(end.has_parent_path() ? end.parent_path() : ".");
  if (!folder || !end.has_filename()) return std::nullopt;
  return Place{folder->st_dev, folder->st_ino, end.filename().native()};
}

bool same_file(const fs::path& a, const fs::path& b) {
  const auto one = status_of(a), other = status_of(b);
  if (one && other) return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
  if (one || other) return false;
  const auto place = place_of(a);
  return place && place == place_of(b);
}

}  // namespace vidattn
