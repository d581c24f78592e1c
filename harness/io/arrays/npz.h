#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/io/stored_array.h"

struct zip;

namespace vidattn {

/// NumPy's archives of arrays: a zip file of NAME.npy members, stored or deflated. Opening reads
/// the list of members only; an array is unpacked when it is read, and never held whole in between.
class Npz {
 public:
  /// Throws InputError when the file is missing, no zip archive, or has a member twice.
  explicit Npz(const std::filesystem::path& path);

  /// Of the arrays, without ".npy", sorted; other members have none.
  std::vector<std::string> names() const;

  /// Type, shape and place of an array (npy.h). Throws InputError when there is none of that name
  /// or it cannot be unpacked, and for one that claims to be far larger than its packed bytes: no
  /// tensor of a model packs to a hundredth.
  StoredArray stored(const std::string& name) const;

 private:
  std::string name_;  ///< the quoted path
  uint64_t bytes_;    ///< of the whole archive
  std::shared_ptr<zip> archive_;
  std::map<std::string, uint64_t> members_;  ///< their numbers in the archive
};

}  // namespace vidattn
