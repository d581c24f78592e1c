#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "attention/tensor.h"
#include "harness/io/stored_array.h"

namespace vidattn {

/// A .safetensors file (https://github.com/huggingface/safetensors, "Format"): 8 bytes of header
/// length, a JSON header, then the tensors' bytes without gaps. Opening reads and checks the header
/// only; a tensor is read when asked for.
class Safetensors {
 public:
  /// Throws InputError unless the file obeys the format in full: sizes that match the shapes, no
  /// overlaps, no holes, no duplicate or unknown keys. A tensor of a type that is not known is kept
  /// by name: whoever does not read it has nothing to do with it.
  explicit Safetensors(const std::filesystem::path& path);
  /// The same of bytes from elsewhere.
  explicit Safetensors(std::shared_ptr<const ByteSource> file);

  std::vector<std::string> names() const;  ///< sorted
  bool has(const std::string& name) const { return tensors_.count(name) > 0; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  /// Type, shape and place of a tensor. Throws InputError when the file has no such tensor.
  const StoredArray& stored(const std::string& name) const;
  /// See StoredArray for the shapes and types that each can read.
  Tensor tensor(const std::string& name) const { return stored(name).tensor(); }
  Array array(const std::string& name) const { return stored(name).array(); }

 private:
  std::shared_ptr<const ByteSource> file_;
  std::map<std::string, StoredArray> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// Writes tensors in their storage type, arrays as F32, I32 or U8. The file appears complete or not
/// at all. Throws InputError when it cannot be written or an array does not fill its shape.
void write_safetensors(
    const std::filesystem::path& path,
    const std::map<std::string, std::variant<const Tensor*, const Array*>>& tensors,
    const std::map<std::string, std::string>& metadata = {});

}  // namespace vidattn
