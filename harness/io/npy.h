#pragma once

#include <filesystem>

#include "attention/tensor.h"
#include "harness/io/stored_array.h"

namespace vidattn {

/// NumPy's array files (numpy.lib.format): versions 1.0, 2.0 and 3.0, also as Python 2 wrote them,
/// C or Fortran order, either byte order; float16, float32, float64, int32, int64, uint8 or bool.
/// Elements of two bytes that are not numbers to NumPy (uint16, int16, "|V2"), as which bfloat16 is
/// often stored, are opened as known by name only. Everything else, and a file whose length does
/// not match its header exactly, is an InputError.
StoredArray open_npy(const std::filesystem::path& path);
StoredArray open_npy(std::shared_ptr<const ByteSource> file);

/// open_npy(path).array() and open_npy(path).tensor(): see StoredArray for shapes and types.
Array read_npy(const std::filesystem::path& path);
Tensor read_npy_tensor(const std::filesystem::path& path);

/// Writes version 1.0; an array as float32, int32 or uint8 (masks too), a tensor as float32
/// [L,H,D]. The file appears complete or not at all (OutputFile). Throws InputError when it cannot
/// be written or the array's values do not fill its shape.
void write_npy(const std::filesystem::path& path, const Array& array);
void write_npy(const std::filesystem::path& path, const Tensor& tensor);

/// A float32 array [L,H,D] that comes in parts; it has its name when all rows are there.
class NpyRows {
 public:
  NpyRows(const std::filesystem::path& path, const std::vector<int64_t>& shape);
  /// The next rows, [rows,H,D] in any storage type.
  void append(const Tensor& rows);
  void commit() { file_.commit(); }

 private:
  OutputFile file_;
};

}  // namespace vidattn
