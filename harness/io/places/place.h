#pragma once

#include <sys/stat.h>

#include <compare>
#include <filesystem>
#include <optional>
#include <string>

namespace vidattn {

/// Of the file that a path leads to; nothing where the system gives none, with its reason in errno.
std::optional<struct stat> status_of(const std::filesystem::path& path);

/// Where the links at the end of a path lead to, whether or not something is there. Those of its
/// folders are left to the system.
std::filesystem::path end_of_links(std::filesystem::path path);

/// Where a file stands or would stand, however its path is spelt: the folder, as the system numbers
/// it, and the name in it.
struct Place {
  dev_t device = 0;
  ino_t folder = 0;
  std::string name;
  auto operator<=>(const Place&) const = default;
};

/// The place that a path leads to through links; nothing where the folder is missing.
std::optional<Place> place_of(const std::filesystem::path& path);

/// Whether two paths lead to one file: to the same one that is there, under any of its names, or to
/// the same place where none is.
bool same_file(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace vidattn
