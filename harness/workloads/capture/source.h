#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/io/stored_array.h"

namespace vidattn {

/// Named tensors that lie together: in a .safetensors file, in the files of a
/// .safetensors.index.json, in an .npz archive, or as the .npy files of a folder.
class TensorSource {
 public:
  virtual ~TensorSource() = default;

  /// Sorted.
  virtual std::vector<std::string> names() const = 0;
  /// Looks at the tensor's header alone. Throws InputError for a tensor that is not there or not
  /// what the format allows.
  virtual StoredArray open(const std::string& name) const = 0;
  /// The file that a tensor lies in.
  virtual std::filesystem::path file_of(const std::string& name) const = 0;
  /// What is said of a tensor's file; empty where the format says nothing.
  virtual std::map<std::string, std::string> metadata(const std::string& name) const;
};

/// Opens a file or a folder of .npy files. Throws InputError when it is none of those, with what to
/// do about a file of pickled tensors.
std::unique_ptr<TensorSource> open_source(const std::filesystem::path& path);

/// What of a path open_source() can open, sorted: the path itself, or in a folder its .npy files as
/// one, and each other file. Files whose names begin with a dot, and those that belong to an index,
/// are left out. Throws InputError when there is nothing.
std::vector<std::filesystem::path> sources_in(const std::filesystem::path& path);

}  // namespace vidattn
